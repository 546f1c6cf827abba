"""How a provider's own names meet SMS-Activate's codes, best evidence first.

The operator's word counts before the built-in pairs, and those before equality of names; what more than one code or
more than one own name lays claim to is doubtful, is shown, and is never used.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from enum import StrEnum

from proxy.catalog.pairs import PAIRS, SPEAKS_CODES
from proxy.catalog.services import SERVICES, resolve


class How(StrEnum):
    CONFIGURED = "configured"
    BUILT_IN = "built-in"
    BY_NAME = "by name"
    DOUBTFUL = "doubtful"
    """Never used; the operator may settle it under `services`."""


@dataclass(frozen=True, slots=True)
class Match:
    code: str
    own_name: str
    """Spelled as the provider wants it."""
    how: How
    listed: bool = True
    """Whether the provider lists that name: one that the operator configured may not be sold there."""


def normalise(name: str) -> str:
    """A name without case, spaces and punctuation: `Crypto.com` and `cryptocom` are the same."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", name).casefold())


class Matcher:
    """One provider's names. `listed` has what it sells: (own name, its title for people or empty)."""

    def __init__(
        self,
        kind: str,
        provider: str,
        configured: Mapping[str, Mapping[str, str]],
        listed: Iterable[tuple[str, str]],
    ) -> None:
        self._listed = dict(listed)
        self._exactly = _unique(self._listed, str.casefold)
        self._loosely = _unique(self._listed, normalise)
        own = {code.lower(): names.get(provider) or names.get(kind) for code, names in configured.items()}
        self._by_code: dict[str, Match] = {}
        self._keep(self._configured(code, name) for code, name in own.items() if name)
        self._keep(self._same_code() if kind in SPEAKS_CODES else self._built_in(PAIRS.get(kind, {})))
        # With codes for names a word that equals a service's name is an accident.
        sure, self._doubtful = ([], []) if kind in SPEAKS_CODES else self._by_name()
        self._keep(iter(sure))
        self._known = own.keys() | self._by_code.keys()
        self._codes: dict[str, tuple[str, ...]] = {}
        for match in self._by_code.values():
            self._codes[match.own_name] = (*self._codes.get(match.own_name, ()), match.code)

    def own_name(self, code: str) -> str | None:
        """What the provider calls the service of this code."""
        match = self._by_code.get(code.strip().lower())
        return match.own_name if match else None

    def code_of(self, own_name: str) -> str | None:
        """The code of a name of the provider's, in any case; of several codes the best founded one."""
        return next(iter(self.codes_of(own_name)), None)

    def codes_of(self, own_name: str) -> tuple[str, ...]:
        """All codes under which a name is sold; more than one only if the operator said so."""
        return self._codes.get(self._spelled(own_name) or own_name, ())

    def find(self, text: str) -> str | None:
        """The own name that a client means: by its code or by the own name itself, in any case.

        A known code is never taken for an own name that looks like it: `aol` is Paysera, whoever sells an `aol`.
        """
        code = resolve(text, self._known)
        return self.own_name(code) if code else self._spelled(text)

    def matches(self) -> list[Match]:
        """Those in use, then the doubtful ones, each by code."""
        return [*sorted(self._by_code.values(), key=_code), *sorted(self._doubtful, key=_code)]

    def _keep(self, matches: Iterator[Match]) -> None:
        for match in matches:
            self._by_code.setdefault(match.code, match)

    def _spelled(self, name: str) -> str | None:
        """The provider's own spelling; None if it lists no such name, or several that differ in case only."""
        return name if name in self._listed else self._exactly.get(name.strip().casefold())

    def _configured(self, code: str, name: str) -> Match:
        spelled = self._spelled(name)
        return Match(code, spelled or name, How.CONFIGURED, listed=spelled is not None)

    def _same_code(self) -> Iterator[Match]:
        return (Match(code, name, How.BUILT_IN) for name in self._listed if (code := name.strip().lower()))

    def _built_in(self, pairs: Mapping[str, tuple[str, ...]]) -> Iterator[Match]:
        for code, names in pairs.items():
            spelled = next((own for name in names if (own := self._loosely.get(normalise(name)))), None)
            if spelled:
                yield Match(code, spelled, How.BUILT_IN)

    def _by_name(self) -> tuple[list[Match], list[Match]]:
        """Equality of whole names, then of one of a service's several names; both only among what is still free."""
        sure: list[Match] = []
        doubtful: list[Match] = []
        for spellings in (_WHOLE, _PARTS):
            claimed = [*self._by_code.values(), *sure, *doubtful]
            claims = self._claims(spellings, {m.code for m in claimed}, {m.own_name for m in claimed})
            of_code = Counter(code for code, _ in claims)
            of_name = Counter(own for _, own in claims)
            for code, own in claims:
                alone = of_code[code] == of_name[own] == 1
                (sure if alone else doubtful).append(Match(code, own, How.BY_NAME if alone else How.DOUBTFUL))
        return sure, doubtful

    def _claims(
        self, spellings: Mapping[str, tuple[str, ...]], codes: Set[str], names: Set[str]
    ) -> list[tuple[str, str]]:
        """Every (code, own name) that equal each other, `codes` and `names` left out."""
        return [
            (code, own)
            for own, title in self._listed.items()
            if own not in names
            for code in sorted({code for name in (own, title) for code in spellings.get(normalise(name), ())})
            if code not in codes
        ]


def _code(match: Match) -> tuple[str, str]:
    return match.code, match.own_name


def _unique(names: Iterable[str], spelling: Callable[[str], str]) -> dict[str, str]:
    """Spelling -> name, where only one name has that spelling."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in names:
        found[spelling(name)].append(name)
    return {spelled: same[0] for spelled, same in found.items() if spelled and len(same) == 1}


def _spellings(parts: Callable[[str], Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """Normalised name -> codes."""
    found: dict[str, tuple[str, ...]] = {}
    for code, name in SERVICES.items():
        for part in parts(name):
            if spelled := normalise(part):
                found[spelled] = (*found.get(spelled, ()), code)
    return found


def _alternatives(name: str) -> list[str]:
    """`Google,youtube,Gmail` is three names for one code."""
    parts = re.split(r"[,/+]", name)
    return parts if len(parts) > 1 else []


_WHOLE = _spellings(lambda name: [name])
_PARTS = _spellings(_alternatives)
