"""How getatext.com's replies read: its error texts, its states, and every form in which a fact has been seen."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from proxy.domain.money import Usd, parse_usd
from proxy.providers.base import Order, Reason, Refused, RentalState, Sms
from proxy.providers.codes import clean_code, find_code
from proxy.providers.reading import Meanings, id_of, price_of, text_of, words_of

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
    ("not enabled for this account", Reason.NO_SUCH_SERVICE),
    ("period is not presented", Reason.BAD_REQUEST),
    ("invalid period", Reason.BAD_REQUEST),
    ("not available for long rental", Reason.NO_SUCH_SERVICE),
    ("no available pool number", Reason.OUT_OF_STOCK),
    ("long rental not found", Reason.NUMBER_GONE),
    ("long rental is not active", Reason.NUMBER_GONE),
    ("multiple active service long rentals", Reason.BAD_REQUEST),
    ("auto_renew", Reason.BAD_REQUEST),
    ("must be higher than the current bid", Reason.TOO_DEAR),
    ("auction not found", Reason.OUT_OF_STOCK),
)
ENDED = frozenset({"cancelled", "canceled", "refunded", "rejected", "expired", "timeout", "timed out", "timed_out"})
"""Only `cancelled` is documented; the others are what comparable services say when a rental ends without a code."""
SPENT = frozenset({"completed", "finished"})
CANCELLED = frozenset({"cancelled", "canceled", "refunded"})
RENT_OVER = ENDED | SPENT | {"ended", "inactive", "closed"}
"""Only `Active` and `Cancelled` are documented of rents."""
NO_RENTAL = re.compile(r"(?i)not found|invalid|unknown|does not exist|no rental")
TERM = re.compile(r"([0-9]{1,3}) ?(d|days?|w|weeks?|m|months?|y|years?)")
HOURS = {"d": 24, "w": 7 * 24, "m": 30 * 24, "y": 365 * 24}


def unfit(order: Order) -> Refused | None:
    """What cannot be asked for here at all."""
    return Refused(Reason.BAD_REQUEST, "cannot choose a state") if order.state else None


def carrier(order: Order) -> str:
    """The provider's word for a carrier. One it does not know is sent only if no other will do."""
    small = order.carrier.strip().lower()
    return CARRIERS.get(small.replace("-", "").replace(" ", ""), small if order.keep_carrier else "")


def plain(name: str) -> str:
    """A service's name without what its spellings differ in."""
    return "".join(c for c in name.casefold() if c.isalnum())


def number(upstream_id: str) -> int | str:
    """Ids are numbers here, in requests too."""
    return int(upstream_id) if upstream_id.isdecimal() else upstream_id


def rental(found: object) -> Mapping[str, object]:
    """The object that speaks of the rental, be it the whole body or a part of it; empty if there is none."""
    if not isinstance(found, dict):
        return {}
    parts = (
        found[key]
        for key in ("rental", "data", "long_rental", "service_long_rental")
        if isinstance(found.get(key), dict)
    )
    inner: Mapping[str, object] = next(parts, {})
    return found if "id" in found or not inner else {**found, **inner}


def status(fields: Mapping[str, object]) -> str:
    return text_of(fields.get("status")).lower()


def national(number: str) -> str:
    """Ten digits, as they are wanted in requests."""
    return number[1:] if len(number) == 11 else number


def problem(fields: Mapping[str, object], secret: str) -> str:
    """The text of an error; empty if there is none, which is written as null, "null" or nothing."""
    return words_of(fields.get("errors") or fields.get("error") or "", secret)


def real_price(problem: str) -> Usd | None:
    found = re.search(r"actual price is:?\s*\$?([0-9]{1,6}(?:\.[0-9]{1,6})?)", problem)
    return parse_usd(found[1]) if found else None


