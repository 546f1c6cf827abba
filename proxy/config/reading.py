"""Walking a YAML tree with complaints instead of a first error, so that one failed start is enough to mend a file.

A reader turns a node into a value or raises Wrong; whoever called it writes the complaint down with the node's line and
goes on with the rest. Complaints show what stands in the file, never what `${NAME}` brought from the environment.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final

import yaml

Reader = Callable[["Reading", yaml.Node], Any]
Check = Callable[["Reading", yaml.Node, Mapping[str, yaml.Node], Mapping[str, Any]], None]

REQUIRED: Final = object()
"""Stands for the default of a key that has none."""
BROKEN: Final = object()
"""Stands for a value that could not be read; the complaint is written."""

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-((?:(?!\$\{)[^}])*))?\}")
_TAG = "tag:yaml.org,2002:"
_NULLS = ("", "~", "null", "Null", "NULL")


class Wrong(Exception):
    """A value cannot be used; without a text if the complaint is already written."""


@dataclass(slots=True)
class Reading:
    """One reading of one file: where it has come to, and what it has found out so far."""

    source: str
    env: Mapping[str, str]
    complaints: list[tuple[int, str]] = field(default_factory=list)
    known: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What -> name -> something about it: the providers, clients and codes that later keys may speak of."""
    _claims: dict[tuple[str, object], tuple[int, str]] = field(default_factory=dict)
    _key: str = ""

    def complain(self, node: yaml.Node, text: str) -> None:
        self.complaints.append((line_of(node), text))

    def report(self) -> list[str]:
        """Every complaint as a line, in the order of the file."""
        lines = sorted(dict.fromkeys(self.complaints), key=lambda complaint: complaint[0])
        return [f"{self.source}:{line}: {text}" for line, text in lines]

    def attempt(self, reader: Reader, node: yaml.Node, key: str = "") -> Any:
        """What the reader makes of the node, or BROKEN. Without a key of its own it is an item of the key around it."""
        around, self._key = self._key, key or self._key
        try:
            return reader(self, node)
        except Wrong as wrong:
            if text := str(wrong):
                self.complain(node, f"{self._key}: {text}" if self._key else text)
            return BROKEN
        finally:
            self._key = around

    def claim(self, what: str, value: object, owner: str, node: yaml.Node) -> None:
        """Complain if somebody earlier in the file has the same `value` of that kind; the value is not shown."""
        if first := self._claims.get((what, value)):
            self.complain(node, f"{owner} has the same {what} as {first[1]} on line {first[0]}")
        else:
            self._claims[what, value] = (line_of(node), owner)

    def text(self, node: yaml.Node) -> str:
        """A scalar as it is written, variables filled in."""
        if not isinstance(node, yaml.ScalarNode):
            raise Wrong(f"must be one value, not {shape(node)}")
        if not node.tag.startswith(_TAG):
            raise Wrong("YAML tags (a word that begins with '!') are not understood; quote the value")
        return self._expand(node.value).strip()

    def is_null(self, node: yaml.Node) -> bool:
        """Whether a key is as good as left out: `null`, `~`, nothing, or an unquoted variable that is empty."""
        if not isinstance(node, yaml.ScalarNode) or node.style is not None:
            return False
        if "${" not in node.value:
            return bool(node.tag == f"{_TAG}null")
        try:
            return self.text(node) in _NULLS
        except Wrong:
            return False

    def entries(self, node: yaml.Node) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """A mapping's keys, each with the nodes of the key and of its value; a key that stands twice is reported."""
        if not isinstance(node, yaml.MappingNode):
            raise Wrong(f"must be keys with values, not {shape(node)}")
        found: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.complain(key, f"a key must be a word, not {shape(key)}")
            elif key.value in found:
                first = line_of(found[key.value][0])
                self.complain(key, f"key {_key(key)} stands twice, first on line {first}")
            else:
                found[key.value] = (key, value)
        return found

    def _expand(self, text: str) -> str:
        missing: list[str] = []

        def fill(variable: re.Match[str]) -> str:
            name, default = variable.groups()
            value = self.env.get(name)
            if value is None and default is None:
                missing.append(f"${{{name}}}")
            return default if default is not None and not value else value or ""

        filled = _VARIABLE.sub(fill, text)
        if "${" in _VARIABLE.sub(" ", text):
            raise Wrong("'${' begins no variable that is understood: write ${NAME} or ${NAME:-default}")
        if missing:
            raise Wrong(f"the environment has no {', '.join(missing)}; set it, or write ${{NAME:-default}}")
        return filled


