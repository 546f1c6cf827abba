"""Purchases whose outcome nobody knows: never repeated, held until they are settled, shown to the operator."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.gateway.conftest import PREMIUM, RENT
from tests.stage import Stage, stage

LONGEST_REPLY = 600
"""More bytes than the reply to any purchase has, its head included: the last cuts cut nothing."""
AT_ONCE = 40
NEXT = "- {name: everything, on_unknown: next}"
FAULTS = {
    "cut after it was handled": {"kind": "cut", "handled": True},
    "cut before it was handled": {"kind": "cut", "handled": False},
    "hang after it was handled": {"kind": "hang", "handled": True},
    "hang before it was handled": {"kind": "hang", "handled": False},
    "500": {"kind": "status", "status": 500},
    "502 with JSON": {"kind": "status", "status": 502, "body": '{"errors": "Service is out of stock"}'},
    "a refusal without a word": {"kind": "status", "status": 400},
    "html": {"kind": "html"},
    "html with 503": {"kind": "html", "status": 503},
    "half a body": {"kind": "half"},
    "no body": {"kind": "empty"},
    "a list": {"kind": "status", "status": 200, "body": "[]"},
    "an object without a word": {"kind": "status", "status": 200, "body": "{}"},
}
PROVIDERS = {"getatext": (RENT, "wa"), "getsms": ("request", "ds")}

each_fault = pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
each_provider = pytest.mark.parametrize("provider", PROVIDERS)


@pytest.fixture
async def next_one(tmp_path: Path) -> AsyncIterator[Stage]:
    """As `it`, but an unknown outcome moves on."""
    async with stage(tmp_path, rules=NEXT, deadline=3, timeout=0.5, poll=0.1, getatext_extra=PREMIUM) as it:
        yield it


@each_provider
@each_fault
async def test_promise_2_an_unknown_outcome_is_never_retried(it: Stage, provider: str, fault: dict):
    endpoint, service = PROVIDERS[provider]
    sandbox = getattr(it, provider)
    sandbox.fault(endpoint=endpoint, **fault)
    reply = await it.reply("getNumber", service=service)
    assert reply.text == "NO_NUMBERS"
    assert f"{provider}: outcome unknown" in reply.headers["X-Reason"]

    assert len(it.seen(sandbox, endpoint)) == 1
    assert await it.outcomes() == [(provider, "unknown")]
    assert [entry["kind"] for entry in await it.admin("ledger")] == ["hold"]


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


@each_provider
async def test_promise_1_a_reply_cut_after_any_byte_never_leads_to_a_second_purchase(tmp_path: Path, provider: str):
    endpoint, _ = PROVIDERS[provider]
    async with stage(tmp_path, deadline=60, timeout=30, getatext_extra=PREMIUM) as it:
        sandbox = getattr(it, provider)
        for amount in range(0, LONGEST_REPLY, AT_ONCE):
            await asyncio.gather(*(one_cut(it, provider, amount + step) for step in range(AT_ONCE)))
            if await all_bought(it, AT_ONCE):
                break
        else:
            pytest.fail("no reply came through whole")

        attempts = await it.admin("attempts", limit=1000)
        assert len(it.seen(sandbox, endpoint)) == len(attempts)
        assert {attempt["outcome"] for attempt in attempts} == {"bought", "unknown"}
        phones = [activation["phone"] for activation in await it.admin("activations", limit=1000)]
        assert len(phones) == len(set(phones)) == sum(attempt["outcome"] == "bought" for attempt in attempts)


async def one_cut(it: Stage, provider: str, amount: int) -> None:
    endpoint, service = PROVIDERS[provider]
    getattr(it, provider).fault("cut", endpoint, amount=amount)
    assert (await it.ask("getNumber", service=service, providerIds=provider)).startswith(("NO_NUMBERS", "ACCESS_NUM"))


async def all_bought(it: Stage, last: int) -> bool:
    return all(attempt["outcome"] == "bought" for attempt in await it.admin("attempts", limit=last))
