"""Promise 10: while the books cannot be written nothing is bought, reading goes on, and it recovers by itself."""

import asyncio
from pathlib import Path

import pytest

from tests.gateway.conftest import PREMIUM, RENT, locked
from tests.stage import Stage, eventually, stage


async def test_promise_10_with_the_database_locked_nothing_is_bought_and_reading_goes_on(it: Stage):
    id, _ = await it.number("wa")
    with locked(it):
        reply = await it.reply("getNumber", service="wa")
        assert reply.text == "NO_NUMBERS"
        assert reply.headers["X-Reason"] == "the books cannot be written: database is locked"
        assert await it.ask("getStatus", id=id) == "STATUS_WAIT_CODE"
        assert len((await it.reply("getActiveActivations")).json()["activeActivations"]) == 1
        assert len(it.seen(it.getatext, RENT)) == 1
    await it.number("wa")


async def test_promise_10_what_was_bought_when_the_books_closed_is_booked_when_they_open(it: Stage):
    it.getatext.fault("slow", RENT, amount=0.3)
    buying = asyncio.create_task(it.number("wa"))
    await eventually(lambda: it.seen(it.getatext, RENT))
    with locked(it):
        await eventually(lambda: it.house.gateway.store.writer.trouble)
        assert not buying.done()
    id, phone = await buying
    (row,) = await it.admin("activations")
    assert (row["id"], row["phone"]) == (id, phone)
    assert await it.outcomes() == [("getatext", "bought")]


@pytest.mark.parametrize("provider", ["getatext", "getsms"])
async def test_promise_10_codes_that_come_while_the_books_are_closed_are_not_lost(tmp_path: Path, provider: str):
    async with stage(tmp_path, poll=0.5, getatext_extra=PREMIUM) as it:
        sandbox = getattr(it, provider)
        bought = [await it.number("wa", providerIds=provider) for _ in range(20)]
        await it.restart()  # from now on all of them are looked at in the same round
        with locked(it):
            for _, phone in bought:
                sandbox.deliver(it.rental(sandbox, phone).id, code="4711")
            await eventually(lambda: it.house.gateway.store.writer.trouble)
            assert await it.ask("getStatus", id=bought[0][0]) == "STATUS_WAIT_CODE"
        for id, _ in bought:
            assert await it.until("STATUS_OK", id=id) == "STATUS_OK:4711"


async def test_promise_10_decisions_are_refused_while_the_books_are_closed(it: Stage):
    id, phone = await it.number("wa")
    it.getatext.deliver(it.rental(it.getatext, phone).id, code="4711")
    await it.until("STATUS_OK", id=id)
    with locked(it):
        assert not (await it.ask("setStatus", id=id, status=6)).startswith("ACCESS")
    assert await it.ask("setStatus", id=id, status=6) == "ACCESS_ACTIVATION"