@dataclass(frozen=True, slots=True)
class Key:
    """One declaration of one key."""

    name: str
    read: Reader
    default: Any
    help: str


@dataclass(frozen=True, slots=True)
class Section:
    """A mapping with declared keys, made into a value by `make`; itself a reader."""

    make: Callable[..., Any]
    keys: tuple[Key, ...]
    check: Check | None = None
    """What one key alone cannot tell; it is given what could be read."""

    def __call__(self, reading: Reading, node: yaml.Node) -> Any:
        before = len(reading.complaints)
        entries = reading.entries(node)
        names = [key.name for key in self.keys]
        for name, (key_node, _) in entries.items():
            if name not in names:
                known = nearest(name, names)
                reading.complain(key_node, f"unknown key {_key(key_node)}; the nearest known one is {known!r}")
        values = {key.name: self._value(reading, node, entries, key) for key in self.keys}
        if self.check:
            nodes = {name: value for name, (_, value) in entries.items() if not reading.is_null(value)}
            self.check(reading, node, nodes, {name: value for name, value in values.items() if value is not BROKEN})
        if len(reading.complaints) > before:
            raise Wrong
        return self.make(**values)

    def left_out(self) -> Any:
        """What it is when nothing is said."""
        return self.make(**{key.name: key.default for key in self.keys})

    def _value(
        self, reading: Reading, node: yaml.Node, entries: Mapping[str, tuple[yaml.Node, yaml.Node]], key: Key
    ) -> Any:
        _, value = entries.get(key.name, (None, None))
        if value is not None and not reading.is_null(value):
            return reading.attempt(key.read, value, key.name)
        if key.default is REQUIRED:
            reading.complain(node if value is None else value, f"{key.name} is missing: {key.help}")
            return BROKEN
        return key.default


@dataclass(frozen=True, slots=True)
class Several:
    """A list, each item read by `item`."""

    item: Reader

    def __call__(self, reading: Reading, node: yaml.Node) -> tuple[Any, ...]:
        if not isinstance(node, yaml.SequenceNode):
            raise Wrong(f"must be a list, not {shape(node)}")
        if not node.value:
            raise Wrong("is empty; it needs at least one, or is left out")
        items = tuple(reading.attempt(self.item, item) for item in node.value)
        if BROKEN in items:
            raise Wrong
        return items


@dataclass(frozen=True, slots=True)
class OneOrSeveral:
    """A list, or one item that needs no brackets."""

    item: Reader

    def __call__(self, reading: Reading, node: yaml.Node) -> tuple[Any, ...]:
        if isinstance(node, yaml.SequenceNode):
            return Several(self.item)(reading, node)
        return (self.item(reading, node),)


def compose(text: str, reading: Reading) -> yaml.Node | None:
    """The tree of the file; None, with a complaint written, if it is no YAML or empty."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as wrong:
        mark = wrong.problem_mark or wrong.context_mark
        problem = ", ".join(filter(None, [wrong.context, wrong.problem]))
        # What YAML takes for an alias, an anchor or a handle may be an unquoted secret that begins with *, & or !.
        problem = re.sub(r"(alias|anchor|handle) '[^']*'", r"\1", problem)
        reading.complaints.append((mark.line + 1 if mark else 1, f"this is not YAML: {problem}"))
    except yaml.reader.ReaderError as wrong:
        line = text.count("\n", 0, wrong.position) + 1
        reading.complaints.append((line, "this is not YAML: a character that may not stand in it"))
    except RecursionError:
        reading.complaints.append((1, "this is nested too deeply"))
    else:
        if node is not None:
            return node
        reading.complaints.append((1, "the file is empty: it needs clients and providers at least"))
    return None


def line_of(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def shape(node: yaml.Node) -> str:
    match node:
        case yaml.MappingNode():
            return "keys with values"
        case yaml.SequenceNode():
            return "a list"
        case _:
            return "one value"


def shown(node: yaml.Node) -> str:
    """The value as it stands in the file, for a complaint."""
    text = str(node.value)
    return repr(text if len(text) <= 60 else text[:57] + "...")


def _key(node: yaml.Node) -> str:
    """A key as it stands in the file; without what follows a colon, for `api_key:secret` lacks a space only."""
    return repr(re.split("[:=]", str(node.value))[0][:60])


def nearest(word: str, known: Collection[str]) -> str:
    """The known word that looks most like this one, however little that is."""
    by_fold = {name.casefold(): name for name in known}
    found = get_close_matches(word.casefold(), by_fold, n=1, cutoff=0.0)
    return by_fold[found[0]] if found else ""


def either(words: Sequence[str]) -> str:
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
