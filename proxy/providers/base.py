"""What a provider is to the rest of the house: a small Protocol in our own words, and the values that cross it.

An adapter knows its provider's documents and nothing of books, routes or clients. It is handed its transport (real,
embedded or recorded) and translates: every answer to a purchase is Bought, Refused (definitely nothing was bought, and
why), or an exception that says whether the request can have had an effect.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Protocol, runtime_checkable

from proxy.domain.money import Usd

ANY_SERVICE = "full"
"""The service of a rent that takes the SMS of every service; SMS-Activate's word."""


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """What the operator configured for one account, as far as its adapter wants to know."""

    base_url: str
    api_key: str = field(repr=False)
    user: str = ""
    tier: str = "standard"
    timeout: float = 10.0
    """Seconds for one exchange; the wait for a turn, where the provider limits them, comes on top."""
    countries: tuple[int, ...] = ()
    """SMS-Activate's ids of the countries that are bought here; empty: those that the kind is known for."""
    currency_code: str = "USD"
    """In what the account counts, where it is not in dollars."""
    per_usd: Decimal = Decimal(1)
    """How much of that currency one dollar buys."""


@dataclass(frozen=True, slots=True)
class Listing:
    """One line of a provider's price list."""

    service: str
    """The provider's own name, spelled as it must be sent."""
    country: int
    """SMS-Activate's country id."""
    price: Usd
    stock: int | None
    """None: the provider does not say."""
    lifetime: int | None = None
    """Seconds that a rental waits for its SMS; None: the provider does not say."""
    several_sms: bool = False
    title: str = ""
    """The provider's name for people, where it has another one."""
    hours: int = 0
    """The term of a rent; 0: a number for one time."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to buy, in the provider's own service name."""

    service: str
    country: int
    price_limit: Usd
    """Nothing dearer may be bought, surcharges included; sent along where the provider can be told."""
    carrier: str = ""
    keep_carrier: bool = False
    """With a carrier: that one or none."""
    area_codes: tuple[str, ...] = ()
    lock_area_codes: bool = False
    """With area codes: one of them or none."""
    state: str = ""
    """Two letters, US."""
    number: str = ""
    """Eleven digits: this number or none."""
    renews: str = ""
    """The upstream id of an earlier rental whose number is wanted again; `number` is that number."""
    renewed_price: Usd | None = None
    """With `renews`: what the earlier rental cost, where a provider asks the same again."""
    hours: int = 0
    """The term of a rent, one of those that are listed; 0: a number for one time."""


@dataclass(frozen=True, slots=True)
class Bought:
    upstream_id: str
    number: str
    """Digits with the country code: eleven for the US."""
    price: Usd | None
    """What was really taken; None: the answer does not say (then the quoted price holds)."""
    lifetime: int | None = None
    """Seconds from now, as far as the answer says."""
    operator: str = ""
    balance: Usd | None = None
    """The account's balance after the purchase, as far as the answer says."""
    several_sms: bool | None = None
    """Whether another SMS may be asked for on the same number; None: the answer does not say."""
    until: str = ""
    """A rent's end in the provider's own words: only whether it changes is ever asked."""


@dataclass(frozen=True, slots=True)
class Renewed:
    """A rent goes on for its term once more."""

    price: Usd | None
    """What was really taken; None: the answer does not say (then the quoted price holds)."""
    until: str
    """Its new end in the provider's own words."""


class Reason(StrEnum):
    """Why a purchase was definitely refused."""

    OUT_OF_STOCK = "out of stock"
    TOO_DEAR = "too dear"
    NUMBER_GONE = "the number is not to be had"
    NO_SUCH_SERVICE = "the provider does not sell the service"
    BAD_REQUEST = "the provider does not take the request"
    BUSY = "the provider asks to try again"
    FULL = "too many open rentals at the provider"
    NO_MONEY = "the provider's account is empty"
    BAD_KEY = "the provider refuses our key"
    MAINTENANCE = "the provider is under maintenance"
    OTHER = "the provider refuses"


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was bought, for certain."""

    reason: Reason
    text: str = ""
    """The provider's own words."""
    price: Usd | None = None
    """TOO_DEAR: what it would really cost, where the provider tells."""


class Cancelled(StrEnum):
    """What a provider says to a cancellation."""

    DONE = "done"
    TOO_EARLY = "too early"
    REFUSED = "refused"
    """The rental can no longer be cancelled, or the id is unknown: a look at the rental tells which."""


class RentalState(StrEnum):
    OPEN = "open"
    REFUNDED = "refunded"
    """Over without a code; the provider does not charge for it."""
    OVER = "over"
    """Over, and the money is spent."""
    UNKNOWN_ID = "unknown id"


@dataclass(frozen=True, slots=True)
class Sms:
    """One SMS as the provider tells of it."""

    code: str
    """As it stood in the message, leading zeros kept; empty if none was recognised."""
    text: str = ""
    sender: str = ""
    received_at: str = ""
    """The provider's own time stamp, part of the message's identity; empty if it gives none."""


