"""The parameters that actions share, each declared once: spellings, meaning, and how their text is read."""

import re
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any

from proxy.domain.money import Usd, parse_usd
from proxy.errors import (
    BadService,
    BadStatus,
    NoActivation,
    NoNumbers,
    NoRent,
    WrongActivationId,
    WrongExceptionPhone,
    WrongRentTime,
)
from proxy.stub.registry import Param

LARGEST_ID = 2**31 - 1
WORDS_FOR_YES = frozenset({"1", "true", "yes", "on"})
MOST_IN_A_LIST = 50
MOST_PREFIXES = 20
MOST_IN_A_PAGE = 100
LONGEST_ORDER = 128
LONGEST_URL = 1024
LONGEST_RENT = 10**6
DEFAULT_HOURS = 2
"""SMS-Activate's own shortest rent; whatever is sold for longer stands for it."""
LATEST = 10**12
NO_PRICE: Usd = -1
NO_COUNTRY = -1
CARRIERS = {"tmo": "tmobile", "t-mobile": "tmobile", "vz": "verizon", "att": "at&t"}
"""Short words that tools send, and the name that rules and providers know."""


def an_id(words: str) -> int:
    if not (words.isascii() and words.isdigit()):
        raise WrongActivationId
    if len(words) > 10 or int(words) > LARGEST_ID:
        raise NoActivation
    return int(words)


def a_country(words: str) -> int | None:
    """None: any, which is the default one. What is no country is one that nobody serves."""
    if words.lower() == "any":
        return None
    return int(words) if words.isascii() and words.isdigit() and len(words) < 7 else NO_COUNTRY


def a_status(words: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,3}", words):
        raise BadStatus
    return int(words)


def a_cap(words: str) -> Usd:
    """What is no price buys nothing: it is read as a cap below every price."""
    try:
        return max(NO_PRICE, parse_usd(words))
    except ValueError:
        return NO_PRICE


def a_bool(words: str) -> bool:
    return words.lower() in WORDS_FOR_YES


def a_list(words: str) -> tuple[str, ...]:
    found = tuple(item.strip() for item in words.split(",", MOST_IN_A_LIST))[:MOST_IN_A_LIST]
    return tuple(item for item in found if item and item.lower() != "null")


def services(words: str) -> tuple[str, ...]:
    """One at least."""
    found = a_list(words)
    if not found:
        raise BadService("no service is named")
    return found


def a_carrier(words: str) -> str:
    """The first carrier of a list; `any` is none."""
    carrier = next(iter(a_list(words.lower())), "")
    return "" if carrier == "any" else CARRIERS.get(carrier, carrier)


def area_codes(words: str) -> tuple[str, ...]:
    codes = a_list(words)
    if not all(re.fullmatch(r"[2-9][0-9]{2}", code) for code in codes):
        raise NoNumbers("an area code has three digits")
    return codes


def a_phone(words: str) -> str:
    """Eleven digits; a plus sign before them does no harm."""
    if not re.fullmatch(r"[0-9]{11}", digits := words.removeprefix("+")):
        raise NoNumbers("a chosen number has eleven digits")
    return digits


def prefixes(words: str) -> tuple[str, ...]:
    """Country code and three to six digits each."""
    found = a_list(words)
    if len(found) > MOST_PREFIXES or not all(re.fullmatch(r"[0-9]{3,10}", prefix) for prefix in found):
        raise WrongExceptionPhone
    return found


def an_order(words: str) -> str:
    """Too long a key is told apart from others of its beginning by its digest."""
    return words if len(words) <= LONGEST_ORDER else sha256(words.encode()).hexdigest()


def a_rent_id(words: str) -> int:
    if not (words.isascii() and words.isdigit()) or len(words) > 10 or int(words) > LARGEST_ID:
        raise NoRent
    return int(words)


def hours(words: str) -> int:
    """One at least."""
    digits = words.lstrip("0")[:9] if words.isascii() and words.isdigit() else ""
    if not digits:
        raise WrongRentTime("a time is a whole number of hours")
    return min(LONGEST_RENT, int(digits))


