"""Promise 2: what may have bought something is never asked for again; only a definite no moves on to the next offer."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from proxy.pollers.settlement import settle_unknown
from tests.fakes import FakeClock
from tests.gateway.conftest import PREMIUM, RENT, pass_until
from tests.promises.losing import chain
from tests.stage import Stage, eventually, stage

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
"""What a purchase reaches, and a service that the provider sells cheapest."""
OTHER = {"getatext": "getsms", "getsms": "getatext"}


def no(provider: str, words: str) -> dict[str, Any]:
    """A definite refusal in the provider's own form."""
    if provider == "getsms":
        return {"status": 200, "body": json.dumps({"status": "error", "message": words})}
    return {"status": 400, "body": json.dumps({"errors": words})}


REFUSALS = {
    "out of stock": {"getatext": "Service is out of stock", "getsms": "No numbers available, retry later"},
    "too dear": {
        "getatext": "The price of the service exceeds the maximum price you are willing to pay, actual price is: 1.25"
    },
    "refused key": {"getatext": "Wrong Api Key or User is restricted", "getsms": "Invalid user name or API key"},
    "empty account": {"getatext": "Insufficient funds", "getsms": "Insufficient funds"},
}
DEFINITE = [(provider, words) for refusal in REFUSALS.values() for provider, words in refusal.items()]
each_provider = pytest.mark.parametrize("provider", PROVIDERS)


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Stage]:
    """Its time stands still: nothing is settled unless somebody lets it pass."""
    extras = {"getatext_extra": PREMIUM, "getsms_extra": "webhook_token: secret-token"}
    async with stage(tmp_path, deadline=60, timeout=30, poll=60, clock=FakeClock(), **extras) as it:
        yield it


async def ledger(it: Stage) -> list[str]:
    """Its kinds of entries, oldest first."""
    return [entry["kind"] for entry in reversed(await it.admin("ledger"))]


@each_provider
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_an_unknown_outcome_is_never_retried(tmp_path: Path, provider: str, fault: dict[str, Any]):
    endpoint, service = PROVIDERS[provider]
    timeout = 1 if fault["kind"] == "hang" else 30
    async with stage(tmp_path, deadline=60, timeout=timeout, poll=60, clock=FakeClock(), getatext_extra=PREMIUM) as it:
        sandbox = getattr(it, provider)
        sandbox.fault(endpoint=endpoint, **fault)
        reply = await it.reply("getNumber", service=service)
        assert reply.text == "NO_NUMBERS"
        assert f"{provider}: outcome unknown" in reply.headers["X-Reason"]

        assert len(it.seen(sandbox, endpoint)) == 1
        assert await it.outcomes() == [(provider, "unknown")]
        assert await ledger(it) == ["hold"]


@each_provider
async def test_what_was_never_sent_is_no_unknown_outcome(it: Stage, provider: str):
    _, service = PROVIDERS[provider]
    async with it.stopped(provider):
        reply = await it.reply("getNumber", service=service)
    assert reply.headers["X-Provider"] == OTHER[provider]
    assert await it.outcomes() == [(provider, "refused"), (OTHER[provider], "bought")]


@pytest.mark.parametrize(("provider", "words"), DEFINITE)
async def test_a_definite_refusal_moves_on_and_gives_the_hold_back(it: Stage, provider: str, words: str):
    endpoint, service = PROVIDERS[provider]
    getattr(it, provider).fault("status", endpoint, handled=False, **no(provider, words))
    reply = await it.reply("getNumber", service=service)
    assert reply.headers["X-Provider"] == OTHER[provider]
    assert await it.outcomes() == [(provider, "refused"), (OTHER[provider], "bought")]
    assert await ledger(it) == ["hold", "release", "hold", "release", "charge"]


@each_provider
async def test_the_rule_decides_whether_another_provider_is_asked(tmp_path: Path, provider: str):
    endpoint, service = PROVIDERS[provider]
    rules = "- {name: everything, on_unknown: next}"
    async with stage(tmp_path, rules=rules, poll=60, clock=FakeClock(), getatext_extra=PREMIUM) as it:
        for _ in range(3):
            getattr(it, provider).fault("cut", endpoint)
            assert (await it.reply("getNumber", service=service)).headers["X-Provider"] == OTHER[provider]
        assert len(it.seen(getattr(it, provider), endpoint)) == 3
        assert await it.outcomes() == [(provider, "unknown"), (OTHER[provider], "bought")] * 3
        assert (await ledger(it)).count("hold") - (await ledger(it)).count("release") == 3


# The hold stays until it is settled


async def test_a_webhook_that_names_the_rental_settles_it(it: Stage):
    it.getsms.fault("cut", "request")
    assert await it.ask("getNumber", service="wa", providerIds="getsms") == "NO_NUMBERS"
    await it.clock.advance(300)
    assert await ledger(it) == ["hold"]
    (rental,) = it.getsms.rentals
    form = it.getsms.webhook(rental, it.getsms.deliver(rental.id, code="012345"))["data"]
    assert (await it.web.post(f"{it.root}/webhooks/getsms/secret-token", data=form)).status_code == 200

    await eventually(lambda: it.house.gateway.store.live.open)
    (attempt,), (activation,) = await it.admin("attempts"), await it.admin("activations")
    assert attempt["outcome"] == "recovered"
    assert (attempt["activation_id"], attempt["upstream_id"]) == (activation["id"], str(rental.id))
    assert (activation["phone"], activation["messages"][0]["code"]) == ("1" + rental.number, "012345")
    assert await ledger(it) == ["hold", "release", "charge"]


async def test_the_providers_own_list_settles_it(tmp_path: Path):
    async with chain(tmp_path) as (front, behind, losing):
        losing.loses = 0
        assert await front.ask("getNumber", service="wa") == "NO_NUMBERS"
        assert await front.outcomes() == [("behind", "unknown")]
        losing.loses = None
        await settle_unknown(front.house.gateway)
        assert await front.outcomes() == [("behind", "recovered")]
        assert await ledger(front) == ["hold", "release", "charge"]
        (ours,), (theirs,) = await front.admin("activations"), await behind.admin("activations")
        assert (ours["phone"], ours["upstream_id"]) == (theirs["phone"], str(theirs["id"]))
        assert len(losing.purchases) == 1


@pytest.mark.parametrize(("provider", "lifetime"), [("getatext", 300), ("getsms", 1200)])
async def test_the_rentals_lifetime_settles_it(it: Stage, provider: str, lifetime: int):
    """getsms tells with a purchase only how long a number lives: then SMS-Activate's twenty minutes count."""
    getattr(it, provider).fault("cut", PROVIDERS[provider][0], handled=False)
    assert await it.ask("getNumber", service="wa", providerIds=provider) == "NO_NUMBERS"
    await it.clock.advance(lifetime)
    assert (await it.outcomes(), await ledger(it)) == ([(provider, "unknown")], ["hold"])

    async def is_given_up() -> bool:
        return await it.outcomes() == [(provider, "abandoned")]

    await pass_until(it, is_given_up, seconds=3600, step=20)
    assert await ledger(it) == ["hold", "release"]
    assert len(it.seen(getattr(it, provider), PROVIDERS[provider][0])) == 1
