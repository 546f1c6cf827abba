"""Rents at getatext.com: a number for one service, or for all of them, over days or weeks.

There are two kinds, each with endpoints and ids of its own. The upstream id that the house sees is the address of the
rent, `long-rentals/7`: so it tells the kinds apart, and both from what was bought for one time.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from proxy.domain.money import Usd, scale
from proxy.errors import NotSent, OutcomeUnknown, ProviderError
from proxy.providers import getatext_forms as forms
from proxy.providers.base import (
    ANY_SERVICE,
    Bought,
    Cancelled,
    Listing,
    Look,
    OpenRental,
    Order,
    Reason,
    Refused,
    Renewed,
    Rental,
    RentalState,
    Sms,
)
from proxy.providers.getatext_line import Line
from proxy.providers.limits import Throttle
from proxy.providers.reading import id_of, phone_of, price_of, text_of, usd_of, whole_of
from proxy.providers.wire import Answer

AREA_CODES = 120
"""Per cent of a long rental's price; for those of one service no surcharge is documented."""
NOT_ENABLED = "not enabled"


@dataclass(frozen=True, slots=True)
class Kind:
    path: str
    name: str
    """Of the list of them in a reply."""
    term: str
    """The parameter that says for how long."""
    terms: Mapping[int, str]
    """Their lengths in hours, and the words for them."""


ONE_SERVICE = Kind(
    "service-long-rentals",
    "service_long_rentals",
    "period",
    {24: "1d", 72: "3d", 168: "7d", 336: "14d", 720: "30d"},
)
ALL_SERVICES = Kind("long-rentals", "long_rentals", "rental_time", {168: "1w", 336: "2w", 720: "1m"})
KINDS = (ONE_SERVICE, ALL_SERVICES)


def is_rent(rental: Rental) -> bool:
    return "/" in rental.upstream_id


