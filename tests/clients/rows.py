"""What a table about somebody's library is made of: the library, its rows, and words for what comes back."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tests.stage import Stage

CODE = "012345"
SERVICE = "go"
"""Google: both providers have it, and getatext, which is cheaper, gives several SMS."""
HERE = 187
NOWHERE = 0
"""A country that no provider serves."""
NO_ID = 999_999


class Before(StrEnum):
    """What has happened to the number that a row is about."""

    NOTHING = "there is none"
    WAITING = "bought"
    RECEIVED = "its code has come"
    FINISHED = "its code has come and it is finished"
    CANCELLED = "given back"
    RENTED = "rented for a week"
    RENT_RECEIVED = "rented for a week, and an SMS has come"
    RENT_OVER = "rented for a week, and let go"


@dataclass(frozen=True, slots=True)
class Number:
    id: int = 0
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One method, called once. Where there is neither fault nor lack, it works."""

    method: str
    call: Callable[[Any, Number], Any]
    wanted: Any
    before: Before = Before.NOTHING
    fault: str = ""
    """Why the library cannot do it, whoever answers; then `wanted` is how it fails."""
    lack: str = ""
    """Why the gateway cannot do it; then `wanted` is how the library says so."""
    remark: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Library:
    title: str
    package: str
    version: str
    dialect: str
    pointing: str
    """The line that points it at the gateway."""
    connect: Callable[[Stage], AbstractAsyncContextManager[Any]]
    surfaces: dict[str, type]
    """Its public classes, by what stands before their methods' names in the rows."""
    rows: tuple[Row, ...]
    blocking: bool = True

    def methods(self) -> dict[str, list[str]]:
        """Every public method, with other names of the very same one."""
        found: dict[int, list[str]] = {}
        for prefix, surface in self.surfaces.items():
            for name, item in _attributes(surface):
                found.setdefault(id(getattr(item, "__wrapped__", item)), []).append(prefix + name)
        return {names[0]: names[1:] for names in found.values()}


def _attributes(surface: type) -> Iterator[tuple[str, Any]]:
    """What the library itself made public, hooks of somebody else's base classes left out."""
    top = surface.__module__.split(".")[0]
    others = {name for kind in surface.__mro__ if kind.__module__.split(".")[0] != top for name in vars(kind)}
    for kind in surface.__mro__:
        if kind.__module__.split(".")[0] == top:
            for name, item in vars(kind).items():
                public = not name.startswith("_") and name not in others
                if public and (callable(item) or isinstance(item, property | classmethod)):
                    yield name, item


@dataclass(frozen=True, slots=True)
class Raises:
    kind: type[BaseException]
    match: str
    """A regular expression that its words fit."""


class Like:
    """Equal to everything that `fits`."""

    def __init__(self, words: str, fits: Callable[[Any], bool]) -> None:
        self._words = words
        self._fits = fits

    def __eq__(self, other: object) -> bool:
        return self._fits(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{self._words}>"


def text(pattern: str) -> Like:
    return Like(pattern, lambda it: isinstance(it, str) and re.fullmatch(pattern, it) is not None)


def a(kind: type) -> Like:
    return Like(kind.__name__, lambda it: type(it) is kind)


def above(least: float) -> Like:
    return Like(f"above {least}", lambda it: isinstance(it, int | float) and it > least)


def has(*entries: Any, **more: Any) -> Like:
    """A mapping with at least these entries, whose keys are words, or pairs of key and value."""
    wanted = [*entries, *more.items()]
    return Like(
        f"with {wanted}",
        lambda it: isinstance(it, dict) and all(key in it and it[key] == value for key, value in wanted),
    )


def holding(wanted: Any) -> Like:
    """A list with something that equals this."""
    return Like(f"holding {wanted}", lambda it: isinstance(it, list) and any(wanted == item for item in it))


def an(kind: Any, **attributes: Any) -> Like:
    """An object of this kind with these attributes."""
    return Like(
        f"{kind} with {attributes}",
        lambda it: isinstance(it, kind) and all(getattr(it, name) == value for name, value in attributes.items()),
    )


PHONE = text("1[0-9]{10}")
ENDS = text(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d")
TIME = text(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d")
COST = 0.85
WEEK = 168
"""Hours."""
WEEK_COST = 7.0
NO_WEBHOOK = "http://127.0.0.1:9/sms"
"""An address at which nothing is ever told: it is a private one."""
