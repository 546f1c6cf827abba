"""Purchases with an unknown outcome come to rest: found at the provider, named by an SMS, or over by time."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes import FakeClock
from tests.gateway.conftest import pass_until
from tests.stage import Stage, stage

LIFETIMES = {"getatext": 300, "getsms": 1200}
"""Seconds that an attempt may have bought something for; getsms does not say it beforehand."""
MARGIN = 60
PURCHASES = {"getatext": "rent-a-number", "getsms": "request"}
each_provider = pytest.mark.parametrize("provider", PURCHASES)


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Stage]:
    """Time passes only when it is told to."""
    async with stage(tmp_path, poll=60, timeout=0.5, clock=FakeClock()) as it:
        yield it


async def attempt(it: Stage) -> dict:
    (row,) = await it.admin("attempts")
    return row


async def settled(it: Stage, outcome: str, *, within: int) -> dict:
    async def is_settled() -> bool:
        return (await attempt(it))["outcome"] == outcome

    await pass_until(it, is_settled, seconds=within, step=5)
    return await attempt(it)


@each_provider
async def test_an_answer_that_named_the_rental_is_looked_up(it: Stage, provider: str):
    """All that could be read of the answer was an id."""
    sandbox = getattr(it, provider)
    _, phone = await it.number("tg", providerIds=provider)
    following = str(it.rental(sandbox, phone).id + 1)
    half_understood = {
        "getatext": {"id": int(following), "status": "success"},
        "getsms": {"status": "ok", "message": [{"id": following, "mdn": "?", "status": "Reserved"}]},
    }
    sandbox.fault("status", PURCHASES[provider], status=200, body=json.dumps(half_understood[provider]))
    assert await it.ask("getNumber", service="wa", providerIds=provider) == "NO_NUMBERS"
    assert (await it.admin("attempts"))[0]["upstream_id"] == following

    async def is_recovered() -> bool:
        return (await it.admin("attempts"))[0]["outcome"] == "recovered"

    await pass_until(it, is_recovered, seconds=40, step=5)
    attempt, activation = (await it.admin("attempts"))[0], (await it.admin("activations"))[0]
    assert attempt["activation_id"] == activation["id"]
    assert activation["phone"] == "1" + sandbox.rentals[-1].number
    # The client that was refused is given it when it asks again.
    again = await it.ask("getNumber", service="wa", providerIds=provider)
    assert again == f"ACCESS_NUMBER:{activation['id']}:{activation['phone']}"


async def test_what_is_settled_after_a_restart_is_settled_all_the_same(it: Stage):
    it.getatext.fault("cut", "rent-a-number", handled=False)
    await it.ask("getNumber", service="wa", providerIds="getatext")
    await it.restart()
    await it.clock.advance(LIFETIMES["getatext"] + MARGIN)
    await settled(it, "abandoned", within=60)
