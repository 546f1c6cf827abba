"""Questions to the books, on a connection that cannot write: history, lists, sums. What is open is in the live view."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiosqlite

from proxy.domain.activation import Activation
from proxy.domain.attempt import Attempt, Outcome
from proxy.domain.client import Budget
from proxy.domain.money import Usd
from proxy.errors import StoreClosed
from proxy.store.bids import BidState, StandingBid
from proxy.store.deliveries import Delivery
from proxy.store.transaction import ACTIVATION, ATTEMPT, activation_of, attempt_of, first_day

Row = dict[str, Any]

BID = (
    f"SELECT {', '.join(f'a.{name}' for name in ATTEMPT.split(', '))}, a.outcome, b.upstream_id, a.activation_id,"
    " a.ended_at, b.markup, b.price, b.state, b.why FROM bids b JOIN attempts a ON a.id = b.attempt_id"
)
MESSAGE_COLUMNS = ("code", "text", "sender", "received_at")
PAGE = 500
"""Rows that are read at once where there may be many."""
RECENT = 10_000
"""How many of the last activations the delivery rate is made of."""


@dataclass(frozen=True, slots=True)
class Table:
    """A list that operators page through: which columns it has and by which it may be narrowed."""

    name: str
    columns: tuple[str, ...]
    filters: tuple[str, ...]
    time: str


ACTIVATIONS = Table(
    "activations",
    (
        *("id", "client", "service", "country", "phone", "status", "provider", "upstream_id"),
        *("price", "refunded", "created_at", "expires_at"),
    ),
    ("client", "status", "provider", "service", "phone"),
    "created_at",
)
ATTEMPTS = Table(
    "attempts",
    (
        *("id", "client", "service", "provider", "outcome", "reason", "upstream_id", "activation_id"),
        *("hold", "started_at", "ended_at"),
    ),
    ("client", "outcome", "provider", "service"),
    "started_at",
)
LEDGER = Table(
    "ledger",
    ("id", "at", "client", "provider", "activation_id", "attempt_id", "kind", "amount"),
    ("client", "provider", "kind"),
    "at",
)
DELIVERIES = Table(
    "deliveries",
    ("id", "client", "activation_id", "url", "tries", "state", "last_error", "next_try_at"),
    ("client", "state", "activation_id"),
    "queued_at",
)
_SHOWN_STATE = (
    "CASE WHEN outcome = 'buying' THEN 'placing' WHEN state = 'open' AND b.upstream_id = '' THEN 'unknown'"
    " WHEN state = 'open' THEN 'standing' ELSE state END"
)
BIDS = Table(
    "(SELECT a.id, a.client, a.service, a.provider, b.upstream_id, b.price, b.markup, a.reason, a.activation_id,"
    f" a.started_at AS placed_at, {_SHOWN_STATE} AS state FROM bids b JOIN attempts a ON a.id = b.attempt_id)",
    (
        *("id", "client", "service", "provider", "upstream_id", "price", "markup", "state", "reason"),
        *("activation_id", "placed_at"),
    ),
    ("client", "provider", "service", "state"),
    "placed_at",
)
TABLES = {table.name: table for table in (ACTIVATIONS, ATTEMPTS, LEDGER)}


class Reads:
    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def _rows(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        return list(await self._connection.execute_fetchall(sql, values))  # type: ignore[arg-type]

    async def activation(self, id: int) -> Activation | None:
        rows = await self._rows(f"SELECT {ACTIVATION} FROM activations WHERE id = ?", (id,))
        return activation_of(rows[0]) if rows else None

    async def open_activations(self) -> AsyncIterator[tuple[Activation, bool, str]]:
        """Each with whether its reply was delivered, and its request's fingerprint; oldest first.

        A few at a time, because what many rows take at once the process never gives back. The inner query leaves
        nothing to sort but ids.
        """
        sql = (
            f"SELECT {ACTIVATION}, delivered, fingerprint FROM activations WHERE id IN (SELECT id FROM activations"
            " WHERE status NOT IN ('finished', 'cancelled', 'expired')) ORDER BY id"
        )
        async with self._connection.execute(sql) as cursor:
            while rows := await cursor.fetchmany(PAGE):
                for row in rows:
                    yield activation_of(row[:-2]), bool(row[-2]), row[-1]

    async def unknown_attempts(self) -> list[tuple[Attempt, str]]:
        """Each with the upstream id that its half-understood answer named, if any."""
        rows = await self._rows(f"SELECT {ATTEMPT}, upstream_id FROM attempts WHERE outcome = 'unknown' ORDER BY id")
        return [(attempt_of(row[:-1]), row[-1]) for row in rows]

    async def rents_known(self, provider: str) -> set[str]:
        """The upstream ids of every rent that was ever booked at this provider."""
        rows = await self._rows("SELECT upstream_id FROM activations WHERE hours > 0 AND provider = ?", (provider,))
        return {upstream_id for (upstream_id,) in rows}

    async def services_being_bought(self, provider: str) -> set[str]:
        """The provider's services for which a purchase is under way."""
        rows = await self._rows(
            "SELECT DISTINCT upstream_service FROM attempts WHERE outcome = 'buying' AND provider = ?", (provider,)
        )
        return {service for (service,) in rows}

    async def order(self, client: str, order_id: str) -> tuple[str, int | None] | None:
        """What the client's idempotency key was used for: the request's fingerprint, and the activation it brought.

        None if it is free: never used, or every attempt was definitely refused, or a number that a bid had won was
        given back because nobody came for it.
        """
        rows = await self._rows(
            "SELECT fingerprint, activation_id FROM attempts WHERE client = ? AND order_id = ? AND order_id != ''"
            " AND outcome != 'refused' AND NOT EXISTS (SELECT 1 FROM bids JOIN activations ON activations.id ="
            " attempts.activation_id WHERE bids.attempt_id = attempts.id AND state = 'returned'"
            " AND status = 'cancelled') ORDER BY activation_id IS NULL, activation_id, id LIMIT 1",
            (client, order_id),
        )
        return rows[0] if rows else None

    async def _bids(self, where: str, *values: object) -> list[StandingBid]:
        return [_bid_of(row) for row in await self._rows(f"{BID} WHERE {where} ORDER BY a.id", values)]

    async def open_bid(self, client: str, fingerprint: str) -> StandingBid | None:
        """The open bid of such a request."""
        found = await self._bids(
            "b.client = ? AND b.fingerprint = ? AND b.state IN ('open', 'withdrawing')", client, fingerprint
        )
        return found[0] if found else None

    async def bids_at_work(self, provider: str) -> list[StandingBid]:
        """Those at a provider about which something may still be to be done, oldest first."""
        return await self._bids("b.state IN ('open', 'withdrawing', 'won') AND a.provider = ?", provider)

    async def bid_named(self, provider: str, upstream_id: str) -> StandingBid | None:
        """The bid that the provider calls so, whatever has become of it."""
        found = await self._bids("b.upstream_id = ? AND b.upstream_id != '' AND a.provider = ?", upstream_id, provider)
        return found[0] if found else None

    async def unfetched(self, attempt_ids: Sequence[int]) -> dict[int, BidState]:
        """Which of these are bids whose number was won, and whether it waits for its client or was given back."""
        marks = ", ".join("?" * len(attempt_ids))
        sql = f"SELECT attempt_id, state FROM bids WHERE attempt_id IN ({marks}) AND state IN ('won', 'returned')"
        return {id: BidState(state) for id, state in await self._rows(sql, attempt_ids)}

    async def dearest_term(self, rent: Activation) -> Usd:
        """The most that was reserved for one term of this rent."""
        rows = await self._rows("SELECT max(hold) FROM attempts WHERE id = ? OR renews = ?", (rent.attempt_id, rent.id))
        return int(rows[0][0])

    async def renewal_is_unknown(self, rent_id: int) -> bool:
        """Whether some request to continue this rent has an outcome that is not known."""
        return bool(await self._rows("SELECT 1 FROM attempts WHERE renews = ? AND outcome = 'unknown'", (rent_id,)))

    async def undelivered_renewal(self, rent_id: int, fingerprint: str, *, since: float) -> Usd | None:
        """What the newest term of this rent cost, if an equal request bought it and nobody was told."""
        rows = await self._rows(
            "SELECT id, fingerprint, ended_at FROM attempts WHERE renews = ? AND outcome IN ('bought', 'recovered')"
            " AND (SELECT delivered FROM activations WHERE activations.id = renews) = 0 ORDER BY id DESC LIMIT 1",
            (rent_id,),
        )
        if not rows or rows[0][1] != fingerprint or rows[0][2] < since:
            return None
        paid = await self._rows(
            "SELECT amount FROM ledger WHERE attempt_id = ? AND kind = 'charge' ORDER BY id DESC LIMIT 1", (rows[0][0],)
        )
        return int(paid[0][0])

    async def messages(self, ids: Sequence[int]) -> dict[int, list[Row]]:
        """The messages of these activations, oldest first."""
        marks = ", ".join("?" * len(ids))
        rows = await self._rows(
            f"SELECT activation_id, {', '.join(MESSAGE_COLUMNS)} FROM messages"
            f" WHERE activation_id IN ({marks}) ORDER BY id",
            ids,
        )
        found: dict[int, list[Row]] = {id: [] for id in ids}
        for id, *message in rows:
            found[id].append(dict(zip(MESSAGE_COLUMNS, message, strict=True)))
        return found

    async def awaited_deliveries(self) -> dict[str, int]:
        """How many messages wait for each client's webhook."""
        rows = await self._rows("SELECT client, count(*) FROM deliveries WHERE state = 'waiting' GROUP BY client")
        return dict(rows)

    async def due_deliveries(self, client: str, now: float, most: int) -> list[Delivery]:
        """What may be sent to this client now; of an activation only the oldest message that waits."""
        rows = await self._rows(
            "SELECT d.id, d.client, d.tries, a.id, a.service, a.country, m.text, m.code, m.received_at,"
            " m.sender, a.hours > 0, a.url"
            " FROM deliveries d JOIN messages m ON m.id = d.message_id JOIN activations a ON a.id = d.activation_id"
            " WHERE d.state = 'waiting' AND d.client = ? AND d.next_try_at <= ? AND NOT EXISTS (SELECT 1 FROM"
            " deliveries e WHERE e.state = 'waiting' AND e.activation_id = d.activation_id AND e.id < d.id)"
            " ORDER BY d.next_try_at, d.id LIMIT ?",
            (client, now, most),
        )
        return [Delivery(*row) for row in rows]

    async def next_delivery_at(self, client: str, now: float) -> float | None:
        """When the next of this client's webhooks becomes due."""
        rows = await self._rows(
            "SELECT min(next_try_at) FROM deliveries WHERE state = 'waiting' AND client = ? AND next_try_at > ?",
            (client, now),
        )
        return rows[0][0]  # type: ignore[no-any-return]

    async def bought_by(self, client: str, *, since: float, until: float, offset: int, limit: int) -> list[Activation]:
        """The client's activations that were bought between two times, newest first; no rents."""
        rows = await self._rows(
            f"SELECT {ACTIVATION} FROM activations WHERE client = ? AND hours = 0 AND created_at BETWEEN ? AND ?"
            " ORDER BY id DESC LIMIT ? OFFSET ?",
            (client, since, until, limit, offset),
        )
        return [activation_of(row) for row in rows]

    async def page(
        self,
        table: Table,
        filters: Mapping[str, Sequence[str]],
        *,
        limit: int,
        before: int | None = None,
        since: float | None = None,
    ) -> list[Row]:
        """Rows newest first, narrowed to those whose columns have one of the values asked for."""
        known = {column: values for column, values in filters.items() if column in table.filters}
        where = [f"{column} IN ({', '.join('?' * len(values))})" for column, values in known.items()]
        values: list[object] = [value for wanted in known.values() for value in wanted]
        if before is not None:
            where.append("id < ?")
            values.append(before)
        if since is not None:
            where.append(f"{table.time} >= ?")
            values.append(since)
        sql = f"SELECT {', '.join(table.columns)} FROM {table.name}"
        sql += f" WHERE {' AND '.join(where)}" if where else ""
        rows = await self._rows(f"{sql} ORDER BY id DESC LIMIT ?", (*values, limit))
        return [dict(zip(table.columns, row, strict=True)) for row in rows]

    async def spent(self, client: str, budget: Budget, at: float) -> Usd:
        """What the client has spent or reserved in the budget's present period."""
        rows = await self._rows(
            "SELECT coalesce(sum(amount), 0) FROM spending WHERE client = ? AND day >= ?",
            (client, first_day(budget.per, at)),
        )
        return int(rows[0][0])

    async def accounts(self) -> dict[str, tuple[Usd, Usd | None]]:
        """By provider: charges less refunds, and what its balance would be with empty books."""
        rows = await self._rows("SELECT provider, booked, opening FROM accounts")
        return {provider: (booked, opening) for provider, booked, opening in rows}

    async def delivery(self) -> dict[tuple[str, str], tuple[int, int]]:
        """By provider and its service: how many recent activations brought a code, and how many ended at all."""
        rows = await self._rows(
            "SELECT provider, upstream_service, sum(code != ''), count(*) FROM"
            " (SELECT provider, upstream_service, code, status FROM activations ORDER BY id DESC LIMIT ?)"
            " WHERE code != '' OR status IN ('cancelled', 'expired') GROUP BY provider, upstream_service",
            (RECENT,),
        )
        return {(provider, service): (delivered, ended) for provider, service, delivered, ended in rows}


def _bid_of(row: tuple[Any, ...]) -> StandingBid:
    """A row of the columns BID as a value."""
    outcome, upstream_id, activation_id, settled_at, markup, price, state, why = row[-8:]
    attempt, ended = attempt_of(row[:-8]), (activation_id, settled_at)
    return StandingBid(attempt, Outcome(outcome), upstream_id, *ended, markup, price, BidState(state), why)


def have_books(path: str) -> bool:
    """Whether anything was ever written there."""
    return Path(path).exists()


@asynccontextmanager
async def open_reads(path: str) -> AsyncIterator[Reads]:
    """Open an existing database for reading only. Raises StoreClosed if it is none."""
    async with aiosqlite.connect(path, isolation_level=None) as connection:
        try:
            await connection.execute("PRAGMA query_only = ON")
            await connection.execute_fetchall("SELECT count(*) FROM sqlite_master")
        except aiosqlite.DatabaseError as exc:
            raise StoreClosed(f"{path} cannot be read: {exc}") from exc
        yield Reads(connection)
