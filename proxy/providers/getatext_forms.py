"""How getatext.com's replies read: its error texts, its states, and every form in which a fact has been seen."""

from collections.abc import Iterator, Mapping
from re import search

from proxy.domain.money import Usd, parse_usd
from proxy.providers.base import Order, Reason, Refused, RentalState, Sms
from proxy.providers.codes import clean_code, find_code
from proxy.providers.reading import Meanings, text_of, words_of

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
    parts = (found[key] for key in ("rental", "data") if isinstance(found.get(key), dict))
    inner: Mapping[str, object] = next(parts, {})
    return found if "id" in found or not inner else {**found, **inner}


def problem(fields: Mapping[str, object], secret: str) -> str:
    """The text of an error; empty if there is none, which is written as null, "null" or nothing."""
    return words_of(fields.get("errors") or fields.get("error") or "", secret)


def real_price(problem: str) -> Usd | None:
    found = search(r"actual price is:?\s*\$?([0-9]{1,6}(?:\.[0-9]{1,6})?)", problem)
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
