"""getsms.online's priority requests: what is sent for a bid, and what is made of every answer."""

import httpx
import pytest

from proxy.errors import NotSent, OutcomeUnknown
from proxy.providers.base import Bought, Order, Reason, Refused
from proxy.providers.bidding import Bidder, BidLook, BidState, Standing

from .helpers import answering, every_cut, getatext, getsms, in_turn, recorder, replay, reply_bytes

DOCS = "getsms/documented"
ORDER = Order("Amazon", 187, 750_000)
ROW = {"id": "7", "mdn": "", "service": "Amazon", "status": "Awaiting MDN", "markup": 25, "price": 0.6}


def ok(**fields):
    return {"status": "ok", "message": [ROW | fields]}


def error(words):
    return {"status": "error", "message": words}


def test_only_getsms_takes_bids():
    assert isinstance(getsms(in_turn()), Bidder)
    assert not isinstance(getatext(in_turn()), Bidder)


@pytest.mark.parametrize(
    ("order", "sent"),
    [
        (ORDER, {}),
        (Order("Amazon", 187, 1, area_codes=("212", "646"), lock_area_codes=True), {"areacode": "212"}),
        (Order("Amazon", 187, 1, area_codes=("212", "646")), {}),
        (Order("Amazon", 187, 1, carrier="tmobile"), {}),
    ],
)
async def test_a_bid_is_a_request_with_a_markup(order, sent):
    asked, transport = recorder(lambda: httpx.Response(200, json=error("No")))
    await getsms(transport).place_bid(order, 25, 5)
    form = dict(httpx.QueryParams(asked[0].content.decode()))
    del form["user"], form["api_key"]
    assert form == {"cmd": "request", "service": "Amazon", "markup": "25", **sent}


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({}, Standing("7", 600_000)),
        ({"id": 7, "price": "0.60"}, Standing("7", 600_000)),
        ({"status": "AWAITING MDN"}, Standing("7", 600_000)),
        ({"status": None, "mdn": None}, Standing("7", 600_000)),
        ({"price": None}, Standing("7", None)),
        ({"price": "9.99"}, Standing("7", 9_990_000)),
        (
            {"mdn": "15302286946", "status": "Reserved", "markup": 0, "price": 0.5, "till_expiration": 900},
            Bought("7", "15302286946", 500_000, 900),
        ),
    ],
)
async def test_the_answer_to_a_bid_is_understood(fields, answer):
    assert await getsms(answering(200, ok(**fields))).place_bid(ORDER, 25, 5) == answer


async def test_the_documents_own_example_is_understood():
    order = Order("Amazon", 187, 750_000, state="CA")
    assert await getsms(replay(f"{DOCS}/bid")).place_bid(order, 25, 5) == Standing("10000001", 600_000)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("Invalid service name Amazon", Reason.NO_SUCH_SERVICE),
        ("No numbers available, retry later", Reason.OUT_OF_STOCK),
        ("Insufficient funds", Reason.NO_MONEY),
        ("Invalid markup", Reason.OTHER),
    ],
)
async def test_a_bid_is_refused_with_the_providers_words(words, reason):
    assert await getsms(answering(200, error(words))).place_bid(ORDER, 25, 5) == Refused(reason, words)


@pytest.mark.parametrize(
    "order",
    [
        Order("Amazon", 187, 1, number="15302286946"),
        Order("Amazon,Google", 187, 1),
        Order("Amazon", 187, 1, carrier="att", keep_carrier=True),
    ],
)
async def test_what_cannot_be_bid_for_is_refused_without_asking(order):
    assert isinstance(await getsms(in_turn()).place_bid(order, 25, 5), Refused)


@pytest.mark.parametrize(
    ("status", "body", "upstream_id"),
    [
        (500, ok(), ""),
        (200, b"<html>busy</html>", ""),
        (200, {"status": "ok", "message": []}, ""),
        (200, {"status": "ok", "message": [ROW, ROW | {"id": "8"}]}, "7"),
        (200, ok(id=""), ""),
        (200, ok(status="Rejected"), "7"),
        (200, ok(status="Reserved", mdn="abc"), "7"),
    ],
)
async def test_an_unclear_answer_to_a_bid_is_unknown(status, body, upstream_id):
    with pytest.raises(OutcomeUnknown) as caught:
        await getsms(answering(status, body)).place_bid(ORDER, 25, 5)
    assert caught.value.upstream_id == upstream_id


async def test_an_answer_cut_after_any_byte_is_unknown():
    for body in every_cut(reply_bytes(f"{DOCS}/bid")):
        with pytest.raises(OutcomeUnknown):
            await getsms(answering(200, body)).place_bid(ORDER, 25, 5)


async def test_a_bid_that_was_never_sent_is_known_as_such():
    with pytest.raises(NotSent):
        await getsms(in_turn(httpx.ConnectError("down"))).place_bid(ORDER, 25, 5)


@pytest.mark.parametrize(
    ("exchange", "state", "number"),
    [
        ("status_awaiting", BidState.WAITING, ""),
        ("status_reserved", BidState.WON, "12345678901"),
        ("status_completed", BidState.WON, "12345678901"),
        ("status_rejected", BidState.GONE, ""),
        ("status_timed_out", BidState.GONE, ""),
        ("status_bad_id", BidState.GONE, ""),
    ],
)
async def test_a_look_at_a_bid_costs_one_call(exchange, state, number):
    look = await getsms(replay(f"{DOCS}/{exchange}")).look_at_bid("10000001", 5)
    assert (look.state, look.number) == (state, number)


async def test_a_number_that_was_won_comes_with_its_time_and_carrier():
    won = ok(mdn="5302286946", status="Reserved", till_expiration=890, carrier="ATT")
    assert await getsms(answering(200, won)).look_at_bid("7", 5) == BidLook(BidState.WON, "15302286946", 890, "att")


@pytest.mark.parametrize("fields", [{"status": "Hoping"}, {"status": "Reserved"}, {"status": "Reserved", "mdn": "abc"}])
async def test_what_is_neither_won_nor_over_waits(fields):
    assert await getsms(answering(200, ok(**fields))).look_at_bid("7", 5) == BidLook(BidState.WAITING)


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (503, b"", OutcomeUnknown),
        (200, b"<html>", OutcomeUnknown),
        (200, ok(id="8"), OutcomeUnknown),
        (200, error("Invalid API key"), NotSent),
    ],
)
async def test_a_look_that_tells_nothing_fails(status, body, fault):
    with pytest.raises(fault):
        await getsms(answering(status, body)).look_at_bid("7", 5)
