"""Whatever speaks SMS-Activate's handler_api.php: one address, one action a request, a word or JSON for an answer.

These services differ in form more than in meaning, so every form is read. A word that is known for a refusal is a sure
no; a word that nobody knows, a 5xx, HTML and half a body may have cost money. Every request is a GET, which is all that
some of them take, and has the key in its address: no text here quotes an address.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar
from urllib.parse import urlencode

from proxy.clock import Clock
from proxy.domain.money import Usd
from proxy.errors import NotSent, OutcomeUnknown, ProviderError
from proxy.providers import sms_activate_forms as forms
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
    Renewed,
    Rental,
    RentalState,
)
from proxy.providers.reading import id_of, reason_of, text_of, truth_of, whole_of, words_of
from proxy.providers.wire import Answer, Wire, exchange

T = TypeVar("T")


def _by_word(meanings: Mapping[T, str]) -> dict[str, T]:
    return {word: meaning for meaning, words in meanings.items() for word in words.split()}


REFUSALS = _by_word(
    {
        Reason.OUT_OF_STOCK: "NO_NUMBERS OUT_OF_STOCK SIM_OFFLINE",
        Reason.TOO_DEAR: "WRONG_MAX_PRICE MAX_PRICE_EXCEEDED",
        Reason.NO_SUCH_SERVICE: "BAD_SERVICE WRONG_SERVICE NOT_AVAILABLE SERVICE_NOT_AVAILABLE BAD_COUNTRY"
        " WRONG_COUNTRY SERVICE_UNAVAILABLE_REGION WHATSAPP_NOT_AVAILABLE NO_YULA_MAIL APPROVAL_REQUIRED",
        Reason.BAD_REQUEST: "BAD_ACTION NO_ACTION WRONG_ACTION BAD_OPERATOR WRONG_OPERATOR OPERATORS_NOT_FOUND"
        " WRONG_EXCEPTION_PHONE UNPROCESSABLE_ENTITY",
        Reason.BUSY: "RENTAL_ERROR_TRY_AGAIN TOO_MANY_REQUESTS RATE_LIMIT RATE_LIMIT_EXCEEDED",
        Reason.FULL: "CHANNELS_LIMIT TOO_MANY_ACTIVE_RENTALS MAX_RENTALS_EXCEEDED",
        Reason.NO_MONEY: "NO_BALANCE NO_BALANCE_FORWARD NO_MEANS NO_MONEY INSUFFICIENT_FUNDS",
        Reason.BAD_KEY: "BAD_KEY NO_KEY INVALID_KEY API_KEY_NOT_VALID BANNED ACCOUNT_INACTIVE",
        Reason.MAINTENANCE: "MAINTENANCE",
        Reason.OTHER: "RENTAL_ERROR",
    }
)
"""What a purchase is refused with."""
NO_SUCH_ACTION = frozenset({"BAD_ACTION", "NO_ACTION", "WRONG_ACTION"})
NOTHING_SOLD = frozenset({Reason.OUT_OF_STOCK, Reason.NO_SUCH_SERVICE})
UNSURE = frozenset({"ORDER_ALREADY_EXISTS", "ERROR_SQL", "SQL_ERROR", "SERVER_ERROR"})
TURNED_AWAY = frozenset({400, 401, 402, 403, 404, 405, 422, 429})
"""HTTP statuses that, with JSON which says why, are a sure no even in words that nobody knows."""

STATES = _by_word(
    {
        RentalState.OPEN: "STATUS_WAIT_CODE STATUS_WAIT_RETRY STATUS_WAIT_RESEND",
        RentalState.REFUNDED: "STATUS_CANCEL ACCESS_CANCEL",
        RentalState.UNKNOWN_ID: "NO_ACTIVATION WRONG_ACTIVATION_ID INVALID_ACTIVATION_ID BAD_ID NOT_FOUND"
        " ACTIVATION_NOT_ACTIVE",
    }
)
"""STATUS_CANCEL means cancelled or completed. Completed is only what had a code, and after a code nothing is refunded:
so for a rental that never had one it is a refund."""
CANCELLATIONS = _by_word(
    {
        Cancelled.DONE: "ACCESS_CANCEL",
        Cancelled.TOO_EARLY: "EARLY_CANCEL_DENIED RENTAL_LOCKED",
        Cancelled.REFUSED: "BAD_STATUS BAD_ACTION ACCESS_READY STATUS_CANCEL OTP_RECEIVED NEW_OTP_RECEIVED"
        " FREE_CANCELLATION_EXPIRED ACTIVATION_NOT_ACTIVE SMS_ADDED NO_ACTIVATION WRONG_ACTIVATION_ID"
        " INVALID_ACTIVATION_ID BAD_ID NOT_FOUND",
    }
)
ANOTHER_SMS, FINISH, CANCEL = "3", "6", "8"

ROWS_AT_ONCE = 200
"""Of a price list, before others get their turn: it can have a hundred thousand."""


class SmsActivate:
    kind = "sms_activate"
    carriers: tuple[str, ...] = ()

    def __init__(self, name: str, wire: Wire, clock: Clock, settings: ProviderSettings) -> None:
        self.name = name
        self._wire = wire
        self._clock = clock
        self._key = settings.api_key
        self._timeout = settings.timeout
        self._countries = settings.countries
        self._currency = forms.Currency(settings.currency_code, settings.per_usd)
        base = settings.base_url.rstrip("/")
        self._url = base if base.endswith((".php", "/handler_api")) else f"{base}/stubs/handler_api.php"
        self._by_country = len(settings.countries) == 1
        """Prices are asked for country by country; for many only where the whole list is not to be had."""
        self._has_v2 = True

    async def listings(self, timeout: float) -> Sequence[Listing]:
        deadline = self._clock.monotonic() + timeout
        listings: list[Listing] = []
        if not self._by_country:
            try:
                listings = await self._prices(timeout)
            except ProviderError:
                if not self._countries:
                    raise
        if not listings:
            for country in self._countries:
                listings += await self._prices(deadline - self._clock.monotonic(), country)
            self._by_country = self._by_country or bool(listings)
        if not listings:
            # An empty list would take every offer away; it is likelier that the reply was not understood.
            raise OutcomeUnknown(self.name, "a price list without one readable line")
        return listings

    def quote(self, listing: Listing, order: Order) -> Usd | Refused:
        return _unfit(order) or listing.price

    async def buy(self, order: Order, timeout: float) -> Bought | Refused:
        """By getNumberV2, which tells the real price. A service that does not know the action has bought nothing: it
        is asked for getNumber then, and from then on."""
        if refused := _unfit(order):
            return refused
        deadline = self._clock.monotonic() + timeout
        wishes = self._wishes(order)
        if self._has_v2:
            answer = await self._ask("getNumberV2", timeout, **wishes)
            if forms.said(answer)[0] not in NO_SUCH_ACTION:
                return self._sold(order, answer)
            self._has_v2 = False
        return self._sold(order, await self._ask("getNumber", deadline - self._clock.monotonic(), **wishes))

    def quote_together(self, listings: Sequence[Listing]) -> Sequence[Usd] | None:
        """Joint numbers are answered in too many forms to be trusted with money."""
        return None

    async def buy_together(self, orders: Sequence[Order], timeout: float) -> Sequence[Bought] | Refused:
        return Refused(Reason.BAD_REQUEST, "cannot buy several services together")

    async def cancel(self, rental: Rental, timeout: float) -> Cancelled:
        answer = await self._set_status(rental, CANCEL, timeout)
        if outcome := CANCELLATIONS.get(forms.said(answer)[0]):
            return outcome
        raise self._trouble(answer)

    async def finish(self, rental: Rental, timeout: float) -> None:
        """A rental that is over already needs no finish."""
        answer = await self._set_status(rental, FINISH, timeout)
        word = forms.said(answer)[0]
        if word != "ACCESS_ACTIVATION" and word not in CANCELLATIONS:
            raise self._trouble(answer)

    async def again(self, rental: Rental, timeout: float) -> bool:
        answer = await self._set_status(rental, ANOTHER_SMS, timeout)
        word = forms.said(answer)[0]
        if word != "ACCESS_RETRY_GET" and word not in CANCELLATIONS:
            raise self._trouble(answer)
        return word == "ACCESS_RETRY_GET"

    async def look(self, rental: Rental, timeout: float, *, closely: bool = False) -> Look:
        """There is one question only, so a close look is no other."""
        answer = await self._ask("getStatus", timeout, id=rental.upstream_id)
        word, rest = forms.said(answer)
        if word == "STATUS_OK" and (sms := forms.sms_of(rest)):
            return Look(RentalState.OPEN, (sms,))
        if state := STATES.get(word):
            return Look(state)
        raise self._trouble(answer)

    async def newest(self, timeout: float) -> Sequence[News] | None:
        """There is no such list."""
        return None

    async def open_rentals(self, timeout: float) -> Sequence[OpenRental] | None:
        answer = await self._ask("getActiveActivations", timeout)
        if forms.said(answer)[0] == "NO_ACTIVATIONS":
            return []
        rows = forms.active_in(answer.json)
        if not 200 <= answer.status < 300 or rows is None:
            raise self._trouble(answer)
        rentals = [rental for row in rows if (rental := self._open_rental(row))]
        if rows and not rentals:
            raise OutcomeUnknown(self.name, "a list of activations without one readable line")
        return rentals

    async def rent_listings(self, timeout: float) -> Sequence[Listing]:
        return ()

    async def open_rents(self, timeout: float) -> Sequence[OpenRental] | None:
        return None

    async def renew(self, rental: Rental, timeout: float) -> Renewed | Refused:
        return Refused(Reason.BAD_REQUEST, "sells no rents")

    async def balance(self, timeout: float) -> Usd:
        answer = await self._ask("getBalance", timeout)
        word, rest = forms.said(answer)
        amount = self._currency.balance(rest) if word == "ACCESS_BALANCE" else None
        if amount is None:
            raise self._trouble(answer)
        return amount

    def read_push(self, fields: Mapping[str, object]) -> Push | None:
        """Without its time: a look does not tell that, and it is the same message. A code that came as a number may
        have lost its leading zeros: only a look at the rental tells."""
        if "rentId" in fields:
            return None
        upstream_id = id_of(fields.get("activationId", fields.get("id")))
        if not upstream_id or not fields.keys() & {"code", "text"}:
            raise ValueError("a webhook without an id, or with neither code nor text")
        code = fields.get("code")
        sms = forms.sms_of(code) if isinstance(code, str) else None
        if sms and sms.code:
            sms = replace(sms, text=text_of(fields.get("text")), sender=text_of(fields.get("phoneFrom")))
        return Push(upstream_id, sms)

    async def aclose(self) -> None:
        await self._wire.aclose()

    async def _ask(self, action: str, timeout: float, **fields: str) -> Answer:
        query = urlencode({"api_key": self._key, "action": action, **fields})
        left = min(self._timeout, timeout)
        return await exchange(self._wire, self.name, "GET", f"{self._url}?{query}", timeout=left)

    async def _set_status(self, rental: Rental, status: str, timeout: float) -> Answer:
        return await self._ask("setStatus", timeout, id=rental.upstream_id, status=status)

    async def _prices(self, timeout: float, country: int | None = None) -> list[Listing]:
        """The price list of one country, or the whole one."""
        answer = await self._ask("getPrices", timeout, **({} if country is None else {"country": str(country)}))
        refused = self._refusal(answer)
        if refused and refused.reason in NOTHING_SOLD:
            return []
        if refused or not 200 <= answer.status < 300 or not isinstance(answer.json, dict | list):
            raise self._trouble(answer)
        listings: list[Listing] = []
        for place, (where, service, offers) in enumerate(forms.price_rows(answer.json, country)):
            if place % ROWS_AT_ONCE == 0:
                await asyncio.sleep(0)
            if not self._countries or where in self._countries:
                listings += self._listed(where, service, offers)
        return listings

    def _listed(self, country: int, service: str, offers: object) -> Iterator[Listing]:
        """The cheapest that is in stock, or else the cheapest."""
        priced = [
            (price, whole_of(stock)) for cost, stock in forms.offers_in(offers) if (price := self._currency.price(cost))
        ]
        best = min(priced, key=lambda offer: (offer[1] == 0, offer[0]), default=None)
        if best and service:
            yield Listing(service, country, *best)

    def _wishes(self, order: Order) -> dict[str, str]:
        """An operator that is merely preferred is not sent: here that would rule out all the others."""
        limit = self._currency.limit(order.price_limit)
        # Some know the limit by the one name only, some by the other.
        wishes = {"service": order.service, "country": str(order.country), "maxPrice": limit, "max_price": limit}
        return wishes | ({"operator": order.carrier} if order.carrier and order.keep_carrier else {})

    def _sold(self, order: Order, answer: Answer) -> Bought | Refused:
        fields = forms.sold_in(answer)
        upstream_id, number = (
            id_of(fields.get("activationId")),
            forms.phone_of(fields.get("phoneNumber"), order.country),
        )
        refused = self._refusal(answer)
        if refused and not upstream_id:
            return refused
        failed = refused or text_of(fields.get("status")).lower() in {"error", "fail"}
        if not 200 <= answer.status < 300 or not upstream_id or not number or failed:
            raise OutcomeUnknown(self.name, f"HTTP {answer.status} without a clear rental", upstream_id)
        operator = text_of(fields.get("activationOperator")).lower()
        several = fields.get("canGetAnotherSms")
        return Bought(
            upstream_id,
            number,
            self._cost(fields),
            forms.lifetime_in(fields),
            operator if operator not in ("", "any") else order.carrier if order.keep_carrier else "",
            several_sms=None if several is None else truth_of(several),
        )

    def _cost(self, fields: Mapping[str, object]) -> Usd | None:
        is_meant = self._currency.is_meant(fields.get("currency"))
        return self._currency.price(fields.get("activationCost")) if is_meant else None

    def _open_rental(self, row: Mapping[str, object]) -> OpenRental | None:
        country = whole_of(row.get("countryCode", row.get("country")))
        upstream_id = id_of(row.get("activationId", row.get("id")))
        number = forms.phone_of(row.get("phoneNumber", row.get("phone")), country)
        if not upstream_id or not number:
            return None
        return OpenRental(
            upstream_id,
            text_of(row.get("serviceCode", row.get("service"))),
            number,
            self._cost(row),
            text_of(row.get("activationTime", row.get("createDate"))),
            text_of(row.get("activationOperator")).lower(),
            country,
        )

    def _refusal(self, answer: Answer) -> Refused | None:
        """A sure no, with its reason; None if the answer is none."""
        word, rest = forms.said(answer)
        fields = answer.json if isinstance(answer.json, dict) else {}
        words = [fields[key] for key in (*forms.WORDS_STAND_AT, "details") if key in fields]
        text = words_of(words if fields else forms.text_in(answer), self._key)
        reason = REFUSALS.get(word)
        if reason is None and fields and text and answer.status in TURNED_AWAY and word not in UNSURE:
            reason = Reason.BAD_KEY if answer.status == 401 else reason_of(text, ())
        if reason is None:
            return None
        info = fields.get("info")
        least = rest or (info.get("min") if isinstance(info, dict) else None)
        return Refused(reason, text, self._currency.price(least) if reason is Reason.TOO_DEAR else None)

    def _trouble(self, answer: Answer) -> ProviderError:
        """What to raise for an answer that is not the one asked for. A refusal is a sure no, so asking did nothing."""
        if refused := self._refusal(answer):
            return NotSent(self.name, refused.text)
        return OutcomeUnknown(self.name, f"HTTP {answer.status} with an answer that makes no sense")


def _unfit(order: Order) -> Refused | None:
    """What cannot be asked for here at all."""
    if order.number or order.renews:
        return Refused(Reason.BAD_REQUEST, "cannot choose a number")
    if order.area_codes and order.lock_area_codes:
        return Refused(Reason.BAD_REQUEST, "cannot choose an area code")
    return Refused(Reason.BAD_REQUEST, "cannot choose a state") if order.state else None
