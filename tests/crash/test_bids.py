"""Standing bids against `kill -9`: whatever the moment, a bid is withdrawn, won once, or shown to the operator."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.process import serve
from tests.stage import Stage, eventually, surroundings

RULES = '- {name: everything, bid: {markup: 25, max_price: "1.50"}}'


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Stage]:
    async with surroundings(tmp_path, poll=0.1, rules=RULES) as it:
        it.getsms.set_service("WhatsApp", stock=0)
        it.getatext.set_service("whatsapp", stock=0)
        yield it


async def kinds(it: Stage) -> list[str]:
    return [entry["kind"] for entry in reversed(await it.admin("ledger"))]


async def until_state(it: Stage, state: str) -> dict[str, Any]:
    async def found() -> dict[str, Any] | None:
        bids = await it.admin("bids", limit=1)
        return bids[0] if bids and bids[0]["state"] == state else None

    bid: dict[str, Any] = await eventually(found)
    return bid


async def test_a_bid_wins_after_a_kill(it: Stage):
    async with serve(it) as run:
        assert await it.ask("getNumber", service="wa") == "NO_NUMBERS"
        await run.kill()
    it.getsms.set_service("WhatsApp", stock=1)
    async with serve(it) as run:
        await until_state(it, "won")
        await run.kill()
    async with serve(it):
        await it.number("wa")
        assert await kinds(it) == ["hold", "release", "charge"]
    assert len(it.getsms.rentals) == 1
    assert [seen.fields.get("markup") for seen in it.seen(it.getsms, "request")] == ["25"]


@pytest.mark.parametrize("handled", [True, False])
async def test_a_kill_while_a_bid_is_placed_leaves_it_unknown(it: Stage, handled: bool):
    it.getsms.fault("slow", "request", amount=1, handled=handled)
    async with serve(it) as run:
        asking = asyncio.create_task(it.ask("getNumber", service="wa"))
        await eventually(lambda: it.seen(it.getsms, "request"))
        await run.kill()
        with pytest.raises(httpx.TransportError):
            await asking
    async with serve(it):
        assert (await until_state(it, "unknown"))["reason"] == "the gateway stopped in the middle"
        assert await it.ask("getNumber", service="wa") == "NO_NUMBERS"
        assert await kinds(it) == ["hold"]
    assert len(it.seen(it.getsms, "request")) == 1


@pytest.mark.parametrize("handled", [True, False])
async def test_a_kill_while_a_bid_is_withdrawn_leaves_the_wish(it: Stage, handled: bool):
    async with serve(it) as run:
        assert await it.ask("getNumber", service="wa") == "NO_NUMBERS"
        it.getsms.fault("slow", "reject", amount=1, handled=handled)
        it.getatext.set_service("whatsapp", stock=1)

        async def is_withdrawing() -> bool:
            await it.ask("getNumber", service="wa")
            return bool(it.seen(it.getsms, "reject"))

        asking = asyncio.create_task(eventually(is_withdrawing))
        await eventually(lambda: it.seen(it.getsms, "reject"))
        await run.kill()
        await asyncio.gather(asking, return_exceptions=True)
    assert not it.getatext.rentals
    async with serve(it):
        assert (await until_state(it, "over"))["reason"].startswith("withdrawn: ")
        assert await kinds(it) == ["hold", "release"]
        reply = await it.reply("getNumber", service="wa")
        assert reply.headers["X-Provider"] == "getatext"
    assert not it.getsms.bids.waiting
    assert not it.getsms.rentals
