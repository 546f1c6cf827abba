"""getatext.com's stand-in: auctions."""

import pytest

from proxy.domain.money import parse_usd

GONE = 404, {"errors": "Auction not found or is no longer active"}


@pytest.fixture
def ask(ask_getatext):
    return ask_getatext


@pytest.fixture
def read(read_getatext):
    return read_getatext


async def test_auctions_are_listed_until_they_end(read, clock):
    status, body = await read("auctions")
    assert (status, body["status"]) == (200, "success")
    assert body["auctions"][0] == {
        "id": 1,
        "service_name": "Whatsapp",
        "current_bid": "0.30",
        "end_time": "2025-06-15 11:21:40",
        "amount": 100,
    }
    assert [auction["id"] for auction in body["auctions"]] == [1, 2, 3]
    await clock.advance(15 * 60)
    assert [auction["id"] for auction in (await read("auctions"))[1]["auctions"]] == [2, 3]


async def test_a_higher_bid_is_placed_and_costs_nothing_yet(ask, read, getatext):
    placed = {"status": "success", "message": "Bid placed successfully.", "new_current_bid": "0.60"}
    assert await ask("auctions/1/bid", bid_amount=0.60) == (200, placed)
    assert (await read("auctions"))[1]["auctions"][0]["current_bid"] == "0.60"
    assert getatext.account.balance == parse_usd("113.87")


@pytest.mark.parametrize(
    ("path", "fields", "status", "errors"),
    [
        ("auctions/1/bid", {"bid_amount": 0.30}, 400, "Your bid must be higher than the current bid"),
        ("auctions/1/bid", {"bid_amount": -1}, 400, "Your bid must be higher than the current bid"),
        ("auctions/1/bid", {"bid_amount": 1.14}, 400, "Insufficient funds for this bid"),
        ("auctions/1/bid", {"bid_amount": "0.60"}, 422, "bid_amount must be a number"),
        ("auctions/1/bid", {}, 400, "bid_amount is not presented on the request"),
        ("auctions/4/bid", {"bid_amount": 0.60}, 404, "Auction not found or is no longer active"),
    ],
)
async def test_what_is_no_good_bid_is_refused(ask, read, path, fields, status, errors):
    before = await read("auctions")
    assert await ask(path, **fields) == (status, {"errors": errors})
    assert await read("auctions") == before


async def test_a_bid_may_be_as_high_as_the_balance_and_not_after_the_end(ask, clock):
    assert (await ask("auctions/1/bid", bid_amount=1.13))[0] == 200
    await clock.advance(15 * 60)
    assert await ask("auctions/1/bid", bid_amount=1.135) == GONE


async def test_a_winning_bid_takes_the_money_at_its_end(ask, read, clock, getatext):
    await ask("auctions/1/bid", bid_amount=0.4)
    await ask("auctions/1/bid", bid_amount=0.605)
    await clock.advance(15 * 60)
    assert (await read("balance"))[1]["balance"] == "53.37"
    assert getatext.auctions.all[0].paid == parse_usd("60.50")


async def test_who_is_outbid_pays_nothing(ask, read, clock, getatext):
    await ask("auctions/1/bid", bid_amount=0.60)
    getatext.auctions.outbid(1, parse_usd("0.70"))
    assert (await ask("auctions/1/bid", bid_amount=0.65))[0] == 400
    await clock.advance(15 * 60)
    assert (await read("balance"))[1]["balance"] == "113.87"


async def test_a_lot_that_the_balance_no_longer_covers_is_lost(ask, read, clock, getatext):
    await ask("auctions/1/bid", bid_amount=1.00)
    getatext.set_balance(parse_usd("99.99"))
    await clock.advance(15 * 60)
    assert (await read("balance"))[1]["balance"] == "99.99"
    assert getatext.auctions.all[0].paid == 0
