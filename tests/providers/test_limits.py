"""Turns are taken in order and never too many within a second."""

import asyncio

import pytest

from proxy.providers.limits import Throttle

from .helpers import ManualClock, settle


async def _take(throttle, clock, name, taken, timeout=100.0):
    if await throttle.turn(timeout):
        taken.append((name, clock.monotonic()))


@pytest.mark.parametrize(("per_second", "turns"), [(1, 7), (2, 9), (5, 23)])
async def test_no_window_of_a_second_sees_more_turns_than_the_limit(per_second, turns):
    clock, taken = ManualClock(), []
    throttle = Throttle(clock, per_second)
    async with asyncio.TaskGroup() as group:
        for name in range(turns):
            group.create_task(_take(throttle, clock, name, taken))
            await clock.advance(0.1)
        await clock.advance(100)
    starts = [at for _, at in taken]
    assert len(starts) == turns
    assert all(later - earlier > 1.0 for earlier, later in zip(starts, starts[per_second:], strict=False))


async def test_a_burst_up_to_the_limit_waits_for_nothing():
    clock, taken = ManualClock(), []
    throttle = Throttle(clock, 3)
    for name in range(3):
        await _take(throttle, clock, name, taken)
    assert taken == [(0, 0.0), (1, 0.0), (2, 0.0)]


async def test_turns_are_taken_in_the_order_of_asking():
    clock, taken = ManualClock(), []
    throttle = Throttle(clock, 2)
    async with asyncio.TaskGroup() as group:
        for name in range(6):
            group.create_task(_take(throttle, clock, name, taken))
        await clock.advance(10)
    assert [name for name, _ in taken] == list(range(6))


async def test_no_turn_within_the_time_is_said_at_once_and_takes_no_place():
    clock, taken = ManualClock(), []
    throttle = Throttle(clock, 1, window=1.0)
    assert await throttle.turn(0)
    assert not await throttle.turn(0.9)
    async with asyncio.TaskGroup() as group:
        group.create_task(_take(throttle, clock, "first", taken))
        await settle()
        assert not await throttle.turn(1.9)
        group.create_task(_take(throttle, clock, "second", taken, timeout=2.0))
        await clock.advance(5)
    assert taken == [("first", 1.0), ("second", 2.0)]


@pytest.mark.parametrize("cancelled", [0, 1, 2])
async def test_whoever_gives_up_moves_the_others_forward(cancelled):
    clock, taken = ManualClock(), []
    throttle = Throttle(clock, 1, window=1.0)
    await throttle.turn(0)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_take(throttle, clock, name, taken)) for name in range(4)]
        await clock.advance(0.5)
        tasks[cancelled].cancel()
        await settle()
        group.create_task(_take(throttle, clock, 4, taken))
        await clock.advance(10)
    assert taken == [(name, float(turn)) for turn, name in enumerate((n for n in range(5) if n != cancelled), 1)]
