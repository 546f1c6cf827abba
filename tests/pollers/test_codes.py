"""Looking for SMS: every one arrives, with as few calls as can be."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.gateway.upstream import Upstream
from proxy.sandbox import Settings
from tests.fakes import FakeClock
from tests.stage import Stage, eventually, stage

LOOKS = {"getatext": "rental-status", "getsms": "read_sms"}


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path, poll=0.1) as it:
        yield it


@pytest.fixture
async def still(tmp_path: Path) -> AsyncIterator[Stage]:
    """Time passes only when it is told to; a look every ten seconds."""
    async with stage(tmp_path, poll=10, clock=FakeClock()) as it:
        yield it


def looks(it: Stage, provider: str) -> int:
    return len(it.seen(getattr(it, provider), LOOKS[provider]))


async def live(it: Stage, seconds: int) -> None:
    """Let time pass, slowly enough for answers to come in between."""
    for _ in range(seconds):
        await it.clock.advance(1)
        await asyncio.sleep(0.002)


async def has_code(it: Stage, id: int) -> bool:
    return (await it.ask("getStatus", id=id)).startswith("STATUS_OK")


async def test_promise_8_four_sms_at_once_between_two_looks_all_arrive(still: Stage):
    """The provider's list of the newest shows three."""
    it = still
    bought = [await it.number("wa", providerIds="getsms") for _ in range(4)]
    await live(it, 11)
    for place, (_, phone) in enumerate(bought):
        it.getsms.deliver(it.rental(it.getsms, phone).id, code=f"00000{place}")
    await live(it, 11)
    for place, (id, _) in enumerate(bought):
        assert await it.until("STATUS_OK", id=id) == f"STATUS_OK:00000{place}"


async def test_four_sms_at_once_arrive_while_others_have_come_before(still: Stage):
    it = still
    bought = [await it.number("wa", providerIds="getsms") for _ in range(7)]
    for some in (bought[:3], bought[3:]):
        await live(it, 11)
        for _, phone in some:
            it.getsms.deliver(it.rental(it.getsms, phone).id, code="4711")
    await live(it, 11)
    for id, _ in bought:
        assert await it.until("STATUS_OK", id=id) == "STATUS_OK:4711"


async def test_twenty_open_activations_at_getsms_cost_one_call_a_look(still: Stage):
    it = still
    for _ in range(20):
        await it.number("wa", providerIds="getsms")
    await live(it, 12)
    before = looks(it, "getsms")
    await live(it, 40)
    assert looks(it, "getsms") - before <= 5


async def test_nothing_open_costs_nothing(still: Stage):
    it = still
    await live(it, 25)
    id, _ = await it.number("wa", providerIds="getsms")
    await live(it, 12)
    assert looks(it, "getsms") > 0
    await it.ask("setStatus", id=id, status=8)
    before = looks(it, "getsms")
    await live(it, 60)
    assert looks(it, "getsms") <= before + 1  # one may have been under way
    assert looks(it, "getatext") == 0


@pytest.mark.parametrize("provider", LOOKS)
async def test_the_calls_to_a_provider_do_not_grow_with_the_polls_of_clients(still: Stage, provider: str):
    it = still
    id, _ = await it.number("wa", providerIds=provider)
    await live(it, 12)
    before = looks(it, provider)
    for _ in range(20):
        await asyncio.gather(*(it.ask("getStatus", id=id) for _ in range(10)))
        await live(it, 1)
    assert looks(it, provider) - before <= 3


async def test_looks_become_rarer_with_age(still: Stage):
    it = still
    await it.number("tg", providerIds="getatext")
    counts = []
    for _ in range(2):
        before = looks(it, "getatext")
        await live(it, 100)
        counts.append(looks(it, "getatext") - before)
        await live(it, 30)
    young, middling = counts
    assert 8 <= young <= 11
    assert middling <= 6


async def test_a_look_is_not_repeated_while_an_answer_is_awaited(it: Stage):
    id, phone = await it.number("wa", providerIds="getatext")
    it.getatext.fault("slow", "rental-status", amount=0.6)
    before = looks(it, "getatext")
    await eventually(lambda: looks(it, "getatext") > before)
    assert await it.ask("getStatus", id=id) == "STATUS_WAIT_CODE"
    await asyncio.sleep(0.3)
    assert looks(it, "getatext") == before + 1
    it.getatext.deliver(it.rental(it.getatext, phone).id, code="4711")
    await it.until("STATUS_OK", id=id)


@pytest.mark.parametrize("provider", LOOKS)
@pytest.mark.parametrize("kind", ["cut", "html", "status", "empty", "half"])
async def test_promise_8_a_look_that_failed_loses_nothing(it: Stage, provider: str, kind: str):
    sandbox = getattr(it, provider)
    id, phone = await it.number("wa", providerIds=provider)
    sandbox.fault(kind, LOOKS[provider], times=3)
    sandbox.deliver(it.rental(sandbox, phone).id, code="012345")
    assert await it.until("STATUS_OK", id=id) == "STATUS_OK:012345"


async def test_a_code_that_came_before_its_row_is_found_soon(still: Stage):
    """The list showed the SMS while the purchase was still being answered: nobody was waiting for it yet."""
    it = still
    await it.number("wa", providerIds="getsms")
    await live(it, 11)
    it.getsms.fault("slow", "request", amount=25)
    buying = asyncio.create_task(it.number("wa", providerIds="getsms"))
    await eventually(lambda: len(it.getsms.rentals) == 2)
    it.getsms.deliver(it.getsms.rentals[-1].id, code="012345")
    await live(it, 26)
    id, _ = await buying
    await live(it, 22)
    assert await it.until("STATUS_OK", id=id, seconds=2) == "STATUS_OK:012345"


async def test_a_look_at_a_number_that_has_its_code_goes_on_for_the_next(it: Stage):
    id, phone = await it.number("mm", providerIds="getatext")
    rental = it.rental(it.getatext, phone).id
    for code in ("111111", "222222"):
        it.getatext.deliver(rental, code=code)
        await it.until(f"STATUS_OK:{code}", id=id)


async def test_one_providers_silence_does_not_delay_the_others_codes(it: Stage):
    first, _ = await it.number("wa", providerIds="getatext")
    second, phone = await it.number("wa", providerIds="getsms")
    it.getatext.fault("hang", "rental-status", times=None)
    before = looks(it, "getatext")
    await eventually(lambda: looks(it, "getatext") > before)
    it.getsms.deliver(it.rental(it.getsms, phone).id, code="4711")
    await it.until("STATUS_OK", id=second, seconds=1.5)
    assert await it.ask("getStatus", id=first) == "STATUS_WAIT_CODE"


async def test_forty_sms_in_a_burst_all_arrive(tmp_path: Path):
    settings = Settings(sms_after=0.05)
    async with stage(tmp_path, poll=0.1, getsms=settings, rules="- {name: all, providers: [getsms]}") as it:
        bought = await asyncio.gather(*(it.number("wa") for _ in range(40)))
        for id, _ in bought:
            await it.until("STATUS_OK", id=id)


def test_webhooks_are_believed_in_only_where_there_is_a_door_for_them(it: Stage):
    upstreams: list[Upstream] = list(it.house.gateway.market.upstreams.values())
    assert [upstream.pushes_come for upstream in upstreams] == [False, False]
