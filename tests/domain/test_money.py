"""Money is exact: what is read is what is printed, and what is no amount is refused."""

from decimal import ROUND_CEILING, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.domain.money import DOLLAR, LARGEST, parse_usd, print_usd, scale

amounts = st.integers(-LARGEST, LARGEST)
NUMBERLIKE = r"[+-]?[0-9]{0,8}(\.[0-9]{0,9})?(e[+-]?[0-9]{1,12})?"


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("0.55", 550_000),
        (" 0.55 ", 550_000),
        ("0.5500", 550_000),
        ("+1", DOLLAR),
        ("-0.01", -10_000),
        ("5e-1", 500_000),
        (".5", 500_000),
        ("0", 0),
        (1, DOLLAR),
        (Decimal("0.550001"), 550_001),
        ("0.0000001", 1),
        ("0.5500001", 550_001),
        ("-0.0000001", 0),
        ("1000000", LARGEST),
    ],
)
def test_an_amount_is_read_exactly_and_rounded_up_beyond_the_sixth_decimal(written: object, amount: int):
    assert parse_usd(written) == amount


NO_AMOUNTS = [
    *(0.55, 1.0, float("nan"), float("inf"), True, False, None, [], {}, b"1"),
    *("", " ", "a", "1,5", "0x10", "1 2", "$1", "nan", "sNaN", "NaN12", "inf", "-Infinity"),
    *(Decimal("nan"), Decimal("sNaN"), Decimal("inf"), "1000000.000001", "-1000001", 10**7, 10**400, "9" * 5000),
]


@pytest.mark.parametrize("value", NO_AMOUNTS, ids=lambda value: repr(value)[:30])
def test_what_is_no_amount_is_refused(value: object):
    with pytest.raises(ValueError, match="not an amount of money"):
        parse_usd(value)


@pytest.mark.parametrize("written", ["1e7", "1e28", "1e999999", "1e1000000", "-1e999999999", "9e999999999999999999"])
def test_an_exponent_beyond_all_measure_is_refused_like_any_other(written: str):
    with pytest.raises(ValueError, match="not an amount of money"):
        parse_usd(written)


@given(st.one_of(st.text(max_size=20), st.from_regex(NUMBERLIKE, fullmatch=True)))
def test_any_text_is_an_amount_or_refused(written: str):
    try:
        amount = parse_usd(written)
    except ValueError:
        return
    assert abs(amount) <= LARGEST


@pytest.mark.parametrize(
    ("amount", "places", "written"),
    [
        (550_000, 2, "0.55"),
        (500_000, 2, "0.50"),
        (551_200, 2, "0.5512"),
        (0, 2, "0.00"),
        (1, 2, "0.000001"),
        (25 * DOLLAR, 2, "25.00"),
        (-1_500_000, 2, "-1.50"),
        (-1, 2, "-0.000001"),
        (550_000, 4, "0.5500"),
        (550_010, 4, "0.55001"),
        (LARGEST, 2, "1000000.00"),
    ],
)
def test_an_amount_is_printed_with_as_many_decimals_as_it_needs(amount: int, places: int, written: str):
    assert print_usd(amount, places) == written


@given(amounts, st.integers(1, 6))
def test_what_is_printed_reads_back_as_the_same(amount: int, places: int):
    assert parse_usd(print_usd(amount, places)) == amount


@given(amounts)
def test_a_json_number_keeps_an_amount_exactly(amount: int):
    assert parse_usd(repr(float(print_usd(amount)))) == amount


@given(st.decimals(-(10**6), 10**6, allow_nan=False, allow_infinity=False, places=9))
def test_rounding_goes_up_and_by_less_than_a_millionth(written: Decimal):
    amount = Decimal(parse_usd(written)) / DOLLAR
    assert written <= amount < written + Decimal(1) / DOLLAR


@pytest.mark.parametrize(
    ("amount", "percent", "scaled"),
    [(550_000, 120, 660_000), (1, 120, 2), (333_333, 110, 366_667), (100, 100, 100), (0, 120, 0), (550_000, 0, 0)],
)
def test_a_surcharge_is_rounded_up(amount: int, percent: int, scaled: int):
    assert scale(amount, percent) == scaled


@given(st.integers(0, LARGEST), st.integers(0, 1000))
def test_a_surcharge_is_the_next_millionth_that_covers_it(amount: int, percent: int):
    exact = Decimal(amount) * percent / 100
    assert scale(amount, percent) == int(exact.to_integral_value(ROUND_CEILING))
