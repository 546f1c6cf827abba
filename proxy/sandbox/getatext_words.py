"""How getatext reads what it is asked, refuses, and prints what it sold."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from proxy.domain.money import Usd, parse_usd, print_usd
from proxy.sandbox.account import Phase, Rental
from proxy.sandbox.messages import Message
from proxy.sandbox.newyork import plain
from proxy.sandbox.settings import Service

NO_FUNDS = "Insufficient funds"
NEEDS_APPROVAL = (
    "This service requires prior approval. Please request access through the platform portal before renting."
)
OUT_OF_STOCK = "Service is out of stock"
TAKEN = "Rental error, number is already taken. Please try again"
TOO_DEAR = "The price of the service exceeds the maximum price you are willing to pay, actual price is: "
TOO_EARLY = "You must wait 1 minute before requesting a cancellation"


class Refused(Exception):
    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class Asked:
    """The fields of a request; one of the wrong type is refused, as the documents show which types they have."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = fields

    def text(self, name: str) -> str:
        return self._read(name, str, "a string") or ""

    def flag(self, name: str) -> bool:
        return self._read(name, bool, "a boolean") or False

    def require(self, name: str, title: str = "") -> None:
        if self._fields.get(name) in (None, ""):
            raise Refused(400, f"{title or name} is not presented on the request")

    def codes(self, name: str) -> list[str]:
        """Area codes in one string or in an array of them."""
        value = self._read(name, str | list, "a string or an array")
        codes: list[Any] = value.split(",") if isinstance(value, str) else value or []
        if not all(isinstance(code, str) for code in codes):
            raise Refused(422, f"{name} must be a string or an array of strings")
        return [code for code in codes if code]

    def id(self, name: str) -> int:
        value: int | None = self._read(name, int, "an integer")
        if value is None or isinstance(value, bool):
            raise Refused(422, f"{name} must be an integer")
        return value

    def amount(self, name: str) -> Usd | None:
        value = self._read(name, int | Decimal, "a number")
        try:
            return None if value is None else parse_usd(value)
        except ValueError:
            raise Refused(422, f"{name} must be a number") from None

    def _read(self, name: str, kind: Any, word: str) -> Any:
        value = self._fields.get(name)
        if value is not None and not isinstance(value, kind):
            raise Refused(422, f"{name} must be {word}")
        return value


Answer = tuple[int, dict[str, object]]
Handler = Callable[[Asked], Answer]


def refuse_above(limit: Usd | None, price: Usd) -> None:
    if limit is not None and price > limit:
        raise Refused(400, TOO_DEAR + print_usd(price))


def sold(rental: Rental) -> dict[str, object]:
    """The reply to a purchase, money left out: one endpoint gives it as text, another as a number."""
    return {
        "id": rental.id,
        "status": "success",
        "message": "Number rented successfully.",
        "errors": None,
        "end_time": plain(rental.ends_at),
        "number": rental.number,
        "service_name": rental.service.name,
    }


def sold_together(rentals: Sequence[Rental], balance: Usd) -> dict[str, object]:
    return {
        "status": "success",
        "rentals": [sold(rental) | {"price": print_usd(rental.price)} for rental in rentals],
        "new_balance": print_usd(balance),
        "total_cost": print_usd(sum(rental.price for rental in rentals)),
    }


def status(rental: Rental, word: str, balance: Usd) -> dict[str, object]:
    return {
        "id": rental.id,
        "status": word,
        "code": (rental.messages[-1].code or None) if rental.messages else None,
        "errors": None,
        "end_time": plain(rental.ends_at),
        "number": rental.number,
        "service_name": rental.service.name,
        "cost": print_usd(rental.price),
        "balance": print_usd(balance),
    }


def completed(rental: Rental, balance: Usd) -> dict[str, object]:
    return {
        "id": rental.id,
        "end_time": plain(rental.ends_at),
        "number": rental.number,
        "service_name": rental.service.name,
        "price": print_usd(rental.price),
        "new_balance": print_usd(balance),
    }


def status_word(rental: Rental) -> str:
    match rental.phase:
        case Phase.CANCELLED:
            return "cancelled"
        case Phase.EXPIRED:
            return "expired"
        case Phase.FINISHED:
            return "completed"
        case Phase.OPEN:
            return "viewed" if rental.viewed else "active"


def listing(service: Service, stock: int) -> dict[str, object]:
    return {
        "service_name": service.name,
        "api_name": service.api_name,
        "multiple_sms": "true" if service.several_sms else "false",
        "price": print_usd(service.price),
        "ttl": service.ttl,
        "stock": stock,
    }


def pushed(rental: Rental, message: Message) -> dict[str, object]:
    """The webhook's body; the code is a number there, so that its leading zeros are lost."""
    return {
        "id": rental.id,
        "code": int(message.code) if message.code.isdecimal() else message.code or None,
        "received_at": plain(message.at),
        "number": rental.number,
        "service_name": rental.service.name,
        "status": "active",
        "cost": print_usd(rental.price),
    }
