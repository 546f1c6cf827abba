"""A stand-in for getatext.com, after its own documents, down to what is text and what is a number.

The one-time numbers are here; rents and auctions have modules of their own.

Where the documents are silent: an unknown rental is 404, a parameter of the wrong type 422, a wish that comes too late
400; reading a code makes the rental "viewed", but the reply that shows it first still says "active"; several services
on one number are refused in the words for one, cost the same surcharges, and whoever names one twice finds no number.
"""

import json
from collections import deque
from collections.abc import Mapping, Sequence
from decimal import Decimal
from math import inf
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from proxy.clock import Clock
from proxy.domain.money import Usd, print_usd, scale
from proxy.sandbox import getatext_words as words
from proxy.sandbox.account import Phase, Rental
from proxy.sandbox.auctions import Auctions
from proxy.sandbox.getatext_auctions import AuctionRoom
from proxy.sandbox.getatext_rents import LongRentals, ServiceRentals
from proxy.sandbox.getatext_words import Answer, Asked, Handler, Refused
from proxy.sandbox.messages import Message
from proxy.sandbox.numbers import ALL_AREAS
from proxy.sandbox.settings import Service
from proxy.sandbox.stand import Arrival, Stand, as_number

CARRIERS = ("at&t", "tmobile")
LIMITS = {"rent": 2, "several": 1, "cancel": 1, "premium": 200}
"""Requests a second in each group of endpoints."""
FAILURE_STANDS = 5 * 60.0
"""Seconds in which services that were not to be had on one number are not looked for again."""
SHARED_PATHS = ("long-rentals", "service-long-rentals")
"""Read with GET, bought from with POST."""


class Window:
    """So many requests in any one second; those beyond are turned away and do not count."""

    def __init__(self, clock: Clock, limit: int) -> None:
        self._clock = clock
        self._limit = limit
        self._times: deque[float] = deque()

    def admits(self) -> bool:
        now = self._clock.monotonic()
        while self._times and now - self._times[0] >= 1:
            self._times.popleft()
        if len(self._times) >= self._limit:
            return False
        self._times.append(now)
        return True


