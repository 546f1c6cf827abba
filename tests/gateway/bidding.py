"""A stage on which nobody has a number, and what the tests of bids look at."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from proxy.domain.money import parse_usd
from tests.fakes import FakeClock
from tests.stage import Stage, opened, surroundings

RULES = """
- name: everything
  bid: {markup: 25, max_price: "1.50"}
"""
BUDGET = {"budget": "{amount: '2.00', per: total}"}
STANDS = "a bid of 0.75 at getsms stands; "


@asynccontextmanager
async def sold_out(folder: Path, **how: Any) -> AsyncIterator[Stage]:
    """Nobody has a number for WhatsApp, and the gateway knows. The clock moves only when it is told to."""
    defaults = {"client": BUDGET, "rules": RULES, "timeout": 2, "poll": 1, "clock": FakeClock()}
    async with surroundings(folder, **(defaults | how)) as it, AsyncExitStack() as it.gateway:
        it.getsms.set_service("WhatsApp", stock=0)
        it.getatext.set_service("whatsapp", stock=0)
        await it.gateway.enter_async_context(opened(it))
        yield it


async def refused(it: Stage, **params: Any) -> str:
    """Why there is no number."""
    reply = await it.reply("getNumber", **({"service": "wa"} | params))
    assert reply.text == "NO_NUMBERS", reply.text
    reason: str = reply.headers["X-Reason"]
    return reason


async def newest(it: Stage) -> dict[str, Any]:
    bid: dict[str, Any] = (await it.admin("bids", limit=1))[0]
    return bid


async def becomes(it: Stage, state: str, *, within: int = 20, pause: float = 0.01) -> dict[str, Any]:
    """Let time pass until the newest bid is in this state; `pause`: for what takes real time in every second of it."""
    for _ in range(within):
        if (await newest(it))["state"] == state:
            break
        await it.clock.advance(1)
        await asyncio.sleep(pause)
    bid = await newest(it)
    assert bid["state"] == state
    return bid


async def kinds(it: Stage) -> list[str]:
    """Of the ledger's entries, oldest first."""
    return [entry["kind"] for entry in reversed(await it.admin("ledger"))]


async def number_elsewhere(it: Stage, price: str = "0.55") -> None:
    """getatext has a number again, and the gateway has seen it."""
    it.getatext.set_service("whatsapp", price=parse_usd(price), stock=1)
    await it.house.gateway.market.upstreams["getatext"].learn()


def asked_of(it: Stage) -> list[str]:
    """What was asked of both providers, prices and balances left out, in the order in which it came."""
    seen = [*it.getsms.requests, *it.getatext.requests]
    asked = [request.endpoint for request in sorted(seen, key=lambda request: request.at)]
    return [endpoint for endpoint in asked if endpoint in ("request", "reject", "rent-a-number")]
