"""Every write there is. A `Transaction` is only ever handed to a unit of work: no write outside one can be typed."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from proxy.domain.activation import REFUNDING, Activation, Event, IllegalTransition, Status, advance
from proxy.domain.attempt import BOOKS, SPENDS, Attempt, Entry, Outcome
from proxy.domain.client import Budget, Period
from proxy.domain.money import Usd
from proxy.errors import ChannelsLimit, NoBalance, OutcomeUnknown
from proxy.store import deliveries, ids
from proxy.store.bids import Bids
from proxy.store.deliveries import Delivery

ACTIVATION = (
    "id, client, service, country, provider, upstream_id, upstream_service, phone, operator, price, status,"
    " several_sms, code, created_at, expires_at, attempt_id, hours, until"
)
ATTEMPT = (
    "id, client, service, country, provider, upstream_service, hold, started_at, lifetime, several_sms, fingerprint,"
    " hours, url, renews"
)


@lru_cache(maxsize=4096)
def _the_same(word: str) -> str:
    """One object for all equal words: a hundred thousand open activations name the same few clients and services."""
    return word


def activation_of(row: tuple[object, ...]) -> Activation:
    """A row of the columns ACTIVATION as a value."""
    values = list(row)
    for place in (1, 2, 4, 6, 8):
        values[place] = _the_same(str(row[place]))
    values[10], values[11] = Status(str(row[10])), bool(row[11])
    return Activation(*values)  # type: ignore[arg-type]


def attempt_of(row: tuple[object, ...]) -> Attempt:
    """A row of the columns ATTEMPT as a value."""
    return Attempt(*row[:9], bool(row[9]), *row[10:])  # type: ignore[arg-type, call-arg]


def day(at: float) -> str:
    """The day in UTC, in a form that sorts."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def first_day(period: Period, at: float) -> str:
    """The first day that counts for a budget of this period at this time."""
    today = day(at)
    return {Period.DAY: today, Period.MONTH: today[:8] + "01", Period.TOTAL: ""}[period]


@dataclass(frozen=True, slots=True)
class Draft:
    """An attempt that is about to be made."""

    client: str
    service: str
    country: int
    provider: str
    upstream_service: str
    hold: Usd
    lifetime: int
    several_sms: bool
    fingerprint: str
    budget: Budget | None
    order_id: str = ""
    """The client's idempotency key."""
    max_open: int | None = None
    hours: int = 0
    """The term of a rent; 0: a number for one time."""
    url: str = ""
    """Where the SMS of a rent are pushed."""
    renews: int | None = None
    """The activation whose rent is to go on, where nothing new is bought."""
    markup: int = 0
    """Per cent over the list price that are bid for a number; 0: it is bought, or not."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a provider sold, as far as the books want to know."""

    upstream_id: str
    phone: str
    operator: str
    price: Usd
    expires_at: float
    several_sms: bool | None = None
    """None: as its offer said."""
    until: str = ""
    """A rent's end in the provider's own words."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """One SMS on its way into the books."""

    provider: str
    upstream_id: str
    code: str
    text: str
    sender: str
    sent_at: str
    """The provider's own time stamp."""

    @property
    def identity(self) -> str:
        """What makes it the same message when it comes again: text and time, or the code where one is missing."""
        return f"{self.sent_at}\n{self.text}" if self.sent_at and self.text else self.code


