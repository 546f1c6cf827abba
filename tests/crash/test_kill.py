"""Promises 1, 4 and 8 against `kill -9`: whatever the moment, nothing is forgotten and nothing is bought twice."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.process import serve
from tests.stage import Stage, eventually, surroundings

PURCHASES = {"getatext": "rent-a-number-premium", "getsms": "request"}
each_provider = pytest.mark.parametrize("provider", PURCHASES)


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Stage]:
    async with surroundings(tmp_path, poll=0.1, getatext_extra="tier: premium") as it:
        yield it


async def test_promise_8_a_code_that_came_while_the_gateway_was_dead_reaches_its_client(it: Stage):
    bought = {}
    async with serve(it) as run:
        for provider in PURCHASES:
            bought[provider] = await it.number("wa", providerIds=provider)
        await run.kill()
    for provider, (_, phone) in bought.items():
        sandbox = getattr(it, provider)
        sandbox.deliver(it.rental(sandbox, phone).id, code="012345")
    async with serve(it):
        for id, _ in bought.values():
            assert await it.until("STATUS_OK", id=id) == "STATUS_OK:012345"


async def test_promise_4_what_a_client_was_told_is_there_after_a_kill(it: Stage):
    async with serve(it) as run:
        waiting, _ = await it.number("wa", providerIds="getsms")
        received, phone = await it.number("wa", providerIds="getsms")
        it.getsms.deliver(it.rental(it.getsms, phone).id, code="4711")
        await it.until("STATUS_OK", id=received)
        cancelled, _ = await it.number("wa", providerIds="getsms")
        assert await it.ask("setStatus", id=cancelled, status=8) == "ACCESS_CANCEL"
        await run.kill()
    async with serve(it):
        assert await it.ask("getStatus", id=waiting) == "STATUS_WAIT_CODE"
        assert await it.ask("getStatus", id=received) == "STATUS_OK:4711"
        assert await it.ask("getStatus", id=cancelled) == "STATUS_CANCEL"
        kinds = [entry["kind"] for entry in await it.admin("ledger")]
        assert sorted(kinds) == ["charge"] * 3 + ["hold"] * 3 + ["refund"] + ["release"] * 3


@each_provider
@pytest.mark.parametrize("handled", [True, False])
async def test_promise_1_a_kill_in_the_middle_of_a_purchase_leaves_it_unknown(it: Stage, provider: str, handled: bool):
    sandbox = getattr(it, provider)
    sandbox.fault("slow", PURCHASES[provider], amount=1, handled=handled)
    async with serve(it) as run:
        buying = asyncio.create_task(it.ask("getNumber", service="wa", providerIds=provider))
        await eventually(lambda: it.seen(sandbox, PURCHASES[provider]))
        await run.kill()
        with pytest.raises(httpx.TransportError):
            await buying
    async with serve(it):
        (attempt,) = await it.admin("attempts")
        assert (attempt["outcome"], attempt["reason"]) == ("unknown", "the gateway stopped in the middle")
        assert await it.admin("attempts", outcome="buying") == []
        assert [entry["kind"] for entry in await it.admin("ledger")] == ["hold"]
    assert len(it.seen(sandbox, PURCHASES[provider])) == 1


async def test_promise_3_a_number_that_was_bought_but_not_told_before_a_kill_is_given_to_the_next(it: Stage):
    async with serve(it) as run:
        it.getsms.fault("slow", "request", amount=0.3)
        reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(it.url).port)
        query = "action=getNumber&service=wa&providerIds=getsms&api_key=test-key"
        writer.write(f"GET /handler_api.php?{query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await eventually(lambda: it.getsms.rentals)
        writer.close()
        await writer.wait_closed()

        async def is_booked() -> bool:
            return bool(await it.admin("activations"))

        await eventually(is_booked)
        await run.kill()
        assert reader.at_eof() or not await reader.read()
    async with serve(it):
        (row,) = await it.admin("activations")
        assert (
            await it.ask("getNumber", service="wa", providerIds="getsms") == f"ACCESS_NUMBER:{row['id']}:{row['phone']}"
        )


async def test_a_wish_to_cancel_survives_a_kill(it: Stage):
    async with serve(it) as run:
        id, phone = await it.number("wa", providerIds="getsms")
        async with it.stopped("getsms"):
            assert await it.ask("setStatus", id=id, status=8) == "ACCESS_CANCEL"
            await run.kill()
    async with serve(it):
        assert await it.ask("getStatus", id=id) == "STATUS_CANCEL"
        await eventually(lambda: it.rental(it.getsms, phone).phase == "cancelled")

        async def is_refunded() -> bool:
            return (await it.admin("activations"))[0]["refunded"] == "0.6000"

        await eventually(is_refunded)


async def test_promise_5_a_kill_gives_no_money_back(tmp_path: Path):
    budget = {"budget": "{amount: '0.60', per: total}"}
    async with surroundings(tmp_path, client=budget, rules="- {name: all, providers: [getsms]}") as it:
        it.getsms.fault("slow", "request", amount=1)
        async with serve(it) as run:
            buying = asyncio.create_task(it.ask("getNumber", service="wa"))
            await eventually(lambda: it.seen(it.getsms, "request"))
            await run.kill()
            await asyncio.gather(buying, return_exceptions=True)
        async with serve(it):
            assert await it.ask("getNumber", service="wa") == "NO_BALANCE"
