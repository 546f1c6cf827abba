"""What goes over the wire: plain words, JSON, refusals with their reasons."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy import errors
from proxy.domain.money import parse_usd
from proxy.stub.replies import LONGEST_REASON, as_json, header_text, number, refuse, text


def test_plain_words_are_sent_as_they_are():
    reply = text("STATUS_OK:код")
    assert reply.encode() == (
        [(b"content-type", b"text/plain; charset=UTF-8"), (b"content-length", b"16")],
        "STATUS_OK:код".encode(),
    )


def test_json_is_short_and_in_utf_8():
    reply = as_json({"name": "Одноклассники", "empty": {}, "cost": number(parse_usd("0.55"))})
    headers, body = reply.encode()
    assert body.decode() == '{"name":"Одноклассники","empty":{},"cost":0.55}'
    assert headers[0] == (b"content-type", b"application/json; charset=utf-8")


@pytest.mark.parametrize(("empty", "body"), [({}, b"{}"), ([], b"[]")])
def test_an_empty_list_is_json_too(empty: object, body: bytes):
    headers, sent = as_json(empty).encode()
    assert (headers[0], sent) == ((b"content-type", b"application/json; charset=utf-8"), body)


@given(st.integers(0, 10**12))
def test_a_price_in_json_is_exact(amount: int):
    assert parse_usd(json.loads(as_json([number(amount)]).encode()[1], parse_float=str)[0]) == amount


@pytest.mark.parametrize(
    ("error", "words", "extra"),
    [
        (errors.BadKey(), "BAD_KEY", {}),
        (errors.NoNumbers("getsms: out of stock"), "NO_NUMBERS", {b"x-reason": b"getsms: out of stock"}),
        (errors.NotSent("getsms", "no route"), "NO_NUMBERS", {b"x-reason": b"getsms: no route"}),
        (errors.OutcomeUnknown("getsms", "cut"), "NO_NUMBERS", {b"x-reason": b"getsms: cut"}),
        (errors.StoreClosed("database is locked"), "ERROR_SQL", {b"x-reason": b"database is locked"}),
        (errors.BadStatus("it is finished"), "BAD_STATUS", {b"x-reason": b"it is finished"}),
        (RuntimeError("secret"), "ERROR_SQL", {}),
    ],
)
def test_an_error_becomes_its_word_and_its_reason(error: Exception, words: str, extra: dict[bytes, bytes]):
    reply = refuse(error)
    assert (reply.status, reply.words, dict(reply.extra)) == (200, words, extra)


@pytest.mark.parametrize(("least", "shown"), [("0.55", "0.55"), ("1", "1.00"), ("0.1234", "0.1234")])
def test_the_least_price_stands_behind_the_colon(least: str, shown: str):
    assert refuse(errors.WrongMaxPrice(parse_usd(least))).words == f"WRONG_MAX_PRICE:{shown}"


def test_who_is_too_fast_is_told_in_http_too():
    reply = refuse(errors.TooManyRequests(3))
    assert (reply.status, reply.words, dict(reply.extra)[b"retry-after"]) == (429, "TOO_MANY_REQUESTS", b"3")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("plain", b"plain"),
        ("two\r\nSet-Cookie: lines", b"two Set-Cookie: lines"),
        ("tab\tand\0null", b"tab andnull"),
        ("нет", b"???"),
    ],
)
def test_a_reason_is_one_line_of_ascii_whoever_wrote_it(words: str, line: bytes):
    assert header_text(words) == line


@given(st.text(max_size=2000))
def test_no_reason_breaks_a_header(words: str):
    line = header_text(words)
    assert len(line) <= LONGEST_REASON
    assert all(32 <= byte < 127 for byte in line)


def test_a_refusal_keeps_nothing_alive_but_itself():
    """Its traceback would hold the reply that holds it, a circle for every refused request."""
    with pytest.raises(errors.BadKey) as caught:
        raise errors.BadKey
    assert refuse(caught.value).refused.__traceback__ is None
