"""What the actions share: the registry that they declare themselves in, and how the protocol prints things."""

from datetime import UTC, datetime

from proxy.domain.activation import Activation, Status
from proxy.stub.registry import Call, Registry

ACTIONS = Registry()

USD_CODE = 840
"""ISO 4217's number of the US dollar."""
PRICES_SECONDS = 10.0
"""How long a client waits for prices that were never learnt."""
OVER = "STATUS_CANCEL"
STATUS_NUMBERS = {
    Status.WAITING: "4",
    Status.RECEIVED: "2",
    Status.WAITING_AGAIN: "3",
    Status.FINISHED: "6",
    Status.CANCELLING: "8",
    Status.CANCELLED: "8",
    Status.ENDING: "10",
    Status.EXPIRED: "10",
}
"""How lists tell a status: 2 SMS received, 3 waits for another, 4 waits, 6 success, 8 cancelled, 10 refunded."""


def clock_time(at: float) -> str:
    """A time as the protocol prints it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def country_for(call: Call, country: int | None) -> int:
    """The country that the operator gave this client, or the one that it asks for, or the default."""
    if call.client.country is not None:
        return call.client.country
    return call.gateway.market.config.country if country is None else country


def status_words(activation: Activation) -> str:
    """An activation in the protocol's words."""
    match activation.status:
        case Status.WAITING:
            return "STATUS_WAIT_CODE"
        case Status.WAITING_AGAIN:
            return f"STATUS_WAIT_RETRY:{activation.code}"
        case Status.RECEIVED:
            return f"STATUS_OK:{activation.code}"
        case Status.FINISHED if activation.code:
            return f"STATUS_OK:{activation.code}"
        case _:
            return OVER
