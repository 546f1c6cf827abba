"""The life of an activation. Every rule about it lives in this file.

Rule 1: a status changes only through `advance`, and `advance` only reads TRANSITIONS.
Rule 2: nothing here knows who asked (client, poller, provider), how it is stored or what the wire calls it.
Rule 3: money comes back only with an event of REFUNDING, and after a code no such event is possible any more.

Two statuses are promises to keep: CANCELLING (the client was told that it is cancelled, the provider could not be
reached yet) and ENDING (the time is up, the provider has not said yet how it ended). A code that comes first wins.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from proxy.domain.money import Usd


class Status(StrEnum):
    WAITING = "waiting"
    RECEIVED = "received"
    WAITING_AGAIN = "waiting_again"
    CANCELLING = "cancelling"
    ENDING = "ending"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Event(StrEnum):
    CODE_ARRIVED = "code_arrived"
    CLIENT_WANTS_ANOTHER = "client_wants_another"
    CLIENT_FINISHED = "client_finished"
    CLIENT_LET_GO = "client_let_go"
    """The client has no more use for its rent; it is paid for, whether an SMS came or not."""
    CLIENT_CANCELLED = "client_cancelled"
    """The client's wish; the provider has not confirmed it."""
    CANCEL_CONFIRMED = "cancel_confirmed"
    TIME_RAN_OUT = "time_ran_out"
    PROVIDER_REFUNDED = "provider_refunded"
    """The provider says that it is over and costs nothing."""
    PROVIDER_ENDED = "provider_ended"
    """The provider says that it is over, and of a refund nothing."""


class IllegalTransition(Exception):
    """The event cannot happen in this status."""

    def __init__(self, status: Status, event: Event) -> None:
        super().__init__(f"{event} cannot happen to an activation that is {status}")


TRANSITIONS: dict[Status, dict[Event, Status]] = {
    Status.WAITING: {
        Event.CODE_ARRIVED: Status.RECEIVED,
        Event.CLIENT_LET_GO: Status.FINISHED,
        Event.CLIENT_CANCELLED: Status.CANCELLING,
        Event.CANCEL_CONFIRMED: Status.CANCELLED,
        Event.TIME_RAN_OUT: Status.ENDING,
        Event.PROVIDER_REFUNDED: Status.EXPIRED,
        Event.PROVIDER_ENDED: Status.EXPIRED,
    },
    Status.RECEIVED: {
        Event.CODE_ARRIVED: Status.RECEIVED,
        Event.CLIENT_WANTS_ANOTHER: Status.WAITING_AGAIN,
        Event.CLIENT_FINISHED: Status.FINISHED,
        Event.CLIENT_LET_GO: Status.FINISHED,
        Event.TIME_RAN_OUT: Status.FINISHED,
        Event.PROVIDER_ENDED: Status.FINISHED,
    },
    # Not WAITING: one code was delivered, so the money is spent and no way out refunds it.
    Status.WAITING_AGAIN: {
        Event.CODE_ARRIVED: Status.RECEIVED,
        Event.CLIENT_WANTS_ANOTHER: Status.WAITING_AGAIN,
        Event.CLIENT_FINISHED: Status.FINISHED,
        Event.TIME_RAN_OUT: Status.FINISHED,
        Event.PROVIDER_ENDED: Status.FINISHED,
    },
    Status.CANCELLING: {
        Event.CODE_ARRIVED: Status.RECEIVED,
        Event.CLIENT_CANCELLED: Status.CANCELLING,
        Event.CANCEL_CONFIRMED: Status.CANCELLED,
        Event.PROVIDER_REFUNDED: Status.CANCELLED,
        Event.PROVIDER_ENDED: Status.CANCELLED,
    },
    Status.ENDING: {
        Event.CODE_ARRIVED: Status.FINISHED,
        Event.CLIENT_CANCELLED: Status.ENDING,
        Event.CANCEL_CONFIRMED: Status.EXPIRED,
        Event.PROVIDER_REFUNDED: Status.EXPIRED,
        Event.PROVIDER_ENDED: Status.EXPIRED,
    },
    # The three ends. A wish that is fulfilled already may be repeated; a late SMS is kept and changes nothing.
    Status.FINISHED: {
        Event.CLIENT_FINISHED: Status.FINISHED,
        Event.CLIENT_LET_GO: Status.FINISHED,
        Event.CODE_ARRIVED: Status.FINISHED,
    },
    Status.CANCELLED: {Event.CLIENT_CANCELLED: Status.CANCELLED, Event.CODE_ARRIVED: Status.CANCELLED},
    Status.EXPIRED: {Event.CLIENT_CANCELLED: Status.EXPIRED, Event.CODE_ARRIVED: Status.EXPIRED},
}

CLOSED = frozenset({Status.FINISHED, Status.CANCELLED, Status.EXPIRED})
SEEN_OPEN = frozenset({Status.WAITING, Status.RECEIVED, Status.WAITING_AGAIN})
"""What a client sees as open; CANCELLING and ENDING are over for it."""
REFUNDING = frozenset({Event.CANCEL_CONFIRMED, Event.PROVIDER_REFUNDED})


@dataclass(frozen=True, slots=True)
class Activation:
    """What a client bought: exactly one rental of exactly one provider."""

    id: int
    client: str
    service: str
    """SMS-Activate's code."""
    country: int
    provider: str
    upstream_id: str
    upstream_service: str
    phone: str
    operator: str
    price: Usd
    status: Status
    several_sms: bool
    code: str
    """The newest code; empty before the first."""
    created_at: float
    expires_at: float
    attempt_id: int
    hours: int = 0
    """The term of a rent; 0: a number for one time."""
    until: str = ""
    """A rent's end in the provider's own words: when these change, it was renewed."""

    @property
    def is_open(self) -> bool:
        """Something can still happen to it."""
        return self.status not in CLOSED


def advance(activation: Activation, event: Event, code: str = "") -> Activation:
    """Return the activation after `event`, or raise IllegalTransition; `code` goes with CODE_ARRIVED."""
    try:
        status = TRANSITIONS[activation.status][event]
    except KeyError:
        raise IllegalTransition(activation.status, event) from None
    if code and activation.is_open:
        return replace(activation, status=status, code=code)
    return replace(activation, status=status)
