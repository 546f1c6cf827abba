"""Purchases whose outcome nobody knows: never repeated, held until they are settled, shown to the operator."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.gateway.conftest import PREMIUM, RENT
from tests.stage import Stage, stage

NEXT = "- {name: everything, on_unknown: next}"
PROVIDERS = {"getatext": (RENT, "wa"), "getsms": ("request", "ds")}

each_provider = pytest.mark.parametrize("provider", PROVIDERS)


@pytest.fixture
async def next_one(tmp_path: Path) -> AsyncIterator[Stage]:
    """As `it`, but an unknown outcome moves on."""
    async with stage(tmp_path, rules=NEXT, deadline=3, timeout=0.5, poll=0.1, getatext_extra=PREMIUM) as it:
        yield it


@each_provider
async def test_with_on_unknown_next_the_other_provider_is_asked(next_one: Stage, provider: str):
    it = next_one
    endpoint, service = PROVIDERS[provider]
    other = ({*PROVIDERS} - {provider}).pop()
    getattr(it, provider).fault("hang", endpoint)
    reply = await it.reply("getNumber", service=service)
    assert reply.headers["X-Provider"] == other

    assert len(it.seen(getattr(it, provider), endpoint)) == 1
    assert await it.outcomes() == [(provider, "unknown"), (other, "bought")]
    assert [entry["kind"] for entry in await it.admin("ledger", provider=provider)] == ["hold"]


async def test_nobody_is_asked_twice_when_all_outcomes_are_unknown(next_one: Stage):
    it = next_one
    it.getatext.fault("empty", RENT, times=None)
    it.getsms.fault("empty", "request", times=None)
    assert await it.ask("getNumber", service="wa") == "NO_NUMBERS"
    assert await it.outcomes() == [("getatext", "unknown"), ("getsms", "unknown")]


async def test_the_hold_of_an_unknown_purchase_counts_against_the_budget(tmp_path: Path):
    budget = {"budget": "{amount: '1.00', per: total}"}
    async with stage(tmp_path, client=budget, timeout=0.5) as it:
        it.getatext.fault("cut", "rent-a-number")
        assert await it.ask("getNumber", service="wa") == "NO_NUMBERS"
        assert await it.ask("getBalance") == "ACCESS_BALANCE:0.45"
        assert await it.ask("getNumber", service="wa") == "NO_BALANCE"


async def test_the_holds_of_unknown_purchases_survive_a_restart(it: Stage):
    it.getatext.fault("cut", RENT)
    await it.ask("getNumber", service="wa")
    await it.restart()
    assert await it.outcomes() == [("getatext", "unknown")]
    assert [entry["kind"] for entry in await it.admin("ledger")] == ["hold"]
