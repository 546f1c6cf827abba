"""Offers: what a provider asks for a service, and what a request makes of it."""

from dataclasses import dataclass

from proxy.domain.money import Usd


@dataclass(frozen=True, slots=True)
class Offer:
    provider: str
    service: str
    """The provider's own name."""
    country: int
    price: Usd
    """What it can cost at most for the request at hand, surcharges included."""
    list_price: Usd
    stock: int | None
    """None: the provider does not say."""
    learnt_at: float
    lifetime: int | None = None
    """Seconds that a rental waits for its SMS."""
    several_sms: bool = False
    delivery: float | None = None
    """The share of recent purchases that brought a code; None without history."""
    hours: int = 0
    """The term of a rent; 0: a number for one time."""


@dataclass(frozen=True, slots=True)
class Want:
    """What a client asks for, in our words."""

    service: str
    """SMS-Activate's code, or a provider's own name where no code stands for it."""
    country: int
    max_price: Usd | None = None
    operator: str = ""
    """A carrier; empty for any."""
    keep_operator: bool = False
    """That carrier or none."""
    area_codes: tuple[str, ...] = ()
    lock_area_codes: bool = False
    number: str = ""
    """Eleven digits: this number or none."""
    only: tuple[str, ...] = ()
    """Providers to choose among; empty for all."""
    without: tuple[str, ...] = ()
    """Providers to leave out."""
    unwanted: tuple[str, ...] = ()
    """Prefixes of numbers that are given back unseen."""
    renews: str = ""
    """The upstream id of an earlier rental of `number`, which is wanted for the same service again."""
    renewed_price: Usd | None = None
    """What that one cost."""
    hours: int = 0
    """A rent for so long at least; 0: a number for one time."""
    url: str = ""
    """Where the SMS of a rent are pushed."""
