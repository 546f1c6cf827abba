"""What a provider has besides where it takes bids: requests that wait, for more money, until there is a number."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from proxy.domain.money import Usd
from proxy.providers.base import Bought, Order, Refused


@dataclass(frozen=True, slots=True)
class Standing:
    """The bid was taken and waits for a number."""

    upstream_id: str
    price: Usd | None
    """What the number will cost, markup and all; None: the answer does not say."""


class BidState(StrEnum):
    WAITING = "waiting"
    WON = "won"
    GONE = "gone"
    """Withdrawn, timed out or unknown to the provider: it brings no number and costs nothing."""


@dataclass(frozen=True, slots=True)
class BidLook:
    """What a provider says of one bid now."""

    state: BidState
    number: str = ""
    """WON: digits with the country code."""
    lifetime: int | None = None
    """WON: seconds from now for which the number waits for its SMS, as far as the provider says."""
    operator: str = ""


@runtime_checkable
class Bidder(Protocol):
    """Raises NotSent or OutcomeUnknown as a Provider does, whose `cancel` withdraws a bid."""

    async def place_bid(self, order: Order, markup: int, timeout: float) -> Standing | Bought | Refused:
        """Spend money perhaps, now or later: so many per cent over the list price. One request at most.

        Bought: there was a number after all.
        """

    async def look_at_bid(self, upstream_id: str, timeout: float) -> BidLook:
        """Whether the bid has won."""
