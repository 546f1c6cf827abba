"""Books as they look after a long time, written by the gateway's own transactions."""

import sqlite3
import time
from pathlib import Path

from proxy.domain.activation import Event
from proxy.store.schema import migrate
from proxy.store.transaction import Draft, Incoming, Receipt, Transaction

OPEN_ROWS, CLOSED_ROWS = 5, 6
"""In all tables together: an attempt, an activation and three entries of the ledger; and the SMS."""
PRICE = 500_000
DAY = 86_400.0
FIRST_ID = 50_000_000
"""Of the rentals: far from those that the provider sells."""


def seed(path: Path, *, open: int, rows: int) -> int:
    """So many open activations, and before them as many that are over as make so many rows; the newest one's id."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = OFF")
    migrate(connection)
    connection.execute("BEGIN")
    closed = max(0, rows - open * OPEN_ROWS) // CLOSED_ROWS
    for number in range(closed + open):
        _one(connection, number, is_open=number >= closed)
    connection.execute("COMMIT")
    connection.close()
    return closed + open


def _one(connection: sqlite3.Connection, number: int, *, is_open: bool) -> None:
    now, upstream_id = time.time() - (0 if is_open else DAY), str(FIRST_ID + number)
    tx = Transaction(connection, now, {})
    draft = Draft("bench", "wa", 187, "getsms", "WhatsApp", PRICE, int(DAY), False, "action=getNumber&service=wa", None)
    attempt = tx.begin_attempt(draft)
    receipt = Receipt(upstream_id, f"1{2_000_000_000 + number}", "TMobile", PRICE, now + DAY)
    activation = tx.book(attempt, receipt)
    tx.mark_delivered([activation.id])
    if not is_open:
        code = f"{number % 1_000_000:06}"
        tx.receive(Incoming("getsms", upstream_id, code, f"Your code is {code}", "22000", str(now)))
        tx.advance(activation.id, Event.CLIENT_FINISHED)