class Rents:
    def __init__(self, line: Line, looks: Throttle | None, countries: Sequence[int]) -> None:
        self._line = line
        self._looks = looks
        self._countries = countries

    async def listings(self, timeout: float) -> Sequence[Listing]:
        """One kind's trouble does not hide what the other sells."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._priced(kind, timeout)) for kind in KINDS]
        prices = [task.result() for task in tasks]
        known = [listings for listings in prices if not isinstance(listings, ProviderError)]
        for trouble in prices:
            if not known and isinstance(trouble, ProviderError):
                raise trouble
        return [listing for listings in known for listing in listings]

    def quote(self, listing: Listing, order: Order) -> Usd | Refused:
        if refused := _unfit(order, listing.hours):
            return refused
        is_dearer = _kind_for(listing.service) is ALL_SERVICES and order.area_codes
        return scale(listing.price, AREA_CODES if is_dearer else 100)

    async def buy(self, order: Order, timeout: float) -> Bought | Refused:
        """The price cannot be limited here: what is sent names none."""
        if refused := _unfit(order, order.hours):
            return refused
        kind = _kind_for(order.service)
        answer = await self._line.ask("POST", kind.path, timeout, _wishes(kind, order))
        if refused := self._line.refusal(answer):
            return refused
        upstream_id, number, fields = self._line.sold(answer, f"{kind.path}/")
        return Bought(
            upstream_id,
            number,
            price_of(fields.get("price"), fields.get("cost")),
            balance=usd_of(fields.get("new_balance"), fields.get("balance")),
            until=text_of(fields.get("end_time")),
        )

    async def renew(self, rental: Rental, timeout: float) -> Renewed | Refused:
        answer = await self._tell(rental, "renew", timeout)
        if refused := self._line.refusal(answer):
            return refused
        fields = self._about(rental, answer)
        until = text_of(fields.get("end_time"))
        if self._line.problem(fields) or forms.status(fields) in forms.RENT_OVER | {"error"} or not until:
            raise OutcomeUnknown(self._line.name, "an answer to a renewal that does not say whether it is done")
        return Renewed(price_of(fields.get("cost"), fields.get("price")), until)

    async def cancel(self, rental: Rental, timeout: float) -> Cancelled:
        """Never too early: only the beginning of a rent can be cancelled."""
        answer = await self._tell(rental, "cancel", timeout)
        if refused := self._line.denial(answer):
            self._line.about_the_rental(refused)
            return Cancelled.REFUSED
        if forms.status(self._about(rental, answer)) not in forms.CANCELLED | {"success"}:
            raise OutcomeUnknown(self._line.name, "an answer to a cancellation that does not say whether it is done")
        return Cancelled.DONE

    async def let_go(self, rental: Rental, timeout: float) -> None:
        """It ends with its term, and is not renewed by itself. One that is over already needs nothing."""
        answer = await self._tell(rental, "auto_renew", timeout, auto_renew=False)
        if refused := self._line.denial(answer):
            self._line.about_the_rental(refused)

    async def look(self, rental: Rental, timeout: float, *, closely: bool = False) -> Look:
        """Messages come only while the rent goes on, and without its state; that stands in the list of all rents."""
        deadline = self._line.clock.monotonic() + timeout
        messages = await self._messages(rental, timeout)
        if messages is not None and not closely:
            return Look(RentalState.OPEN, messages)
        row = await self._row(rental, deadline - self._line.clock.monotonic())
        if row is None:
            return Look(RentalState.OVER if messages is None else RentalState.OPEN, messages or ())
        return Look(forms.rent_state(row, bool(messages)), messages or (), phone_of(row.get("number")))

    async def open(self, timeout: float) -> Sequence[OpenRental]:
        """Either whole or not at all: what is missing would be taken for ended."""
        deadline = self._line.clock.monotonic() + timeout
        return [
            rental
            for kind in KINDS
            for row in await self._rows(kind, deadline - self._line.clock.monotonic()) or ()
            if (rental := self._opened(kind, row))
        ]

    async def _tell(self, rental: Rental, action: str, timeout: float, **fields: object) -> Answer:
        """Long rentals have an id and one endpoint for all that can be done; the others go by number and service."""
        if _kind_of(rental) is ALL_SERVICES:
            path = f"{rental.upstream_id}/update"
            return await self._line.ask("POST", path, timeout, {"action": action, **fields})
        path = f"{ONE_SERVICE.path}/{forms.national(rental.number)}/{action.replace('_', '-')}"
        return await self._line.ask("POST", path, timeout, {**fields, "service": rental.service})

    def _about(self, rental: Rental, answer: Answer) -> Mapping[str, object]:
        """A yes, unless it speaks of another rent: the same number may have been rented for the service before."""
        fields = self._line.understood(answer)
        if id_of(fields.get("id")) not in ("", _id_in(rental)):
            raise self._line.nonsense(answer)
        return fields

    async def _messages(self, rental: Rental, timeout: float) -> tuple[Sms, ...] | None:
        """None if there are none to be had: no such rent goes on, or its number is not known yet."""
        if _kind_of(rental) is ALL_SERVICES:
            path = f"{rental.upstream_id}/messages"
        elif rental.number:
            query = urlencode({"service": rental.service})
            path = f"{ONE_SERVICE.path}/{forms.national(rental.number)}/messages?{query}"
        else:
            return None
        answer = await self._line.ask("GET", path, timeout, throttle=self._looks)
        if self._line.knows_no_rental(answer):
            return None
        messages = forms.rent_messages(self._line.granted(answer).json)
        if messages is None:
            raise self._line.nonsense(answer)
        return messages

    async def _rows(self, kind: Kind, timeout: float) -> list[Mapping[str, object]] | None:
        """None: the account has no rents of that kind."""
        answer = await self._line.ask("GET", kind.path, timeout)
        if self._is_not_enabled(answer):
            return None
        rows = forms.known(self._line.granted(answer).json, kind.name)
        if rows is None:
            raise self._line.nonsense(answer)
        return rows

    async def _row(self, rental: Rental, timeout: float) -> Mapping[str, object] | None:
        rows = await self._rows(_kind_of(rental), timeout)
        if rows is None:
            raise NotSent(self._line.name, "rents of that kind are not shown")
        return next((row for row in rows if id_of(row.get("id")) == _id_in(rental)), None)

    def _opened(self, kind: Kind, row: Mapping[str, object]) -> OpenRental | None:
        number = phone_of(row.get("number"))
        if not number or forms.rent_state(row, has_messages=False) is not RentalState.OPEN:
            return None
        return OpenRental(
            f"{kind.path}/{id_of(row.get('id'))}",
            ANY_SERVICE if kind is ALL_SERVICES else text_of(row.get("api_name")),
            number,
            price_of(row.get("price"), row.get("cost")),
            text_of(row.get("rented_at")),
            country=self._countries[0] if len(self._countries) == 1 else None,
            hours=forms.hours_of(row.get("period")),
            until=text_of(row.get("end_time")),
        )

    async def _priced(self, kind: Kind, timeout: float) -> list[Listing] | ProviderError:
        """What is sold of that kind, or what stands in the way of knowing."""
        try:
            answer = await self._line.ask("GET", f"{kind.path}/prices", timeout)
            if self._is_not_enabled(answer):
                return []
            rows = _price_rows(kind, self._line.granted(answer).json)
            listings = [listing for row in rows or () for listing in self._listed(kind, row)]
            if rows is None or (rows and not listings):
                raise self._line.nonsense(answer)
        except ProviderError as exc:
            return exc
        return listings

    def _listed(self, kind: Kind, row: Mapping[str, object]) -> Iterator[Listing]:
        service, title = text_of(row.get("api_name")), text_of(row.get("service_name"))
        for hours, price in forms.terms(row.get("prices")).items():
            if service and hours in kind.terms:
                for country in self._countries:
                    yield Listing(
                        service,
                        country,
                        price,
                        whole_of(row.get("stock")),
                        lifetime=hours * 3600,
                        several_sms=True,
                        title=title,
                        hours=hours,
                    )

    def _is_not_enabled(self, answer: Answer) -> bool:
        refused = self._line.refusal(answer)
        return refused is not None and answer.status == 403 and NOT_ENABLED in refused.text.lower()


def _kind_for(service: str) -> Kind:
    return ALL_SERVICES if service == ANY_SERVICE else ONE_SERVICE


def _kind_of(rental: Rental) -> Kind:
    return ALL_SERVICES if rental.upstream_id.startswith(f"{ALL_SERVICES.path}/") else ONE_SERVICE


def _id_in(rental: Rental) -> str:
    """The provider's own id, without its kind."""
    return rental.upstream_id.rpartition("/")[2]


