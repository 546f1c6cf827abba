"""SMS on their way to clients' own webhooks: a queue in the books, filled by the transaction that books the message."""

import sqlite3
from dataclasses import dataclass

from proxy.domain.activation import Activation, Status

REFUNDED = frozenset({Status.CANCELLED, Status.EXPIRED})
"""What comes for these is kept and shown to no client."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One of them, with all that is told."""

    id: int
    client: str
    tries: int
    """That were in vain so far."""
    activation_id: int
    service: str
    country: int
    text: str
    code: str
    received_at: float
    sender: str = ""
    is_rent: bool = False
    own_url: str = ""
    """The rent's own address, where it has one."""


def queue(connection: sqlite3.Connection, activation: Activation, message_id: int, url: str, now: float) -> bool:
    """Have the message sent; whether the client is to have it."""
    if activation.status in REFUNDED:
        return False
    connection.execute(
        "INSERT INTO deliveries (message_id, activation_id, client, url, queued_at, next_try_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (message_id, activation.id, activation.client, url, now, now),
    )
    return True


def note(connection: sqlite3.Connection, id: int, url: str, error: str, again_at: float | None) -> bool:
    """Write down how a try went; whether it was the last. An empty `url` says that nothing was sent."""
    state = "delivered" if not error else "failed" if again_at is None else "waiting"
    changed = connection.execute(
        "UPDATE deliveries SET state = ?, tries = tries + ?, url = coalesce(nullif(?, ''), url), last_error = ?,"
        " next_try_at = ? WHERE id = ? AND state = 'waiting'",
        (state, bool(url), url, error, again_at, id),
    ).rowcount
    return bool(changed) and state != "waiting"