class Transaction:
    """The writes that a unit of work may do, all or none of them. Runs in the writer's thread."""

    def __init__(self, connection: sqlite3.Connection, now: float, receivers: Mapping[str, str]) -> None:
        self._connection = connection
        self._sql = connection.execute
        self._receivers = receivers
        self.bids = Bids(connection)
        self.now = now
        self.changed: list[Activation] = []
        self.deliveries: list[tuple[str, int]] = []
        """Clients for whom one webhook more, or one less, is waiting."""

    # Attempts

    def begin_attempt(self, draft: Draft) -> Attempt:
        """Book the hold and the attempt. Must be durable before the request leaves.

        Raises NoBalance or ChannelsLimit; for one bid too many NoNumbers.
        """
        if draft.markup:
            self.bids.check_room(draft.client, draft.fingerprint)
        if draft.max_open is not None and self._open_or_coming(draft.client) >= draft.max_open:
            raise ChannelsLimit
        if not self.affords(draft.client, draft.budget, draft.hold):
            raise NoBalance
        values = (
            *(draft.client, draft.service, draft.country, draft.provider, draft.upstream_service, draft.hold),
            *(self.now, draft.lifetime, draft.several_sms, draft.fingerprint, draft.hours, draft.url, draft.renews),
        )
        cursor = self._sql(
            f"INSERT INTO attempts ({ATTEMPT.removeprefix('id, ')}, order_id, outcome)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*values, draft.order_id, Outcome.BUYING),
        )
        assert cursor.lastrowid is not None
        attempt = attempt_of((cursor.lastrowid, *values))
        self._post(attempt, Entry.HOLD, attempt.hold)
        if draft.markup:
            self.bids.open(attempt, draft.markup)
        return attempt

    def refuse(self, attempt: Attempt, reason: str) -> None:
        """Nothing was bought, for certain."""
        if self._settle(attempt, Outcome.REFUSED, reason):
            self._post(attempt, Entry.RELEASE, attempt.hold)

    def leave_unknown(self, attempt: Attempt, reason: str, upstream_id: str = "") -> None:
        """Perhaps bought: the hold stays."""
        self._settle(attempt, Outcome.UNKNOWN, reason, upstream_id)

    def abandon(self, attempt: Attempt, reason: str) -> None:
        """The rental that it may have made is over by now."""
        if self._settle(attempt, Outcome.ABANDONED, reason):
            self._post(attempt, Entry.RELEASE, attempt.hold)

    def book(self, attempt: Attempt, receipt: Receipt, outcome: Outcome = Outcome.BOUGHT) -> Activation:
        """The attempt bought something: release the hold, charge what was really paid, and there is an activation.

        Raises OutcomeUnknown if the provider has sold this very rental before.
        """
        if self.rental(attempt.provider, receipt.upstream_id) is not None:
            raise OutcomeUnknown(attempt.provider, f"rental {receipt.upstream_id} was sold before")
        columns = ACTIVATION.removeprefix("id, ")
        several_sms = attempt.several_sms if receipt.several_sms is None else receipt.several_sms
        values = (
            *(attempt.client, attempt.service, attempt.country, attempt.provider, receipt.upstream_id),
            *(attempt.upstream_service, receipt.phone, receipt.operator, receipt.price, Status.WAITING),
            *(several_sms, "", self.now, receipt.expires_at, attempt.id, attempt.hours, receipt.until),
        )
        cursor = self._sql(
            f"INSERT INTO activations ({columns}, fingerprint, url)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*values, attempt.fingerprint, attempt.url),
        )
        assert cursor.lastrowid is not None
        activation = activation_of((cursor.lastrowid, *values))
        if self._settle(attempt, outcome, "", receipt.upstream_id, activation.id):
            self._post(attempt, Entry.RELEASE, attempt.hold, activation.id)
        self._post(attempt, Entry.CHARGE, receipt.price, activation.id)
        self.changed.append(activation)
        return self._join_early_messages(activation)

    def extend(self, attempt: Attempt, price: Usd, until: str, outcome: Outcome = Outcome.BOUGHT) -> Activation:
        """The attempt renewed its rent: release the hold, charge what was paid; the rent goes on for its term more."""
        assert attempt.renews is not None
        if self._settle(attempt, outcome, "", "", attempt.renews):
            self._post(attempt, Entry.RELEASE, attempt.hold, attempt.renews)
            self._post(attempt, Entry.CHARGE, price, attempt.renews)
            self._sql(
                "UPDATE activations SET price = price + ?, expires_at = expires_at + ?, until = ?, delivered = 0"
                " WHERE id = ?",
                (price, attempt.hours * 3600, until, attempt.renews),
            )
        activation = self.activation(attempt.renews)
        assert activation is not None
        self.changed.append(activation)
        return activation

    # Activations

    def activation(self, id: int) -> Activation | None:
        row = self._sql(f"SELECT {ACTIVATION} FROM activations WHERE id = ?", (id,)).fetchone()
        return row and activation_of(row)

    def rental(self, provider: str, upstream_id: str) -> Activation | None:
        row = self._sql(
            f"SELECT {ACTIVATION} FROM activations WHERE provider = ? AND upstream_id = ?", (provider, upstream_id)
        ).fetchone()
        return row and activation_of(row)

    def advance(self, id: int, event: Event, code: str = "") -> Activation:
        """Let `event` happen, its refund included. Raises IllegalTransition; then nothing has changed."""
        before = self.activation(id)
        assert before is not None
        after = advance(before, event, code)
        if after == before:
            return after
        self._sql(
            "UPDATE activations SET status = ?, code = ? WHERE id = ? AND status = ?",
            (after.status, after.code, id, before.status),
        )
        if event in REFUNDING:
            self._refund(after)
        self.changed.append(after)
        return after

    def advance_if_possible(self, id: int, event: Event) -> Activation:
        """Let `event` happen unless something came before it that rules it out, a code for example."""
        try:
            return self.advance(id, event)
        except IllegalTransition:
            activation = self.activation(id)
            assert activation is not None
            return activation

    def settle_interrupted(self) -> None:
        """Attempts that a stopped process left in the middle: perhaps bought."""
        self._sql(
            "UPDATE attempts SET outcome = ?, reason = 'the gateway stopped in the middle', ended_at = ?"
            " WHERE outcome = 'buying'",
            (Outcome.UNKNOWN, self.now),
        )

    def leave_gap(self) -> None:
        """Skip the ids that may have been given away meanwhile, should these books be an older copy."""
        ids.leave_gap(self._connection, self.now)
        self.probe()

    def mark_delivered(self, ids: Sequence[int]) -> None:
        """The client has seen the reply that names these activations."""
        for id in ids:
            self._sql("UPDATE activations SET delivered = 1 WHERE id = ?", (id,))

    # Messages

    def receive(self, sms: Incoming) -> Activation | None:
        """Keep an SMS once and let its activation know; None if nothing is new, or no activation is known yet."""
        activation = self.rental(sms.provider, sms.upstream_id)
        cursor = self._sql(
            "INSERT OR IGNORE INTO messages (provider, upstream_id, identity, activation_id, code, text, sender,"
            " received_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(sms.provider, sms.upstream_id, sms.identity, activation and activation.id),
                *(sms.code, sms.text, sms.sender, self.now),
            ),
        )
        if not cursor.rowcount or activation is None:
            return None
        assert cursor.lastrowid is not None
        return self._tell(activation, cursor.lastrowid, sms.code)

    def _join_early_messages(self, activation: Activation) -> Activation:
        """Hand over what came for the rental before its row."""
        rental = (activation.provider, activation.upstream_id)
        early = self._sql(
            "UPDATE messages SET activation_id = ? WHERE provider = ? AND upstream_id = ? RETURNING id, code",
            (activation.id, *rental),
        ).fetchall()
        for message_id, code in sorted(early):
            activation = self._tell(activation, message_id, code)
        return activation

    def _tell(self, activation: Activation, message_id: int, code: str) -> Activation:
        """Let the activation know of its message, and queue it for the client's webhook unless the money went back."""
        after = self.advance(activation.id, Event.CODE_ARRIVED, code)
        url = self._rent_url(after) or self._receivers.get(after.client)
        if url is not None and deliveries.queue(self._connection, after, message_id, url, self.now):
            self.deliveries.append((after.client, +1))
        return after

    def _rent_url(self, activation: Activation) -> str:
        """Where the SMS of this rent are pushed, as it may be shown; empty if it has no address of its own."""
        if not activation.hours:
            return ""
        (url,) = self._sql("SELECT url FROM activations WHERE id = ?", (activation.id,)).fetchone()
        return str(url).partition("#")[0].partition("?")[0]

    def note_delivery(self, it: Delivery, url: str, error: str, again_at: float | None) -> None:
        """How a try went: delivered if there was no error, given up if it is not to be tried again."""
        if deliveries.note(self._connection, it.id, url, error, again_at):
            self.deliveries.append((it.client, -1))

    # Money

    def set_opening(self, provider: str, opening: Usd) -> None:
        """Remember once what the provider's balance would be with empty books: all drift is measured from there."""
        self._sql(
            "INSERT INTO accounts (provider, opening) VALUES (?, ?)"
            " ON CONFLICT (provider) DO UPDATE SET opening = coalesce(opening, excluded.opening)",
            (provider, opening),
        )

    def probe(self) -> None:
        """Write something, to see whether writing works."""
        self._sql(
            "INSERT INTO probe (id, at) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET at = excluded.at", (self.now,)
        )

    def affords(self, client: str, budget: Budget | None, amount: Usd) -> bool:
        """Whether the client may spend so much more."""
        if budget is None:
            return True
        (spent,) = self._sql(
            "SELECT coalesce(sum(amount), 0) FROM spending WHERE client = ? AND day >= ?",
            (client, first_day(budget.per, self.now)),
        ).fetchone()
        return bool(spent + amount <= budget.amount)

    def _open_or_coming(self, client: str) -> int:
        """Activations that the client sees as open, and attempts that may become some."""
        (count,) = self._sql(
            "SELECT (SELECT count(*) FROM activations WHERE client = ? AND status IN ('waiting', 'received',"
            " 'waiting_again') AND status NOT IN ('finished', 'cancelled', 'expired'))"
            " + (SELECT count(*) FROM attempts WHERE client = ? AND outcome = 'buying')",
            (client, client),
        ).fetchone()
        return int(count)

    def _settle(
        self, attempt: Attempt, outcome: Outcome, reason: str, upstream_id: str = "", activation_id: int | None = None
    ) -> bool:
        """Say how it ended, unless that is settled already."""
        changed = self._sql(
            "UPDATE attempts SET outcome = ?, reason = ?, upstream_id = coalesce(nullif(?, ''), upstream_id),"
            " activation_id = ?, ended_at = ?"
            f" WHERE id = ? AND outcome IN ('{Outcome.BUYING}', '{Outcome.UNKNOWN}')",
            (outcome, reason, upstream_id, activation_id, self.now, attempt.id),
        ).rowcount
        if changed and outcome is not Outcome.UNKNOWN:
            self.bids.settled(attempt.id, outcome)
        return bool(changed)

    def _refund(self, activation: Activation) -> None:
        """Give the price back, once."""
        row = self._sql(f"SELECT {ATTEMPT} FROM attempts WHERE id = ?", (activation.attempt_id,)).fetchone()
        if self._sql(
            "UPDATE activations SET refunded = price WHERE id = ? AND refunded = 0", (activation.id,)
        ).rowcount:
            self._post(attempt_of(row), Entry.REFUND, activation.price, activation.id)

    def _post(self, attempt: Attempt, kind: Entry, amount: Usd, activation_id: int | None = None) -> None:
        """One ledger entry, and the sums that go with it. Spending belongs to the day on which the attempt began."""
        self._sql(
            "INSERT INTO ledger (at, client, provider, activation_id, attempt_id, kind, amount)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (self.now, attempt.client, attempt.provider, activation_id, attempt.id, kind, amount),
        )
        self._sql(
            "INSERT INTO spending (client, day, amount) VALUES (?, ?, ?)"
            " ON CONFLICT (client, day) DO UPDATE SET amount = amount + excluded.amount",
            (attempt.client, day(attempt.started_at), SPENDS[kind] * amount),
        )
        if BOOKS[kind]:
            self._sql(
                "INSERT INTO accounts (provider, booked) VALUES (?, ?)"
                " ON CONFLICT (provider) DO UPDATE SET booked = booked + excluded.booked",
                (attempt.provider, BOOKS[kind] * amount),
            )
