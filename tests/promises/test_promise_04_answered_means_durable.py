"""Promise 4: what a client was told is on the disk before it is told."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from proxy.sandbox import Settings
from tests.gateway.conftest import locked
from tests.process import serve
from tests.promises.ways import WAYS, each_purchase, has_bought, newest, shop
from tests.stage import Stage, eventually, stage, surroundings
from tests.store.books import rows

ONLY_GETSMS = "- {name: everything, providers: [getsms]}"
SEVERAL = "mm"
"""Microsoft: getatext gives several SMS for it."""
FULL = 2
"""SQLite's number for synchronous = FULL."""


def at_this_moment(it: Stage) -> Path:
    """What a power cut would leave: the files as they are now, whatever the gateway still has in memory."""
    left = it.folder / "left"
    left.mkdir(exist_ok=True)
    for ending in ("", "-wal"):
        shutil.copyfile(it.folder / f"proxy.db{ending}", left / f"proxy.db{ending}")
    return left / "proxy.db"


@each_purchase
async def test_a_number_that_was_told_is_in_the_file(tmp_path: Path, action: str):
    way = WAYS[action]
    async with shop(tmp_path, way) as it:
        for params in await way.prepare(it, 3):
            reply = await it.reply(action, **params)
            left = at_this_moment(it)
            assert has_bought(reply)
            for outcome, id, phone in newest(left, way):
                assert outcome == "bought"
                assert f"{id}" in reply.text
                assert f"{phone}" in reply.text
            last = "SELECT sum(amount) FROM (SELECT * FROM ledger ORDER BY id DESC LIMIT ?) WHERE kind = 'charge'"
            assert rows(left, last, 2 * way.attempts) == [(way.price,)]


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Stage]:
    unlocked = Settings(sms_after=None, cancel_lock=0)
    async with stage(tmp_path, poll=0.1, getatext=unlocked, getatext_extra="tier: premium") as it:
        yield it


async def with_code(it: Stage, code: str = "012345") -> int:
    id, phone = await it.number(SEVERAL, providerIds="getatext")
    it.getatext.deliver(it.rental(it.getatext, phone).id, code=code)
    await it.until("STATUS_OK", id=id)
    return id


async def a_code(it: Stage) -> tuple[int, str]:
    return await with_code(it), "received"


async def a_wish_for_another(it: Stage) -> tuple[int, str]:
    id = await with_code(it)
    assert await it.ask("setStatus", id=id, status=3) == "ACCESS_RETRY_GET"
    return id, "waiting_again"


async def an_end(it: Stage) -> tuple[int, str]:
    id = await with_code(it)
    assert await it.ask("setStatus", id=id, status=6) == "ACCESS_ACTIVATION"
    return id, "finished"


async def a_cancellation(it: Stage) -> tuple[int, str]:
    id, _ = await it.number("wa")
    assert await it.ask("setStatus", id=id, status=8) == "ACCESS_CANCEL"
    return id, "cancelled"


async def a_wish_to_cancel(it: Stage) -> tuple[int, str]:
    id, _ = await it.number("wa", providerIds="getsms")
    async with it.stopped("getsms"):
        assert await it.ask("setStatus", id=id, status=8) == "ACCESS_CANCEL"
        return id, rows(at_this_moment(it), "SELECT status FROM activations WHERE id = ?", id)[0][0]


@pytest.mark.parametrize("told", [a_code, a_wish_for_another, an_end, a_cancellation, a_wish_to_cancel])
async def test_whatever_was_told_is_in_the_file(it: Stage, told: Callable[[Stage], Awaitable[tuple[int, str]]]):
    for _ in range(5):
        id, status = await told(it)
        ((found, refunded),) = rows(at_this_moment(it), "SELECT status, refunded FROM activations WHERE id = ?", id)
        assert (found, bool(refunded)) == (status, status == "cancelled")
        assert found != "waiting"


async def test_while_nothing_can_be_written_nothing_is_told(it: Stage):
    """Neither a decision is taken, nor a code shown, nor a number given that is bought already."""
    waiting, phone = await it.number("wa", providerIds="getatext")
    received = await with_code(it)
    it.getsms.fault("slow", "request", amount=1)
    buying = asyncio.create_task(it.reply("getNumber", service="wa", providerIds="getsms"))
    await eventually(lambda: it.seen(it.getsms, "request"))
    with locked(it):
        it.getatext.deliver(it.rental(it.getatext, phone).id, code="4711")
        for id, status in ((received, 3), (received, 6), (waiting, 8)):
            assert not (await it.ask("setStatus", id=id, status=status)).startswith("ACCESS")
        assert await it.ask("getStatus", id=waiting) == "STATUS_WAIT_CODE"
        assert await it.ask("getStatus", id=received) == "STATUS_OK:012345"
        assert not buying.done()
    assert has_bought(await buying)
    assert await it.until("STATUS_OK", id=waiting) == "STATUS_OK:4711"
    assert await it.ask("setStatus", id=received, status=6) == "ACCESS_ACTIVATION"


async def test_the_connection_that_writes_is_durable_at_every_commit(it: Stage):
    """WAL with synchronous = FULL: a commit returns when it has reached the disk."""

    def settings(tx: Any) -> tuple[Any, ...]:
        return tuple(tx._sql(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous"))

    assert await it.house.gateway.store.write(settings) == ("wal", FULL)


async def test_what_was_told_survives_kill_9(tmp_path: Path):
    budget = {"budget": "{amount: '25.00', per: total}"}
    async with surroundings(tmp_path, poll=0.1, rules=ONLY_GETSMS, client=budget) as it:
        async with serve(it) as run:
            told: dict[int, str] = {}
            ordered = await it.reply("getNumber", service="wa", orderId="order-1")
            told[int(ordered.text.split(":")[1])] = "STATUS_WAIT_CODE"
            for status, word in ((6, "STATUS_OK:4711"), (8, "STATUS_CANCEL"), (1, "STATUS_WAIT_CODE")):
                id, phone = await it.number("wa")
                if status == 6:
                    it.getsms.deliver(it.rental(it.getsms, phone).id, code="4711")
                    await it.until("STATUS_OK", id=id)
                assert (await it.ask("setStatus", id=id, status=status)).startswith("ACCESS")
                told[id] = word
            money = await it.admin("ledger")
            last, _ = await it.number("wa")
            balance = await it.ask("getBalance")
            await run.kill()
        async with serve(it):
            for id, word in told.items():
                assert await it.ask("getStatus", id=id) == word
            assert await it.ask("getStatus", id=last) == "STATUS_WAIT_CODE"
            assert (await it.reply("getNumber", service="wa", orderId="order-1")).content == ordered.content
            assert (await it.admin("ledger"))[3:] == money
            assert await it.ask("getBalance") == balance
            assert len(it.getsms.rentals) == 5
