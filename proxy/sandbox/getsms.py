"""A stand-in for getsms.online, after its own documents: one script, every answer HTTP 200, the truth in `status`.

Where the documents are silent: money is taken when a number is reserved and given back when it is rejected or times out
without an SMS; a priority request ("markup") finds nobody who gives a number up; a wrong key is told so in words.
"""

import re
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from proxy.domain.money import print_usd
from proxy.sandbox.account import Message, Phase, Rental
from proxy.sandbox.newyork import with_zone
from proxy.sandbox.numbers import ALL_AREAS, AREAS, state_of
from proxy.sandbox.settings import Service
from proxy.sandbox.stand import Arrival, Stand, as_number

Fields = Mapping[str, str]

INVALID_ID = "Invalid request ID"
NO_NUMBERS = "No numbers available, retry later"
CARRIERS = ("TMobile", "ATT", "Verizon")
TWO_DAYS = 2 * 24 * 3600
NEWEST = 3


class Refused(Exception):
    """The request is answered with status "error" and this text."""


class GetsmsSandbox(Stand):
    kind = "getsms"
    webhook_waits = (600.0,) * 5

    def provider_app(self) -> Starlette:
        return Starlette(routes=[Route("/api_command.php", self._script, methods=["GET", "POST"])])

    def read(self, arrival: Arrival) -> tuple[str, dict[str, Any], str]:
        fields = dict(parse_qsl(arrival.query, keep_blank_values=True))
        if arrival.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            fields |= parse_qsl(arrival.body.decode("utf-8", "replace"), keep_blank_values=True)
        return fields.get("cmd", ""), fields, fields.get("api_key", "")

    async def _script(self, request: Request) -> JSONResponse:
        fields: Fields = request.scope["fields"]
        self.account.settle()
        try:
            return JSONResponse({"status": "ok", "message": self._obey(fields)})
        except Refused as refused:
            return JSONResponse({"status": "error", "message": str(refused)})

    def _obey(self, fields: Fields) -> object:
        if (fields.get("user"), fields.get("api_key")) != (self.settings.user, self.settings.api_key):
            raise Refused("Invalid user name or API key")
        commands: dict[str, Callable[[Fields], object]] = {
            "request": self._request,
            "request_status": self._request_status,
            "reject": self._reject,
            "read_sms": self._read_sms,
            "list_services": self._list_services,
            "balance": self._balance,
        }
        command = commands.get(fields.get("cmd", ""))
        if command is None:
            raise Refused("Invalid command")
        return command(fields)

    # Commands

    def _request(self, fields: Fields) -> object:
        service = self._service(fields.get("service", ""))
        _check_markup(fields.get("markup"))
        number, state = self._choose(service, fields)
        if self.account.balance < service.price:
            raise Refused("Insufficient funds")
        carrier = CARRIERS[int(number[-2:]) % len(CARRIERS)]
        rental = self.account.rent(service, service.price, number, self.settings.lifetime, carrier=carrier, state=state)
        return [self._line(rental, with_price=True)]

    def _request_status(self, fields: Fields) -> object:
        return [self._line(self._rental(fields), with_price=False)]

    def _reject(self, fields: Fields) -> object:
        rental = self._rental(fields)
        if rental.phase is not Phase.OPEN or rental.messages:
            raise Refused(INVALID_ID)
        self.account.rejected.add(rental.number)
        self.account.cancel(rental)
        return "MDN has been rejected"

    def _read_sms(self, fields: Fields) -> object:
        since = self.clock.now() - TWO_DAYS
        if asked := fields.get("id"):
            rental = self._find(asked)
            came = self.account.came_in(since, rental) if rental else iter(())
        else:
            wanted = (fields.get("mdn"), fields.get("service"))
            came = (sms for sms in self.account.came_in(since) if _fits(sms[0], *wanted))
        lines = [_sms(rental, message) for rental, message in islice(came, NEWEST)]
        if not lines:
            raise Refused("No messages")
        return lines

    def _list_services(self, fields: Fields) -> object:
        asked = fields.get("service", "")
        names = asked.split(",") if asked else list(self.account.services)
        services = sorted((self._service(name) for name in names), key=lambda service: service.name)
        return [self._offer(service, alone=len(services) == 1 and bool(asked)) for service in services]

    def _balance(self, fields: Fields) -> object:
        return print_usd(self.account.balance)

    # What they are made of

    def _service(self, name: str) -> Service:
        try:
            return self.account.services[name]
        except KeyError:
            raise Refused(f"Invalid service name {name}") from None

    def _find(self, asked: str) -> Rental | None:
        return self.account.rentals.get(int(asked)) if re.fullmatch("[0-9]{1,18}", asked) else None

    def _rental(self, fields: Fields) -> Rental:
        rental = self._find(fields.get("id", ""))
        if rental is None:
            raise Refused(INVALID_ID)
        return rental

    def _choose(self, service: Service, fields: Fields) -> tuple[str, str]:
        """A ten-digit number and the state it was asked for by; `mdn` before `areacode` before `state`."""
        in_stock = self.account.stock(service) > 0
        if mdn := fields.get("mdn"):
            number = mdn[1:]
            if not (in_stock and mdn[0] == "1" and self.account.can_have(number)) or self.account.in_use(number):
                raise Refused("The MDN is not available")
            return number, ""
        areas, targeted = _areas(fields.get("areacode"), fields.get("state"))
        if not in_stock or not areas:
            raise Refused(NO_NUMBERS)
        number = self.account.fresh_number(areas)
        return number, state_of(number) if targeted else ""

    def _line(self, rental: Rental, *, with_price: bool) -> dict[str, object]:
        left = rental.ends_at - self.clock.now() if rental.phase is Phase.OPEN else 0
        price = {"price": as_number(rental.price)} if with_price else {}
        return {
            "id": str(rental.id),
            "mdn": "1" + rental.number,
            "service": rental.service.name,
            "status": _status(rental),
            "state": rental.state,
            "markup": 0,
            **price,
            "carrier": rental.carrier,
            "till_expiration": max(0, int(left)),
        }

    def _offer(self, service: Service, *, alone: bool) -> dict[str, str]:
        return {
            "name": service.name,
            "price": print_usd(service.price),
            "ltr_price": "20.00",
            "ltr_short_price": "5.00",
            "otp_available": str(self.account.stock(service)),
            "ltr_available": "3",
            "recommended_markup": "10" if alone else "",
        }

    def webhook(self, rental: Rental, message: Message) -> Mapping[str, Any]:
        fields = {"event": "incoming_message", "id": str(rental.id), **_sms(rental, message)}
        return {"data": fields | {"price": print_usd(rental.price)}}