@dataclass(frozen=True, slots=True)
class Rental:
    """What an adapter needs to know to ask after something it sold."""

    upstream_id: str
    service: str
    number: str


@dataclass(frozen=True, slots=True)
class Look:
    """What a provider says of one rental now."""

    state: RentalState
    messages: tuple[Sms, ...] = ()
    """Oldest first; those seen before may be among them."""
    number: str = ""
    markup: int | None = None
    """Per cent over the listed price that it costs; None where the provider does not say."""


@dataclass(frozen=True, slots=True)
class OpenRental:
    """One line of a provider's list of what is open on the account."""

    upstream_id: str
    service: str
    """The provider's own name."""
    number: str
    price: Usd | None
    since: str
    """The provider's own time stamp; empty if it gives none."""
    operator: str = ""
    country: int | None = None
    """SMS-Activate's country id, as far as the list says."""
    hours: int = 0
    """The term of a rent."""
    until: str = ""
    """A rent's end, as in `Bought`."""


@dataclass(frozen=True, slots=True)
class Auction:
    """Numbers of one service, sold together to whoever bids most for each of them."""

    id: str
    service: str
    """The provider's name for people."""
    current_bid: Usd | None
    """For one number; None: nobody has bid, as far as the list says."""
    ends_at: str
    """The provider's own time stamp."""
    amount: int
    """How many numbers; 0: the list does not say."""


@dataclass(frozen=True, slots=True)
class News:
    """One SMS in a provider's list of the newest on the whole account; it names no rental, only number and service."""

    number: str
    service: str
    sms: Sms


@dataclass(frozen=True, slots=True)
class Push:
    """What a provider's webhook told."""

    upstream_id: str
    sms: Sms | None
    """None: something happened to the rental that is worth a look, or the code must be looked up to be trusted."""
    number: str = ""
    """Digits with the country code, as far as the webhook says; so the next two."""
    service: str = ""
    price: Usd | None = None


class Provider(Protocol):
    """One configured account upstream. Every method but `quote` and `read_push` raises NotSent or OutcomeUnknown."""

    name: str
    kind: str
    carriers: tuple[str, ...]
    """That an order can name; empty: none, or nobody knows which."""

    async def listings(self, timeout: float) -> Sequence[Listing]:
        """The whole price list."""

    def quote(self, listing: Listing, order: Order) -> Usd | Refused:
        """The most that the order can cost here, surcharges included; asks nobody."""

    async def buy(self, order: Order, timeout: float) -> Bought | Refused:
        """Spend money. One request at most, never repeated."""

    def quote_together(self, listings: Sequence[Listing]) -> Sequence[Usd] | None:
        """The most that each of these can cost when one number is bought for all; None: that cannot be had here."""

    async def buy_together(self, orders: Sequence[Order], timeout: float) -> Sequence[Bought] | Refused:
        """Spend money for one number with several services, all or nothing: one Bought for each order, in order."""

    async def cancel(self, rental: Rental, timeout: float) -> Cancelled:
        """Give the rental back. Repeating it is harmless."""

    async def finish(self, rental: Rental, timeout: float) -> None:
        """Tell that the code was used, where the provider wants to know; a no-op elsewhere."""

    async def again(self, rental: Rental, timeout: float) -> bool:
        """Ask for another SMS on the same number, where the provider wants to be asked; False: it will not."""

    async def look(self, rental: Rental, timeout: float, *, closely: bool = False) -> Look:
        """Messages and state of one rental; `closely` makes sure of the state where that costs a second call."""

    async def newest(self, timeout: float) -> Sequence[News] | None:
        """The newest SMS of the whole account, newest first; None: this provider has no such list."""

    async def open_rentals(self, timeout: float) -> Sequence[OpenRental] | None:
        """What is open on the account; None: this provider has no such list. A long list may come without its end."""

    async def rent_listings(self, timeout: float) -> Sequence[Listing]:
        """What can be rented for a longer time, one line for each term; nothing where no rents are sold.

        Orders with such a line's `hours` go to `buy`; the upstream id of a rent tells every method that it is one.
        """

    async def open_rents(self, timeout: float) -> Sequence[OpenRental] | None:
        """The rents of the account that go on; None: this provider has no such list."""

    async def renew(self, rental: Rental, timeout: float) -> Renewed | Refused:
        """Spend money: the rent's own term once more. One request at most, never repeated."""

    async def balance(self, timeout: float) -> Usd: ...

    def read_push(self, fields: Mapping[str, object]) -> Push | None:
        """Understand a webhook's fields; None: well-formed but of no interest. Raises ValueError for rubbish."""

    async def aclose(self) -> None: ...


@runtime_checkable
@runtime_checkable
class Auctioneer(Protocol):
    """What a provider has besides where it sells by auction. Raises NotSent or OutcomeUnknown as a Provider does."""

    async def auctions(self, timeout: float) -> Sequence[Auction]:
        """Those that can be bid on now."""

    async def bid(self, id: str, amount: Usd, timeout: float) -> Usd | Refused:
        """Spend money perhaps: the bid that stands then, for one number. One request at most, never repeated."""
