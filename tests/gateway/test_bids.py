"""Standing bids: placed when nobody has a number, won for the next equal request, withdrawn when nobody needs them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy import config
from proxy.domain.money import parse_usd
from tests.fakes import FakeClock
from tests.gateway.bidding import RULES, STANDS, asked_of, becomes, kinds, newest, number_elsewhere, refused, sold_out
from tests.gateway.conftest import locked, pass_until, row_of
from tests.stage import OTHER_KEY, Stage, eventually, stage


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Stage]:
    async with sold_out(tmp_path) as it:
        yield it


# The two stories


async def test_a_bid_wins_for_the_tool_that_comes_back(it: Stage):
    assert (await refused(it)).startswith(STANDS)
    assert await it.ask("getBalance") == "ACCESS_BALANCE:1.25"
    assert (await refused(it)).startswith(STANDS)
    it.getsms.set_service("WhatsApp", stock=1)
    await becomes(it, "won")
    reply = await it.reply("getNumber", service="wa")
    assert (reply.headers["X-Price"], reply.headers["X-Provider"]) == ("0.75", "getsms")
    _, id, phone = reply.text.split(":")
    it.getsms.deliver(it.rental(it.getsms, phone).id, code="012345")

    async def has_code() -> bool:
        return (await it.ask("getStatus", id=id)) == "STATUS_OK:012345"

    await pass_until(it, has_code, seconds=5)
    assert await kinds(it) == ["hold", "release", "charge"]
    assert await it.ask("getBalance") == "ACCESS_BALANCE:1.25"
    assert await it.outcomes() == [("getsms", "recovered")]
    assert [request.fields.get("markup") for request in it.seen(it.getsms, "request")] == ["25"]


async def test_nobody_comes_back(it: Stage):
    await refused(it)
    await it.clock.advance(110)
    assert (await newest(it))["state"] == "standing"
    bid = await becomes(it, "over", within=30)
    assert bid["reason"] == "withdrawn: nobody asked for it again"
    assert await kinds(it) == ["hold", "release"]
    assert await it.ask("getBalance") == "ACCESS_BALANCE:2.00"
    assert asked_of(it) == ["request", "reject"]
    it.getsms.set_service("WhatsApp", stock=1)
    assert not it.getsms.rentals


async def test_a_bid_stands_as_long_as_somebody_asks(it: Stage):
    for _ in range(5):
        assert (await refused(it)).startswith(STANDS)
        await it.clock.advance(100)
    assert len(it.seen(it.getsms, "request")) == 1
    assert await kinds(it) == ["hold"]


async def test_who_has_run_out_without_saying_so_is_asked_before_anybody_bids(tmp_path: Path):
    async with stage(tmp_path, rules=RULES, clock=FakeClock()) as it:
        it.getsms.set_service("WhatsApp", stock=0)
        it.getatext.set_service("whatsapp", stock=0)
        assert (await refused(it)).startswith(STANDS)
        assert [seen.fields.get("markup") for seen in it.seen(it.getsms, "request")] == [None, "25"]
        assert [outcome for _, outcome in await it.outcomes()] == ["refused", "refused", "unknown"]


async def test_the_operator_sees_bids(it: Stage):
    await refused(it)
    placed = await newest(it)
    (attempt,) = await it.admin("attempts")
    (bid,) = it.getsms.bids.waiting
    assert placed == {
        "id": attempt["id"],
        "client": "tester",
        "service": "wa",
        "provider": "getsms",
        "upstream_id": str(bid.id),
        "price": "0.7500",
        "markup": 25,
        "state": "standing",
        "reason": "a bid of 0.75 waits for a number",
        "activation_id": None,
        "placed_at": attempt["started_at"],
        "asked_at": attempt["started_at"],
    }
    await it.clock.advance(60)
    await refused(it)
    asked = await newest(it)
    assert asked["placed_at"] == placed["placed_at"] < asked["asked_at"]
    assert await it.admin("bids", state="over") == []
    assert await it.admin("bids", before=placed["id"]) == []


async def test_explain_tells_of_the_bid_that_would_be_placed(it: Stage):
    route = await it.route("wa")
    assert ("getsms", False, "out of stock, 0.75 is bid for the next number") in route
    assert ("getatext", False, "out of stock") in route
    assert await it.admin("bids") == []


# What a bid may cost


@pytest.mark.parametrize(
    ("client", "rules", "params"),
    [
        ({}, '- {name: everything, bid: {markup: 25, max_price: "0.74"}}', {}),
        ({}, '- {name: everything, max_price: "0.74", bid: {markup: 25, max_price: "1.50"}}', {}),
        ({"max_price": '"0.74"'}, RULES, {}),
        ({}, RULES, {"maxPrice": "0.74"}),
    ],
)
async def test_no_bid_is_over_a_cap(tmp_path: Path, client: dict[str, str], rules: str, params: dict[str, str]):
    async with sold_out(tmp_path, client=client, rules=rules) as it:
        assert "a bid of 0.75 is over the cap of 0.74" in await refused(it, **params)
        assert not it.seen(it.getsms, "request")
        assert await it.admin("bids") == []


async def test_a_bid_that_came_to_more_than_was_held_is_withdrawn_at_once(it: Stage):
    it.getsms.set_service("WhatsApp", price=parse_usd("0.61"))
    assert "it came to 0.7625, more than the 0.75 allowed" in await refused(it)
    assert asked_of(it) == ["request", "reject"]
    assert await kinds(it) == ["hold", "release"]
    assert (await newest(it))["state"] == "over"


async def test_a_dear_bid_that_cannot_be_withdrawn_keeps_its_hold_until_it_is(it: Stage):
    it.getsms.set_service("WhatsApp", price=parse_usd("0.61"))
    it.getsms.fault("status", "reject", status=502, handled=False)
    await refused(it)
    assert await kinds(it) == ["hold"]
    await becomes(it, "over")
    assert await kinds(it) == ["hold", "release"]


async def test_a_cheaper_bid_keeps_its_hold_and_costs_what_it_costs(it: Stage):
    it.getsms.set_service("WhatsApp", price=parse_usd("0.40"))
    assert (await refused(it)).startswith("a bid of 0.50 at getsms stands")
    assert await it.ask("getBalance") == "ACCESS_BALANCE:1.25"
    it.getsms.set_service("WhatsApp", stock=1)
    await becomes(it, "won")
    assert (await it.reply("getNumber", service="wa")).headers["X-Price"] == "0.50"
    assert await it.ask("getBalance") == "ACCESS_BALANCE:1.50"


async def test_where_there_was_a_number_after_all_nobody_waits(it: Stage):
    it.getsms.set_service("WhatsApp", stock=1)
    reply = await it.reply("getNumber", service="wa")
    assert reply.text.startswith("ACCESS_NUMBER:")
    assert reply.headers["X-Price"] == "0.60"
    assert await it.outcomes() == [("getsms", "bought")]
    assert (await newest(it))["state"] == "over"
    await it.clock.advance(180)
    assert await it.ask("getStatus", id=reply.text.split(":")[1]) == "STATUS_WAIT_CODE"


async def test_bids_count_in_the_budget_to_the_cent(it: Stage):
    """Money for two; five different requests at once."""
    await asyncio.gather(*(refused(it, ref=number) for number in range(5)))
    assert await it.ask("getBalance") == "ACCESS_BALANCE:0.50"
    assert len(it.getsms.bids.waiting) == len(await it.admin("bids")) == 2
    assert "the budget does not cover a bid of 0.75" in await refused(it, ref=9)
    assert await it.ask("getNumber", service="tg") == "NO_BALANCE"
    await it.number("ds")


async def test_a_client_has_ten_bids_and_another_client_its_own(tmp_path: Path):
    async with sold_out(tmp_path, client={}) as it:
        reasons = [await refused(it, ref=number) for number in range(12)]
        assert [reason.startswith(STANDS) for reason in reasons] == [True] * 10 + [False] * 2
        assert "10 bids are open" in reasons[-1]
        assert (await refused(it, api_key=OTHER_KEY)).startswith(STANDS)
        assert len(it.getsms.bids.waiting) == 11


async def test_equal_requests_at_once_place_one_bid(it: Stage):
    await asyncio.gather(*(refused(it) for _ in range(6)))
    assert len(it.seen(it.getsms, "request")) == 1
    assert await kinds(it) == ["hold"]


# What no bid is for


@pytest.mark.parametrize(
    "params",
    [
        {"number": "12125550123", "providerIds": "getsms"},
        {"operator": "tmobile"},
        {"phoneException": "1212"},
        {"providerIds": "getatext"},
        {"country": "0"},
    ],
)
async def test_what_is_not_only_out_of_stock_is_not_bid_for(it: Stage, params: dict[str, str]):
    await refused(it, **params)
    assert await it.admin("bids") == []
    assert not [seen for seen in it.seen(it.getsms, "request") if "markup" in seen.fields]


async def test_without_a_bid_in_the_rule_nobody_bids(tmp_path: Path):
    async with sold_out(tmp_path, rules="- {name: everything}") as it:
        await refused(it)
        assert asked_of(it) == []


async def test_who_can_mend_it_with_a_higher_price_is_told_so(it: Stage):
    await number_elsewhere(it, "1.80")
    assert await it.ask("getNumber", service="wa", maxPrice="1.00") == "WRONG_MAX_PRICE:1.80"
    assert await it.admin("bids") == []


async def test_nobody_bids_while_another_outcome_is_unknown(tmp_path: Path):
    rules = '- {name: everything, on_unknown: next, bid: {markup: 25, max_price: "1.50"}}'
    async with sold_out(tmp_path, rules=rules) as it:
        await number_elsewhere(it)
        it.getatext.fault("cut", "rent-a-number")
        await refused(it)
        assert await it.outcomes() == [("getatext", "unknown")]


# A number elsewhere


async def test_a_bid_is_withdrawn_before_the_number_elsewhere_is_bought(it: Stage):
    await refused(it)
    await number_elsewhere(it, "1.00")
    await it.clock.advance(0.1)
    reply = await it.reply("getNumber", service="wa")
    assert reply.headers["X-Provider"] == "getatext"
    assert asked_of(it) == ["request", "reject", "rent-a-number"]
    assert await kinds(it) == ["hold", "release", "hold", "release", "charge"]


@pytest.mark.parametrize("fault", ["cut", "status", "html", "empty", "hang"])
@pytest.mark.parametrize("handled", [True, False])
async def test_nothing_is_bought_elsewhere_until_the_withdrawal_is_confirmed(it: Stage, fault: str, handled: bool):
    await refused(it)
    await number_elsewhere(it)
    it.getsms.fault(fault, "reject", handled=handled)
    assert "cannot be withdrawn" in await refused(it)
    assert await kinds(it) == ["hold"]
    assert asked_of(it) == ["request", "reject"]
    await becomes(it, "over")
    assert await kinds(it) == ["hold", "release"]
    assert (await it.reply("getNumber", service="wa")).headers["X-Provider"] == "getatext"
    assert len(it.getatext.rentals) == 1
    assert not it.getsms.rentals


async def test_a_bid_that_has_won_meanwhile_is_given_instead_of_the_number_elsewhere(it: Stage):
    await refused(it)
    it.getsms.set_service("WhatsApp", stock=1)
    await number_elsewhere(it)
    reply = await it.reply("getNumber", service="wa")
    assert (reply.headers["X-Provider"], reply.headers["X-Price"]) == ("getsms", "0.75")
    assert not it.getatext.rentals


async def test_a_number_that_is_won_while_the_bid_is_withdrawn_goes_back_and_costs_nothing(tmp_path: Path):
    async with sold_out(tmp_path, timeout=5) as it:
        await refused(it)
        await number_elsewhere(it)
        it.getsms.fault("slow", "reject", amount=0.5, handled=False)
        buying = asyncio.create_task(it.reply("getNumber", service="wa"))
        await eventually(lambda: it.seen(it.getsms, "reject"))
        it.getsms.set_service("WhatsApp", stock=1)
        await it.clock.advance(0.6)
        assert (await buying).headers["X-Provider"] == "getatext"
        assert [rental.phase for rental in it.getsms.rentals] == ["cancelled"]
        assert sorted(await kinds(it)) == ["charge", "hold", "hold", "release", "release"]


async def test_a_bid_goes_by_itself_when_somebody_sells_for_no_more(it: Stage):
    await refused(it)
    await number_elsewhere(it, "0.76")
    await it.clock.advance(5)
    assert (await newest(it))["state"] == "standing"
    await number_elsewhere(it, "0.75")
    bid = await becomes(it, "over")
    assert bid["reason"] == "withdrawn: getatext has a number for 0.75"


# The number that was won


@pytest.fixture
async def won(it: Stage) -> Stage:
    """A bid has won, and its client does not know yet."""
    await refused(it)
    it.getsms.set_service("WhatsApp", stock=1)
    await becomes(it, "won")
    return it


async def test_a_number_is_given_once(won: Stage):
    answers = await asyncio.gather(*(won.ask("getNumber", service="wa") for _ in range(4)))
    assert sum(answer.startswith("ACCESS_NUMBER:") for answer in answers) == 1
    assert len(won.getsms.rentals) == 1


async def test_only_an_equal_request_of_the_same_client_gets_it(won: Stage):
    await refused(won, api_key=OTHER_KEY)
    await refused(won, ref=1)
    assert (await won.ask("getNumber", service="wa")).startswith("ACCESS_NUMBER:")


async def test_a_number_that_nobody_fetches_goes_back(won: Stage):
    (row,) = await won.admin("activations")
    await won.clock.advance(115)
    assert (await row_of(won, row["id"]))["status"] == "waiting"

    async def is_refunded() -> bool:
        return bool((await row_of(won, row["id"]))["refunded"] == "0.7500")

    await pass_until(won, is_refunded, seconds=30)
    assert (await row_of(won, row["id"]))["status"] == "cancelled"
    assert (await newest(won))["state"] == "returned"
    assert [rental.phase for rental in won.getsms.rentals] == ["cancelled"]
    assert await won.ask("getBalance") == "ACCESS_BALANCE:2.00"


async def test_a_number_that_was_fetched_is_its_clients(won: Stage):
    id, _ = await won.number("wa")
    await won.clock.advance(200)
    assert await won.ask("getStatus", id=id) == "STATUS_WAIT_CODE"
    assert (await newest(won))["state"] == "over"


async def test_a_number_with_a_code_is_kept(won: Stage):
    (row,) = await won.admin("activations")
    won.getsms.deliver(won.getsms.rentals[0].id, code="012345")
    await won.clock.advance(200)
    await becomes(won, "over")
    assert await won.ask("getStatus", id=row["id"]) == "STATUS_OK:012345"


async def test_nobody_is_given_a_number_while_that_cannot_be_written_down(won: Stage):
    with locked(won):
        assert await won.ask("getNumber", service="wa") == "NO_NUMBERS"
    assert (await won.ask("getNumber", service="wa")).startswith("ACCESS_NUMBER:")


# Idempotency keys


async def test_an_orders_answer_is_what_its_bid_has_won(it: Stage):
    assert (await refused(it, orderId="key")).startswith(STANDS)
    assert await it.ask("getNumber", service="wa", orderId="key", ref=1) == "ORDER_ALREADY_EXISTS"
    assert (await refused(it, orderId="key")).startswith(STANDS)
    it.getsms.set_service("WhatsApp", stock=1)
    await becomes(it, "won")
    answers = {await it.ask("getNumber", service="wa", orderId="key") for _ in range(3)}
    assert len(answers) == 1
    assert answers.pop().startswith("ACCESS_NUMBER:")
    await it.clock.advance(200)
    assert len(it.getsms.rentals) == 1
    assert await kinds(it) == ["hold", "release", "charge"]


async def test_an_order_is_bought_elsewhere_once_its_bid_is_withdrawn(it: Stage):
    await refused(it, orderId="key")
    await number_elsewhere(it)
    first = await it.ask("getNumber", service="wa", orderId="key")
    assert first.startswith("ACCESS_NUMBER:")
    assert await it.ask("getNumber", service="wa", orderId="key") == first
    assert (len(it.getatext.rentals), len(it.getsms.rentals)) == (1, 0)


async def test_an_order_whose_number_went_back_may_be_placed_again(it: Stage):
    await refused(it, orderId="key")
    it.getsms.set_service("WhatsApp", stock=1)
    await becomes(it, "returned", within=150)

    async def is_cancelled() -> bool:
        return bool((await it.admin("activations"))[0]["refunded"] != "0.0000")

    await pass_until(it, is_cancelled, seconds=20)
    assert (await it.ask("getNumber", service="wa", orderId="key")).startswith("ACCESS_NUMBER:")


# A new configuration


def reconfigure(it: Stage, **changes: str) -> None:
    it.routing |= changes
    it.house.apply(config.parse(it.file, {}))


async def test_a_bid_goes_with_its_rule(it: Stage):
    await refused(it)
    reconfigure(it, rules="  - {name: everything}")
    assert (await becomes(it, "over"))["reason"] == "withdrawn: no rule wants it any more"
    assert await kinds(it) == ["hold", "release"]


async def test_a_bid_goes_with_its_provider(it: Stage):
    await refused(it)
    text = it.file
    there, back = text.index("  - name: getsms"), text.index("  - name: getatext")
    text = text[:there] + text[back:].split("rules:")[0] + "rules:\n  - {name: everything}\n"
    it.house.apply(config.parse(text, {}))
    assert (await becomes(it, "over"))["reason"].endswith("its provider was taken out of routing.yaml")
    assert not it.getsms.bids.waiting
    assert await kinds(it) == ["hold", "release"]


async def test_a_bid_outlives_a_change_that_is_not_about_it(it: Stage):
    await refused(it)
    reconfigure(it, poll="2")
    await it.clock.advance(60)
    assert (await refused(it)).startswith(STANDS)
    it.getsms.set_service("WhatsApp", stock=1)
    await becomes(it, "won")
    assert len(it.seen(it.getsms, "request")) == 1
