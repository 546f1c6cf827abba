"""The query as it is read: trimmed, the last of a name, bounded, and never a surprise."""

from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import BadAction
from proxy.stub.endpoint import MOST_BYTES, MOST_PARAMETERS, parse


@pytest.mark.parametrize(
    ("query", "read"),
    [
        (b"", {}),
        (b"action=getBalance&api_key=k", {"action": "getBalance", "api_key": "k"}),
        (b"country+=6&time%20=4", {"country": "6", "time": "4"}),
        (b"country=+6+&service=%20wa%09", {"country": "6", "service": "wa"}),
        (b"id=1&id=2", {"id": "2"}),
        (b"id=%31&id=%32", {"id": "2"}),
        (b"id=1&id+=2", {"id": "2"}),
        (b"id", {"id": ""}),
        (b"id=", {"id": ""}),
        (b"text=a=b", {"text": "a=b"}),
        (b"service=%D0%B2%D0%B0", {"service": "ва"}),
        ("service=ва".encode(), {"service": "ва"}),
        (b"service=%FF", {"service": "\N{REPLACEMENT CHARACTER}"}),
        (b"service=\xff", {"service": "\N{REPLACEMENT CHARACTER}"}),
        (b"areas=503%2C202", {"areas": "503,202"}),
        (b"areas=503,202", {"areas": "503,202"}),
        (b"a=1;b=2", {"a": "1;b=2"}),
        (b"a=%zz", {"a": "%zz"}),
    ],
)
def test_a_query_is_read(query: bytes, read: dict[str, str]):
    assert parse(query) == read


@pytest.mark.parametrize("query", [b"&a=1", b"a=1&", b"&a=1&", b"a=1&&b=2", b"a=%31&", b"&", b"&&"])
def test_what_is_empty_between_two_ampersands_is_no_parameter(query: bytes):
    assert "" not in parse(query)


def test_a_form_reads_like_a_query():
    """A POST puts query and body together with an ampersand, whichever of them is empty."""
    assert parse(b"a=1" + b"&" + b"") == parse(b"" + b"&" + b"a=1") == parse(b"a=1")


def test_as_many_parameters_as_allowed_are_read_and_one_more_is_not():
    names = [f"p{number}" for number in range(MOST_PARAMETERS + 1)]
    assert len(parse("&".join(f"{name}=1" for name in names[:-1]).encode())) == MOST_PARAMETERS
    for value in ("1", "%31"):
        with pytest.raises(BadAction, match="too many"):
            parse("&".join(f"{name}={value}" for name in names).encode())


def test_a_query_that_is_too_long_is_not_read():
    with pytest.raises(BadAction, match="too long"):
        parse(b"text=" + b"x" * 2 * MOST_BYTES)


names = st.text("abcxyz_", min_size=1, max_size=8)
values = st.text(max_size=20)


@given(st.dictionaries(names, values, max_size=8), st.sampled_from([quote, quote_plus]))
def test_what_was_encoded_reads_as_it_was_meant(params: dict[str, str], quoting):
    meant = {name: value.strip() for name, value in params.items()}
    assert parse(urlencode(params, quote_via=quoting).encode()) == meant


@given(st.dictionaries(names, st.text("abc012.,-_", max_size=8), min_size=1, max_size=8))
def test_an_encoding_that_was_not_needed_changes_nothing(params: dict[str, str]):
    plain = "&".join(f"{name}={value}" for name, value in params.items()).encode()
    encoded = "&".join(f"{name}=" + "".join(f"%{ord(c):02x}" for c in value) for name, value in params.items())
    assert parse(plain) == parse(encoded.encode()) == params


@given(st.one_of(st.binary(max_size=200), st.text("a=&%+2 ;\t", max_size=300).map(str.encode)))
def test_any_bytes_are_read_or_refused_in_our_words(query: bytes):
    try:
        read = parse(query)
    except BadAction:
        return
    assert len(read) <= MOST_PARAMETERS
    assert all(name == name.strip() and value == value.strip() for name, value in read.items())
