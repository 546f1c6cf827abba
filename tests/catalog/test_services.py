"""The services are those that SMS-Activate's tools expect."""

import re

import pytest

from proxy.catalog.services import SERVICES, resolve


@pytest.mark.parametrize(
    ("code", "name"),
    [("wa", "Whatsapp"), ("tg", "Telegram"), ("go", "Google,youtube,Gmail"), ("full", "Full Rent"), ("av", "avito")],
)
def test_a_code_has_its_name(code: str, name: str) -> None:
    assert SERVICES[code] == name


def test_every_code_is_lower_case_and_every_name_says_something() -> None:
    assert len(SERVICES) > 1900
    assert all(re.fullmatch(r"[a-z0-9]{2,4}", code) and name.strip() for code, name in SERVICES.items())


@pytest.mark.parametrize(
    ("text", "code"),
    [("wa", "wa"), ("WA", "wa"), (" Wa ", "wa"), ("whatsapp", None), ("", None), ("new1", "new1")],
)
def test_a_code_is_known_in_any_case(text: str, code: str | None) -> None:
    assert resolve(text, {"new1"}) == code
