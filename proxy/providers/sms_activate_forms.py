"""The forms in which handler_api.php answers, of the original and of those who came after it: words, JSON, money.

Pure reading: the word of an answer, what it sold, prices in any nesting, a list of what is open.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import lru_cache
from math import ceil, floor
from re import DOTALL, compile, sub

from proxy.domain.money import DOLLAR, LARGEST, Usd, print_usd
from proxy.providers.base import Sms
from proxy.providers.codes import clean_code, find_code
from proxy.providers.reading import text_of, whole_of
from proxy.providers.wire import Answer

WORD = compile(r"([A-Z][A-Z0-9_]*)\s*(?::(.*))?", DOTALL)
WORDS_STAND_AT = ("title", "error", "message", "msg")
SOLD = compile(r"ACCESS_NUMBER:\s*([^:]+):([^:]*)(?::.*)?")
USA = frozenset({187, 12})
NUMBER = compile(r"[17][0-9]{10}|[2-689][0-9]{6,14}")
"""With the country code. In the plans of +1 and +7 all numbers have eleven digits: a word can be cut in its middle."""
CURRENCIES = {"840": "USD", "643": "RUB"}
LONGEST_LIFETIME = 86_400


def text_in(answer: Answer) -> str:
    """The answer as plain words; a framework may have wrapped them as a JSON text."""
    return text_of(answer.json if isinstance(answer.json, str) else answer.body.decode("utf-8-sig", "replace"))


def said(answer: Answer) -> tuple[str, str]:
    """The word that an answer is, and what stands behind its colon; empty for what is no word, and for any 5xx."""
    if answer.status >= 500:
        return "", ""
    if isinstance(answer.json, dict):
        texts = [text_of(answer.json.get(key)) for key in WORDS_STAND_AT]
    else:
        texts = [text_in(answer)]
    found = next((found for text in texts if (found := WORD.fullmatch(text))), None)
    return (found[1], (found[2] or "").strip()) if found else ("", "")


def sold_in(answer: Answer) -> Mapping[str, object]:
    """What a purchase has brought, by getNumberV2's names; an id that may have been cut is none."""
    if isinstance(answer.json, dict):
        inner = answer.json.get("data")
        return inner if isinstance(inner, dict) else answer.json
    plain = SOLD.fullmatch(text_in(answer))
    return {"activationId": plain[1], "phoneNumber": plain[2]} if plain else {}


def phone_of(value: object, country: int | None) -> str:
    """Digits with the country code; "" if it cannot be a number of the country, or may have been cut."""
    digits = sub(r"[\s()+.-]", "", text_of(value))
    if country in USA and len(digits) == 10 and digits[0] != "1":
        digits = "1" + digits
    fits = NUMBER.fullmatch(digits) and (country not in USA or digits[0] == "1")
    return digits if fits else ""


def lifetime_in(fields: Mapping[str, object]) -> int | None:
    """From the times that the answer names: their difference, because their zone is not always told."""
    ends = (fields.get("activationEndTime"), fields.get("activationEnd"))
    try:
        begin = datetime.fromisoformat(text_of(fields.get("activationTime")))
        end = datetime.fromisoformat(next((text for value in ends if (text := text_of(value))), ""))
        seconds = int((end - begin).total_seconds())
    except (ValueError, TypeError, ArithmeticError):
        return None
    return seconds if 0 < seconds <= LONGEST_LIFETIME else None


def sms_of(code: str) -> Sms | None:
    """Nothing but what stands for the code; its text only where that is more than a code."""
    text = text_of(code).strip(" '\"")
    found = clean_code(text) or find_code(text)
    return Sms(found, "" if found == text else text) if text else None


def price_rows(found: object, country: int | None) -> Iterator[tuple[int, str, object]]:
    """(country, service, its offers), whichever of the two names stands outside; `country` is what was asked for."""
    if isinstance(found, dict) and isinstance(found.get("prices"), dict | list):
        found = found["prices"]
    for outer, inside in _entries(found, country):
        for inner, offers in inside.items() if isinstance(inside, dict) else ():
            if (where := whole_of(outer)) is not None:
                yield where, inner, offers
            elif (where := whole_of(inner)) is not None:
                yield where, outer, offers


def _entries(found: object, country: int | None) -> Iterator[tuple[str, object]]:
    """PHP prints a map whose keys are 0, 1, 2 as a list; if one country was asked for, all of it is about that."""
    if isinstance(found, dict):
        yield from found.items()
    elif isinstance(found, list):
        yield from ((str(place if country is None else country), entry) for place, entry in enumerate(found))


def offers_in(found: object) -> Iterator[tuple[object, object]]:
    """(price, stock) of one service in one country: a price alone, one row, rows by supplier, or price -> stock."""
    if not isinstance(found, dict):
        yield found, None
    elif found.keys() & {"cost", "price"}:
        yield found.get("cost", found.get("price")), found.get("count")
    else:
        for key, value in found.items():
            is_row = isinstance(value, dict)
            yield (value.get("cost", value.get("price")), value.get("count")) if is_row else (key, value)


def active_in(found: object) -> list[Mapping[str, object]] | None:
    """The rows of a list of activations, wherever it stands; None if there is no list."""
    places: list[object] = [found]
    if isinstance(found, dict):
        places = [found.get("activeActivations"), found.get("data")]
        places += [place.get("rows") for place in places if isinstance(place, dict)]
    lists = [place for place in places if isinstance(place, list)]
    # The others are left empty for the sake of clients that look there.
    return [row for row in max(lists, key=len) if isinstance(row, dict)] if lists else None


class Currency:
    """The account's money and dollars, with nothing lost in between."""

    def __init__(self, code: str, per_usd: Decimal) -> None:
        self._code = code
        self._per_usd = Fraction(per_usd)

    def price(self, value: object) -> Usd | None:
        """In dollars, rounded up; None for what cannot be a price."""
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            return None
        usd = _millionths(value, self._per_usd)
        return None if usd is None or usd <= 0 else ceil(usd)

    def balance(self, value: str) -> Usd | None:
        """In dollars, rounded down; None for what is no amount."""
        usd = _millionths(value, self._per_usd)
        return None if usd is None else floor(usd)

    def limit(self, limit: Usd) -> str:
        """The account's money that a limit in dollars allows, never more."""
        return print_usd(floor(limit * self._per_usd))

    def is_meant(self, number: object) -> bool:
        """Whether an answer that names this currency, by ISO's number, counts as the account does."""
        return CURRENCIES.get(text_of(number), self._code) == self._code


@lru_cache(maxsize=4096)
def _millionths(value: str | int | Decimal, per_usd: Fraction) -> Fraction | None:
    """Remembered, because a price list has many lines and few prices."""
    try:
        amount = Decimal(value.strip()) if isinstance(value, str) else Decimal(value)
    except InvalidOperation:
        return None
    if not amount.is_finite() or not -40 < amount.adjusted() < 16 or len(amount.as_tuple().digits) > 40:
        return None
    millionths = Fraction(amount) * DOLLAR / per_usd
    return millionths if abs(millionths) <= LARGEST else None
