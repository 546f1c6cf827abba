"""What a single value of routing.yaml may look like: each reader turns a node into a value, or raises Wrong.

Values are read from the text that stands in the file, so that `no` is a service's code, `0123` a key with its zero and
2.10 exact money, whatever YAML takes them for.
"""

import re
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlsplit

import yaml

from proxy.catalog.countries import COUNTRIES
from proxy.catalog.matching import normalise
from proxy.catalog.services import SERVICES, resolve
from proxy.config.reading import Reader, Reading, Wrong, either, nearest, shown
from proxy.domain.money import DOLLAR, Usd, parse_usd

Word = TypeVar("Word", bound=StrEnum)

SANDBOX = "sandbox"

_TRUE = {"true", "yes", "on"}
_FALSE = {"false", "no", "off"}


def words(reading: Reading, node: yaml.Node) -> str:
    """Text that is not empty and fits on one line."""
    text = reading.text(node)
    if not text or not text.isprintable() or len(text) > 500:
        raise Wrong("must be one line of text")
    return text


def name(reading: Reading, node: yaml.Node) -> str:
    """A name that can stand in a path and in a header."""
    text = reading.text(node)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", text):
        raise Wrong(f"must be a name of letters, digits, '_', '-' and '.', not {shown(node)}")
    return text


def maybe_words(reading: Reading, node: yaml.Node) -> str:
    return words(reading, node) if reading.text(node) else ""


def secret(reading: Reading, node: yaml.Node) -> str:
    """Anything that can travel in a header; never shown. May be empty."""
    text = reading.text(node)
    if not re.fullmatch(r"[!-~]*", text):
        raise Wrong("may hold only ASCII characters without spaces (it is not shown here)")
    return text


def key(reading: Reading, node: yaml.Node) -> str:
    """A secret that someone must show."""
    if not (text := secret(reading, node)):
        raise Wrong("is empty: `sms-proxy keygen` makes one")
    return text


def path_secret(reading: Reading, node: yaml.Node) -> str:
    """A secret that is a part of a path."""
    text = reading.text(node)
    if not re.fullmatch(r"[A-Za-z0-9_.~-]*", text):
        raise Wrong("may hold only letters, digits, '-', '_', '.' and '~' (it is not shown here)")
    return text


def flag(reading: Reading, node: yaml.Node) -> bool:
    text = reading.text(node).lower()
    if text not in _TRUE | _FALSE:
        raise Wrong(f"must be true or false, not {shown(node)}")
    return text in _TRUE


def whole(least: int, most: int) -> Reader:
    def read(reading: Reading, node: yaml.Node) -> int:
        text = reading.text(node)
        if not re.fullmatch(r"-?[0-9]{1,18}", text) or not least <= int(text) <= most:
            raise Wrong(f"must be a whole number from {least} to {most}, not {shown(node)}")
        return int(text)

    return read


def seconds(least: str, most: str) -> Reader:
    def read(reading: Reading, node: yaml.Node) -> float:
        number = _decimal(reading.text(node))
        if number is None or not Decimal(least) <= number <= Decimal(most):
            raise Wrong(f"must be seconds from {least} to {most}, not {shown(node)}")
        return float(number)

    return read


def money(reading: Reading, node: yaml.Node) -> Usd:
    text = reading.text(node)
    number = _decimal(text)
    try:
        if number is None or number <= 0 or (number * DOLLAR) % 1:
            raise ValueError
        return parse_usd(text)
    except ValueError:
        raise Wrong(f'must be an amount of USD such as "2.00", more than 0, not {shown(node)}') from None


def rate(reading: Reading, node: yaml.Node) -> Decimal:
    """How much of a currency one dollar buys."""
    number = _decimal(reading.text(node))
    if number is None or not 0 < number <= 10_000_000:
        raise Wrong(f'must be how much of the currency one dollar buys, such as "92.50", not {shown(node)}')
    return number


