"""One thread writes, and commits all waiting units of work together.

A unit alone waits for nobody; sixty-four share one fsync. A unit that raises is undone alone (a savepoint), a commit
that fails undoes all of them: then nobody was told anything yet, and each waiter gets StoreClosed.
"""

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

from proxy.clock import Clock
from proxy.errors import StoreClosed
from proxy.store.transaction import Transaction

MOST_TOGETHER = 256
MOST_WAITING = 10_000
BUSY_SECONDS = 1.0
"""How long another process may hold the database before it counts as locked."""


@dataclass(slots=True, eq=False)
class Work:
    unit: Callable[[Transaction], Any]
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None
    transaction: Transaction | None = field(default=None)


class Writer:
    """Owns the one connection that writes. `committed` is called in the loop, in the order of the commits."""

    def __init__(self, path: str, clock: Clock, committed: Callable[[Transaction], None]) -> None:
        self._path = path
        self._clock = clock
        self._committed = committed
        self._queue: SimpleQueue[Work | None] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._waiting = 0
        self._stopped = False
        self.trouble = ""
        """Why the last commit failed; empty when it went well."""
        self.receivers: Mapping[str, str] = {}
        """Clients whose messages are queued for a webhook, and its address as it may be shown."""

    def start(self) -> None:
        """Raises sqlite3.Error if the file cannot be opened."""
        connection = connect(self._path)
        arguments = (connection, os.stat(self._path))
        self._thread = threading.Thread(target=self._run, args=arguments, name="books", daemon=True)
        self._thread.start()

    def submit(self, unit: Callable[[Transaction], Any]) -> asyncio.Future[Any]:
        """The unit runs even if nobody waits for the future any more."""
        if self._stopped:
            raise StoreClosed("the books are closed")
        if self._waiting >= MOST_WAITING:
            raise StoreClosed("too many writes are waiting")
        self._waiting += 1
        work = Work(unit, self._loop.create_future())
        self._queue.put(work)
        return work.future

    async def stop(self) -> None:
        """Commit what waits, then close."""
        self._stopped = True
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self, connection: sqlite3.Connection, opened: os.stat_result) -> None:
        try:
            while (batch := self._take()) is not None:
                trouble = self._moved(opened) or self._commit(connection, batch)
                self._loop.call_soon_threadsafe(self._deliver, batch, trouble)
        finally:
            connection.close()

    def _take(self) -> list[Work] | None:
        """Wait for the first, then take all that is there; None at the end."""
        first = self._queue.get()
        if first is None:
            return None
        batch = [first]
        while len(batch) < MOST_TOGETHER and not self._queue.empty():
            work = self._queue.get()
            if work is None:
                self._queue.put(None)
                break
            batch.append(work)
        return batch

    def _moved(self, opened: os.stat_result) -> str:
        """Where the file is gone SQLite writes on as if nothing were wrong, and after a restart nobody finds it."""
        try:
            if os.path.samestat(opened, os.stat(self._path)):
                return ""
        except OSError as exc:
            return f"the database file is gone: {exc.strerror}"
        return "the database file was replaced"

    def _commit(self, connection: sqlite3.Connection, batch: list[Work]) -> str:
        """Run the units in one transaction. Returns what went wrong with all of them, or nothing."""
        try:
            connection.execute("BEGIN IMMEDIATE")
            for work in batch:
                self._attempt(connection, work)
            connection.execute("COMMIT")
        except sqlite3.Error as exc:
            # Where even this fails the transaction is gone already: SQLite rolls back by itself on a bad disk.
            with suppress(sqlite3.Error):
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            return str(exc)
        return ""

    def _attempt(self, connection: sqlite3.Connection, work: Work) -> None:
        work.transaction = Transaction(connection, self._clock.now(), self.receivers)
        connection.execute("SAVEPOINT unit")
        try:
            work.result = work.unit(work.transaction)
        except Exception as exc:
            # The disk's troubles are everybody's; whatever else it is belongs to the one who waits for this unit.
            if isinstance(exc, sqlite3.OperationalError) or type(exc) is sqlite3.DatabaseError:
                raise
            work.error = exc
            connection.execute("ROLLBACK TO unit")
        connection.execute("RELEASE unit")

    def _deliver(self, batch: list[Work], trouble: str) -> None:
        """In the loop: first the live view, then those who wait."""
        self.trouble = trouble
        self._waiting -= len(batch)
        for work in batch:
            error = StoreClosed(trouble) if trouble else work.error
            if error is None and work.transaction is not None:
                self._committed(work.transaction)
            if work.future.done():
                continue
            if error is not None:
                work.future.set_exception(error)
            else:
                work.future.set_result(work.result)


def connect(path: str) -> sqlite3.Connection:
    """A connection that makes commits durable before they return; for one thread at a time, not always the same."""
    connection = sqlite3.connect(
        path, isolation_level=None, timeout=BUSY_SECONDS, cached_statements=256, check_same_thread=False
    )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection
