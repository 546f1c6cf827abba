"""No id is given away twice, also not by a gateway that starts from an older copy of the books."""

import shutil
from pathlib import Path

from proxy.store.ids import MOST_AT_ONCE, PER_SECOND
from proxy.store.store import open_store
from tests.fakes import FakeClock
from tests.store.books import bought

YEAR = 365 * 86400


async def test_the_first_id_is_one_and_a_quick_restart_leaves_nothing_out(path: Path, clock: FakeClock):
    for expected in (1, 2, 3):
        async with open_store(str(path), clock) as store:
            assert (await bought(store, str(expected))).id == expected


async def test_promise_7_an_older_copy_gives_no_id_away_again(path: Path, clock: FakeClock, tmp_path: Path):
    copy = tmp_path / "copy.db"
    given = []
    async with open_store(str(path), clock):
        pass  # not even one row of activations is in the copy
    shutil.copy(path, copy)
    async with open_store(str(path), clock) as store:
        for number in range(20):
            given.append((await bought(store, str(number))).id)
            await clock.advance(1)
    for again in range(3):  # the copy itself is copied back more than once
        shutil.copy(copy, path)
        async with open_store(str(path), clock) as store:
            given.append((await bought(store, str(again))).id)
        await clock.advance(60)
    assert len(set(given)) == len(given)


async def test_the_time_since_the_last_write_is_what_counts(path: Path, clock: FakeClock):
    ids = []
    for number in range(3):
        async with open_store(str(path), clock) as store:
            await clock.advance(500)
            ids.append((await bought(store, str(number))).id)
        await clock.advance(10)
    assert ids == [1, 2 + 10 * PER_SECOND, 3 + 2 * 10 * PER_SECOND]


async def test_promise_7_ids_stay_below_2_to_the_31_for_thirty_years_of_restarts(path: Path, clock: FakeClock):
    for number in range(30):
        async with open_store(str(path), clock) as store:
            last = (await bought(store, str(number))).id
        await clock.advance(YEAR)
    assert last < 2**31


async def test_a_clock_that_is_wrong_once_does_not_use_the_ids_up(path: Path, clock: FakeClock):
    async with open_store(str(path), clock) as store:
        await bought(store, "1")
    for number, years in enumerate((100, -200, 100), start=2):
        await clock.advance(years * YEAR)
        async with open_store(str(path), clock) as store:
            assert (await bought(store, str(number))).id <= number + 2 * MOST_AT_ONCE
