"""The control API under `/_sandbox`, JSON in and out: steers a stand-in over a port as its methods do in process.

GET    /_sandbox/requests               DELETE: forget them
GET    /_sandbox/rentals
GET    /_sandbox/rents
GET    /_sandbox/account                balance, services, settings
POST   /_sandbox/account                {"balance": "10.00"}
POST   /_sandbox/services               {"service": "whatsapp", "price": "0.60", "stock": 0, "available": false}
POST   /_sandbox/settings               any of Settings that is plain: {"sms_after": null, "cancel_lock": 0}
POST   /_sandbox/sms                    {"id": 10000001, "code": "012345", "text": "...", "sender": "22000"}
                                        {"number": "12125550123", "service": "whatsapp", ...}: the newest rent of it
POST   /_sandbox/webhook                {"id": 10000001}: the newest SMS is pushed once more
GET    /_sandbox/faults                 DELETE: switch all off
POST   /_sandbox/faults                 {"kind": "cut", "endpoint": "request", "times": 1, "handled": true, ...}
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from decimal import Decimal
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from proxy.domain.money import parse_usd, print_usd
from proxy.sandbox.account import Rental
from proxy.sandbox.faults import Fault
from proxy.sandbox.messages import Message
from proxy.sandbox.rents import Rent
from proxy.sandbox.settings import Service
from proxy.sandbox.steering import Steering

Handler = Callable[[Mapping[str, Any]], object]

PLAIN = {
    "user": str,
    "api_key": str,
    "sms_after": float | int | None,
    "sms_per_rental": int,
    "sms_interval": float | int,
    "cancel_lock": float | int,
    "lifetime": int,
    "joint_after": float | int | None,
    "bids_win_after": float | int | None,
    "long_stock": int,
    "service_long_stock": int,
    "long_cancel_window": float | int,
    "long_rental_flat": bool,
    "service_rentals_enabled": bool,
    "rents_webhook": bool,
    "max_open": int | None,
    "max_open_all": int | None,
    "maintenance": bool,
    "webhook_url": str,
}
"""The settings that can be changed over a port, and what they may be."""


def control_app(stand: Steering) -> Starlette:
    control = _Control(stand)
    table: list[tuple[str, str, Handler]] = [
        ("GET", "/requests", control.requests),
        ("DELETE", "/requests", control.forget_requests),
        ("GET", "/rentals", control.rentals),
        ("GET", "/rents", control.rents),
        ("GET", "/account", control.account),
        ("POST", "/account", control.set_account),
        ("POST", "/services", control.set_service),
        ("POST", "/settings", control.set_settings),
        ("POST", "/sms", control.deliver),
        ("POST", "/webhook", control.push_again),
        ("GET", "/faults", control.faults),
        ("POST", "/faults", control.fault),
        ("DELETE", "/faults", control.clear_faults),
    ]
    routes = [Route(path, _answering(handler), methods=[method]) for method, path, handler in table]
    return Starlette(routes=[Mount("/_sandbox", routes=routes)])


def _answering(handler: Handler) -> Any:
    async def answer(request: Request) -> JSONResponse:
        try:
            asked = json.loads(await request.body() or b"{}")
            if not isinstance(asked, dict):
                raise ValueError("an object is expected")
            return JSONResponse(handler(asked))
        except LookupError as missing:
            return JSONResponse({"error": f"there is no {missing}"}, 404)
        except (ValueError, TypeError) as wrong:
            return JSONResponse({"error": str(wrong)}, 400)

    return answer


class _Control:
    """One method for each line of the table."""

    def __init__(self, stand: Steering) -> None:
        self._stand = stand

    def requests(self, asked: Mapping[str, Any]) -> object:
        return {"requests": [_printable(asdict(seen)) for seen in self._stand.requests]}

    def forget_requests(self, asked: Mapping[str, Any]) -> object:
        self._stand.requests.clear()
        return self.requests(asked)

    def rentals(self, asked: Mapping[str, Any]) -> object:
        return {"rentals": [_rental(rental) for rental in self._stand.rentals]}

    def rents(self, asked: Mapping[str, Any]) -> object:
        return {"rents": [_rent(rent) for rent in self._stand.rents]}

    def account(self, asked: Mapping[str, Any]) -> object:
        account = self._stand.account
        account.settle()
        return {
            "balance": print_usd(account.balance),
            "open": account.open_rentals,
            "services": [_service(service, account.stock(service)) for service in account.services.values()],
            "settings": {name: getattr(self._stand.settings, name) for name in PLAIN},
        }

    def set_account(self, asked: Mapping[str, Any]) -> object:
        self._stand.set_balance(parse_usd(asked["balance"]))
        return self.account(asked)

    def set_service(self, asked: Mapping[str, Any]) -> object:
        price = parse_usd(asked["price"]) if "price" in asked else None
        service = self._stand.set_service(
            asked["service"], price=price, stock=asked.get("stock"), available=asked.get("available")
        )
        return _service(service, self._stand.account.stock(service))

    def set_settings(self, asked: Mapping[str, Any]) -> object:
        for name, value in asked.items():
            if not isinstance(value, PLAIN[name]):
                raise ValueError(f"{name} cannot be {value!r}")
        for name, value in asked.items():
            setattr(self._stand.settings, name, value)
        return self.account(asked)

    def deliver(self, asked: Mapping[str, Any]) -> object:
        words = {name: str(asked[name]) for name in ("code", "text", "sender") if name in asked}
        rental = self._stand.rent(asked["number"], asked.get("service", "")) if "number" in asked else asked["id"]
        return _message(self._stand.deliver(rental, **words))

    def push_again(self, asked: Mapping[str, Any]) -> object:
        self._stand.push_again(asked["id"])
        return {}

    def faults(self, asked: Mapping[str, Any]) -> object:
        return {"faults": [asdict(fault) for fault in self._stand.faults.switched_on]}

    def fault(self, asked: Mapping[str, Any]) -> object:
        unknown = asked.keys() - {field.name for field in fields(Fault)}
        if unknown:
            raise ValueError(f"a fault has no {', '.join(sorted(unknown))}")
        self._stand.fault(**asked)
        return self.faults(asked)

    def clear_faults(self, asked: Mapping[str, Any]) -> object:
        self._stand.clear_faults()
        return self.faults(asked)


def _rental(rental: Rental) -> dict[str, object]:
    return {
        "id": rental.id,
        "service": rental.service.api_name,
        "number": "1" + rental.number,
        "price": print_usd(rental.price),
        "markup": rental.markup,
        "phase": rental.phase,
        "rented_at": rental.rented_at,
        "ends_at": rental.ends_at,
        "viewed": rental.viewed,
        "messages": [_message(message) for message in rental.messages],
    }


def _rent(rent: Rent) -> dict[str, object]:
    return {
        **_rental(rent),
        "period": rent.period,
        "auto_renew": rent.auto_renew,
        "renewals": rent.renewals,
        "paid": print_usd(rent.paid),
    }


def _message(message: Message) -> dict[str, object]:
    return asdict(message)


def _service(service: Service, stock: int) -> dict[str, object]:
    return {
        "service": service.api_name,
        "name": service.name,
        "price": print_usd(service.price),
        "stock": stock,
        "available": service.available,
    }


def _printable(value: Any) -> Any:
    """Amounts in a request were read as Decimal, which JSON has no word for."""
    if isinstance(value, dict):
        return {name: _printable(inner) for name, inner in value.items()}
    return str(value) if isinstance(value, Decimal) else value