def a_url(words: str) -> str:
    """Whether it may be reached is seen to when something is sent there."""
    if len(words) > LONGEST_URL or not re.fullmatch(r"https?://[!-~]+", words, re.IGNORECASE):
        raise NoNumbers(f"an url begins with http:// or https:// and has {LONGEST_URL} characters at most")
    return words


def whole(smallest: int, largest: int) -> Callable[[str], int]:
    """A reader that brings a number into bounds, and takes the smallest for what is none."""

    def read(words: str) -> int:
        is_number = words.isascii() and words.isdigit() and len(words) <= 12
        return min(largest, max(smallest, int(words))) if is_number else smallest

    return read


INTEGER = {"type": "integer", "minimum": 0, "maximum": LATEST}
BOOLEAN = {"type": "boolean"}
WORD = {"type": "string", "minLength": 1, "maxLength": 64}
A_SERVICE = WORD | {"examples": ["wa", "tg", "WhatsApp"]}
A_COUNTRY = {"type": "integer", "minimum": 0, "maximum": 999_999, "examples": [187]}
AN_AMOUNT = {"type": "string", "pattern": r"^[0-9]{1,6}(\.[0-9]{1,6})?$", "examples": ["2.00"]}
A_CARRIER = {"type": "string", "pattern": "^[A-Za-z&-]{2,20}$", "examples": ["tmobile"]}
SOME_HOURS = {"type": "integer", "minimum": 1, "maximum": LONGEST_RENT, "examples": [168]}
AN_URL = "https://example.com/sms"
A_PAGE = {"type": "integer", "minimum": 1, "maximum": MOST_IN_A_PAGE}


def csv(item: dict[str, Any], most: int = MOST_IN_A_LIST) -> dict[str, Any]:
    """The schema of a list with commas."""
    return {"type": "array", "items": item, "minItems": 1, "maxItems": most}