def currency_code(reading: Reading, node: yaml.Node) -> str:
    text = reading.text(node).upper()
    if not re.fullmatch("[A-Z]{3}", text):
        raise Wrong(f"must be three letters such as RUB, not {shown(node)}")
    return text


def choice(*choices: str) -> Reader:
    def read(reading: Reading, node: yaml.Node) -> str:
        text = reading.text(node).lower()
        if text not in choices:
            raise Wrong(f"must be {either(choices)}, not {shown(node)}; the nearest is {nearest(text, choices)!r}")
        return text

    return read


def choice_of(words: type[Word]) -> Reader:
    read_word = choice(*(word.value for word in words))
    return lambda reading, node: words(read_word(reading, node))


def known(what: str) -> Reader:
    """A name that must stand elsewhere in the file, or in the program."""
    return lambda reading, node: look_up(reading, what, reading.text(node), node)


def look_up(reading: Reading, what: str, name: str, node: yaml.Node) -> str:
    names = reading.known.get(what, {})
    if name in names:
        return name
    hint = f"the nearest is {nearest(name, names)!r}" if names else "there is none"
    raise Wrong(f"no {what} is called {shown(node)}; {hint}")


def country(reading: Reading, node: yaml.Node) -> int:
    text = reading.text(node)
    if re.fullmatch("[0-9]{1,6}", text) and int(text) in COUNTRIES:
        return int(text)
    hint = "187 is the USA"
    if not text.isdigit():
        ids = {place.eng: place.id for place in COUNTRIES.values()}
        called = nearest(text, ids)
        hint = f"the nearest name is {called!r}, which is {ids[called]}"
    raise Wrong(f"no country has the SMS-Activate id {shown(node)}; {hint}")


def service(reading: Reading, node: yaml.Node) -> str:
    """A code of the catalogue or of `services`."""
    text = reading.text(node)
    additions = reading.known.get("code", {})
    if code := resolve(text, additions):
        return code
    called = {normalise(title): code for code, title in SERVICES.items()}
    alike = nearest(normalise(text), [*called, *SERVICES, *additions])
    code = called.get(alike, alike)
    title = f" ({SERVICES[code]})" if code in SERVICES else ""
    raise Wrong(f"no service has the code {shown(node)}; the nearest is {code!r}{title}, and `services` can add codes")


def operator(reading: Reading, node: yaml.Node) -> str:
    return words(reading, node).lower()


def base_url(reading: Reading, node: yaml.Node) -> str:
    text = reading.text(node)
    if text == SANDBOX:
        return text
    trouble = _trouble_with_url(text)
    # A key pasted in the wrong place, or into the address itself, must not be shown.
    if trouble:
        raise Wrong(f"must be {SANDBOX!r} or an address such as https://getsms.online: {trouble}")
    if "?" in text or "#" in text:
        raise Wrong("must be an address without '?' and '#': paths and parameters are added to it")
    return text.rstrip("/")


def webhook(reading: Reading, node: yaml.Node) -> str:
    text = reading.text(node)
    if text and (trouble := _trouble_with_url(text)):
        raise Wrong(f"must be empty or an address such as https://example.com/sms: {trouble}")
    return text


def _trouble_with_url(text: str) -> str:
    """What keeps a text from being an http address, without repeating it."""
    try:
        url = urlsplit(text)
        host, _ = url.hostname, url.port
    except ValueError:
        return "its host or port makes no sense"
    if url.scheme not in ("http", "https"):
        return "it does not begin with http:// or https://"
    if not host or re.search(r"[^!-~]", text) or not re.fullmatch(r"[A-Za-z0-9._:-]+", host):
        return "it has no usable host"
    if url.username is not None or url.password is not None:
        return "it may not hold a user or a password"
    return ""


def _decimal(text: str) -> Decimal | None:
    """A plain number, without exponents, underscores and infinities."""
    return Decimal(text) if re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,15})?|\.[0-9]{1,15}", text) else None
