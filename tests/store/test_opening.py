"""Opening the books: alone, up to date, with what was left in the middle put right; or refused in one clear line."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from proxy.clock import SystemClock
from proxy.domain.activation import Event
from proxy.errors import StoreClosed
from proxy.store.reads import have_books, open_reads
from proxy.store.schema import MIGRATIONS
from proxy.store.store import open_store
from tests.fakes import FakeClock
from tests.store.books import begun, bought, draft, ledger, locked, rows, sms


def write(path: Path, words: str) -> None:
    path.write_text(words)


def read(path: Path) -> str:
    return path.read_text()


async def refusal(path: Path) -> str:
    """The words with which the books are not opened."""
    with pytest.raises(StoreClosed) as refused:
        async with open_store(str(path), SystemClock()):
            pass
    return str(refused.value)


async def test_new_books_have_all_tables_and_the_newest_version(path: Path):
    assert not have_books(str(path))
    async with open_store(str(path), SystemClock()):
        assert have_books(str(path))
        assert rows(path, "PRAGMA user_version") == [(len(MIGRATIONS),)]
        tables = {name for (name,) in rows(path, "SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert tables >= {"attempts", "activations", "messages", "ledger", "spending", "accounts"}


async def test_a_second_gateway_on_the_same_file_is_refused(path: Path):
    async with open_store(str(path), SystemClock()) as store:
        assert await refusal(path) == f"another gateway is using the database {path}"
        await begun(store)
    async with open_store(str(path), SystemClock()):
        pass


async def test_books_of_a_newer_version_are_refused_and_left_alone(path: Path):
    async with open_store(str(path), SystemClock()):
        pass
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    assert await refusal(path) == f"cannot open the database {path}: it was written by a newer version of this program"
    assert rows(path, "PRAGMA user_version") == [(len(MIGRATIONS) + 1,)]


async def test_a_file_that_is_no_database_is_refused_and_left_alone(path: Path):
    no_database = "listen: {port: 8787}\n" * 100
    write(path, no_database)
    assert await refusal(path) == f"cannot open the database {path}: file is not a database"
    assert read(path) == no_database


async def test_a_folder_that_is_not_there_is_named(tmp_path: Path):
    path = tmp_path / "nowhere" / "books.db"
    assert await refusal(path) == f"cannot write beside the database {path}: No such file or directory"


async def test_books_that_another_program_holds_are_refused_and_open_later(path: Path):
    async with open_store(str(path), SystemClock()):
        pass
    with locked(path):
        assert "locked" in await refusal(path)
    async with open_store(str(path), SystemClock()):
        pass


async def test_a_step_that_fails_leaves_the_books_as_they_were(path: Path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE ledger (id)")
    assert "already exists" in await refusal(path)
    assert rows(path, "SELECT name FROM sqlite_master") == [("ledger",)]
    assert rows(path, "PRAGMA user_version") == [(0,)]


async def test_an_attempt_that_was_cut_off_becomes_unknown_and_keeps_its_hold(path: Path, clock: FakeClock):
    async with open_store(str(path), clock) as store:
        refused, cut_off = await begun(store), await begun(store)
        await store.write(lambda tx: tx.refuse(refused, "out of stock"))
    await clock.advance(60)
    async with open_store(str(path), clock) as store:
        assert await store.read.unknown_attempts() == [(cut_off, "")]
    assert rows(path, "SELECT outcome, reason, ended_at FROM attempts ORDER BY id") == [
        ("refused", "out of stock", clock.now() - 60),
        ("unknown", "the gateway stopped in the middle", clock.now()),
    ]
    assert [kind for kind, _ in ledger(path)] == ["hold", "hold", "release"]


async def test_what_is_open_is_live_again_after_a_restart(path: Path, clock: FakeClock):
    async with open_store(str(path), clock) as store:
        for id in "123456":
            await bought(store, id)
        for id, event in ((1, Event.CANCEL_CONFIRMED), (2, Event.CLIENT_CANCELLED), (3, Event.TIME_RAN_OUT)):
            await store.write(lambda tx, it=(id, event): tx.advance(*it))
        await store.write(lambda tx: tx.receive(sms("012345", "4")))
        before = store.live.open
        assert sorted(before) == [2, 3, 4, 5, 6]
    async with open_store(str(path), clock) as store:
        assert store.live.open == before
        assert store.live.open[4].code == "012345"


async def test_history_can_be_read_beside_a_gateway_and_not_written(path: Path):
    async with open_store(str(path), SystemClock()) as store:
        activation = await bought(store)
        async with open_reads(str(path)) as reads:
            assert await reads.activation(activation.id) == activation
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                await reads._connection.execute("DELETE FROM ledger")


async def test_ids_go_on_where_they_stopped(path: Path):
    for expected in (1, 2, 3):
        async with open_store(str(path), SystemClock()) as store:
            assert (await bought(store, str(expected))).id == expected
            assert (await store.write(lambda tx: tx.begin_attempt(draft()))).id == 2 * expected
