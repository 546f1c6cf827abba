"""getatext.com: JSON both ways, the key in a header, the truth in the HTTP status and in `errors`. US numbers.

Only a 4xx whose body says why is a refusal (and a 503 that speaks of maintenance). A 2xx without a rental, any other
5xx and everything that is not JSON may have cost money.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from re import search

from proxy.clock import Clock
from proxy.domain.money import Usd, print_usd, scale
from proxy.errors import NotSent, NoTurn, OutcomeUnknown
from proxy.providers import getatext_forms as forms
from proxy.providers.base import (
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
    Rental,
    RentalState,
)
from proxy.providers.getatext_forms import DOCUMENTED, ENDED, NO_RENTAL
from proxy.providers.limits import Throttle
from proxy.providers.reading import (
    NOT_ABOUT_THE_RENTAL,
    id_of,
    is_too_early,
    phone_of,
    price_of,
    reason_of,
    text_of,
    truth_of,
    usd_of,
    whole_of,
    words_of,
)
from proxy.providers.wire import Answer, Wire, exchange

USA = 187
PREMIUM = "premium"
RENTS_A_SECOND = 2
MULTIPLES_A_SECOND = 1
CANCELS_A_SECOND = 1
PREMIUM_A_SECOND = 200

ONE_WISH = 120
"""Per cent of the base price: a carrier, or area codes, or a chosen number."""
BOTH_WISHES = 140


class Getatext:
    kind = "getatext"
    carriers: tuple[str, ...] = ("at&t", "tmobile")

    def __init__(self, name: str, wire: Wire, clock: Clock, settings: ProviderSettings) -> None:
        self.name = name
        self._wire = wire
        self._clock = clock
        self._key = settings.api_key
        self._timeout = settings.timeout
        self._countries = settings.countries or (USA,)
        self._url = f"{settings.base_url.rstrip('/')}/api/v1/"
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

    async def listings(self, timeout: float) -> Sequence[Listing]:
        answer = self._granted(await self._ask("GET", "prices-info", timeout))
        listings = [listing for row in forms.rows(answer.json) for listing in self._listed(row)]
        if not listings:
            # An empty list would take every offer away; it is likelier that the reply was not understood.
            raise OutcomeUnknown(self.name, "a price list without one readable line")
        return listings

    def quote(self, listing: Listing, order: Order) -> Usd | Refused:
        """A returning customer may get a number cheaper; nobody can know that beforehand, so the full price counts."""
        if refused := forms.unfit(order):
            return refused
        if order.renews:
            return max(listing.price, order.renewed_price or 0)
        wishes = 1 if order.number else bool(forms.carrier(order)) + bool(order.area_codes)
        return scale(listing.price, (100, ONE_WISH, BOTH_WISHES)[wishes])

    async def buy(self, order: Order, timeout: float) -> Bought | Refused:
        if refused := forms.unfit(order):
            return refused
        path, throttle, body = self._purchase(order)
        answer = await self._ask("POST", path, timeout, body, throttle)
        if refused := self._refusal(answer):
            return refused
        return self._received(order, answer)

    def quote_together(self, listings: Sequence[Listing]) -> Sequence[Usd]:
        return [listing.price for listing in listings]

    async def buy_together(self, orders: Sequence[Order], timeout: float) -> Sequence[Bought] | Refused:
        first = orders[0]
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
        answer = await self._ask("POST", "rent-multiple-services", timeout, body, self._multiples)
        if refused := self._refusal(answer):
            return refused
        return self._received_together(orders, answer)

    def _received_together(self, orders: Sequence[Order], answer: Answer) -> Sequence[Bought]:
        """One rental for each order, told apart by the service; the order asked counts where names do not tell."""
        rows = answer.json.get("rentals") if isinstance(answer.json, dict) else None
        rentals = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        if len(rentals) != len(orders):
            raise OutcomeUnknown(self.name, f"HTTP {answer.status} with an answer that makes no sense")
        by_name = {forms.plain(text_of(row.get("service_name"))): row for row in rentals}
        if all(forms.plain(order.service) in by_name for order in orders):
            rentals = [by_name[forms.plain(order.service)] for order in orders]
        return [
            self._received(order, Answer(answer.status, answer.body, row))
            for order, row in zip(orders, rentals, strict=True)
        ]

    async def cancel(self, rental: Rental, timeout: float) -> Cancelled:
        path = f"cancel-rental{self._suffix}"
        answer = await self._ask("POST", path, timeout, {"id": forms.number(rental.upstream_id)}, self._cancels)
        if refused := self._refusal(answer):
            return self._not_cancelled(refused)
        fields = self._understood(answer)
        if problem := forms.problem(fields, self._key):
            return self._not_cancelled(Refused(reason_of(problem, DOCUMENTED), problem))
        if text_of(fields.get("status")).lower() not in ENDED | {"success"}:
            raise OutcomeUnknown(self.name, "an answer to a cancellation that does not say whether it is done")
        return Cancelled.DONE

    async def finish(self, rental: Rental, timeout: float) -> None:
        """Only what was looked at can be completed, and a code that came by webhook was not: so look, and once more."""
        deadline = self._clock.monotonic() + timeout
        if not await self._is_completed(rental, timeout):
            await self._status(rental, deadline - self._clock.monotonic())
            await self._is_completed(rental, deadline - self._clock.monotonic())

    async def again(self, rental: Rental, timeout: float) -> bool:
        """There is nothing to ask: whatever comes to the number is shown."""
        return True

    async def look(self, rental: Rental, timeout: float, *, closely: bool = False) -> Look:
        answer = await self._status(rental, timeout)
        if refused := self._refusal(answer):
            if refused.reason not in NOT_ABOUT_THE_RENTAL and (answer.status == 404 or search(NO_RENTAL, refused.text)):
                return Look(RentalState.UNKNOWN_ID)
            raise NotSent(self.name, refused.text)
        fields = self._understood(answer)
        status = text_of(fields.get("status")).lower()
        if not status or id_of(fields.get("id")) not in ("", rental.upstream_id) or forms.problem(fields, self._key):
            raise OutcomeUnknown(self.name, "a status that makes no sense")
        sms = forms.sms(fields.get("code"))
        return Look(forms.state(status, sms is not None), (sms,) if sms else (), phone_of(fields.get("number")))

    async def newest(self, timeout: float) -> Sequence[News] | None:
        """There is no such list."""
        return None

    async def open_rentals(self, timeout: float) -> Sequence[OpenRental] | None:
        """There is no such list."""
        return None

    async def balance(self, timeout: float) -> Usd:
        fields = self._understood(self._granted(await self._ask("GET", "balance", timeout)))
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
        await self._wire.aclose()

    async def _ask(
        self,
        method: str,
        path: str,
        timeout: float,
        body: Mapping[str, object] | None = None,
        throttle: Throttle | None = None,
    ) -> Answer:
        """One request, after a turn at the throttle; both within the timeout."""
        deadline = self._clock.monotonic() + timeout
        if throttle and not await throttle.turn(timeout):
            raise NoTurn(self.name, "its limit leaves no turn within the deadline")
        left = min(self._timeout, deadline - self._clock.monotonic())
        return await exchange(
            self._wire, self.name, method, self._url + path, timeout=left, headers={"Auth": self._key}, json=body
        )

    async def _status(self, rental: Rental, timeout: float) -> Answer:
        body = {"id": forms.number(rental.upstream_id)}
        return await self._ask("POST", f"rental-status{self._suffix}", timeout, body, self._looks)

    async def _is_completed(self, rental: Rental, timeout: float) -> bool:
        answer = await self._ask("POST", f"rental-status/{rental.upstream_id}/completed", timeout)
        if self._refusal(answer):
            return False
        self._granted(answer)
        return True

    def _purchase(self, order: Order) -> tuple[str, Throttle, dict[str, object]]:
        """Where an order goes, whose limit it falls under, and what is sent."""
        if order.renews:
            return "re-rent", self._rents, {"rental_id": forms.number(order.renews)}
        limit = Decimal(print_usd(order.price_limit))
        if order.number:
            number = order.number[1:] if len(order.number) == 11 else order.number
            return "rent-specific-number", self._rents, {"number": number, "service": order.service, "max_price": limit}
        body: dict[str, object] = {"service": order.service, "max_price": limit}
        if carrier := forms.carrier(order):
            body |= {"carrier": carrier, "keep_carrier": order.keep_carrier}
        if order.area_codes:
            body |= {"area_codes": ",".join(order.area_codes), "lock_area_code": order.lock_area_codes}
        return f"rent-a-number{self._suffix}", self._random_rents, body

    def _received(self, order: Order, answer: Answer) -> Bought:
        fields = forms.rental(answer.json)
        upstream_id, number = id_of(fields.get("id")), phone_of(fields.get("number"))
        if not 200 <= answer.status < 300 or not upstream_id:
            raise OutcomeUnknown(self.name, f"HTTP {answer.status} with an answer that makes no sense", upstream_id)
        if not number or forms.problem(fields, self._key) or text_of(fields.get("status")).lower() in ENDED | {"error"}:
            raise OutcomeUnknown(self.name, "a purchase without a clear rental", upstream_id)
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

    def _refusal(self, answer: Answer) -> Refused | None:
        """A sure no, with its reason; None if the answer is none."""
        found = answer.json if isinstance(answer.json, dict) else {}
        # Frameworks explain themselves in `message` where the document has `errors`.
        problem = forms.problem(found, self._key) or (
            "" if "errors" in found else words_of(found.get("message"), self._key)
        )
        if not problem or id_of(forms.rental(answer.json).get("id")):
            return None
        reason = reason_of(problem, DOCUMENTED)
        is_no = {503: reason is Reason.MAINTENANCE, 408: reason is Reason.BUSY}.get(
            answer.status, 400 <= answer.status < 500
        )
        return Refused(reason, problem, forms.real_price(problem)) if is_no else None

    def _not_cancelled(self, refused: Refused) -> Cancelled:
        if is_too_early(refused.text):
            return Cancelled.TOO_EARLY
        if refused.reason in NOT_ABOUT_THE_RENTAL:
            raise NotSent(self.name, refused.text)
        return Cancelled.REFUSED

    def _granted(self, answer: Answer) -> Answer:
        """An answer that had to be a yes. A refusal is a sure no, so asking did nothing."""
        if refused := self._refusal(answer):
            raise NotSent(self.name, refused.text)
        if not 200 <= answer.status < 300:
            raise OutcomeUnknown(self.name, f"HTTP {answer.status} with an answer that makes no sense")
        return answer

    def _understood(self, answer: Answer) -> Mapping[str, object]:
        fields = forms.rental(self._granted(answer).json)
        if not fields:
            raise OutcomeUnknown(self.name, f"HTTP {answer.status} with an answer that makes no sense")
        return fields

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
