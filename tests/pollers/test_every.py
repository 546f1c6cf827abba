"""Loops that survive their jobs, and the schedule against a plain model of it."""

import asyncio
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from proxy.pollers.every import LONGEST_PAUSE, Schedule, every
from tests.fakes import FakeClock

IDS = st.integers(0, 5)
TIMES = st.integers(0, 20)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), IDS, TIMES),
        st.tuples(st.just("drop"), IDS, TIMES),
        st.tuples(st.just("all_due"), TIMES, TIMES),
        st.tuples(st.just("take"), TIMES, st.integers(0, 4)),
    )
)


@given(STEPS)
def test_the_last_word_on_an_id_counts_and_the_earliest_come_first(steps: list[tuple[str, int, int]]):
    schedule, model = Schedule(), dict[int, int]()
    for step, first, second in steps:
        match step:
            case "put":
                schedule.put(first, second)
                model[first] = second
            case "drop":
                schedule.drop(first)
                model.pop(first, None)
            case "all_due":
                schedule.all_due(first)
                model = {id: min(at, first) for id, at in model.items()}
            case _:
                taken = list(schedule.take(first, second))
                due = sorted((at, id) for id, at in model.items() if at <= first)[:second]
                assert [model[id] for id in taken] == [at for at, _ in due]
                for id in taken:
                    del model[id]
        assert len(schedule) == len(model)
        assert {id for id in range(6) if id in schedule} == model.keys()


async def test_a_failing_job_is_tried_again_ever_more_slowly(caplog):
    clock, tries = FakeClock(), []

    async def job() -> None:
        tries.append(clock.monotonic())
        if len(tries) < 10:
            raise ValueError("not yet")

    loop = asyncio.create_task(every(1.0, job, clock, "the job"))
    await clock.advance(500)
    loop.cancel()
    pauses = [later - earlier for earlier, later in pairwise(tries)]
    assert pauses[:9] == [2, 4, 8, 16, 32, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]
    assert set(pauses[9:]) == {1.0}
    assert "the job failed, 9 times in a row" in caplog.text