class GetatextSandbox(Stand):
    kind = "getatext"

    def provider_app(self) -> Starlette:
        self._failures: dict[tuple[str, ...], tuple[float, str]] = {}
        self.auctions = Auctions(self.account)
        self._windows = {group: Window(self.clock, limit) for group, limit in LIMITS.items()}
        table: list[tuple[str, str, Handler, str]] = [
            ("POST", "rent-a-number", self._rent, "rent"),
            ("POST", "rent-specific-number", self._rent_specific, "rent"),
            ("POST", "rent-multiple-services", self._rent_together, "several"),
            ("POST", "re-rent", self._rent_again, ""),
            ("POST", "rental-status", self._status, ""),
            ("POST", "rental-status/{id:int}/completed", self._complete, ""),
            ("POST", "cancel-rental", self._cancel, "cancel"),
            ("POST", "rent-a-number-premium", self._rent, "premium"),
            ("POST", "rental-status-premium", self._status, "premium"),
            ("POST", "cancel-rental-premium", self._cancel, "premium"),
            ("GET", "prices-info", self._prices, ""),
            ("GET", "balance", self._balance, ""),
        ]
        for desk in (
            LongRentals(self.account, self.rent_book),
            ServiceRentals(self.account, self.rent_book),
            AuctionRoom(self.account, self.auctions),
        ):
            table += [(method, path, handler, "") for method, path, handler in desk.table]
        return Starlette(
            routes=[
                Route(f"/api/v1/{path}", self._answering(handler, group), methods=[method])
                for method, path, handler, group in table
            ]
        )

    def read(self, arrival: Arrival) -> tuple[str, dict[str, Any], str]:
        steps = arrival.path.removeprefix("/api/v1/").split("/")
        endpoint = "/".join(step for step in steps if not step.isdigit())
        if arrival.method == "POST" and endpoint in SHARED_PATHS:
            endpoint += ":rent"
        return endpoint, _fields(arrival), arrival.headers.get("auth", "")

    def webhook(self, rental: Rental, message: Message) -> Mapping[str, Any]:
        return {"json": words.pushed(rental, message)}

    def _answering(self, handler: Handler, group: str) -> Any:
        async def answer(request: Request) -> Response:
            try:
                self._admit(request.headers.get("auth"), group)
                self.account.settle()
                status, body = handler(Asked({**request.scope["fields"], **request.path_params}))
            except Refused as refused:
                return JSONResponse({"errors": refused.text}, refused.status)
            return JSONResponse(body, status)

        return answer

    def _admit(self, key: str | None, group: str) -> None:
        if self.settings.maintenance:
            raise Refused(503, "Service is under maintenance")
        if not key:
            raise Refused(403, "Auth is not presented on the request")
        if key != self.settings.api_key:
            raise Refused(403, "Wrong Api Key or User is restricted")
        if group and not self._windows[group].admits():
            raise Refused(429, words.TAKEN)

    # Buying

    def _rent(self, asked: Asked) -> Answer:
        [service], carrier = self._wanted([asked.text("service")], asked)
        self._check_stock(service)
        carrier, areas = _match(service.carriers, carrier, asked, asked.text("area_codes"))
        price = self._prices_of([service], carrier, areas, asked)[0]
        return self._sell(service, price, self.account.fresh_number(areas or ALL_AREAS))

    def _rent_together(self, asked: Asked) -> Answer:
        """All on one number or none at all; what failed is not tried again for a while, whatever has changed."""
        names = asked.text("services").split(",")
        services, carrier = self._wanted(names, asked)
        combination = tuple(sorted(names))
        failed_at, text = self._failures.get(combination, (-inf, ""))
        if self.clock.now() < failed_at + FAILURE_STANDS:
            raise Refused(400, text)
        try:
            carrier, areas = self._match_all(services, carrier, asked)
        except Refused as refused:
            if refused.status == 400:
                self._failures[combination] = self.clock.now(), refused.text
            raise
        prices = self._prices_of(services, carrier, areas, asked)
        number = self.account.fresh_number(areas or ALL_AREAS)
        rentals = [
            self.account.rent(service, price, number, service.ttl * 60)
            for service, price in zip(services, prices, strict=True)
        ]
        return 201, words.sold_together(rentals, self.account.balance)

    def _match_all(self, services: Sequence[Service], carrier: str, asked: Asked) -> tuple[str, Sequence[str]]:
        for service in services:
            self._check_stock(service)
        if len({service.api_name for service in services}) < len(services):
            raise Refused(400, words.OUT_OF_STOCK)
        carriers = [name for name in CARRIERS if all(name in service.carriers for service in services)]
        return _match(carriers, carrier, asked, asked.text("rent_area_codes"))

    def _rent_specific(self, asked: Asked) -> Answer:
        number, name = asked.text("number"), asked.text("service")
        if not number or not name:
            raise Refused(400, "Phone number and service are required")
        limit = self.settings.max_open_all
        if limit is not None and self.account.open_rentals >= limit:
            raise Refused(400, "The maximum number of active rentals as reached")
        service = self._service(name)
        if not service.available:
            raise Refused(400, words.NEEDS_APPROVAL)
        self._check_open_rentals()
        self._check_number(number, service)
        if service.price <= 0:
            raise Refused(400, "Invalid price for this service")
        paid = self.account.paid_before(number, service)
        price = scale(service.price, 120) if paid is None else scale(paid, 60)
        words.refuse_above(asked.amount("max_price"), price)
        self._check_funds(price)
        status, body = self._sell(service, price, number)
        numbers = {"price": as_number(price), "new_balance": as_number(self.account.balance)}
        return status, body | numbers | {"country": "usa", "returning_customer": paid is not None}

    def _rent_again(self, asked: Asked) -> Answer:
        """The earlier rental's cost, or half of it when a rental of that number for that service was completed."""
        earlier = self._rental(asked, "rental_id")
        if earlier.phase is Phase.OPEN:
            raise Refused(400, "Rental is still active")
        self._check_open_rentals()
        self._check_stock(earlier.service)
        self._check_number(earlier.number, earlier.service)
        paid = self.account.paid_before(earlier.number, earlier.service)
        price = earlier.price if paid is None else scale(earlier.price, 50)
        self._check_funds(price)
        return self._sell(earlier.service, price, earlier.number)

    def _sell(self, service: Service, price: Usd, number: str) -> Answer:
        rental = self.account.rent(service, price, number, service.ttl * 60)
        money = {"price": print_usd(price), "new_balance": print_usd(self.account.balance)}
        return 201, words.sold(rental) | money

    # What was bought

    def _status(self, asked: Asked) -> Answer:
        rental = self._rental(asked, "id")
        body = words.status(rental, words.status_word(rental), self.account.balance)
        rental.viewed = rental.viewed or bool(rental.messages)
        return 200, body

    def _cancel(self, asked: Asked) -> Answer:
        rental = self._rental(asked, "id")
        if rental.phase is not Phase.OPEN:
            raise Refused(400, "Rental is not active")
        if rental.messages:
            raise Refused(400, "Rental has received a code and cannot be cancelled")
        if self.clock.now() < rental.rented_at + self.settings.cancel_lock:
            raise Refused(400, words.TOO_EARLY)
        self.account.cancel(rental)
        return 200, words.status(rental, "cancelled", self.account.balance)

    def _complete(self, asked: Asked) -> Answer:
        rental = self._rental(asked, "id")
        if rental.phase is not Phase.OPEN or not rental.viewed:
            raise Refused(400, "Rental cannot be completed, its code was not viewed")
        self.account.complete(rental)
        return 200, {
            "status": "success",
            "message": "Rental marked as completed successfully.",
            "errors": "null",
            "rental": words.completed(rental, self.account.balance),
        }

    # The account

    def _prices(self, asked: Asked) -> Answer:
        services = self.account.services.values()
        prices = [words.listing(service, self.account.stock(service)) for service in services]
        return 200, {"status": "success", "prices": prices}

    def _balance(self, asked: Asked) -> Answer:
        return 200, {"status": "success", "balance": print_usd(self.account.balance), "errors": "null"}

    # What may stand in the way

    def _wanted(self, names: Sequence[str], asked: Asked) -> tuple[list[Service], str]:
        """The services, and the carrier that is wished for."""
        carrier = asked.text("carrier")
        if names == [""]:
            raise Refused(400, "Service is not presented on the request")
        if carrier and carrier not in CARRIERS:
            raise Refused(400, "Wrong Carrier")
        services = [self._service(name) for name in names]
        self._check_open_rentals(len(services))
        return services, carrier

    def _prices_of(self, services: Sequence[Service], carrier: str, areas: Sequence[str], asked: Asked) -> list[Usd]:
        """What each costs with the surcharges; refused if they may not be sold or their sum is too much."""
        if not all(service.available for service in services):
            raise Refused(400, "Service is not available")
        prices = [scale(service.price, 100 + 20 * bool(carrier) + 20 * bool(areas)) for service in services]
        self._check_funds(sum(service.price for service in services))
        if self.account.balance < sum(prices):
            raise Refused(400, "Insufficient funds for area code extra charge")
        words.refuse_above(asked.amount("max_price"), sum(prices))
        return prices

    def _service(self, name: str) -> Service:
        try:
            return self.account.services[name]
        except KeyError:
            raise Refused(404, "Service not found") from None

    def _rental(self, asked: Asked, name: str) -> Rental:
        rental = self.account.rentals.get(asked.id(name))
        if rental is None:
            raise Refused(404, "Rental not found")
        return rental

    def _check_open_rentals(self, more: int = 1) -> None:
        limit = self.settings.max_open
        if limit is not None and self.account.open_rentals + more > limit:
            raise Refused(400, "You have reached the maximum number of active rentals")

    def _check_stock(self, service: Service) -> None:
        if not self.account.stock(service):
            raise Refused(400, words.OUT_OF_STOCK)

    def _check_number(self, number: str, service: Service) -> None:
        if not self.account.can_have(number):
            raise Refused(404, "This number does not exist in our system or is not available")
        if self.account.in_use(number, service):
            raise Refused(400, "This number is unavailable for you. Please try a different number")

    def _check_funds(self, price: Usd) -> None:
        if self.account.balance < price:
            raise Refused(400, words.NO_FUNDS)


