"""getatext.com's numbers by the week and by the month: for every service ("long rentals") or for one alone.

Where the documents are silent: periods are counted in days of 24 hours from the moment of rental, 1m being 30 of them;
dates are New York's. What is said of rentals for one service goes for long rentals too, refusals included. A
cancellation gives the whole price back, and is refused once the rental was renewed. A renewal costs what the rental
did; one that the balance does not cover at the end does not happen, and the rental is over. Area codes are always meant
strictly in a long rental, cost nothing in one for a service, and the account has no default ones. The list of long
rentals shows those that are over too, and their messages can still be read; messages come oldest first, and their
`rented_at` is when the SMS came. In the flat form the rental's own status hides that of the request, as in any JSON
object in which a name occurs twice. There is no limit of requests a second.
"""

from collections.abc import Mapping, Sequence

from proxy.domain.money import Usd, print_usd, scale
from proxy.sandbox.account import Account, Phase
from proxy.sandbox.getatext_words import NO_FUNDS, Answer, Asked, Handler, Refused
from proxy.sandbox.newyork import day, with_offset
from proxy.sandbox.numbers import ALL_AREAS
from proxy.sandbox.rents import ANY, Rent, Rents
from proxy.sandbox.settings import SERVICE_PERIODS, Service
from proxy.sandbox.stand import as_number

TITLES = {
    "1d": "1 Day",
    "3d": "3 Days",
    "7d": "7 Days",
    "14d": "14 Days",
    "30d": "30 Days",
    "1w": "1 Week",
    "2w": "2 Weeks",
    "1m": "1 Month",
}
STATUSES = {Phase.OPEN: "Active", Phase.CANCELLED: "Cancelled", Phase.FINISHED: "Expired"}
ACTIONS = ("renew", "cancel", "auto_renew")
AMBIGUOUS = (
    'Multiple active service long rentals found for this number. Provide the "service" parameter to disambiguate.'
)


class _Desk:
    """What both kinds have in common."""

    name: str
    """As refusals begin with."""

    def __init__(self, account: Account, rents: Rents) -> None:
        self._account = account
        self._rents = rents

    def _check_funds(self, price: Usd) -> None:
        if self._account.balance < price:
            raise Refused(400, NO_FUNDS)

    def _renew(self, rent: Rent) -> None:
        self._check_funds(rent.price)
        self._rents.renew(rent)

    def _cancel(self, rent: Rent) -> None:
        closes_at = rent.rented_at + self._account.settings.long_cancel_window
        if rent.messages or rent.renewals or self._account.clock.now() >= closes_at:
            raise Refused(
                422, f"{self.name} cannot be cancelled (already received messages or cancellation window expired)"
            )
        self._rents.cancel(rent)


class LongRentals(_Desk):
    name = "Long rental"

    @property
    def table(self) -> list[tuple[str, str, Handler]]:
        return [
            ("GET", "long-rentals/prices", self._prices),
            ("GET", "long-rentals", self._list),
            ("POST", "long-rentals", self._rent),
            ("POST", "long-rentals/{id:int}/update", self._update),
            ("GET", "long-rentals/{id:int}/messages", self._messages),
        ]

    def _prices(self, asked: Asked) -> Answer:
        prices = {period: as_number(price) for period, price in self._account.settings.long_prices.items()}
        return 200, {"status": "success", "prices": prices, "stock": self._rents.stock_for_any, "errors": None}

    def _list(self, asked: Asked) -> Answer:
        lines = [_long_line(rent) for rent in self._rents.for_any]
        return 200, {"status": "success", "long_rentals": lines, "errors": "null"}

    def _rent(self, asked: Asked) -> Answer:
        asked.require("rental_time")
        period, prices = asked.text("rental_time"), self._account.settings.long_prices
        if period not in prices:
            raise Refused(422, f"Invalid rental_time. Allowed values: {', '.join(prices)}")
        auto_renew, codes = asked.flag("auto_renew"), asked.codes("area_codes")
        areas = [code for code in codes if code in ALL_AREAS] if codes else ALL_AREAS
        price = scale(prices[period], 120) if codes else prices[period]
        self._check_funds(price)
        if not self._rents.stock_for_any or not areas:
            raise Refused(422, "No available pool number for long rental")
        number = self._account.fresh_number(areas)
        return self._shown(self._rents.take(ANY, period, price, number, auto_renew=auto_renew))

    def _update(self, asked: Asked) -> Answer:
        rent = self._find(asked)
        asked.require("action")
        action = asked.text("action")
        if action not in ACTIONS:
            raise Refused(422, f"Invalid action. Allowed values: {', '.join(ACTIONS)}")
        if rent.phase is not Phase.OPEN:
            raise Refused(400, "Long rental is not active")
        match action:
            case "renew":
                self._renew(rent)
            case "cancel":
                self._cancel(rent)
            case _:
                asked.require("auto_renew")
                rent.auto_renew = asked.flag("auto_renew")
        return self._shown(rent)

    def _messages(self, asked: Asked) -> Answer:
        rent = self._find(asked)
        messages = [
            {
                "message": message.text,
                "number": rent.number,
                "rented_at": with_offset(message.at),
                "sender": message.sender,
            }
            for message in rent.messages
        ]
        return 200, {"status": "success", "messages": messages, "errors": "null"}

    def _find(self, asked: Asked) -> Rent:
        wanted = asked.id("id")
        for rent in self._rents.for_any:
            if rent.id == wanted:
                return rent
        raise Refused(404, "Long rental not found")

    def _shown(self, rent: Rent) -> Answer:
        line = _long_line(rent)
        shown = line if self._account.settings.long_rental_flat else {"long_rental": line}
        return 200, {"status": "success", **shown, "errors": "null"}


