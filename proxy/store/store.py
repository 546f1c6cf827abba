"""The store as the use cases see it: `write` a unit of work, `read` history, look at what is `live`."""

import fcntl
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from proxy.clock import Clock
from proxy.errors import StoreClosed
from proxy.store.live import REDELIVERY_SECONDS, Live
from proxy.store.reads import Reads, open_reads
from proxy.store.schema import migrate
from proxy.store.transaction import Transaction
from proxy.store.writer import Writer, connect

T = TypeVar("T")


class Store:
    def __init__(self, reads: Reads, live: Live) -> None:
        self.read = reads
        self.live = live
        self.writer: Writer
        self.deliveries = 0
        """How many webhooks to clients are waiting."""
        self.on_delivery: Callable[[str], None] = _nobody_listens
        """Told the client for whom one more is waiting."""

    async def write(self, unit: Callable[[Transaction], T]) -> T:
        """Run a unit of work; when this returns it is durable and in the live view. Raises StoreClosed."""
        result: T = await self.writer.submit(unit)
        return result

    def write_soon(self, unit: Callable[[Transaction], object]) -> None:
        """For what may be lost in a crash: nobody waits for it, and nobody hears if it fails."""
        with suppress(StoreClosed):
            self.writer.submit(unit).add_done_callback(lambda future: future.exception())

    def committed(self, transaction: Transaction) -> None:
        """Bring the live view along."""
        for activation in transaction.changed:
            self.live.put(activation)
        for client, more in transaction.deliveries:
            self.deliveries += more
            if more > 0:
                self.on_delivery(client)


def _nobody_listens(client: str) -> None:
    """Until somebody delivers, what is queued waits in the books."""


@asynccontextmanager
async def open_store(path: str, clock: Clock) -> AsyncIterator[Store]:
    """The books in this file, brought up to date. Raises StoreClosed with what to do if they cannot be opened."""
    with _alone(path):
        with _in_our_words(path):
            _prepare(path)
        async with open_reads(path) as reads:
            store = Store(reads, Live())
            store.writer = Writer(path, clock, store.committed)
            with _in_our_words(path):
                store.writer.start()
            try:
                with _in_our_words(path):
                    await store.write(_take_over)
                    await _rebuild(store, clock.now())
                yield store
            finally:
                await store.writer.stop()


def _take_over(tx: Transaction) -> None:
    """What is put right before anything new is written."""
    tx.settle_interrupted()
    tx.leave_gap()


async def _rebuild(store: Store, now: float) -> None:
    """Put into the live view what the books say is open."""
    async for activation, delivered, fingerprint in store.read.open_activations():
        store.live.put(activation)
        if not delivered and now - activation.created_at <= REDELIVERY_SECONDS:
            store.live.keep_for_redelivery(activation, fingerprint)
    store.deliveries = sum((await store.read.awaited_deliveries()).values())


def _prepare(path: str) -> None:
    connection = connect(path)
    try:
        migrate(connection)
    finally:
        connection.close()


@contextmanager
def _in_our_words(path: str) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, StoreClosed) as exc:
        raise StoreClosed(f"cannot open the database {path}: {exc}") from exc


@contextmanager
def _alone(path: str) -> Iterator[None]:
    """Two gateways on one file would each have half of the live view: refuse to be the second."""
    try:
        file = Path(f"{path}.lock").open("w")  # noqa: SIM115 (closed below, with the lock)
    except OSError as exc:
        raise StoreClosed(f"cannot write beside the database {path}: {exc.strerror}") from exc
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StoreClosed(f"another gateway is using the database {path}") from None
        yield
