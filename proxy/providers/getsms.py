"""getsms.online, and the services that run the same software: one address, one command a request, US numbers."""

from collections.abc import Iterator, Mapping, Sequence

from proxy.clock import Clock
from proxy.domain.money import Usd, scale
from proxy.errors import NotSent, OutcomeUnknown, ProviderError
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
    Sms,
)
from proxy.providers.bidding import BidLook, BidState, Standing
from proxy.providers.codes import clean_code, find_code
from proxy.providers.getsms_line import AWAITING, BAD_ID, DOCUMENTED, ENDED, Line, Reply, entries, form_of, unfit
from proxy.providers.reading import (
    NOT_ABOUT_THE_RENTAL,
    id_of,
    is_too_early,
    phone_of,
    price_of,
    reason_of,
    text_of,
    usd_of,
    whole_of,
)
from proxy.providers.wire import Wire

USA = 187
MOST_TOGETHER = 5
JOINT_PERCENT = 300
"""Of the list price: the document's own example has markups of up to 110 per cent."""
JOINT_PAUSE = 0.5
"""Seconds between two looks at a joint request."""
WITHDRAWING = 5.0
"""Seconds that are kept for withdrawing a joint request that did not win."""
NO_MESSAGES = "no messages"


class Getsms:
    kind = "getsms"
    carriers: tuple[str, ...] = ()

    def __init__(self, name: str, wire: Wire, clock: Clock, settings: ProviderSettings) -> None:
        self.name = name
        self._line = Line(name, wire, settings)
        self._clock = clock
        self._countries = settings.countries or (USA,)

    async def listings(self, timeout: float) -> Sequence[Listing]:
        reply = self._line.granted(await self._line.ask("list_services", timeout))
        listings = [listing for row in entries(reply.message) for listing in self._listed(row)]
        if not listings:
            # An empty list would take every offer away; it is likelier that the reply was not understood.
            raise OutcomeUnknown(self.name, "a price list without one readable line")
        return listings

    def quote(self, listing: Listing, order: Order) -> Usd | Refused:
        return unfit(order) or listing.price

    async def buy(self, order: Order, timeout: float) -> Bought | Refused:
        """Never with `markup`: that would be a bid, which is for `place_bid` to make."""
        if refused := unfit(order):
            return refused
        deadline = self._clock.monotonic() + timeout
        reply = await self._line.ask("request", timeout, **form_of(order))
        if not reply.ok:
            return Refused(reason_of(reply.text, DOCUMENTED), reply.text)
        return await self._received(order, list(entries(reply.message)), deadline)

    def quote_together(self, listings: Sequence[Listing]) -> Sequence[Usd] | None:
        """The provider sets the markup itself, whatever it takes; more than JOINT_PERCENT is not accepted."""
        if len(listings) > MOST_TOGETHER:
            return None
        return [scale(listing.price, JOINT_PERCENT) for listing in listings]

    async def buy_together(self, orders: Sequence[Order], timeout: float) -> Sequence[Bought] | Refused:
        """Bids for all of them, and waits until they have won; what has not in time is withdrawn."""
        if refused := next(filter(None, map(unfit, orders)), None):
            return refused
        deadline = self._clock.monotonic() + timeout
        wishes = form_of(orders[0]) | {"service": ",".join(order.service for order in orders)}
        reply = await self._line.ask("request", timeout, **wishes)
        if not reply.ok:
            return Refused(reason_of(reply.text, DOCUMENTED), reply.text)
        bids = {text_of(row.get("service")).casefold(): row for row in entries(reply.message)}
        asked = [bids.get(order.service.casefold(), {}) for order in orders]
        ids = [id_of(row.get("id")) for row in asked]
        if not all(ids):
            reason = "a joint request whose parts cannot be told apart"
            raise OutcomeUnknown(self.name, reason, upstream_ids=tuple(ids))
        prices = [price_of(row.get("price")) for row in asked]
        if any(price is None or price > order.price_limit for price, order in zip(prices, orders, strict=True)):
            return await self._withdrawn(
                ids, Refused(Reason.TOO_DEAR, "the markup for all of them is too high"), deadline
            )
        rows = await self._all_reserved(ids, deadline - WITHDRAWING)
        if rows is None:
            return await self._withdrawn(ids, Refused(Reason.OUT_OF_STOCK, "no number for all of them"), deadline)
        return [
            Bought(
                id, phone_of(row.get("mdn")), price, whole_of(row.get("till_expiration")), text_of(row.get("carrier"))
            )
            for id, row, price in zip(ids, rows, prices, strict=True)
        ]

    async def place_bid(self, order: Order, markup: int, timeout: float) -> Standing | Bought | Refused:
        if refused := unfit(order):
            return refused
        if order.number:
            return Refused(Reason.BAD_REQUEST, "a bid is for any number")
        deadline = self._clock.monotonic() + timeout
        reply = await self._line.ask("request", timeout, **form_of(order), markup=str(markup))
        if not reply.ok:
            return Refused(reason_of(reply.text, DOCUMENTED), reply.text)
        found = list(entries(reply.message))
        upstream_id = id_of(found[0].get("id")) if len(found) == 1 else ""
        if upstream_id and _waits(found[0]):
            return Standing(upstream_id, price_of(found[0].get("price")))
        return await self._received(order, found, deadline)

    async def look_at_bid(self, upstream_id: str, timeout: float) -> BidLook:
        reply = await self._line.ask("request_status", timeout, id=upstream_id)
        if reply.says(BAD_ID):
            return BidLook(BidState.GONE)
        row = next(entries(self._line.granted(reply).message), {})
        if id_of(row.get("id")) not in (upstream_id, ""):
            raise OutcomeUnknown(self.name, "a status of another request")
        number = phone_of(row.get("mdn"))
        if text_of(row.get("status")).lower() in ENDED:
            return BidLook(BidState.GONE)
        if _waits(row) or not number:
            return BidLook(BidState.WAITING)
        left, operator = whole_of(row.get("till_expiration")), text_of(row.get("carrier")).lower()
        return BidLook(BidState.WON, number, left, operator)

    async def _all_reserved(self, ids: Sequence[str], until: float) -> list[Mapping[str, object]] | None:
        """The requests once all of them have the number; None if that does not happen in time."""
        while True:
            rows = []
            for id in ids:
                left = until - self._clock.monotonic()
                if left <= 0:
                    return None
                try:
                    reply = await self._line.ask("request_status", left, id=id)
                except ProviderError:
                    break
                rows.append(next(entries(reply.message), {}) if reply.ok else {})
            words = {text_of(row.get("status")).lower() for row in rows}
            if len(rows) == len(ids) and words == {"reserved"} and all(phone_of(row.get("mdn")) for row in rows):
                return rows
            if words & ENDED:
                return None
            await self._clock.sleep(max(0.0, min(JOINT_PAUSE, until - self._clock.monotonic())))

    async def _withdrawn(self, ids: Sequence[str], refused: Refused, deadline: float) -> Refused:
        try:
            for id in ids:
                refused = await self._given_back(id, refused, deadline)
        except OutcomeUnknown as exc:
            raise OutcomeUnknown(self.name, exc.reason, upstream_ids=tuple(ids)) from None
        return refused

    async def cancel(self, rental: Rental, timeout: float) -> Cancelled:
        reply = await self._line.ask("reject", timeout, id=rental.upstream_id)
        if reply.ok:
            return Cancelled.DONE
        if is_too_early(reply.text):
            return Cancelled.TOO_EARLY
        if reason_of(reply.text, DOCUMENTED) in NOT_ABOUT_THE_RENTAL:
            raise NotSent(self.name, reply.text)
        return Cancelled.REFUSED

    async def finish(self, rental: Rental, timeout: float) -> None:
        """The provider does not want to know."""

    async def again(self, rental: Rental, timeout: float) -> bool:
        """There is nothing to ask: whatever comes to the number is shown."""
        return True

    async def look(self, rental: Rental, timeout: float, *, closely: bool = False) -> Look:
        """The state is asked before the messages: then an SMS that comes in between is seen, not cut off."""
        deadline = self._clock.monotonic() + timeout
        status: Mapping[str, object] = {}
        if closely:
            reply = await self._line.ask("request_status", timeout, id=rental.upstream_id)
            if reply.says(BAD_ID):
                return Look(RentalState.UNKNOWN_ID)
            status = next(entries(self._line.granted(reply).message), {})
        reply = await self._line.ask("read_sms", deadline - self._clock.monotonic(), id=rental.upstream_id)
        if reply.says(BAD_ID):
            return Look(RentalState.UNKNOWN_ID)
        messages = tuple(reversed([_sms(row) for row in self._messages(reply) if _is_to(rental.number, row)]))
        number, markup = phone_of(status.get("mdn")), whole_of(status.get("markup"))
        return Look(_state(status, bool(messages)), messages, number, markup)

    async def newest(self, timeout: float) -> Sequence[News]:
        """The account's three newest messages."""
        rows = self._messages(await self._line.ask("read_sms", timeout))
        return [
            News(number, text_of(row.get("service")), _sms(row)) for row in rows if (number := phone_of(row.get("to")))
        ]

    async def open_rentals(self, timeout: float) -> Sequence[OpenRental] | None:
        """There is no such list."""
        return None

    async def rent_listings(self, timeout: float) -> Sequence[Listing]:
        return ()

    async def open_rents(self, timeout: float) -> Sequence[OpenRental] | None:
        return None

    async def renew(self, rental: Rental, timeout: float) -> Renewed | Refused:
        return Refused(Reason.BAD_REQUEST, "sells no rents")

    async def balance(self, timeout: float) -> Usd:
        message = self._line.granted(await self._line.ask("balance", timeout)).message
        amount = usd_of(message.get("balance") if isinstance(message, dict) else message)
        if amount is None:
            raise OutcomeUnknown(self.name, "a balance that is no amount")
        return amount

    def read_push(self, fields: Mapping[str, object]) -> Push | None:
        upstream_id = id_of(fields.get("id"))
        event = text_of(fields.get("event")) or ("incoming_message" if "reply" in fields or "pin" in fields else "")
        if not event or not upstream_id:
            raise ValueError("a webhook without an event or an id")
        about = (phone_of(fields.get("to") or fields.get("mdn")), text_of(fields.get("service")))
        price = price_of(fields.get("price"))
        if event == "priority_request":
            return Push(upstream_id, None, *about, price)
        if event != "incoming_message":
            return None
        sms = _sms(fields)
        return Push(upstream_id, sms if sms.code or sms.text else None, *about, price)

    async def aclose(self) -> None:
        await self._line.aclose()

    async def _received(self, order: Order, rows: list[Mapping[str, object]], deadline: float) -> Bought | Refused:
        """What an ok to a purchase has brought: the number, or something that must be given back."""
        first = rows[0] if rows else {}
        upstream_id, number = id_of(first.get("id")), phone_of(first.get("mdn"))
        status = text_of(first.get("status")).lower()
        if len(rows) != 1 or not upstream_id or status in ENDED:
            raise OutcomeUnknown(self.name, "a purchase without a clear rental", upstream_id)
        if _waits(first):
            refused = Refused(Reason.OUT_OF_STOCK, "no number yet, only a place in the line")
            return await self._given_back(upstream_id, refused, deadline)
        if not number:
            raise OutcomeUnknown(self.name, "a purchase whose number cannot be read", upstream_id)
        if order.number and number != order.number:
            refused = Refused(Reason.NUMBER_GONE, "another number was given")
            return await self._given_back(upstream_id, refused, deadline)
        price = price_of(first.get("price"), first.get("cost"))
        if price is not None and price > order.price_limit:
            refused = Refused(Reason.TOO_DEAR, "it was dearer than listed", price)
            return await self._given_back(upstream_id, refused, deadline)
        operator = text_of(first.get("carrier")).lower()
        return Bought(upstream_id, number, price, whole_of(first.get("till_expiration")), operator)

    async def _given_back(self, upstream_id: str, refused: Refused, deadline: float) -> Refused:
        """Reject what was not ordered. Only if that is confirmed nothing was bought."""
        try:
            reply = await self._line.ask("reject", deadline - self._clock.monotonic(), id=upstream_id)
        except ProviderError as exc:
            raise OutcomeUnknown(self.name, f"{refused.text}; giving it back: {exc.reason}", upstream_id) from None
        if not reply.ok:
            raise OutcomeUnknown(self.name, f"{refused.text}; giving it back: {reply.text}", upstream_id)
        return refused

    def _messages(self, reply: Reply) -> list[Mapping[str, object]]:
        """Newest first."""
        return [] if reply.says(NO_MESSAGES) else list(entries(self._line.granted(reply).message))

    def _listed(self, row: Mapping[str, object]) -> Iterator[Listing]:
        name, price = text_of(row.get("name")), price_of(row.get("price"))
        if name and price is not None and "," not in name:
            for country in self._countries:
                yield Listing(name, country, price, whole_of(row.get("otp_available")))


def _waits(row: Mapping[str, object]) -> bool:
    """Whether this is a request that has no number yet, only a place in the line."""
    status = text_of(row.get("status")).lower()
    return status == AWAITING or (status not in ENDED and not text_of(row.get("mdn")))


def _sms(row: Mapping[str, object]) -> Sms:
    text = text_of(row.get("reply"))
    return Sms(
        code=clean_code(text_of(row.get("pin"))) or find_code(text),
        text=text,
        sender=text_of(row.get("from")),
        received_at=text_of(row.get("timestamp")) or text_of(row.get("date_time")),
    )


def _is_to(number: str, row: Mapping[str, object]) -> bool:
    """Whether a message is for the number; one that does not say is, as only this rental's were asked for."""
    return not number or (phone_of(row.get("to")) or number) == number


def _state(status: Mapping[str, object], has_messages: bool) -> RentalState:
    """Completed is not over while its time runs: another SMS may come. A word nobody knows changes nothing."""
    word = text_of(status.get("status")).lower()
    if word in ENDED:
        return RentalState.OVER if has_messages else RentalState.REFUNDED
    if word == "completed" and not whole_of(status.get("till_expiration")):
        return RentalState.OVER
    return RentalState.OPEN
