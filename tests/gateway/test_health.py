"""Promise 9: a bad provider costs bounded time. It is set aside after a few failures, and comes back."""

import asyncio
import json
import random
from pathlib import Path

import pytest

from proxy.gateway.health import FAILURES, LONGEST_SECONDS, Health
from tests.fakes import FakeClock
from tests.gateway.conftest import PREMIUM, RENT
from tests.stage import Stage, stage


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def health(clock: FakeClock) -> Health:
    return Health(clock, random.Random(1))


def test_a_failure_alone_changes_nothing(health: Health):
    for _ in range(FAILURES - 1):
        health.failed("down")
    assert not health.aside


async def test_the_pause_grows_and_is_a_minute_at_most(health: Health, clock: FakeClock):
    pauses = []
    for _ in range(FAILURES - 1):
        health.failed("down")
    for _ in range(9):
        health.failed("down")
        begun = clock.monotonic()
        while health.aside:
            await clock.advance(0.25)
        pauses.append(clock.monotonic() - begun)
    assert pauses[:5] == sorted(pauses[:5])  # then the random shortening is larger than the growth
    assert pauses[0] <= 2.25
    assert 48 <= pauses[-1] <= LONGEST_SECONDS


def test_a_success_forgives_everything(health: Health):
    for _ in range(FAILURES):
        health.failed("down")
    assert "down" in health.aside
    health.succeeded()
    assert not health.aside
    health.failed("down")
    assert not health.aside


async def test_promise_9_a_provider_that_fails_is_set_aside_and_tried_again(tmp_path: Path):
    clock = FakeClock()
    rules = "- {name: everything, on_unknown: next}"
    async with stage(tmp_path, rules=rules, timeout=0.5, poll=60, getatext_extra=PREMIUM, clock=clock) as it:
        it.getatext.fault("status", RENT, times=None)
        for _ in range(FAILURES + 2):
            await it.number("wa")
        assert len(it.seen(it.getatext, RENT)) == FAILURES
        before = (await it.admin("providers"))[1]
        assert (before["name"], before["usable"]) == ("getatext", False)
        assert before["reason"].startswith("set aside for")

        it.getatext.clear_faults()
        await clock.advance(2)
        assert (await it.reply("getNumber", service="wa")).headers["X-Provider"] == "getatext"
        assert (await it.admin("providers"))[1]["usable"]


async def test_promise_9_the_last_provider_is_never_set_aside(it: Stage):
    async with it.stopped("getatext"), it.stopped("getsms"):
        for _ in range(FAILURES + 1):
            assert await it.ask("getNumber", service="wa") == "NO_NUMBERS"
    assert all(reason.endswith("but the last one left") for _, kept, reason in await it.route("wa") if kept)
    await it.number("wa")


@pytest.mark.parametrize("text", ["Service is out of stock", "Wrong Carrier", "Service not found"])
async def test_promise_9_refusals_of_a_request_do_not_count_against_a_provider(it: Stage, text: str):
    body = json.dumps({"errors": text})
    it.getatext.fault("status", RENT, status=400, body=body, handled=False, times=None)
    for _ in range(FAILURES + 1):
        await it.number("wa")
    assert (await it.admin("providers"))[1]["usable"]


async def test_promise_9_a_clients_own_faults_do_not_count_against_a_provider(it: Stage):
    for _ in range(FAILURES + 1):
        await it.ask("getNumber", service="wa", number="12025550199", providerIds="getatext")
        await it.ask("getNumber", service="wa", operator="nobody", providerIds="getatext")
        await it.ask("getNumber", service="wa", areas="999", providerIds="getatext")
    assert (await it.admin("providers"))[1]["usable"]


async def test_promise_11_our_own_limit_does_not_count_against_a_provider(tmp_path: Path):
    """More purchases than getatext takes in a second, and no time to wait: the others go elsewhere."""
    async with stage(tmp_path, deadline=0.5) as it:
        replies = [await it.reply("getNumber", service="wa") for _ in range(2 + FAILURES)]
        sellers = [reply.headers["X-Provider"] for reply in replies]
        assert sellers == ["getatext"] * 2 + ["getsms"] * FAILURES
        assert (await it.admin("providers"))[1]["usable"]


async def test_promise_11_purchases_keep_to_the_providers_limit(tmp_path: Path):
    async with stage(tmp_path, rules="- {name: everything, providers: [getatext]}") as it:
        await asyncio.gather(*(it.number("wa") for _ in range(2)), it.number("tg", api_key="other-key"))
        times = [seen.at for seen in it.seen(it.getatext, "rent-a-number")]
        assert len(times) == 3
        assert all(later - earlier >= 1 for earlier, later in zip(times, times[2:], strict=False))


async def test_promise_9_other_clients_are_served_while_a_provider_hangs(it: Stage):
    id, _ = await it.number("wa")
    it.getatext.fault("hang", RENT)
    waiting = asyncio.create_task(it.ask("getNumber", service="wa"))
    assert (await it.reply("getNumber", service="wa", providerIds="getsms")).headers["X-Provider"] == "getsms"
    assert await it.ask("getStatus", id=id) == "STATUS_WAIT_CODE"
    assert not waiting.done()
    assert await waiting == "NO_NUMBERS"
