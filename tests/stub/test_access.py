"""Who may come in, and how often: keys are kept as digests, rates are those of the configuration in force."""

import asyncio

import pytest

from proxy.config import KeyedClient
from proxy.domain.client import Client
from proxy.errors import BadKey, TooManyRequests
from proxy.stub.access import AT_ONCE, LONGEST_WAIT, REFUSAL_SECONDS, STRANGER, Access, Bucket
from tests.fakes import FakeClock

FAST, SLOW, FREE = Client("fast", rate=50), Client("slow", rate=1), Client("free")
CLIENTS = [KeyedClient("fast-key", FAST), KeyedClient("slow-key", SLOW), KeyedClient("ключ", FREE)]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def access(clock: FakeClock) -> Access:
    return Access(CLIENTS, clock)


def entered(access: Access, key: str, times: int) -> int:
    """How many of so many requests are let in."""
    count = 0
    for _ in range(times):
        try:
            access.enter(key)
        except TooManyRequests:
            continue
        count += 1
    return count


@pytest.mark.parametrize(("key", "client"), [("fast-key", FAST), ("slow-key", SLOW), ("ключ", FREE)])
def test_a_key_names_its_client(access: Access, key: str, client: Client):
    assert access.enter(key) is client


@pytest.mark.parametrize("key", [None, "", "fast", "fast-key ", "FAST-KEY", "fast-key\0", "x" * 10_000])
def test_any_other_key_is_refused(access: Access, key: str | None):
    with pytest.raises(BadKey):
        access.enter(key)


def test_where_no_key_is_needed_a_stranger_comes_in_and_a_client_is_still_known(access: Access):
    assert access.enter(None, open=True) is STRANGER
    assert access.enter("wrong", open=True) is STRANGER
    assert access.enter("fast-key", open=True) is FAST


def test_no_key_is_kept_in_clear(access: Access):
    kept = repr([vars(access), CLIENTS])
    assert not [keyed.api_key for keyed in CLIENTS if keyed.api_key in kept]


@pytest.mark.parametrize(("key", "rate"), [("fast-key", 50), ("slow-key", 1)])
async def test_a_client_is_let_in_as_often_a_second_as_its_rate_says(
    access: Access, clock: FakeClock, key: str, rate: int
):
    assert entered(access, key, 200) == rate
    await clock.advance(1)
    assert entered(access, key, 200) == rate
    await clock.advance(3600)
    assert entered(access, key, 200) == rate


async def test_what_is_saved_up_comes_back_bit_by_bit(access: Access, clock: FakeClock):
    entered(access, "fast-key", 50)
    await clock.advance(0.5)
    assert entered(access, "fast-key", 200) == 25


def test_a_flood_of_one_client_leaves_the_others_alone(access: Access):
    entered(access, "slow-key", 1000)
    assert entered(access, "fast-key", 50) == 50
    assert entered(access, "ключ", 5000) == 5000


def test_strangers_share_one_rate(access: Access):
    for _ in range(STRANGER.rate):
        access.enter(None, open=True)
    with pytest.raises(TooManyRequests):
        access.enter("another wrong key", open=True)


@pytest.mark.parametrize(("rate", "seconds"), [(1, 1), (50, 1), (0.25, 4)])
def test_who_is_too_fast_hears_when_to_come_back(clock: FakeClock, rate: float, seconds: int):
    bucket = Bucket(rate, clock)
    while True:
        try:
            bucket.take()
        except TooManyRequests as refused:
            wait = refused.retry_after
            break
    assert 1 <= wait <= seconds


async def refused_after(access: Access, clock: FakeClock, client: Client | None, times: int) -> list[float]:
    """When each of so many refusals at the same moment is answered, in seconds from then."""
    began, answered = clock.monotonic(), []

    async def one() -> None:
        await access.turn_away(client)
        answered.append(clock.monotonic() - began)

    crowd = [asyncio.create_task(one()) for _ in range(times)]
    await clock.advance(10)
    await asyncio.gather(*crowd)
    return answered


async def test_a_few_refusals_are_answered_at_once_and_a_flood_of_them_one_by_one(access: Access, clock: FakeClock):
    waits = await refused_after(access, clock, SLOW, 100)
    assert waits == pytest.approx([max(0, place - AT_ONCE + 1) * REFUSAL_SECONDS for place in range(100)], abs=1e-6)
    assert await refused_after(access, clock, SLOW, AT_ONCE) == [0] * AT_ONCE


@pytest.mark.parametrize(("flooding", "other"), [(SLOW, FAST), (None, FAST), (SLOW, None)])
async def test_nobody_waits_in_anothers_line(
    access: Access, clock: FakeClock, flooding: Client | None, other: Client | None
):
    flood = asyncio.create_task(refused_after(access, clock, flooding, 2000))
    await asyncio.sleep(0)
    assert await refused_after(access, clock, other, 1) == [0]
    assert max(await flood) == pytest.approx(LONGEST_WAIT)


def test_a_new_configuration_does_not_give_a_second_start(access: Access, clock: FakeClock):
    entered(access, "slow-key", 1)
    assert entered(Access(CLIENTS, clock, access.buckets), "slow-key", 5) == 0


@pytest.mark.parametrize(("rate", "let_in"), [(5, 5), (None, 100)])
async def test_a_new_rate_counts_from_the_new_configuration_on(
    access: Access, clock: FakeClock, rate: int | None, let_in: int
):
    entered(access, "slow-key", 1)
    changed = Access([KeyedClient("slow-key", Client("slow", rate=rate))], clock, access.buckets)
    await clock.advance(1)
    assert entered(changed, "slow-key", 100) == let_in
