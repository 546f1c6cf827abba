"""Auctions: listed and bid on by the operator, by command and by JSON, within a limit and never twice."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.process import finished
from tests.stage import ADMIN, Stage, stage


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path, timeout=0.5, getatext_extra='max_price: "5.00"') as it:
        (tmp_path / "routing.yaml").write_text(it.file)
        yield it


async def post(it: Stage, id: str, body: Any, token: str = ADMIN, **query: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return await it.web.post(f"{it.root}/admin/api/auctions/{id}/bid", json=body, headers=headers, params=query)


def bids(it: Stage) -> int:
    return len(it.seen(it.getatext, "auctions/bid"))


async def test_an_auction_is_listed_with_who_holds_it(it: Stage):
    first = it.getatext.auctions.all[0]
    rows = await it.admin("auctions")
    assert len(rows) == len(it.getatext.auctions.active)
    assert rows[0].keys() == {"id", "provider", "service", "current_bid", "amount", "end_time"}
    assert rows[0]["id"] == str(first.id)
    assert (rows[0]["provider"], rows[0]["service"]) == ("getatext", first.service_name)


async def test_a_bid_is_placed_for_each_number_of_the_lot(it: Stage):
    before = (await it.admin("auctions"))[0]
    amount = f"{float(before['current_bid']) + 0.1:.4f}"
    reply = await post(it, before["id"], {"bid_amount": amount})
    assert (reply.status_code, reply.json()) == (200, {"status": "success", "new_current_bid": amount})
    assert (await it.admin("auctions"))[0]["current_bid"] == amount
    assert it.getatext.auctions.all[0].ours


async def test_a_refused_bid_is_told_in_the_providers_words(it: Stage):
    reply = await post(it, "1", {"bid_amount": "0.0001"})
    assert (reply.status_code, reply.json()) == (400, {"error": "Your bid must be higher than the current bid"})


@pytest.mark.parametrize(
    ("id", "body", "status", "words"),
    [
        ("999", {"bid_amount": "1.00"}, 404, "no auction 999 can be bid on now"),
        ("1", {"bid_amount": "5.01"}, 400, "5.01 is over the max_price of getatext, 5.00"),
        ("1", {"bid_amount": "0"}, 400, "a bid is more than nothing"),
        ("1", {"bid_amount": "-1"}, 400, "a bid is more than nothing"),
        ("1", {"bid_amount": "much"}, 400, "bid_amount is no amount of money"),
        ("1", {}, 400, "bid_amount is no amount of money"),
        ("1", ["0.60"], 400, "bid_amount is no amount of money"),
        ("1", {"bid_amount": "0" * 5000}, 413, "a bid is smaller than this"),
    ],
)
async def test_what_is_no_bid_never_reaches_the_provider(it: Stage, id: str, body: Any, status: int, words: str):
    reply = await post(it, id, body)
    assert reply.status_code == status
    assert words in reply.json()["error"]
    assert bids(it) == 0


@pytest.mark.parametrize("fault", ["cut", "hang", "status"])
async def test_a_bid_of_which_nobody_knows_whether_it_was_taken_is_not_repeated(it: Stage, fault: str):
    it.getatext.fault(fault, "auctions/bid")
    reply = await post(it, "1", {"bid_amount": "4.00"})
    assert reply.status_code == 502
    assert "not known" in reply.json()["error"]
    assert bids(it) == 1


async def test_only_the_operator_may_look_and_bid(it: Stage):
    assert (await it.web.get(f"{it.root}/admin/api/auctions")).status_code == 401
    assert (await post(it, "1", {"bid_amount": "4.00"}, token="wrong")).status_code == 401
    assert bids(it) == 0


async def test_the_commands_do_the_same(it: Stage):
    status, out, err = await finished(it.folder, "auctions")
    assert (status, err) == (0, "")
    assert len(out.splitlines()) == len(it.getatext.auctions.active)
    assert await finished(it.folder, "bid", "1", "4.00") == (0, "the bid that stands is 4.00\n", "")
    assert it.getatext.auctions.all[0].ours


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("1", "0.0001"), 1, "Your bid must be higher than the current bid"),
        (("1", "9"), 1, "9.00 is over the max_price of getatext, 5.00"),
        (("1", "4", "--provider", "getsms"), 1, "no auction 1 can be bid on now"),
        (("1", "x"), 2, "'x' is no amount of money"),
    ],
)
async def test_a_bid_that_cannot_be_is_one_clear_line(it: Stage, arguments: tuple[str, ...], status: int, words: str):
    left, out, err = await finished(it.folder, "bid", *arguments)
    assert (left, out, err.count("\n")) == (status, "", 1)
    assert words in err


async def test_a_provider_that_cannot_be_asked_is_named(it: Stage):
    async with it.stopped("getatext"):
        status, out, err = await finished(it.folder, "auctions")
    assert (status, out) == (1, "")
    assert err.startswith("getatext: ")
