"""getsms.online, and the services that run the same software: one address, one command a request, US numbers.

Everything comes as HTTP 200 with `status` and `message`; what else comes is not understood. Every command is a POST
with a form: so the key stands in no URL, and nothing on the way repeats it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

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
from proxy.providers.codes import clean_code, find_code
from proxy.providers.reading import (
    NOT_ABOUT_THE_RENTAL,
    Meanings,
    id_of,
    is_too_early,
    phone_of,
    price_of,
    reason_of,
    text_of,
    usd_of,
    whole_of,
    words_of,
)
from proxy.providers.wire import Wire, exchange

USA = 187
MOST_TOGETHER = 5
JOINT_PERCENT = 300
"""Of the list price: the document's own example has markups of up to 110 per cent."""
JOINT_PAUSE = 0.5
"""Seconds between two looks at a joint request."""
WITHDRAWING = 5.0
"""Seconds that are kept for withdrawing a joint request that did not win."""
NO_MESSAGES = "no messages"
BAD_ID = "invalid request id"

DOCUMENTED: Meanings = (
    ("invalid service name", Reason.NO_SUCH_SERVICE),
    ("no numbers available", Reason.OUT_OF_STOCK),
    ("mdn is not available", Reason.NUMBER_GONE),
    (BAD_ID, Reason.BAD_REQUEST),
)
ENDED = frozenset({"rejected", "timed out"})


@dataclass(frozen=True, slots=True)
class _Reply:
    """An envelope that was understood: `ok` with a message of any shape, or an error with its text."""

    ok: bool
    message: object
    text: str = ""

    def says(self, words: str) -> bool:
        return not self.ok and words in self.text.lower()


