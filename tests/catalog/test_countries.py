"""The countries are those that SMS-Activate's tools expect."""

import re

import pytest

from proxy.catalog.countries import COUNTRIES, Country


def test_the_two_usas_are_told_apart() -> None:
    assert (COUNTRIES[187].eng, COUNTRIES[12].eng) == ("USA", "USA (virtual)")
    assert COUNTRIES[187].prefixes == COUNTRIES[12].prefixes == ("1",)


@pytest.mark.parametrize("country", COUNTRIES.values(), ids=lambda country: country.eng)
def test_every_country_is_complete(country: Country) -> None:
    assert COUNTRIES[country.id] is country
    assert re.fullmatch("[A-Z]{2}", country.iso)
    assert all((country.eng, country.rus, country.chn))
    assert all(prefix.isdigit() for prefix in country.prefixes)
    assert country.prefixes