def _match(carriers: Sequence[str], carrier: str, asked: Asked, codes: str) -> tuple[str, Sequence[str]]:
    """The carrier and the area codes that will be had; what is not there is left out unless the request insists."""
    areas = [code for code in codes.split(",") if code in ALL_AREAS]
    carrier_fails = bool(carrier) and asked.flag("keep_carrier") and carrier not in carriers
    areas_fail = bool(codes) and asked.flag("lock_area_code") and not areas
    if (carrier_fails or areas_fail) and carrier and codes:
        raise Refused(400, f"{words.OUT_OF_STOCK} for selected carrier and area codes")
    if carrier_fails:
        raise Refused(400, f"{words.OUT_OF_STOCK} for selected carrier: {carrier}")
    if areas_fail:
        raise Refused(400, f"{words.OUT_OF_STOCK} for selected area codes")
    return carrier if carrier in carriers else "", areas


def _fields(arrival: Arrival) -> dict[str, Any]:
    """Of the query for GET, of a JSON body for the rest."""
    if arrival.method == "GET":
        return dict(parse_qsl(arrival.query, keep_blank_values=True))
    if not arrival.headers.get("content-type", "").startswith("application/json"):
        return {}
    try:
        fields = json.loads(arrival.body or b"{}", parse_float=Decimal)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}
