"""getatext.com: JSON both ways, the key in a header, the truth in the HTTP status and in `errors`. US numbers.

Only a 4xx whose body says why is a refusal (and a 503 that speaks of maintenance). A 2xx without a rental, any other
5xx and everything that is not JSON may have cost money.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from re import search

from proxy.clock import Clock
from proxy.domain.money import Usd, parse_usd, print_usd, scale
from proxy.errors import NotSent, NoTurn, OutcomeUnknown
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
    Sms,
)
from proxy.providers.codes import clean_code, find_code
from proxy.providers.limits import Throttle
from proxy.providers.reading import (
    NOT_ABOUT_THE_RENTAL,
    Meanings,
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

CARRIERS = {
    "tmobile": "tmobile",
    "tmo": "tmobile",
    "att": "at&t",
    "at&t": "at&t",
    "verizon": "verizon",
    "vz": "verizon",
    "vzw": "verizon",
}
DOCUMENTED: Meanings = (
    ("under maintenance", Reason.MAINTENANCE),
    ("auth is not presented", Reason.BAD_KEY),
    ("wrong api key", Reason.BAD_KEY),
    ("service is not presented", Reason.BAD_REQUEST),
    ("number and service are required", Reason.BAD_REQUEST),
    ("wrong carrier", Reason.BAD_REQUEST),
    ("invalid price", Reason.BAD_REQUEST),
    ("service not found", Reason.NO_SUCH_SERVICE),
    ("service is not available", Reason.NO_SUCH_SERVICE),
    ("requires prior approval", Reason.NO_SUCH_SERVICE),
    ("maximum number of active rentals", Reason.FULL),
    ("out of stock", Reason.OUT_OF_STOCK),
    ("insufficient funds", Reason.NO_MONEY),
    ("exceeds the maximum price", Reason.TOO_DEAR),
    ("number is already taken", Reason.BUSY),
    ("number does not exist", Reason.NUMBER_GONE),
    ("number is unavailable for you", Reason.NUMBER_GONE),
)
ENDED = frozenset({"cancelled", "canceled", "refunded", "rejected", "expired", "timeout", "timed out", "timed_out"})
"""Only `cancelled` is documented; the others are what comparable services say when a rental ends without a code."""
SPENT = frozenset({"completed", "finished"})
NO_RENTAL = r"(?i)not found|invalid|unknown|does not exist|no rental"


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
        listings = [listing for row in _rows(answer.json) for listing in self._listed(row)]
        if not listings:
            # An empty list would take every offer away; it is likelier that the reply was not understood.
            raise OutcomeUnknown(self.name, "a price list without one readable line")
        return listings

    def quote(self, listing: Listing, order: Order) -> Usd | Refused:
        """A returning customer may get a number cheaper; nobody can know that beforehand, so the full price counts."""
        if refused := _unfit(order):
            return refused
        if order.renews:
            return max(listing.price, order.renewed_price or 0)
        wishes = 1 if order.number else bool(_carrier(order)) + bool(order.area_codes)
        return scale(listing.price, (100, ONE_WISH, BOTH_WISHES)[wishes])

    async def buy(self, order: Order, timeout: float) -> Bought | Refused:
        if refused := _unfit(order):
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
        if refused := _unfit(first):
            return refused
        body: dict[str, object] = {
            "services": ",".join(order.service for order in orders),
            "max_price": Decimal(print_usd(sum(order.price_limit for order in orders))),
        }
        if carrier := _carrier(first):
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
        by_name = {_plain(text_of(row.get("service_name"))): row for row in rentals}
        if all(_plain(order.service) in by_name for order in orders):
            rentals = [by_name[_plain(order.service)] for order in orders]
        return [
            self._received(order, Answer(answer.status, answer.body, row))
            for order, row in zip(orders, rentals, strict=True)
        ]

    async def cancel(self, rental: Rental, timeout: float) -> Cancelled:
        path = f"cancel-rental{self._suffix}"
        answer = await self._ask("POST", path, timeout, {"id": _number(rental.upstream_id)}, self._cancels)
        if refused := self._refusal(answer):
            return self._not_cancelled(refused)
        fields = self._understood(answer)
        if problem := _problem(fields, self._key):
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
        if not status or id_of(fields.get("id")) not in ("", rental.upstream_id) or _problem(fields, self._key):
            raise OutcomeUnknown(self.name, "a status that makes no sense")
        sms = _sms(fields.get("code"))
        return Look(_state(status, sms is not None), (sms,) if sms else (), phone_of(fields.get("number")))

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
        return Push(upstream_id, _sms(code) if isinstance(code, str) else None)

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
        body = {"id": _number(rental.upstream_id)}
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
            return "re-rent", self._rents, {"rental_id": _number(order.renews)}
        limit = Decimal(print_usd(order.price_limit))
        if order.number:
            number = order.number[1:] if len(order.number) == 11 else order.number
            return "rent-specific-number", self._rents, {"number": number, "service": order.service, "max_price": limit}
        body: dict[str, object] = {"service": order.service, "max_price": limit}
        if carrier := _carrier(order):
            body |= {"carrier": carrier, "keep_carrier": order.keep_carrier}
        if order.area_codes:
            body |= {"area_codes": ",".join(order.area_codes), "lock_area_code": order.lock_area_codes}
        return f"rent-a-number{self._suffix}", self._random_rents, body

    def _received(self, order: Order, answer: Answer) -> Bought:
        fields = _rental(answer.json)
        upstream_id, number = id_of(fields.get("id")), phone_of(fields.get("number"))
        if not 200 <= answer.status < 300 or not upstream_id:
            raise OutcomeUnknown(self.name, f"HTTP {answer.status} with an answer that makes no sense", upstream_id)
        if not number or _problem(fields, self._key) or text_of(fields.get("status")).lower() in ENDED | {"error"}:
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
        problem = _problem(found, self._key) or ("" if "errors" in found else words_of(found.get("message"), self._key))
        if not problem or id_of(_rental(answer.json).get("id")):
            return None
        reason = reason_of(problem, DOCUMENTED)
        is_no = {503: reason is Reason.MAINTENANCE, 408: reason is Reason.BUSY}.get(
            answer.status, 400 <= answer.status < 500
        )
        return Refused(reason, problem, _real_price(problem)) if is_no else None

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
        fields = _rental(self._granted(answer).json)
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


def _unfit(order: Order) -> Refused | None:
    """What cannot be asked for here at all."""
    return Refused(Reason.BAD_REQUEST, "cannot choose a state") if order.state else None


def _carrier(order: Order) -> str:
    """The provider's word for a carrier. One it does not know is sent only if no other will do."""
    small = order.carrier.strip().lower()
    return CARRIERS.get(small.replace("-", "").replace(" ", ""), small if order.keep_carrier else "")


