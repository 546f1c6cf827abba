"""SMS-Activate's service codes and what they are called; codes that only older lists knew are among them."""

import json
from collections.abc import Container, Mapping
from importlib.resources import files
from types import MappingProxyType


def _load() -> Mapping[str, str]:
    lists = json.loads(files("proxy.catalog").joinpath("services.json").read_text("utf-8"))
    return MappingProxyType(lists["services"] | lists["older"])


SERVICES: Mapping[str, str] = _load()
"""Code -> name for people, in the order of SMS-Activate's own list."""


def resolve(text: str, additions: Container[str] = ()) -> str | None:
    """The code that `text` spells in any case, be it a built-in one or one of the operator's `additions`."""
    code = text.strip().lower()
    return code if code in SERVICES or code in additions else None
