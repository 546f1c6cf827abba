"""Standing bids: an attempt whose outcome is a number that may still be won, and what there is to say of it besides.

A bid is over when its attempt is settled. Only one that was won goes on for a while: its number is kept for the client,
who may or may not come back for it.
"""

import sqlite3
from dataclasses import dataclass
from enum import StrEnum

from proxy.domain.attempt import Attempt, Outcome
from proxy.domain.money import Usd
from proxy.errors import NoNumbers

MOST = 10
"""Open bids of one client."""
IS_OPEN = "state IN ('open', 'withdrawing')"


class BidState(StrEnum):
    OPEN = "open"
    """It may win; while its attempt is being made, it may not even be placed."""
    WITHDRAWING = "withdrawing"
    """It is to win nothing any more, but the provider has not confirmed that yet."""
    WON = "won"
    """Its number is kept for the client, who does not know of it yet."""
    RETURNED = "returned"
    """It was won, and given back because nobody came for it."""
    OVER = "over"


@dataclass(frozen=True, slots=True)
class StandingBid:
    """One bid, with its attempt as it stands."""

    attempt: Attempt
    outcome: Outcome
    upstream_id: str
    """Empty: it is just being placed, or nobody knows whether it was."""
    activation_id: int | None
    settled_at: float | None
    markup: int
    price: Usd
    """What its number costs; never more than is held, unless it is to be withdrawn for that."""
    state: BidState
    why: str
    """WITHDRAWING: the reason."""

    @property
    def id(self) -> int:
        """That of its attempt."""
        return self.attempt.id

    @property
    def provider(self) -> str:
        return self.attempt.provider


class Bids:
    """What a transaction writes of bids. Their attempts and their money are the transaction's own business."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._sql = connection.execute

    def check_room(self, client: str, fingerprint: str) -> None:
        """Raises NoNumbers if the client may not bid for this now."""
        own = self._sql(f"SELECT fingerprint FROM bids WHERE client = ? AND {IS_OPEN}", (client,)).fetchall()
        if (fingerprint,) in own:
            raise NoNumbers("an equal bid is open")
        if len(own) >= MOST:
            raise NoNumbers(f"{len(own)} bids are open, more are not allowed")

    def open(self, attempt: Attempt, markup: int) -> None:
        self._sql(
            "INSERT INTO bids (attempt_id, client, fingerprint, markup, price, state) VALUES (?, ?, ?, ?, ?, ?)",
            (attempt.id, attempt.client, attempt.fingerprint, markup, attempt.hold, BidState.OPEN),
        )

    def name(self, id: int, upstream_id: str, price: Usd) -> None:
        """The provider has taken the bid, and calls it so."""
        self._sql("UPDATE bids SET upstream_id = ?, price = ? WHERE attempt_id = ?", (upstream_id, price, id))

    def wish(self, id: int, why: str) -> bool:
        """It is to be withdrawn; False: too late, it has won or is over."""
        changed = self._sql(
            "UPDATE bids SET why = ?, state = ? WHERE attempt_id = ? AND state = ?",
            (why, BidState.WITHDRAWING, id, BidState.OPEN),
        ).rowcount
        return bool(changed) or self._state(id) is BidState.WITHDRAWING

    def may_win(self, id: int, *, though_withdrawing: bool) -> bool:
        """Whether a number may still be booked for it: not if it was perhaps given back meanwhile."""
        return self._state(id) in (BidState.OPEN, BidState.WITHDRAWING if though_withdrawing else BidState.OPEN)

    def settled(self, id: int, outcome: Outcome) -> None:
        """Its attempt is; what was bought without waiting for it is its client's at once."""
        state = BidState.WON if outcome is Outcome.RECOVERED else BidState.OVER
        self._sql(f"UPDATE bids SET state = ? WHERE attempt_id = ? AND {IS_OPEN}", (state, id))

    def fetched(self, id: int) -> bool:
        """The client comes for the number that was won; False: too late, it is being given back."""
        return self._end(id, BidState.OVER)

    def returned(self, id: int) -> bool:
        """Nobody came for the number that was won; False: too late, somebody did."""
        return self._end(id, BidState.RETURNED)

    def _end(self, id: int, state: BidState) -> bool:
        sql = "UPDATE bids SET state = ? WHERE attempt_id = ? AND state = ?"
        return bool(self._sql(sql, (state, id, BidState.WON)).rowcount)

    def _state(self, id: int) -> BidState:
        return BidState(self._sql("SELECT state FROM bids WHERE attempt_id = ?", (id,)).fetchone()[0])