def _plain(name: str) -> str:
    """A service's name without what its spellings differ in."""
    return "".join(c for c in name.casefold() if c.isalnum())


def _number(upstream_id: str) -> int | str:
    """Ids are numbers here, in requests too."""
    return int(upstream_id) if upstream_id.isdecimal() else upstream_id


def _rental(found: object) -> Mapping[str, object]:
    """The object that speaks of the rental, be it the whole body or a part of it; empty if there is none."""
    if not isinstance(found, dict):
        return {}
    parts = (found[key] for key in ("rental", "data") if isinstance(found.get(key), dict))
    inner: Mapping[str, object] = next(parts, {})
    return found if "id" in found or not inner else {**found, **inner}


def _problem(fields: Mapping[str, object], secret: str) -> str:
    """The text of an error; empty if there is none, which is written as null, "null" or nothing."""
    return words_of(fields.get("errors") or fields.get("error") or "", secret)


def _real_price(problem: str) -> Usd | None:
    found = search(r"actual price is:?\s*\$?([0-9]{1,6}(?:\.[0-9]{1,6})?)", problem)
    return parse_usd(found[1]) if found else None


def _rows(found: object) -> Iterator[Mapping[str, object]]:
    """The lines of a price list, in every form that has been seen."""
    if isinstance(found, dict):
        wrapped = (found[key] for key in ("prices", "services", "data") if isinstance(found.get(key), list | dict))
        found = next(wrapped, found)
    for entry in found if isinstance(found, list) else [found]:
        if isinstance(entry, dict) and "api_name" in entry:
            yield entry
        elif isinstance(entry, dict):
            yield from ({"api_name": name, **row} for name, row in entry.items() if isinstance(row, dict))


def _sms(code: object) -> Sms | None:
    """Nothing but the code, also from a webhook, which says when: a look does not, and it is the same message."""
    text = text_of(code)
    found = clean_code(text) or find_code(text)
    return Sms(found) if found else None


def _state(status: str, has_code: bool) -> RentalState:
    """A state that nobody knows changes nothing: the rental's time ends it."""
    if status in SPENT or (status in ENDED and has_code):
        return RentalState.OVER
    return RentalState.REFUNDED if status in ENDED else RentalState.OPEN