def _unfit(order: Order, hours: int) -> Refused | None:
    """What cannot be asked for here at all; a mere preference for a carrier is not sent."""
    choices = (
        ("a carrier", order.carrier and order.keep_carrier),
        ("a number", order.number or order.renews),
        ("a state", order.state),
        ("this term", hours not in _kind_for(order.service).terms),
    )
    return next(
        (Refused(Reason.BAD_REQUEST, f"cannot choose {what} for a rent") for what, is_so in choices if is_so), None
    )


def _wishes(kind: Kind, order: Order) -> dict[str, object]:
    """Renewal by itself is always declined: the account's own setting may be another. A long rental's area codes are
    meant strictly, without a word for it."""
    body: dict[str, object] = {kind.term: kind.terms[order.hours], "auto_renew": False}
    if kind is ONE_SERVICE:
        body["service"] = order.service
    if order.area_codes:
        body["area_codes"] = ",".join(order.area_codes)
    if order.area_codes and kind is ONE_SERVICE:
        body["lock_area_code"] = order.lock_area_codes
    return body


def _price_rows(kind: Kind, found: object) -> list[Mapping[str, object]] | None:
    """One line for each service, also where all of them are sold as one; None if there are no prices at all."""
    if kind is ONE_SERVICE:
        return forms.lines(found, "service_long_rental_prices")
    return [{**found, "api_name": ANY_SERVICE}] if isinstance(found, dict) and "prices" in found else None
