"""The verification code in an SMS: what a person would read out of the text and type in."""

import re
from collections.abc import Iterable

LONGEST_TEXT = 2000
LONGEST_CODE = 16

WORD = r"(?:codes?|c[oó]digo|pin|otp|passcode|password|token|verification|clave)"
PREFIX = r"(?:[A-Za-z]{1,3}-)?"
DIGITS = rf"(?<![0-9A-Za-z]){PREFIX}(?:[0-9]{{3}}[- ][0-9]{{3}}|[0-9]{{4}}-[0-9]{{4}}|[0-9]{{4,8}})(?![0-9A-Za-z])"
LETTERS = r"(?<![0-9A-Za-z])(?=[A-Z]*[0-9])(?=[0-9]*[A-Z])[0-9A-Z]{4,10}(?![0-9A-Za-z])"

NO_CODES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"https?://\S{1,500}",
        r"\b[a-z0-9-]{1,60}\.[a-z]{2,10}/\S{1,500}",
        r"(?<![0-9])\+?1?[-. ]?\(?[0-9]{3}\)?[-. ][0-9]{3}[-. ][0-9]{4}(?![0-9])",  # 1-800-555-0100, (212) 555-0100
        r"\+[0-9][0-9 -]{6,18}[0-9]",
        r"(?<![0-9])[0-9]{9,}(?![0-9])",
        r"[$€£¥]\s?[0-9][0-9.,]{0,15}",
        r"(?<![0-9])[0-9][0-9,]{0,15}\.[0-9]{1,2}(?![0-9])",  # 1,249.00
        r"(?<![0-9])[0-9][0-9,.]{0,15}\s?(?:usd\b|eur\b|dollars?\b|%)",
        r"(?<![0-9])[0-9]{1,3}[\s-]?(?:hours?|hrs?|min(?:ute)?s?|sec(?:ond)?s?|days?)\b",
        r"(?<![0-9])[0-9]{1,4}[/.-][0-9]{1,2}[/.-][0-9]{1,4}(?![0-9])",  # dates
        r"(?<![0-9])[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?![0-9])",
        r"(?:ending(?: in| with)?|account|acct|card)[ .:#*x]{1,4}[0-9]{3,6}\b",
        r"\b(?:reply|text|sms|send|stop|help)\b[^.\n0-9]{0,20}\bto\s[0-9]{3,8}\b",
        r"\bcall\s[0-9]{3,8}\b",
    )
)

# "804036 is your Google verification code" goes first: what follows such a sentence may be any other number.
AHEAD_OF_WORD = r"\s{{1,3}}(?:is|es)\b[^.\n0-9]{{0,60}}?{word}"
BEHIND_WORD = r"{word}\b[^.!?0-9]{{0,40}}?"
MARKED = tuple(
    re.compile(pattern)
    for code in (DIGITS, LETTERS)
    for pattern in (
        rf"(?P<code>{code}){AHEAD_OF_WORD.format(word=f'(?i:{WORD})')}",
        rf"\b{BEHIND_WORD.format(word=f'(?i:{WORD})')}(?P<code>{code})",
    )
)
UNMARKED = re.compile(DIGITS)
YEAR = re.compile(r"(?:19|20)[0-9]{2}")
BEST_LENGTHS = (6, 5, 4, 8, 7)


def find_code(text: str) -> str:
    """The code in a message's text; empty if none is recognised."""
    text = text[:LONGEST_TEXT]
    for pattern in NO_CODES:
        text = pattern.sub(" \n ", text)
    for pattern in MARKED:
        if found := pattern.search(text):
            return clean_code(found["code"])
    return _best(clean_code(found[0]) for found in UNMARKED.finditer(text))


def clean_code(pin: str) -> str:
    """A code as a provider marked it, reduced to what is typed: `G-804036` and `804 036` become `804036`.

    Empty for what cannot be one code, such as a whole sentence. Never a colon: it separates the fields of a reply.
    """
    bare = pin.replace(":", " ").strip(" \t\r\n.,;!#'\"")
    if found := re.fullmatch(rf"{PREFIX}([0-9][0-9\s-]*)", bare):
        bare = re.sub(r"[^0-9]", "", found[1])
    return bare if len(bare) <= LONGEST_CODE and bare.isprintable() and not re.search(r"\s", bare) else ""


def _best(codes: Iterable[str]) -> str:
    usual = [code for code in codes if len(code) in BEST_LENGTHS and not YEAR.fullmatch(code)]
    return min(usual, key=lambda code: BEST_LENGTHS.index(len(code)), default="")
