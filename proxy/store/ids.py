"""Ids that are never given away twice, not even by a gateway that starts from an older copy of the books."""

import sqlite3

PER_SECOND = 2
"""How many are left out at a start for every second since the books were last written: more than a busy shop sells,
and few enough that the 2^31 that clients can read last for decades."""
MOST_AT_ONCE = 2**26
"""A year's worth: a clock that was wrong once must not use them all up."""


def leave_gap(connection: sqlite3.Connection, now: float) -> None:
    """Skip what may have been given away since these books were written, should they be a copy."""
    (last,) = connection.execute(
        "SELECT max(at) FROM (SELECT at FROM probe"
        " UNION ALL SELECT * FROM (SELECT started_at FROM attempts ORDER BY id DESC LIMIT 1))"
    ).fetchone()
    if last is not None and last < now:
        skip(connection, min(MOST_AT_ONCE, int((now - last) * PER_SECOND)))


def skip(connection: sqlite3.Connection, count: int) -> None:
    """Leave out so many ids of every table before the next is given."""
    connection.execute(
        "INSERT INTO sqlite_sequence (name, seq) SELECT name, 0 FROM sqlite_master WHERE type = 'table'"
        " AND sql LIKE '%AUTOINCREMENT%' AND name NOT IN (SELECT name FROM sqlite_sequence)"
    )
    connection.execute("UPDATE sqlite_sequence SET seq = seq + ?", (count,))
