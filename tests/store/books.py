"""What the tests of the books write, and how they look into the file behind the store's back."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from proxy.domain.activation import Activation
from proxy.domain.attempt import Attempt
from proxy.domain.client import Budget, Period
from proxy.domain.money import DOLLAR
from proxy.store.store import Store
from proxy.store.transaction import Draft, Incoming, Receipt, Transaction

PRICE = DOLLAR // 2
TOTAL = Period.TOTAL


def draft(client: str = "demo", hold: int = PRICE, provider: str = "getsms", **more: Any) -> Draft:
    fields: dict[str, Any] = {
        "service": "wa",
        "country": 187,
        "upstream_service": "WhatsApp",
        "lifetime": 1200,
        "several_sms": True,
        "fingerprint": "action=getNumber&service=wa",
        "budget": None,
    }
    return Draft(client=client, provider=provider, hold=hold, **(fields | more))


def receipt(upstream_id: str = "77", price: int = PRICE, expires_at: float = 1_750_001_200.0) -> Receipt:
    return Receipt(upstream_id, "12025550123", "tmobile", price, expires_at)


def sms(code: str, upstream_id: str = "77", *, text: str = "", sent_at: str = "", provider: str = "getsms") -> Incoming:
    return Incoming(provider, upstream_id, code, text, "WhatsApp", sent_at)


def budget(dollars: float | str, per: Period = TOTAL) -> Budget:
    return Budget(int(float(dollars) * DOLLAR), per)


async def begun(store: Store, **asked: Any) -> Attempt:
    return await store.write(lambda tx: tx.begin_attempt(draft(**asked)))


async def bought(store: Store, upstream_id: str = "77", price: int = PRICE, **asked: Any) -> Activation:
    """An activation, booked in two units as a purchase does it."""
    attempt = await begun(store, **asked)
    return await store.write(lambda tx: tx.book(attempt, receipt(upstream_id, price)))


def then_fail(unit: Callable[[Transaction], object]) -> Callable[[Transaction], object]:
    """The unit, and after it an error."""

    def failing(tx: Transaction) -> None:
        unit(tx)
        raise RuntimeError("after the writes")

    return failing


def rows(path: Path, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """What the file says, read by a connection of our own."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql, values).fetchall()


def ledger(path: Path) -> list[tuple[str, int]]:
    return rows(path, "SELECT kind, amount FROM ledger ORDER BY id")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Somebody else holds the write lock."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