def _status(rental: Rental) -> str:
    match rental.phase:
        case Phase.CANCELLED:
            return "Rejected"
        case Phase.EXPIRED:
            return "Timed Out"
        case _:
            return "Completed" if rental.messages else "Reserved"


def _sms(rental: Rental, message: Message) -> dict[str, object]:
    pin = {"pin": message.pin} if message.pin else {}
    return {
        "timestamp": str(int(message.at)),
        "date_time": with_zone(message.at),
        "from": message.sender,
        "to": "1" + rental.number,
        "service": rental.service.name,
        "price": as_number(rental.price),
        "reply": message.text,
        **pin,
    }


def _fits(rental: Rental, mdn: str | None, service: str | None) -> bool:
    return (not mdn or mdn == "1" + rental.number) and (not service or service == rental.service.name)


def _check_markup(markup: str | None) -> None:
    if markup and not (re.fullmatch("[0-9]{2,4}", markup) and 10 <= int(markup) <= 2000):
        raise Refused("Invalid markup")


def _areas(areacode: str | None, state: str | None) -> tuple[tuple[str, ...], bool]:
    """The area codes that will do, and whether the request named a place."""
    if areacode:
        if not re.fullmatch("[0-9]{3}", areacode):
            raise Refused("Invalid area code")
        return ((areacode,) if areacode in ALL_AREAS else ()), True
    if state:
        if not re.fullmatch("[A-Z]{2}", state):
            raise Refused("Invalid state")
        return AREAS.get(state, ()), True
    return ALL_AREAS, False
