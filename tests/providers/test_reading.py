"""Facts are read in whatever form they come."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.providers import reading
from proxy.providers.base import Reason

CASES = [
    (reading.id_of, "10000001", "10000001"),
    (reading.id_of, 12345, "12345"),
    (reading.id_of, 0, ""),
    (reading.id_of, True, ""),
    (reading.id_of, "../1", ""),
    (reading.phone_of, "1234567890", "11234567890"),
    (reading.phone_of, 15302286946, "15302286946"),
    (reading.phone_of, "+1 (530) 228-6946", "15302286946"),
    (reading.phone_of, "555", ""),
    (reading.phone_of, None, ""),
    (reading.usd_of, "0.55", 550_000),
    (reading.usd_of, Decimal("0.55"), 550_000),
    (reading.usd_of, Decimal("1e999999999"), None),
    (reading.usd_of, "soon", None),
    (reading.price_of, "-1", None),
    (reading.whole_of, "74", 74),
    (reading.whole_of, Decimal("900.0"), 900),
    (reading.whole_of, -1, None),
    (reading.whole_of, "many", None),
    (reading.truth_of, "true", True),
    (reading.truth_of, "false", False),
    (reading.truth_of, True, True),
    (reading.text_of, "null", ""),
    (reading.text_of, "a\ud800\0b", "a?b"),
    (reading.words_of, ["one", "two"], "one two"),
    (reading.words_of, {"service": ["is  required\n"]}, "is required"),
    (reading.is_too_early, "RENTAL_LOCKED", True),
    (reading.is_too_early, "You must wait 1 min", True),
    (reading.is_too_early, "Too many requests, wait a minute", False),
    (reading.is_too_early, "Rental not found", False),
]


@pytest.mark.parametrize(("read", "value", "meaning"), CASES)
def test_a_value_is_read_in_every_form(read, value, meaning):
    assert read(value) == meaning


def test_a_quoted_key_does_not_pass_on():
    assert reading.words_of("Invalid API key sk_1", "sk_1") == "Invalid API key ***"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Insufficient balance", Reason.NO_MONEY),
        ("Invalid API key", Reason.BAD_KEY),
        ("Unauthorized", Reason.BAD_KEY),
        ("Unknown user", Reason.BAD_KEY),
        ("Too Many Attempts.", Reason.BUSY),
        ("Too many open requests", Reason.FULL),
        ("Something else", Reason.OTHER),
    ],
)
def test_an_undocumented_error_is_guessed_by_its_words(text, reason):
    assert reading.reason_of(text, ()) is reason


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(ANYTHING)
def test_nothing_that_json_can_say_is_too_strange_to_read(value):
    for read in (reading.id_of, reading.phone_of, reading.text_of, reading.words_of):
        read(value).encode()
    for read in (reading.usd_of, reading.price_of, reading.whole_of, reading.truth_of):
        read(value)
