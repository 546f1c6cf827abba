"""Liberal reading: the same fact comes as text here and as a number there, and what is missing must not be an error."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from html import escape
from urllib.parse import quote, quote_plus

from proxy.domain.money import Usd, parse_usd
from proxy.providers.base import Reason

LONGEST_WORDS = 200
LONGEST_TEXT = 4000
ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
TOO_EARLY = re.compile(r"(?<![a-z])(?:wait|min|minutes?|early|soon|lock|locked)(?![a-z])")
NOT_EARLY = re.compile(r"too many|maintenance|api key")

Meanings = Sequence[tuple[str, Reason]]
"""Part of an error text, in small letters, and what it means; the first that fits holds."""

# Errors that no document lists, guessed by their words.
GUESSES: Meanings = (
    ("maintenance", Reason.MAINTENANCE),
    ("api key", Reason.BAD_KEY),
    ("api_key", Reason.BAD_KEY),
    ("authoriz", Reason.BAD_KEY),
    ("unauthenticated", Reason.BAD_KEY),
    ("banned", Reason.BAD_KEY),
    ("fund", Reason.NO_MONEY),
    ("balance", Reason.NO_MONEY),
    ("rate limit", Reason.BUSY),
    ("too many requests", Reason.BUSY),
    ("too many attempts", Reason.BUSY),
    ("too many", Reason.FULL),
    ("maximum", Reason.FULL),
    ("limit", Reason.FULL),
    ("out of stock", Reason.OUT_OF_STOCK),
    ("no numbers", Reason.OUT_OF_STOCK),
    ("try again", Reason.BUSY),
    ("retry", Reason.BUSY),
    ("busy", Reason.BUSY),
    ("user", Reason.BAD_KEY),
)

NOT_ABOUT_THE_RENTAL = frozenset({Reason.BAD_KEY, Reason.MAINTENANCE, Reason.BUSY})
"""Refusals that say nothing of the rental that was asked about: asking again later may help."""


def reason_of(text: str, documented: Meanings) -> Reason:
    small = text.lower()
    return next((reason for part, reason in (*documented, *GUESSES) if part in small), Reason.OTHER)


def is_too_early(text: str) -> bool:
    """Whether a refused cancellation can be had later."""
    small = text.lower()
    return bool(TOO_EARLY.search(small)) and not NOT_EARLY.search(small)


def text_of(value: object) -> str:
    """Text or a whole number as text that can be stored and sent; "" for anything else, and for a written null."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    # JSON can spell half a surrogate pair, which neither SQLite nor a socket takes; NUL ends texts in between.
    text = str(value)[:LONGEST_TEXT].encode("utf-8", "replace").decode().replace("\0", "").strip()
    return "" if text.lower() == "null" else text


def words_of(value: object, *secrets: str) -> str:
    """What a provider says for people: one bounded line, and without our secrets if it quotes them."""
    found = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else (value,)
    parts = (item for entry in found for item in (entry if isinstance(entry, list) else (entry,)))
    words = " ".join(" ".join(text_of(part).split()) for part in parts).strip()
    for secret in filter(None, secrets):
        # Whoever quotes the request may quote its address, or have it in a page.
        for spelling in (secret, quote(secret, safe=""), quote(secret), quote_plus(secret, safe="/"), escape(secret)):
            words = words.replace(spelling, "***")
    return words[:LONGEST_WORDS]


def id_of(value: object) -> str:
    """A rental's id; "" if that is none."""
    text = text_of(value)
    return text if ID.fullmatch(text) and text.strip("0") else ""


def phone_of(value: object) -> str:
    """Digits with the country code; ten digits are a US number without its 1. "" if it cannot be a number."""
    digits = re.sub(r"[\s()+.-]", "", text_of(value))
    if not re.fullmatch(r"[0-9]{10,15}", digits):
        return ""
    return "1" + digits if len(digits) == 10 else digits


def usd_of(*values: object) -> Usd | None:
    """The first of them that is an amount of money."""
    for value in values:
        try:
            return parse_usd(value)
        except (ValueError, ArithmeticError):
            continue
    return None


def price_of(*values: object) -> Usd | None:
    """The first of them that can be a price."""
    return next((amount for value in values if (amount := usd_of(value)) is not None and amount >= 0), None)


def whole_of(value: object) -> int | None:
    """A count or a number of seconds: not negative, not absurd."""
    text = format(value, "f") if isinstance(value, Decimal) and abs(value.adjusted()) < 12 else text_of(value)
    found = re.fullmatch(r"([0-9]{1,9})(?:\.0*)?", text)
    return int(found[1]) if found else None


def truth_of(value: object) -> bool:
    """`true`, `"true"` and `1` alike."""
    return value is True or text_of(value).lower() in {"true", "1", "yes"}