def rows(found: object) -> Iterator[Mapping[str, object]]:
    """The lines of a price list, in every form that has been seen."""
    if isinstance(found, dict):
        wrapped = (found[key] for key in ("prices", "services", "data") if isinstance(found.get(key), list | dict))
        found = next(wrapped, found)
    for entry in found if isinstance(found, list) else [found]:
        if isinstance(entry, dict) and "api_name" in entry:
            yield entry
        elif isinstance(entry, dict):
            yield from ({"api_name": name, **row} for name, row in entry.items() if isinstance(row, dict))


def sms(code: object) -> Sms | None:
    """Nothing but the code, also from a webhook, which says when: a look does not, and it is the same message."""
    text = text_of(code)
    found = clean_code(text) or find_code(text)
    return Sms(found) if found else None


def state(status: str, has_code: bool) -> RentalState:
    """A state that nobody knows changes nothing: the rental's time ends it."""
    if status in SPENT or (status in ENDED and has_code):
        return RentalState.OVER
    return RentalState.REFUNDED if status in ENDED else RentalState.OPEN


def hours_of(term: object) -> int:
    """The length of a rent, be it written `7d`, `7 Days` or `1 Week`; 0 if it is none."""
    found = TERM.fullmatch(text_of(term).lower())
    return int(found[1]) * HOURS[found[2][0]] if found else 0


def terms(found: object) -> Mapping[int, Usd]:
    """What each term costs, by its hours: a map of terms to prices, or a list of lines with both."""
    rows = found if isinstance(found, list) else []
    pairs = found.items() if isinstance(found, dict) else ((row.get("period"), row) for row in rows if _is_map(row))
    priced = {}
    for term, cost in pairs:
        price = price_of(cost.get("cost"), cost.get("price")) if isinstance(cost, dict) else price_of(cost)
        if price is not None and (hours := hours_of(term)):
            priced[hours] = price
    return priced


def lines(found: object, name: str) -> list[Mapping[str, object]] | None:
    """The entries under that name, or of a bare list; None if there is no such list, or not all are objects."""
    if isinstance(found, dict):
        is_wrong = problem(found, "") or status(found) == "error"
        found = None if is_wrong else found.get(name, found.get("data"))
    return found if isinstance(found, list) and all(map(_is_map, found)) else None


def known(found: object, name: str) -> list[Mapping[str, object]] | None:
    """The same for things with an id: one line without it, and nobody can say what is not on the list."""
    rows = lines(found, name)
    return rows if rows is not None and all(id_of(row.get("id")) for row in rows) else None


def rent_messages(found: object) -> tuple[Sms, ...] | None:
    """Oldest first; None if there is no list of them. The document is silent on the order that they come in."""
    rows = lines(found, "messages")
    if rows is None:
        return None
    messages = [_rent_sms(row) for row in rows]
    times = [_time(message.received_at) for message in messages]
    dated = [time for time in times if time is not None]
    if len(dated) < len(messages):
        return tuple(messages)
    if dated and dated[0] > dated[-1]:
        # So that those of one second keep the order that the others turn out to have.
        messages, dated = messages[::-1], dated[::-1]
    return tuple(message for _, message in sorted(zip(dated, messages, strict=True), key=lambda pair: pair[0]))


def rent_state(row: Mapping[str, object], has_messages: bool) -> RentalState:
    """A rent that runs out is spent, SMS or not; a state that nobody knows changes nothing."""
    word = status(row)
    if word in CANCELLED and not has_messages:
        return RentalState.REFUNDED
    return RentalState.OVER if word in RENT_OVER else RentalState.OPEN


def _is_map(value: object) -> bool:
    return isinstance(value, dict)


def _rent_sms(row: Mapping[str, object]) -> Sms:
    """The document's example of long rentals has the SMS's own time under `rented_at`."""
    text = text_of(row.get("message")) or text_of(row.get("text"))
    stamps = (text_of(row.get(name)) for name in ("received_at", "date", "rented_at"))
    return Sms(find_code(text), text, text_of(row.get("sender")), next(filter(None, stamps), ""))


def _time(stamp: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
