"""getatext.com's auctions: what can be bid on, and what a bid came to."""

import httpx
import pytest

from proxy.errors import NotSent, OutcomeUnknown
from proxy.providers.base import Auction, Auctioneer, Reason, Refused

from .helpers import answering, every_cut, getatext, getsms, in_turn, recorder, reply_bytes, sms_activate
from .rents import AWAY, DOCS, documented

BID = 600_000


def test_a_provider_with_auctions_can_be_told_from_one_without():
    sellers = (getatext(in_turn()), getsms(in_turn()), sms_activate(in_turn()))
    assert [isinstance(seller, Auctioneer) for seller in sellers] == [True, False, False]


async def test_the_auctions_are_listed():
    auction = Auction("1", "Whatsapp", 550_000, "2026-02-02 18:30:00", 100)
    assert await getatext(documented("auctions")).auctions(5) == [auction]


@pytest.mark.parametrize(
    ("body", "auctions"),
    [
        ({"status": "success", "auctions": []}, []),
        ([{"id": "a-1", "current_bid": 0.5, "amount": "10"}], [Auction("a-1", "", 500_000, "", 10)]),
        ({"data": [{"id": 2, "current_bid": None, "amount": None}]}, [Auction("2", "", None, "", 0)]),
    ],
)
async def test_a_list_of_auctions_is_read_in_every_form(body, auctions):
    assert await getatext(answering(200, body)).auctions(5) == auctions


@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        *AWAY,
        (httpx.Response(200, json={}), OutcomeUnknown),
        (httpx.Response(200, json={"auctions": [{"current_bid": 1}]}), OutcomeUnknown),
        (httpx.Response(200, json={"errors": "?", "auctions": []}), OutcomeUnknown),
    ],
)
async def test_auctions_without_a_right_answer_fail(reply, fault):
    with pytest.raises(fault):
        await getatext(in_turn(reply)).auctions(5)


@pytest.mark.parametrize(
    ("exchange", "came_to"),
    [("bid", BID), ("bid_too_low", Refused(Reason.TOO_DEAR, "Your bid must be higher than the current bid"))],
)
async def test_a_bid_is_understood(exchange, came_to):
    assert await getatext(documented(exchange)).bid("1", BID, 5) == came_to


async def test_a_bid_is_sent_with_its_exact_amount():
    asked, transport = recorder(lambda: httpx.Response(400, json={"errors": "No"}))
    await getatext(transport).bid("1", 600_001, 5)
    assert asked[0].content == b'{"bid_amount": 0.600001}'


@pytest.mark.parametrize(
    ("status", "text", "reason"),
    [
        (400, "Your bid must be higher than the current bid", Reason.TOO_DEAR),
        (400, "Insufficient funds for this bid", Reason.NO_MONEY),
        (404, "Auction not found or is no longer active", Reason.OUT_OF_STOCK),
        (403, "Wrong Api Key or User is restricted", Reason.BAD_KEY),
        (503, "Service is under maintenance", Reason.MAINTENANCE),
        (422, "A text that nobody knows", Reason.OTHER),
    ],
)
async def test_an_error_with_its_text_is_a_sure_no(status, text, reason):
    assert await getatext(answering(status, {"errors": text})).bid("1", BID, 5) == Refused(reason, text)


@pytest.mark.parametrize("id", ["", "0", "1/bid", "../balance", "1?x=1"])
async def test_what_is_no_id_is_not_asked_for(id):
    refused = await getatext(in_turn()).bid(id, BID, 5)
    assert isinstance(refused, Refused)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, {"errors": "Insufficient funds for this bid"}),
        (502, b"<html>"),
        (404, b"<html>"),
        (200, b""),
        (200, {"status": "success"}),
        (200, {"status": "error", "new_current_bid": "0.60"}),
        (200, {"errors": "Insufficient funds for this bid", "new_current_bid": "0.60"}),
        (200, {"new_current_bid": "much"}),
    ],
)
async def test_an_unclear_answer_to_a_bid_is_unknown(status, body):
    with pytest.raises(OutcomeUnknown):
        await getatext(answering(status, body)).bid("1", BID, 5)


async def test_a_bid_cut_after_any_byte_is_unknown():
    for cut in every_cut(reply_bytes(f"{DOCS}/bid")):
        with pytest.raises(OutcomeUnknown):
            await getatext(answering(200, cut)).bid("1", BID, 5)


@pytest.mark.parametrize(
    ("fault", "outcome"), [(httpx.ConnectError("refused"), NotSent), (httpx.ReadTimeout("hung"), OutcomeUnknown)]
)
async def test_a_fault_says_whether_the_bid_was_sent_and_it_is_sent_once(fault, outcome):
    with pytest.raises(outcome):
        await getatext(in_turn(fault)).bid("1", BID, 5)
