"""Many units in one commit: each fails alone, a failed commit fails all, and nobody hears of what is not durable."""

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from proxy.clock import SystemClock
from proxy.domain.activation import Event, Status
from proxy.errors import NoBalance, StoreClosed
from proxy.store.store import Store, open_store
from proxy.store.transaction import Transaction
from proxy.store.writer import MOST_TOGETHER, MOST_WAITING, connect
from tests.fakes import FakeClock
from tests.store.books import begun, bought, budget, draft, locked, rows, then_fail


def begin(name: str):
    return lambda tx: tx.begin_attempt(draft(name))


def written(path: Path) -> list[str]:
    return [client for (client,) in rows(path, "SELECT client FROM attempts ORDER BY id")]


async def kept_busy(store: Store) -> tuple[asyncio.Future[object], threading.Event]:
    """A unit that is running, and what lets it end: all that is written meanwhile shares the next commit."""
    running, end = threading.Event(), threading.Event()
    first = store.writer.submit(lambda tx: running.set() or end.wait())
    await asyncio.to_thread(running.wait)
    return first, end


async def together(store: Store, *units) -> list[object]:
    """The ends of units that share one commit."""
    first, end = await kept_busy(store)
    ends = [store.writer.submit(unit) for unit in units]
    end.set()
    await first
    return await asyncio.gather(*ends, return_exceptions=True)


def test_a_commit_is_on_the_disk_before_it_returns(path: Path):
    with closing(connect(str(path))) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


async def test_a_unit_that_raises_is_undone_alone(store: Store, path: Path):
    ends = await together(store, begin("a"), then_fail(begin("b")), begin("c"))
    assert [type(end).__name__ for end in ends] == ["Attempt", "RuntimeError", "Attempt"]
    assert written(path) == ["a", "c"]
    assert rows(path, "SELECT client FROM ledger") == [("a",), ("c",)]


async def test_a_broken_rule_of_the_tables_undoes_one_unit(store: Store, path: Path):
    twice = await bought(store)

    def sell_the_attempt_again(tx: Transaction) -> None:
        tx._sql("UPDATE activations SET attempt_id = NULL WHERE id = ?", (twice.id,))

    ends = await together(store, begin("a"), sell_the_attempt_again, begin("c"))
    assert isinstance(ends[1], sqlite3.IntegrityError)
    assert written(path) == ["demo", "a", "c"]


async def test_units_see_what_the_units_before_them_wrote(store: Store):
    limit = budget("0.50")
    ends = await together(store, *[lambda tx: tx.begin_attempt(draft(budget=limit))] * 3)
    assert [isinstance(end, NoBalance) for end in ends] == [False, True, True]


async def test_more_units_than_fit_into_one_commit_are_written_in_order(store: Store, path: Path):
    names = [str(number) for number in range(2 * MOST_TOGETHER + 7)]
    await together(store, *(begin(name) for name in names))
    assert written(path) == names


async def test_what_was_written_is_in_the_file_and_in_the_live_view_when_write_returns(store: Store, path: Path):
    activation = await bought(store)
    assert rows(path, "SELECT id FROM activations") == [(activation.id,)]
    assert store.live.open == {activation.id: activation}


async def test_a_unit_that_raises_leaves_the_live_view_alone(store: Store):
    activation = await bought(store)
    with pytest.raises(RuntimeError):
        await store.write(then_fail(lambda tx: tx.advance(activation.id, Event.CANCEL_CONFIRMED)))
    assert store.live.open == {activation.id: activation}


async def test_the_live_view_follows_in_the_order_of_the_commits(store: Store):
    activation = await bought(store)
    seen: list[Status] = []
    store.live.watch(lambda it: seen.append(it.status))
    steps = [
        lambda tx: tx.advance(activation.id, Event.CLIENT_CANCELLED),
        lambda tx: tx.advance(activation.id, Event.CODE_ARRIVED, "1"),
        lambda tx: tx.advance(activation.id, Event.CLIENT_WANTS_ANOTHER),
    ]
    await together(store, *steps)
    assert seen == [Status.WAITING, Status.CANCELLING, Status.RECEIVED, Status.WAITING_AGAIN]


async def test_a_unit_runs_though_nobody_waits_for_it_any_more(store: Store, path: Path):
    _, end = await kept_busy(store)
    left = asyncio.ensure_future(store.write(begin("a")))
    await asyncio.sleep(0)
    left.cancel()
    end.set()
    await store.write(begin("b"))
    assert left.cancelled()
    assert written(path) == ["a", "b"]


