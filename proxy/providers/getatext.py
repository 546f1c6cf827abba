"""getatext.com: JSON both ways, the key in a header, the truth in the HTTP status and in `errors`. US numbers.

What is sold for one time stands here; rents and auctions have files of their own, and share the line.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from proxy.clock import Clock
from proxy.domain.money import Usd, print_usd, scale
from proxy.errors import OutcomeUnknown
from proxy.providers import getatext_forms as forms
from proxy.providers.base import (
    Auction,
    Bought,
    Cancelled,
    Listing,
    Look,
    News,
    OpenRental,
    Order,
    ProviderSettings,
    Push,
    Reason,
    Refused,
    Renewed,
    Rental,
    RentalState,
)
from proxy.providers.getatext_auctions import Auctions
from proxy.providers.getatext_forms import ENDED
from proxy.providers.getatext_line import Line
from proxy.providers.getatext_rents import Rents, is_rent
from proxy.providers.limits import Throttle
from proxy.providers.reading import id_of, is_too_early, phone_of, price_of, text_of, truth_of, usd_of, whole_of
from proxy.providers.wire import Answer, Wire

USA = 187
PREMIUM = "premium"
RENTS_A_SECOND = 2
MULTIPLES_A_SECOND = 1
CANCELS_A_SECOND = 1
PREMIUM_A_SECOND = 200

ONE_WISH = 120
"""Per cent of the base price: a carrier, or area codes, or a chosen number."""
BOTH_WISHES = 140
FAILURE_STANDS = 300.0
"""Seconds for which the provider answers a combination of services that failed as before, at the least."""
MOST_FAILURES = 1000


class Getatext:
    kind = "getatext"
    carriers: tuple[str, ...] = ("at&t", "tmobile")

    def __init__(self, name: str, wire: Wire, clock: Clock, settings: ProviderSettings) -> None:
        self.name = name
        self._clock = clock
        self._countries = settings.countries or (USA,)
        self._line = Line(name, wire, clock, settings)
        self._rents = Throttle(clock, RENTS_A_SECOND)
        self._multiples = Throttle(clock, MULTIPLES_A_SECOND)
        if settings.tier == PREMIUM:
            self._suffix = "-premium"
            self._random_rents = Throttle(clock, PREMIUM_A_SECOND)
            self._cancels = Throttle(clock, PREMIUM_A_SECOND)
            self._looks: Throttle | None = Throttle(clock, PREMIUM_A_SECOND)
        else:
            self._suffix = ""
            self._random_rents = self._rents
            self._cancels = Throttle(clock, CANCELS_A_SECOND)
            self._looks = None
        self._long = Rents(self._line, self._looks, self._countries)
        self._auctions = Auctions(self._line)
        self._failures: dict[frozenset[tuple[str, object]], tuple[float, Refused]] = {}
        """Combinations that cannot be had, with the time until which there is no use in asking again."""

    async def listings(self, timeout: float) -> Sequence[Listing]:
        answer = self._line.granted(await self._line.ask("GET", "prices-info", timeout))
        listings = [listing for row in forms.rows(answer.json) for listing in self._listed(row)]
        if not listings:
            # An empty list would take every offer away; it is likelier that the reply was not understood.
            raise OutcomeUnknown(self.name, "a price list without one readable line")
        return listings

    def quote(self, listing: Listing, order: Order) -> Usd | Refused:
        """A returning customer may get a number cheaper; nobody can know that beforehand, so the full price counts."""
        if listing.hours:
            return self._long.quote(listing, order)
        if refused := forms.unfit(order):
            return refused
        if order.renews:
            return max(listing.price, order.renewed_price or 0)
        wishes = 1 if order.number else bool(forms.carrier(order)) + bool(order.area_codes)
        return scale(listing.price, (100, ONE_WISH, BOTH_WISHES)[wishes])

    async def buy(self, order: Order, timeout: float) -> Bought | Refused:
        if order.hours:
            return await self._long.buy(order, timeout)
        if refused := forms.unfit(order):
            return refused
        path, throttle, body = self._purchase(order)
        answer = await self._line.ask("POST", path, timeout, body, throttle)
        if refused := self._line.refusal(answer):
            return refused
        return self._received(order, answer)

    def quote_together(self, listings: Sequence[Listing]) -> Sequence[Usd]:
        return [listing.price for listing in listings]

    async def buy_together(self, orders: Sequence[Order], timeout: float) -> Sequence[Bought] | Refused:
        first = orders[0]
        if any(order.hours for order in orders):
            return Refused(Reason.BAD_REQUEST, "rents are sold one by one")
        if refused := forms.unfit(first):
            return refused
        body: dict[str, object] = {
            "services": ",".join(order.service for order in orders),
            "max_price": Decimal(print_usd(sum(order.price_limit for order in orders))),
        }
        if carrier := forms.carrier(first):
            body |= {"carrier": carrier, "keep_carrier": first.keep_carrier}
        if first.area_codes:
            body |= {"rent_area_codes": ",".join(first.area_codes), "lock_area_code": first.lock_area_codes}
        what = frozenset((body | {"services": frozenset(order.service for order in orders)}).items())
        now = self._clock.monotonic()
        until, before = self._failures.get(what, (now, None))
        if before and now < until:
            return before
        answer = await self._line.ask("POST", "rent-multiple-services", timeout, body, self._multiples)
        if refused := self._line.refusal(answer):
            if refused.reason is Reason.OUT_OF_STOCK:
                self._remember(what, refused)
            return refused
        return self._received_together(orders, answer)

    def _remember(self, what: frozenset[tuple[str, object]], refused: Refused) -> None:
        now = self._clock.monotonic()
        if len(self._failures) >= MOST_FAILURES:
            self._failures = {key: known for key, known in self._failures.items() if now < known[0]}
        if len(self._failures) < MOST_FAILURES:
            self._failures[what] = now + FAILURE_STANDS, refused

    def _received_together(self, orders: Sequence[Order], answer: Answer) -> Sequence[Bought]:
        """One rental for each order, told apart by the service; the order asked counts where names do not tell."""
        rows = answer.json.get("rentals") if isinstance(answer.json, dict) else None
        rentals = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        if len(rentals) != len(orders):
            raise self._line.nonsense(answer)
        by_name = {forms.plain(text_of(row.get("service_name"))): row for row in rentals}
        if all(forms.plain(order.service) in by_name for order in orders):
            rentals = [by_name[forms.plain(order.service)] for order in orders]
        return [
            self._received(order, Answer(answer.status, answer.body, row))
            for order, row in zip(orders, rentals, strict=True)
        ]

    async def cancel(self, rental: Rental, timeout: float) -> Cancelled:
        if is_rent(rental):
            return await self._long.cancel(rental, timeout)
        path = f"cancel-rental{self._suffix}"
        answer = await self._line.ask("POST", path, timeout, {"id": forms.number(rental.upstream_id)}, self._cancels)
        if refused := self._line.denial(answer):
            if is_too_early(refused.text):
                return Cancelled.TOO_EARLY
            self._line.about_the_rental(refused)
            return Cancelled.REFUSED
        if forms.status(self._line.understood(answer)) not in ENDED | {"success"}:
            raise OutcomeUnknown(self.name, "an answer to a cancellation that does not say whether it is done")
        return Cancelled.DONE

    async def finish(self, rental: Rental, timeout: float) -> None:
        """Only what was looked at can be completed, and a code that came by webhook was not: so look, and once more."""
        if is_rent(rental):
            return await self._long.let_go(rental, timeout)
        deadline = self._clock.monotonic() + timeout
        if not await self._is_completed(rental, timeout):
            await self._status(rental, deadline - self._clock.monotonic())
            await self._is_completed(rental, deadline - self._clock.monotonic())

    async def again(self, rental: Rental, timeout: float) -> bool:
        """There is nothing to ask: whatever comes to the number is shown."""
        return True

    async def look(self, rental: Rental, timeout: float, *, closely: bool = False) -> Look:
        if is_rent(rental):
            return await self._long.look(rental, timeout, closely=closely)
        answer = await self._status(rental, timeout)
        if self._line.knows_no_rental(answer):
            return Look(RentalState.UNKNOWN_ID)
        fields = self._line.understood(answer)
        status = forms.status(fields)
        if not status or id_of(fields.get("id")) not in ("", rental.upstream_id) or self._line.problem(fields):
            raise OutcomeUnknown(self.name, "a status that makes no sense")
        sms = forms.sms(fields.get("code"))
        return Look(forms.state(status, sms is not None), (sms,) if sms else (), phone_of(fields.get("number")))

    async def newest(self, timeout: float) -> Sequence[News] | None:
        """There is no such list."""
        return None

    async def open_rentals(self, timeout: float) -> Sequence[OpenRental] | None:
        """There is no such list."""
        return None

    async def rent_listings(self, timeout: float) -> Sequence[Listing]:
        return await self._long.listings(timeout)

    async def open_rents(self, timeout: float) -> Sequence[OpenRental] | None:
        return await self._long.open(timeout)

    async def renew(self, rental: Rental, timeout: float) -> Renewed | Refused:
        return await self._long.renew(rental, timeout)

    async def auctions(self, timeout: float) -> Sequence[Auction]:
        return await self._auctions.open(timeout)

    async def bid(self, id: str, amount: Usd, timeout: float) -> Usd | Refused:
        return await self._auctions.bid(id, amount, timeout)

    async def balance(self, timeout: float) -> Usd:
        fields = self._line.understood(await self._line.ask("GET", "balance", timeout))
        amount = usd_of(fields.get("balance"), fields.get("new_balance"))
        if amount is None:
            raise OutcomeUnknown(self.name, "a balance that is no amount")
        return amount

    def read_push(self, fields: Mapping[str, object]) -> Push | None:
        """A code that came as a number may have lost its leading zeros: only a look at the rental tells."""
        upstream_id = id_of(fields.get("id"))
        if not upstream_id or not fields.keys() & {"code", "status"}:
            raise ValueError("a webhook without an id, or with neither code nor status")
        code = fields.get("code")
        sms = forms.sms(code) if isinstance(code, str) else None
        service, price = text_of(fields.get("service_name")), price_of(fields.get("cost"), fields.get("price"))
        return Push(upstream_id, sms, phone_of(fields.get("number")), service, price)

    async def aclose(self) -> None:
        await self._line.aclose()

    async def _status(self, rental: Rental, timeout: float) -> Answer:
        body = {"id": forms.number(rental.upstream_id)}
        return await self._line.ask("POST", f"rental-status{self._suffix}", timeout, body, self._looks)

    async def _is_completed(self, rental: Rental, timeout: float) -> bool:
        answer = await self._line.ask("POST", f"rental-status/{rental.upstream_id}/completed", timeout)
        if self._line.refusal(answer):
            return False
        self._line.granted(answer)
        return True

    def _purchase(self, order: Order) -> tuple[str, Throttle, dict[str, object]]:
        """Where an order goes, whose limit it falls under, and what is sent."""
        if order.renews:
            return "re-rent", self._rents, {"rental_id": forms.number(order.renews)}
        limit = Decimal(print_usd(order.price_limit))
        if order.number:
            number = forms.national(order.number)
            return "rent-specific-number", self._rents, {"number": number, "service": order.service, "max_price": limit}
        body: dict[str, object] = {"service": order.service, "max_price": limit}
        if carrier := forms.carrier(order):
            body |= {"carrier": carrier, "keep_carrier": order.keep_carrier}
        if order.area_codes:
            body |= {"area_codes": ",".join(order.area_codes), "lock_area_code": order.lock_area_codes}
        return f"rent-a-number{self._suffix}", self._random_rents, body

    def _received(self, order: Order, answer: Answer) -> Bought:
        upstream_id, number, fields = self._line.sold(answer)
        if order.number and number != order.number:
            # It cannot be given back at once: a cancellation is taken after a minute at the earliest.
            raise OutcomeUnknown(self.name, "another number was given", upstream_id)
        return Bought(
            upstream_id,
            number,
            price_of(fields.get("price"), fields.get("cost")),
            operator=order.carrier if order.keep_carrier else "",
            balance=usd_of(fields.get("new_balance"), fields.get("balance")),
        )

    def _listed(self, row: Mapping[str, object]) -> Iterator[Listing]:
        service, minutes = text_of(row.get("api_name")), whole_of(row.get("ttl"))
        price, stock = price_of(row.get("price"), row.get("cost")), row.get("stock", row.get("count"))
        if service and price is not None:
            for country in self._countries:
                yield Listing(
                    service,
                    country,
                    price,
                    whole_of(stock),
                    lifetime=minutes * 60 if minutes else None,
                    several_sms=truth_of(row.get("multiple_sms")),
                    title=text_of(row.get("service_name")),
                )