class ServiceRentals(_Desk):
    name = "Service long rental"

    @property
    def table(self) -> list[tuple[str, str, Handler]]:
        return [
            ("GET", "service-long-rentals/prices", self._prices),
            ("GET", "service-long-rentals", self._list),
            ("POST", "service-long-rentals", self._rent),
            ("POST", "service-long-rentals/{number}/cancel", self._cancel_one),
            ("POST", "service-long-rentals/{number}/auto-renew", self._auto_renew_one),
            ("POST", "service-long-rentals/{number}/renew", self._renew_one),
            ("GET", "service-long-rentals/{number}/messages", self._messages),
        ]

    def _prices(self, asked: Asked) -> Answer:
        lines = [_price_line(service) for service in self._account.services.values() if service.long_prices]
        return 200, {"status": "success", "service_long_rental_prices": lines, "errors": None}

    def _list(self, asked: Asked) -> Answer:
        lines = [_service_line(rent) for rent in self._rents.open_for_one]
        return 200, {"status": "success", "service_long_rentals": lines, "errors": None}

    def _rent(self, asked: Asked) -> Answer:
        if not self._account.settings.service_rentals_enabled:
            raise Refused(403, "Service long rentals are not enabled for this account")
        service, period = self._wanted(asked)
        auto_renew, insists = asked.flag("auto_renew"), asked.flag("lock_area_code")
        codes = [code for code in asked.text("area_codes").split(",") if code]
        price = service.long_prices[period]
        self._check_funds(price)
        number = self._number(service, codes, insists=insists)
        rent = self._rents.take(service, period, price, number, auto_renew=auto_renew)
        return 201, _done("created", rent)

    def _wanted(self, asked: Asked) -> tuple[Service, str]:
        asked.require("service", "Service")
        asked.require("period", "Period")
        name, period = asked.text("service"), asked.text("period")
        if period not in SERVICE_PERIODS:
            raise Refused(422, f"Invalid period. Allowed values: {', '.join(SERVICE_PERIODS)}")
        service = self._account.services.get(name)
        if service is None:
            raise Refused(404, "Service not found")
        if period not in service.long_prices:
            raise Refused(422, "This service is not available for long rental in the selected period")
        return service, period

    def _number(self, service: Service, codes: Sequence[str], *, insists: bool) -> str:
        """One in the area codes; if there is none and the request does not insist, another."""
        areas = [code for code in codes if code in ALL_AREAS] if codes else ALL_AREAS
        number = self._rents.number_for(service, areas)
        if not number and not insists:
            number = self._rents.number_for(service, ALL_AREAS)
        if not number:
            raise Refused(422, "No available pool number for service long rental")
        return number

    def _cancel_one(self, asked: Asked) -> Answer:
        rent = self._find(asked)
        self._cancel(rent)
        return 200, _done("cancelled", rent)

    def _auto_renew_one(self, asked: Asked) -> Answer:
        asked.require("auto_renew")
        wanted = asked.flag("auto_renew")
        rent = self._find(asked)
        rent.auto_renew = wanted
        return 200, _done("auto-renew updated", rent)

    def _renew_one(self, asked: Asked) -> Answer:
        rent = self._find(asked)
        self._renew(rent)
        return 200, _done("renewed", rent)

    def _messages(self, asked: Asked) -> Answer:
        rent = self._find(asked)
        messages = [
            {
                "message": message.text,
                "sender": message.sender,
                "received_at": with_offset(message.at),
                "number": rent.number,
                "service_name": rent.service.name,
            }
            for message in rent.messages
        ]
        return 200, {"status": "success", "messages": messages, "errors": None}

    def _find(self, asked: Asked) -> Rent:
        number, service = asked.text("number"), asked.text("service")
        on_it = [rent for rent in self._rents.open_for_one if rent.number == number]
        found = [rent for rent in on_it if service in ("", rent.service.api_name)]
        if not found:
            raise Refused(404, "Service long rental not found")
        if len(found) > 1:
            raise Refused(400, AMBIGUOUS)
        return found[0]


def _done(what: str, rent: Rent) -> dict[str, object]:
    return {
        "status": "success",
        "message": f"Service long rental {what} successfully.",
        "service_long_rental": _service_line(rent),
        "errors": None,
    }


def _price_line(service: Service) -> Mapping[str, object]:
    prices = [
        {"period": period, "cost": print_usd(service.long_prices[period])}
        for period in SERVICE_PERIODS
        if period in service.long_prices
    ]
    return {"service_name": service.name, "api_name": service.api_name, "prices": prices}


def _long_line(rent: Rent) -> dict[str, object]:
    return {"id": rent.id, "number": rent.number, **_dates(rent), "price": print_usd(rent.price), **_state(rent)}


def _service_line(rent: Rent) -> dict[str, object]:
    names = {"service_name": rent.service.name, "api_name": rent.service.api_name}
    money = {"cost": print_usd(rent.price)}
    return {"id": rent.id, "number": rent.number, **names, **_dates(rent), **money, **_state(rent)}


def _dates(rent: Rent) -> dict[str, object]:
    return {"end_time": day(rent.ends_at), "rented_at": day(rent.rented_at)}


def _state(rent: Rent) -> dict[str, object]:
    return {"status": STATUSES[rent.phase], "period": TITLES[rent.period], "auto_renew": rent.auto_renew}
