"""Phone numbers that look real and are the same at every run."""

from collections.abc import Sequence
from itertools import count

AREAS: dict[str, tuple[str, ...]] = {
    "AZ": ("480", "602"),
    "CA": ("213", "310", "415", "530", "619", "818"),
    "CO": ("303", "720"),
    "FL": ("305", "407", "786", "850"),
    "GA": ("404", "678"),
    "IL": ("312", "773"),
    "MA": ("617", "857"),
    "NV": ("702", "775"),
    "NY": ("212", "315", "518", "646", "917"),
    "OH": ("216", "614"),
    "PA": ("215", "412"),
    "TX": ("214", "512", "713"),
    "WA": ("206", "425"),
}
"""The states and area codes in which the stand-ins have numbers."""

ALL_AREAS: tuple[str, ...] = tuple(sorted(code for codes in AREAS.values() for code in codes))
_STATES = {code: state for state, codes in AREAS.items() for code in codes}
_LINES = 8_000_000  # in one area: exchanges 200 to 999, each with ten thousand lines
_STRIDE = 7_919  # a prime, so that a whole round of lines passes before one comes again


def state_of(number: str) -> str:
    """The US state of a ten-digit number, or of an area code, that the stand-ins can have."""
    return _STATES[number[:3]]


def exists(number: str) -> bool:
    """Whether ten digits are a number that the stand-ins can have."""
    return len(number) == 10 and number.isascii() and number.isdigit() and number[:3] in _STATES and number[3] > "1"


class PhoneNumbers:
    """Ten-digit numbers, none twice; a later `first` goes on where an earlier one left off."""

    def __init__(self, first: int, seed: int) -> None:
        self._indexes = count(first)
        self._shift = seed * 104_729

    def take(self, areas: Sequence[str]) -> str:
        index = next(self._indexes)
        exchange, line = divmod((index * _STRIDE + self._shift) % _LINES, 10_000)
        return f"{areas[index % len(areas)]}{200 + exchange}{line:04d}"
