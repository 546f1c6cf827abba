"""SMS-Activate's countries under their ids: 187 is the USA, 12 the USA by virtual numbers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Country:
    id: int
    eng: str
    rus: str
    chn: str
    iso: str
    """ISO 3166-1, two letters."""
    prefixes: tuple[str, ...]
    """What a phone number of the country begins with."""
    visible: bool
    retry: bool
    rent: bool
    multi_service: bool


def _load() -> Mapping[int, Country]:
    rows = json.loads(files("proxy.catalog").joinpath("countries.json").read_text("utf-8"))
    return MappingProxyType({row["id"]: Country(**row | {"prefixes": tuple(row["prefixes"])}) for row in rows})


COUNTRIES: Mapping[int, Country] = _load()
