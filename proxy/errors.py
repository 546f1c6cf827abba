"""What can go wrong, by whose fault it is.

GatewayError
├── ClientFault        the client asked for what cannot be (stub.replies has a word for each)
├── ProviderError      a provider could not be asked, or what it said makes no sense
│   ├── NotSent          no connection was made: the request certainly did nothing
│   │   └── NoTurn         not even tried, to keep to the provider's own limit
│   └── OutcomeUnknown   the request may have been carried out, and nobody can say
├── StoreClosed        the books cannot be written now: buy nothing
└── BadConfig          routing.yaml is wrong; carries every complaint
"""


class GatewayError(Exception):
    """Anything that this program expects to go wrong."""


class ClientFault(GatewayError):
    """The client asked for what cannot be."""


class ProviderError(GatewayError):
    """A provider could not be asked, or answered nonsense."""

    def __init__(self, provider: str, reason: str) -> None:
        super().__init__(f"{provider}: {reason}")
        self.provider = provider
        self.reason = reason


class NotSent(ProviderError):
    """No connection was made: the request certainly did nothing."""


class NoTurn(NotSent):
    """The provider takes only so many requests a second, and no turn came in time: no fault of its own."""


class OutcomeUnknown(ProviderError):
    """The request left and no sure answer came back: cut, hung, 5xx, nonsense. It may have been carried out."""

    def __init__(self, provider: str, reason: str, upstream_id: str = "", upstream_ids: tuple[str, ...] = ()) -> None:
        super().__init__(provider, reason)
        self.upstream_id = upstream_id
        """What the half-understood answer called the rental, when it said that much."""
        self.upstream_ids = upstream_ids or (upstream_id,)
        """Of several things that were bought together, each one's, in the order in which they were ordered."""


class StoreClosed(GatewayError):
    """The books cannot be written now (disk full, database locked): nothing may be bought."""


class BadConfig(GatewayError):
    """The configuration cannot be used; `complaints` has one line for each thing wrong."""

    def __init__(self, complaints: list[str]) -> None:
        super().__init__("\n".join(complaints))
        self.complaints = complaints


class BadKey(ClientFault):
    """No `api_key`, or one that belongs to nobody."""


class BadAction(ClientFault):
    """A word that the protocol does not have, or parameters without which the word means nothing."""


class BadService(ClientFault):
    """Neither an SMS-Activate code nor any provider's own name."""


class BadStatus(ClientFault):
    """setStatus with an unknown status, or one that is not legal now."""


class WrongActivationId(ClientFault):
    """An id that is no number."""


class NoActivation(ClientFault):
    """An id that nobody has, or somebody else."""


class NoBalance(ClientFault):
    """The client's own budget does not cover it."""


class WrongMaxPrice(ClientFault):
    """Only the request's own cap stood in the way of an offer."""

    def __init__(self, least: int) -> None:
        super().__init__("only the request's own price cap is in the way")
        self.least = least
        """What the cheapest offer costs, in millionths of a dollar."""


class ChannelsLimit(ClientFault):
    """The client has as many open activations as it may."""


class TooManyRequests(ClientFault):
    """The client asks faster than its rate."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"try again in {retry_after} s")
        self.retry_after = retry_after
        """Whole seconds."""


class EarlyCancel(ClientFault):
    """The provider does not take the number back yet."""


class RenewalImpossible(ClientFault):
    """The number of that activation cannot be bought again."""


class WrongAdditionalService(ClientFault):
    """The service cannot be bought on the number of that activation."""


class WrongExceptionPhone(ClientFault):
    """A phoneException that is no list of prefixes."""


class WrongDate(ClientFault):
    """A history that ends before it begins, or is longer than 30 days."""


class WrongService(ClientFault):
    """An unknown service, for the one action that has a word of its own for that."""


class OrderExists(ClientFault):
    """The idempotency key was used for another request, or its first use has no answer that could be given again."""


class NoRent(ClientFault):
    """An id that is no rent of this client."""


class RentOver(ClientFault):
    """The rent is over: it was let go, cancelled, or its time is up."""


class RentCannotBeCancelled(ClientFault):
    """An SMS has come, or the provider's time for it is over."""


class WrongRentTime(ClientFault):
    """No rent can be had, or continued, for so long."""


class NoAuction(ClientFault):
    """No such auction can be bid on now, or more than one."""


class BidRefused(ClientFault):
    """The provider does not take the bid, or the operator's own limit forbids it."""


class ProviderAway(GatewayError):
    """What cannot be done later must be asked of the provider now, and it cannot be reached."""


class NoNumbers(GatewayError):
    """What a client cannot mend: nothing in stock, a provider down or without money, an outcome that is not known."""
