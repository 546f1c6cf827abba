"""How the text of each parameter is read."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import BadStatus, GatewayError, NoActivation, NoNumbers, WrongActivationId, WrongExceptionPhone
from proxy.stub import params

READ: list[tuple[Callable[[str], Any], str, Any]] = [
    (params.an_id, "1", 1),
    (params.an_id, "007", 7),
    (params.an_id, "2147483647", 2**31 - 1),
    (params.an_id, "2147483648", NoActivation),
    (params.an_id, "9" * 5000, NoActivation),
    *((params.an_id, words, WrongActivationId) for words in ("abc", "-1", "1.0", "1e3", "0x1", "1 2", "１２", "²")),
    (params.a_country, "187", 187),
    (params.a_country, "0", 0),
    (params.a_country, "any", None),
    (params.a_country, "ANY", None),
    *((params.a_country, words, params.NO_COUNTRY) for words in ("usa", "-1", "1.5", "12345678", "１")),
    *((params.a_status, str(number), number) for number in (1, 3, 6, 8, -1, 0, 7)),
    *((params.a_status, words, BadStatus) for words in ("x", "6.0", "+6", "99999", "٦", "--1")),
    (params.a_cap, "0.55", 550_000),
    (params.a_cap, "1", 1_000_000),
    (params.a_cap, "0", 0),
    *(
        (params.a_cap, words, params.NO_PRICE)
        for words in ("x", "-1", "-0.01", "nan", "inf", "1,5", "1e1000000", "1e30")
    ),
    *((params.a_bool, words, True) for words in ("1", "true", "True", "TRUE", "yes", "on")),
    *((params.a_bool, words, False) for words in ("0", "false", "False", "no", "2", "null", "None")),
    (params.a_list, "a,b", ("a", "b")),
    (params.a_list, " a , ,b,", ("a", "b")),
    (params.a_list, "null", ()),
    (params.a_list, "a,NULL", ("a",)),
    (params.a_carrier, "tmobile", "tmobile"),
    (params.a_carrier, "TMO,vz", "tmobile"),
    (params.a_carrier, "T-Mobile", "tmobile"),
    (params.a_carrier, "att", "at&t"),
    (params.a_carrier, "any", ""),
    (params.a_carrier, "Any,tmo", ""),
    (params.a_carrier, "mts", "mts"),
    (params.area_codes, "503,202", ("503", "202")),
    *((params.area_codes, words, NoNumbers) for words in ("5", "103", "5033", "503,x", "５０３")),
    (params.prefixes, "1202,1503", ("1202", "1503")),
    *(
        (params.prefixes, words, WrongExceptionPhone)
        for words in ("12", "1202x", "12345678901", "1,2", ",".join(["123"] * 21))
    ),
    (params.LIMIT.read, "10", 10),
    *((params.LIMIT.read, words, 1) for words in ("0", "-5", "x", "1.5", "9" * 13)),
    (params.LIMIT.read, "101", params.MOST_IN_A_PAGE),
    (params.PAGE.read, "3", 3),
    (params.a_phone, "12025550123", "12025550123"),
    (params.a_phone, "+12025550123", "12025550123"),
    *((params.a_phone, words, NoNumbers) for words in ("2025550123", "120255501234", "1202555012x", "++12025550123")),
]


def label(value: Any) -> str:
    return getattr(value, "__name__", None) or repr(value)[:20]


@pytest.mark.parametrize(("read", "words", "value"), READ, ids=label)
def test_a_text_is_read_as_its_parameter_means_it(read: Callable[[str], Any], words: str, value: Any):
    if isinstance(value, type):
        with pytest.raises(value):
            read(words)
    else:
        assert read(words) == value


@given(st.sampled_from(sorted({read for read, _, _ in READ}, key=label)), st.text(min_size=1, max_size=30))
def test_any_text_is_read_or_refused_in_our_words(read: Callable[[str], Any], words: str):
    try:
        read(words)
    except GatewayError:
        return


@given(st.text("0123456789", min_size=1, max_size=12))
def test_a_number_is_an_id_below_2_to_the_31_or_nobodys(words: str):
    try:
        assert params.an_id(words) == int(words) < 2**31
    except NoActivation:
        assert len(words) > 10 or int(words) >= 2**31


def test_a_list_is_bounded():
    assert len(params.a_list(",".join("a" * 1000))) == params.MOST_IN_A_LIST