async def test_while_another_process_holds_the_file_all_who_wait_are_told(store: Store, path: Path):
    activation = await bought(store)
    with locked(path):
        cancel = store.write(lambda tx: tx.advance(activation.id, Event.CANCEL_CONFIRMED))
        ends = await asyncio.gather(cancel, *(store.write(begin(name)) for name in "ab"), return_exceptions=True)
        assert [type(end) for end in ends] == [StoreClosed] * 3
        assert "locked" in str(ends[0])
        assert "locked" in store.writer.trouble
        assert store.live.open == {activation.id: activation}
        assert await store.read.activation(activation.id) == activation
    await store.write(begin("c"))
    assert store.writer.trouble == ""
    assert written(path) == ["demo", "c"]


async def test_a_disk_that_is_full_fails_the_whole_commit_and_it_recovers(store: Store, path: Path):
    def fill(tx: Transaction) -> None:
        (pages,) = tx._sql("PRAGMA page_count").fetchone()
        tx._sql(f"PRAGMA max_page_count = {pages}")

    await store.write(fill)
    long = "x" * 100_000
    ends = await together(store, begin("a"), begin(long), begin("c"))
    assert [str(end) for end in ends] == ["database or disk is full"] * 3
    await store.write(lambda tx: tx._sql("PRAGMA max_page_count = 100000"))
    await store.write(begin("d"))
    assert written(path) == ["d"]


async def test_a_disk_that_is_read_only_fails_every_commit_and_it_recovers(store: Store, path: Path):
    connection = await store.write(lambda tx: tx._connection)
    connection.execute("PRAGMA query_only = ON")
    ends = await asyncio.gather(*(store.write(begin(name)) for name in "ab"), return_exceptions=True)
    assert [str(end) for end in ends] == ["attempt to write a readonly database"] * 2
    connection.execute("PRAGMA query_only = OFF")
    await store.write(begin("c"))
    assert written(path) == ["c"]


async def test_a_file_that_is_damaged_is_everybodys_trouble(store: Store, path: Path):
    def damaged(tx: Transaction) -> None:
        raise sqlite3.DatabaseError("database disk image is malformed")

    ends = await together(store, begin("a"), damaged, begin("c"))
    assert [type(end) for end in ends] == [StoreClosed] * 3
    assert written(path) == []


@contextmanager
def away(path: Path, *, replaced: bool) -> Iterator[None]:
    elsewhere = path.with_suffix(".away")
    path.rename(elsewhere)
    if replaced:
        path.write_bytes(elsewhere.read_bytes())
    yield
    elsewhere.rename(path)


@pytest.mark.parametrize(("replaced", "words"), [(False, "is gone: No such file"), (True, "was replaced")])
async def test_nothing_is_written_into_a_file_that_is_not_there_any_more(
    store: Store, path: Path, replaced: bool, words: str
):
    with away(path, replaced=replaced), pytest.raises(StoreClosed, match=words):
        await store.write(begin("a"))
    await store.write(begin("b"))
    assert written(path) == ["b"]


async def test_too_many_who_wait_are_sent_away_at_once(store: Store):
    waiting = [store.writer.submit(lambda tx: None) for _ in range(MOST_WAITING)]
    with pytest.raises(StoreClosed, match="too many"):
        await store.write(begin("a"))
    await asyncio.gather(*waiting)
    await begun(store)


async def test_what_may_be_lost_is_lost_in_silence(store: Store):
    waiting = [store.writer.submit(lambda tx: None) for _ in range(MOST_WAITING)]
    store.write_soon(begin("a"))
    await asyncio.gather(*waiting)


async def test_nobody_hears_of_the_failure_of_what_may_be_lost(store: Store, path: Path):
    store.write_soon(then_fail(begin("a")))
    store.write_soon(begin("b"))
    await store.write(begin("c"))
    assert written(path) == ["b", "c"]


async def test_what_waits_at_the_end_is_still_written(path: Path):
    async with open_store(str(path), SystemClock()) as store:
        for name in "abc":
            store.write_soon(begin(name))
    assert written(path) == ["a", "b", "c"]


async def test_a_unit_knows_the_time_of_its_commit(store: Store, clock: FakeClock):
    assert await store.write(lambda tx: tx.now) == clock.now()
    await clock.advance(5)
    assert await store.write(lambda tx: tx.now) == clock.now()


async def test_a_probe_writes_one_row_however_often_it_is_made(store: Store, path: Path, clock: FakeClock):
    await store.write(Transaction.probe)
    await clock.advance(5)
    await store.write(Transaction.probe)
    assert rows(path, "SELECT * FROM probe") == [(1, clock.now())]
