"""A stand-in for getsms.online, after its own documents: one script, every answer HTTP 200, the truth in `status`.

Where the documents are silent: money is taken when a number is reserved and given back when it is rejected or times out
without an SMS; a bid must be covered by the balance when it is placed and when it wins; `till_expiration` of one that
waits counts down from the 900 of the example while it lives for 30 minutes; one that was withdrawn is "Rejected" until
it is deleted; a wrong key is told so in words.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from proxy.domain.money import Usd, print_usd
from proxy.sandbox.account import Phase, Rental
from proxy.sandbox.bids import HIGHEST, LOWEST, Bid, Bids, price_with
from proxy.sandbox.messages import Message
from proxy.sandbox.newyork import with_zone
from proxy.sandbox.numbers import ALL_AREAS, AREAS, state_of
from proxy.sandbox.settings import Service
from proxy.sandbox.stand import Arrival, Stand, as_number

Fields = Mapping[str, str]

INVALID_ID = "Invalid request ID"
NO_NUMBERS = "No numbers available, retry later"
CARRIERS = ("TMobile", "ATT", "Verizon")
AT_ONCE = 5
"""Services in one request."""
BID_SHOWS = 900
TWO_DAYS = 2 * 24 * 3600
NEWEST = 3


class Refused(Exception):
    """The request is answered with status "error" and this text."""


class GetsmsSandbox(Stand):
    kind = "getsms"
    webhook_waits = (600.0,) * 5

    def provider_app(self) -> Starlette:
        self.bids = Bids(self.account, self._reserve, self.webhooks.wake)
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
        names = fields.get("service", "").split(",")
        if len(names) > 1:
            return self._request_together(names, fields)
        service, markup = self._service(names[0]), _markup(fields.get("markup"))
        mdn = fields.get("mdn")
        areas, state = (ALL_AREAS, "") if mdn else _place(fields)
        number = self._choose(service, areas, mdn)
        if number:
            self._check_funds(service.price)
            rental = self.account.rent(
                service, service.price, number, self.settings.lifetime, carrier=_carrier(number), state=state
            )
            return [self._line(rental, with_price=True)]
        if not markup:
            raise Refused(NO_NUMBERS)
        self._check_funds(price_with(service, markup))
        return self._lines_of(self.bids.place_alone(service, markup, areas, state))

    def _request_together(self, names: Sequence[str], fields: Fields) -> object:
        """`mdn` and `markup` are not among the parameters here."""
        if len(names) > AT_ONCE:
            raise Refused(f"Too many services, {AT_ONCE} are allowed at once")
        services = sorted({name: self._service(name) for name in names}.values(), key=lambda service: service.name)
        areas, state = _place(fields)
        self._check_funds(sum(price_with(service, self.bids.recommended(service)) for service in services))
        return self._lines_of(self.bids.place_together(services, areas, state))

    def _request_status(self, fields: Fields) -> object:
        found = self._find(fields.get("id", ""))
        if found is None:
            raise Refused(INVALID_ID)
        return [self._bid_line(found) if isinstance(found, Bid) else self._line(found)]

    def _reject(self, fields: Fields) -> object:
        match self._find(fields.get("id", "")):
            case Bid(withdrawn=False) as bid:
                self.bids.withdraw(bid)
            case Rental(phase=Phase.OPEN, messages=[]) as rental:
                self.account.rejected.add(rental.number)
                self.account.cancel(rental)
            case _:
                raise Refused(INVALID_ID)
        return "MDN has been rejected"

    def _read_sms(self, fields: Fields) -> object:
        since = self.clock.now() - TWO_DAYS
        if asked := fields.get("id"):
            found = self._find(asked)
            came = self.account.came_in(since, found) if isinstance(found, Rental) else iter(())
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

    def _find(self, asked: str) -> Rental | Bid | None:
        if not re.fullmatch("[0-9]{1,18}", asked):
            return None
        return self.account.rentals.get(int(asked)) or self.bids.find(int(asked))

    def _choose(self, service: Service, areas: Sequence[str], mdn: str | None) -> str:
        """A ten-digit number, the `mdn` if one is named; empty if there is none."""
        in_stock = self.account.stock(service) > 0
        if mdn:
            number = mdn[1:]
            if not (in_stock and mdn[0] == "1" and self.account.can_have(number)) or self.account.in_use(number):
                raise Refused("The MDN is not available")
            return number
        return self.account.fresh_number(areas) if in_stock and areas else ""

    def _check_funds(self, price: Usd) -> None:
        if self.account.balance < price:
            raise Refused("Insufficient funds")

    def _reserve(self, bid: Bid, number: str, at: float) -> None:
        """The bid has won: its request goes on as an ordinary one, under the same id."""
        ends_at = at + self.settings.lifetime
        rental = Rental(
            bid.id, bid.service, number, bid.price, at, ends_at, _carrier(number), bid.state, markup=bid.markup
        )
        self.account.book(rental)
        self.webhooks.send_at(at, lambda: {"data": _won(rental)})

    def _lines_of(self, bids: Sequence[Bid]) -> list[dict[str, object]]:
        return [self._bid_line(bid, with_price=True) for bid in bids]

    def _bid_line(self, bid: Bid, *, with_price: bool = False) -> dict[str, object]:
        left = 0 if bid.withdrawn else bid.placed_at + BID_SHOWS - self.clock.now()
        price = {"price": as_number(bid.price)} if with_price else {}
        return {
            "id": str(bid.id),
            "mdn": "",
            "service": bid.service.name,
            "status": "Rejected" if bid.withdrawn else "Awaiting MDN",
            "state": bid.state,
            "markup": bid.markup,
            **price,
            "carrier": "",
            "till_expiration": max(0, int(left)),
        }

    def _line(self, rental: Rental, *, with_price: bool = False) -> dict[str, object]:
        left = rental.ends_at - self.clock.now() if rental.phase is Phase.OPEN else 0
        price = {"price": as_number(rental.price)} if with_price else {}
        return {
            "id": str(rental.id),
            "mdn": "1" + rental.number,
            "service": rental.service.name,
            "status": _status(rental),
            "state": rental.state,
            "markup": rental.markup,
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
            "recommended_markup": str(self.bids.recommended(service)) if alone else "",
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


def _won(rental: Rental) -> dict[str, str]:
    return {
        "event": "priority_request",
        "status": "ok",
        "id": str(rental.id),
        "mdn": "1" + rental.number,
        "service": rental.service.name,
        "price": print_usd(rental.price),
    }


def _carrier(number: str) -> str:
    return CARRIERS[int(number[-2:]) % len(CARRIERS)]


def _fits(rental: Rental, mdn: str | None, service: str | None) -> bool:
    return (not mdn or mdn == "1" + rental.number) and (not service or service == rental.service.name)


def _markup(asked: str | None) -> int:
    """Per cent; 0: none was asked for."""
    if asked and not (re.fullmatch("[0-9]{2,4}", asked) and LOWEST <= int(asked) <= HIGHEST):
        raise Refused("Invalid markup")
    return int(asked or 0)


def _place(fields: Fields) -> tuple[Sequence[str], str]:
    """The area codes that will do, and the state they were asked for by; `areacode` before `state`."""
    areacode, state = fields.get("areacode"), fields.get("state")
    if areacode:
        if not re.fullmatch("[0-9]{3}", areacode):
            raise Refused("Invalid area code")
        return ((areacode,), state_of(areacode)) if areacode in ALL_AREAS else ((), "")
    if state:
        if not re.fullmatch("[A-Z]{2}", state):
            raise Refused("Invalid state")
        return AREAS.get(state, ()), state
    return ALL_AREAS, ""