CARRIERS_LISTED = csv(A_CARRIER)
AREAS_LISTED = csv({"type": "string", "pattern": "^[2-9][0-9]{2}$"})
PROVIDERS = csv({"type": "string", "pattern": "^[A-Za-z0-9_-]{1,32}$"})
ID = Param(
    "id", an_id, "the activation, as getNumber named it", missing=WrongActivationId,
    schema=INTEGER | {"minimum": 1, "maximum": LARGEST_ID}, names="activation",
)  # fmt: skip
STATUS = Param(
    "status", a_status, "1 ready, 3 another SMS, 6 finish, 8 or -1 cancel", missing=BadStatus,
    schema={"type": "integer", "enum": [1, 3, 6, 8, -1]},
)  # fmt: skip
SERVICE = Param(
    "service", str, "SMS-Activate's code, or a provider's own name, in any case", missing=BadService, schema=A_SERVICE
)
ANY_SERVICE = Param("service", str, "only this service", default="", schema=A_SERVICE)
COUNTRY = Param(
    "country", a_country, "SMS-Activate's country; the configured one if left out, or `any`", schema=A_COUNTRY
)
MAX_PRICE = Param(
    "maxPrice", a_cap, "the most that the number may cost, in US dollars", aliases=("max_price",), argument="max_price",
    schema=AN_AMOUNT,
)  # fmt: skip
OPERATOR = Param(
    "operator",
    a_carrier,
    "this carrier or none; of a list, the first",
    default="",
    aliases=("carriers",),
    schema=CARRIERS_LISTED,
)
CARRIER = Param("carrier", a_carrier, "the carrier that is liked best", default="", schema=A_CARRIER)
KEEP_CARRIER = Param("keep_carrier", a_bool, "that carrier or none", default=False, schema=BOOLEAN)
AREAS = Param("areas", area_codes, "one of these area codes or none", default=(), schema=AREAS_LISTED)
AREA_CODES = Param("area_codes", area_codes, "the area codes that are liked best", default=(), schema=AREAS_LISTED)
LOCK_AREA = Param("lock_area_code", a_bool, "one of those area codes or none", default=False, schema=BOOLEAN)
NUMBER = Param(
    "number",
    a_phone,
    "this number or none: eleven digits",
    default="",
    schema={"type": "string", "pattern": r"^\+?[0-9]{11}$"},
)
ONLY = Param(
    "providerIds", a_list, "only these providers, by name or id", default=(), argument="only", schema=PROVIDERS
)
WITHOUT = Param(
    "exceptProviderIds", a_list, "none of these providers", default=(), argument="without", schema=PROVIDERS
)
PHONE_EXCEPTION = Param(
    "phoneException", prefixes, "prefixes of numbers that are not wanted", default=(), argument="unwanted",
    schema=csv({"type": "string", "pattern": "^[0-9]{3,10}$"}, MOST_PREFIXES),
)  # fmt: skip
ORDER_ID = Param(
    "orderId", an_order, "an idempotency key: one purchase, and every repeat gets its answer", default="",
    argument="order_id", schema=WORD,
)  # fmt: skip
ACTIVATION_ID = Param(
    "activationId", an_id, "the earlier activation", missing=WrongActivationId, aliases=("id",), argument="id",
    schema=ID.schema, names="activation",
)  # fmt: skip
FREE_PRICE = Param(
    "freePrice", a_bool, "with the number of offers at each price", default=False, argument="free_price",
    schema=BOOLEAN,
)  # fmt: skip
FROM = Param("start", whole(0, LATEST), "Unix seconds; 30 days before the end if left out", schema=INTEGER)
UNTIL = Param("end", whole(0, LATEST), "Unix seconds; now if left out", schema=INTEGER)
START = Param("start", whole(0, LATEST), "how many to leave out at the beginning", default=0, schema=INTEGER)
OFFSET = Param("offset", whole(0, LATEST), "how many to leave out at the beginning", default=0, schema=INTEGER)
LIMIT = Param(
    "limit", whole(1, MOST_IN_A_PAGE), "how many at most", default=50, aliases=("size",), schema=A_PAGE
)  # fmt: skip
LENGTH = Param("length", whole(1, MOST_IN_A_PAGE), "how many at most", default=10, schema=A_PAGE)
SIZE = Param("size", whole(1, MOST_IN_A_PAGE), "how many on a page", default=MOST_IN_A_PAGE, schema=A_PAGE)
PAGE = Param("page", whole(1, LATEST), "which page, from 1", default=1, schema=INTEGER | {"minimum": 1})
MULTI_SERVICE = Param(
    "multiService", services, "services of one number, separated by commas", missing=BadService, argument="services",
    schema=csv(A_SERVICE),
)  # fmt: skip
RENT_ID = Param("id", a_rent_id, "the rent, as getRentNumber named it", missing=NoRent, schema=ID.schema, names="rent")
RENT_STATUS = Param(
    "status", a_status, "1 finish, 2 cancel", missing=BadStatus, schema={"type": "integer", "enum": [1, 2]}
)  # fmt: skip
RENT_TIME = Param(
    "rent_time", hours, "for how many hours; what is sold for the next longer time is taken", default=DEFAULT_HOURS,
    aliases=("time", "hours", "duration"), argument="hours", schema=SOME_HOURS,
)  # fmt: skip
TERM = Param(
    "rent_time", hours, "the rent's own time in hours, and no other", aliases=RENT_TIME.aliases, argument="hours",
    schema=SOME_HOURS,
)  # fmt: skip
HOURS = replace(TERM, name="hours", aliases=("rent_time", "time", "duration"))
URL = Param(
    "url", a_url, "where the SMS of this rent are pushed", default="",
    schema={"type": "string", "pattern": "^https?://[!-~]+$", "maxLength": LONGEST_URL, "examples": [AN_URL]},
)  # fmt: skip
RENT_SIZE = Param("size", whole(1, MOST_IN_A_PAGE), "how many on a page", default=10, schema=A_PAGE)
RENTS_LENGTH = Param("length", LENGTH.read, LENGTH.help, default=10, aliases=("size",), schema=A_PAGE)
NEED_HISTORY = Param(
    "needHistory", a_bool, "with what was paid for it so far", default=False, argument="need_history", schema=BOOLEAN
)  # fmt: skip