class Getsms:
    kind = "getsms"
    carriers: tuple[str, ...] = ()

    def __init__(self, name: str, wire: Wire, clock: Clock, settings: ProviderSettings) -> None:
        self.name = name
        self._wire = wire
        self._clock = clock
        self._user = settings.user
        self._key = settings.api_key
        self._timeout = settings.timeout
        self._countries = settings.countries or (USA,)
        base = settings.base_url.rstrip("/")
        self._url = base if base.endswith(".php") else f"{base}/api_command.php"

    async def listings(self, timeout: float) -> Sequence[Listing]:
        reply = self._granted(await self._ask("list_services", timeout))
        listings = [listing for row in _rows(reply.message) for listing in self._listed(row)]
        if not listings:
            # An empty list would take every offer away; it is likelier that the reply was not understood.
            raise OutcomeUnknown(self.name, "a price list without one readable line")
        return listings

    def quote(self, listing: Listing, order: Order) -> Usd | Refused:
        return _unfit(order) or listing.price

    async def buy(self, order: Order, timeout: float) -> Bought | Refused:
        """Never with `markup`: that would be a bid, and a bid may win after everybody has gone."""
        if refused := _unfit(order):
            return refused
        deadline = self._clock.monotonic() + timeout
        reply = await self._ask("request", timeout, **_wishes(order))
        if not reply.ok:
            return Refused(reason_of(reply.text, DOCUMENTED), reply.text)
        return await self._received(order, list(_rows(reply.message)), deadline)

    def quote_together(self, listings: Sequence[Listing]) -> Sequence[Usd] | None:
        """The provider sets the markup itself, whatever it takes; more than JOINT_PERCENT is not accepted."""
        if len(listings) > MOST_TOGETHER:
            return None
        return [scale(listing.price, JOINT_PERCENT) for listing in listings]

    async def buy_together(self, orders: Sequence[Order], timeout: float) -> Sequence[Bought] | Refused:
        """Bids for all of them, and waits until they have won; what has not in time is withdrawn."""
        if refused := next(filter(None, map(_unfit, orders)), None):
            return refused
        deadline = self._clock.monotonic() + timeout
        wishes = _wishes(orders[0]) | {"service": ",".join(order.service for order in orders)}
        reply = await self._ask("request", timeout, **wishes)
        if not reply.ok:
            return Refused(reason_of(reply.text, DOCUMENTED), reply.text)
        bids = {text_of(row.get("service")).casefold(): row for row in _rows(reply.message)}
        asked = [bids.get(order.service.casefold(), {}) for order in orders]
        ids = [id_of(row.get("id")) for row in asked]
        if not all(ids):
            raise OutcomeUnknown(
                self.name, "a joint request whose parts cannot be told apart", next(filter(None, ids), "")
            )
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

    async def _all_reserved(self, ids: Sequence[str], until: float) -> list[Mapping[str, object]] | None:
        """The requests once all of them have the number; None if that does not happen in time."""
        while True:
            rows = []
            for id in ids:
                left = until - self._clock.monotonic()
                if left <= 0:
                    return None
                try:
                    reply = await self._ask("request_status", left, id=id)
                except ProviderError:
                    break
                rows.append(next(_rows(reply.message), {}) if reply.ok else {})
            words = {text_of(row.get("status")).lower() for row in rows}
            if len(rows) == len(ids) and words == {"reserved"} and all(phone_of(row.get("mdn")) for row in rows):
                return rows
            if words & ENDED:
                return None
            await self._clock.sleep(max(0.0, min(JOINT_PAUSE, until - self._clock.monotonic())))

    async def _withdrawn(self, ids: Sequence[str], refused: Refused, deadline: float) -> Refused:
        for id in ids:
            refused = await self._given_back(id, refused, deadline)
        return refused

    async def cancel(self, rental: Rental, timeout: float) -> Cancelled:
        reply = await self._ask("reject", timeout, id=rental.upstream_id)
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
            reply = await self._ask("request_status", timeout, id=rental.upstream_id)
            if reply.says(BAD_ID):
                return Look(RentalState.UNKNOWN_ID)
            status = next(_rows(self._granted(reply).message), {})
        reply = await self._ask("read_sms", deadline - self._clock.monotonic(), id=rental.upstream_id)
        if reply.says(BAD_ID):
            return Look(RentalState.UNKNOWN_ID)
        messages = tuple(reversed([_sms(row) for row in self._messages(reply) if _is_to(rental.number, row)]))
        return Look(_state(status, bool(messages)), messages, phone_of(status.get("mdn")))

    async def newest(self, timeout: float) -> Sequence[News]:
        """The account's three newest messages."""
        rows = self._messages(await self._ask("read_sms", timeout))
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
        message = self._granted(await self._ask("balance", timeout)).message
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
        await self._wire.aclose()

    async def _ask(self, command: str, timeout: float, **fields: str) -> _Reply:
        form = {"cmd": command, "user": self._user, "api_key": self._key, **fields}
        left = min(self._timeout, timeout)
        answer = await exchange(self._wire, self.name, "POST", self._url, timeout=left, form=form)
        envelope = answer.json if isinstance(answer.json, dict) else {}
        status, message = text_of(envelope.get("status")).lower(), envelope.get("message")
        if answer.status == 200 and status == "ok" and message is not None:
            return _Reply(True, message)
        if answer.status == 200 and status == "error" and (text := words_of(message, self._key)):
            return _Reply(False, message, text)
        raise OutcomeUnknown(self.name, f"HTTP {answer.status} with an answer that makes no sense")

    def _granted(self, reply: _Reply) -> _Reply:
        """A reply that had to be ok. An error is a sure no, so asking did nothing."""
        if not reply.ok:
            raise NotSent(self.name, reply.text)
        return reply

    async def _received(self, order: Order, rows: list[Mapping[str, object]], deadline: float) -> Bought | Refused:
        """What an ok to a purchase has brought: the number, or something that must be given back."""
        first = rows[0] if rows else {}
        upstream_id, number = id_of(first.get("id")), phone_of(first.get("mdn"))
        status = text_of(first.get("status")).lower()
        if len(rows) != 1 or not upstream_id or status in ENDED:
            raise OutcomeUnknown(self.name, "a purchase without a clear rental", upstream_id)
        if status == "awaiting mdn" or not text_of(first.get("mdn")):
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
            reply = await self._ask("reject", deadline - self._clock.monotonic(), id=upstream_id)
        except ProviderError as exc:
            raise OutcomeUnknown(self.name, f"{refused.text}; giving it back: {exc.reason}", upstream_id) from None
        if not reply.ok:
            raise OutcomeUnknown(self.name, f"{refused.text}; giving it back: {reply.text}", upstream_id)
        return refused

    def _messages(self, reply: _Reply) -> list[Mapping[str, object]]:
        """Newest first."""
        return [] if reply.says(NO_MESSAGES) else list(_rows(self._granted(reply).message))

    def _listed(self, row: Mapping[str, object]) -> Iterator[Listing]:
        name, price = text_of(row.get("name")), price_of(row.get("price"))
        if name and price is not None and "," not in name:
            for country in self._countries:
                yield Listing(name, country, price, whole_of(row.get("otp_available")))


def _unfit(order: Order) -> Refused | None:
    """What cannot be asked for here at all."""
    if order.carrier and order.keep_carrier:
        return Refused(Reason.BAD_REQUEST, "cannot choose a carrier")
    if "," in order.service:
        # The provider would take it for several services and make bids of them.
        return Refused(Reason.NO_SUCH_SERVICE, "no service has a comma in its name")
    if order.renews and not order.number:
        return Refused(Reason.BAD_REQUEST, "only a known number can be had again")
    return None


def _wishes(order: Order) -> dict[str, str]:
    """A merely preferred area is not sent: here that would rule out all the others."""
    if order.number:
        return {"service": order.service, "mdn": order.number}
    if order.area_codes and order.lock_area_codes:
        return {"service": order.service, "areacode": order.area_codes[0]}
    if order.state:
        return {"service": order.service, "state": order.state.upper()}
    return {"service": order.service}


def _rows(message: object) -> Iterator[Mapping[str, object]]:
    """The entries of a message, be it a list of them, one alone, or a map of them."""
    if isinstance(message, dict):
        inner = list(message.values())
        message = inner if inner and all(isinstance(entry, dict) for entry in inner) else [message]
    if isinstance(message, list):
        yield from (entry for entry in message if isinstance(entry, dict))


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
