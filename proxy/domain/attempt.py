"""Tries to buy, and the kinds of money that move with them."""

from dataclasses import dataclass
from enum import StrEnum

from proxy.domain.money import Usd


class Outcome(StrEnum):
    BUYING = "buying"
    """Written before the request leaves; only a process that is at it may leave it so."""
    BOUGHT = "bought"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    """Perhaps bought; the hold stays until it is settled."""
    RECOVERED = "recovered"
    """Was unknown, and turned out to be bought."""
    ABANDONED = "abandoned"
    """Was unknown until the rental's time was up; the hold is released."""


class Entry(StrEnum):
    """Kinds of ledger entries; amounts are positive, the kind says in which direction."""

    HOLD = "hold"
    RELEASE = "release"
    CHARGE = "charge"
    REFUND = "refund"


SPENDS = {Entry.HOLD: 1, Entry.RELEASE: -1, Entry.CHARGE: 1, Entry.REFUND: -1}
"""What an entry does to the money that a client has spent or reserved."""

BOOKS = {Entry.HOLD: 0, Entry.RELEASE: 0, Entry.CHARGE: 1, Entry.REFUND: -1}
"""What an entry does to the money that a provider has got."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to buy at one provider."""

    id: int
    client: str
    service: str
    country: int
    provider: str
    upstream_service: str
    hold: Usd
    started_at: float
    lifetime: int
    """Seconds after which a rental that it may have made is over."""
    several_sms: bool
    fingerprint: str
    """What equal requests of one client have in common."""
    hours: int = 0
    """The term of a rent; 0: a number for one time."""
    url: str = ""
    """Where the SMS of a rent are pushed."""
    renews: int | None = None
    """The activation whose rent is to go on for its term once more, where nothing new is bought."""
