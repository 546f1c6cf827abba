"""What becomes of bids by themselves: looks, webhooks, restarts, and providers that do not answer as they should."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from proxy.domain.money import parse_usd
from tests.gateway.bidding import STANDS, asked_of, becomes, kinds, newest, number_elsewhere, refused, sold_out
from tests.gateway.conftest import pass_until
from tests.stage import Stage, eventually

TOKEN = "secret-token"
FAULTS = ["cut", "status", "html", "half", "empty", "hang"]


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Stage]:
    async with sold_out(tmp_path) as it:
        yield it


@pytest.fixture
async def pushed(tmp_path: Path) -> AsyncIterator[Stage]:
    """With webhooks; a poll comes every ten minutes."""
    async with sold_out(tmp_path, poll=600, getsms_extra=f"webhook_token: {TOKEN}") as it:
        yield it


def looks(it: Stage) -> int:
    return len(it.seen(it.getsms, "request_status"))


async def push(it: Stage, **fields: str) -> None:
    reply = await it.web.post(f"{it.root}/webhooks/getsms/{TOKEN}", data=fields)
    assert reply.status_code == 200


def winning(it: Stage) -> dict[str, str]:
    """The webhook that tells of the newest rental as the provider words it."""
    rental = it.getsms.rentals[-1]
    about = {"mdn": f"1{rental.number}", "service": "WhatsApp", "price": "0.75"}
    return {"event": "priority_request", "status": "ok", "id": str(rental.id), **about}


async def pass_asleep(it: Stage, seconds: float) -> None:
    """Time passes while the gateway is not running: that costs nothing."""
    await it.gateway.aclose()
    await it.clock.advance(seconds)
    await it.restart()


# Looks


async def test_each_bid_is_looked_at_once_in_a_poll(it: Stage):
    await refused(it)
    await refused(it, ref=1)
    await it.clock.advance(10)
    before = looks(it)
    await it.clock.advance(20)
    assert 2 * 15 <= looks(it) - before <= 2 * 21


async def test_without_a_bid_nobody_looks(it: Stage):
    await it.clock.advance(60)
    assert looks(it) == 0


async def test_a_bid_that_the_provider_has_deleted_is_over_and_another_may_be_placed(it: Stage):
    assert (await refused(it)).startswith(STANDS)
    await pass_asleep(it, 30 * 60)
    await becomes(it, "over")
    assert (await refused(it)).startswith(STANDS)
    assert [bid["state"] for bid in await it.admin("bids")] == ["standing", "over"]
    assert (await it.admin("bids"))[1]["reason"] == "the provider has ended the bid"
    assert await kinds(it) == ["hold", "release", "hold"]
    assert "reject" not in asked_of(it)


async def test_a_bid_that_the_provider_never_ends_is_withdrawn_in_the_end(it: Stage):
    await refused(it)
    it.getsms.account._coming.clear()  # the provider forgets to delete it
    await pass_asleep(it, 34 * 60)
    await refused(it)
    await it.clock.advance(50)
    assert (await newest(it))["state"] == "standing"
    assert (await becomes(it, "over"))["reason"] == "withdrawn: its time is over"
    assert not it.getsms.bids.waiting


# Webhooks


async def test_a_webhook_is_faster_than_the_next_look(pushed: Stage):
    it = pushed
    await refused(it)
    it.getsms.set_service("WhatsApp", stock=1)
    await push(it, **winning(it))

    async def has_won() -> bool:
        return (await newest(it))["state"] == "won"

    await eventually(has_won)
    await push(it, **winning(it))
    assert (await it.reply("getNumber", service="wa")).headers["X-Price"] == "0.75"
    assert len(await it.admin("activations")) == 1


async def test_a_webhook_alone_wins_nothing(pushed: Stage):
    """The provider is asked: anybody may have sent it."""
    it = pushed
    await refused(it)
    (bid,) = it.getsms.bids.waiting
    await push(it, event="priority_request", id=str(bid.id), mdn="12125550123", service="WhatsApp")
    await eventually(lambda: looks(it) == 1)
    assert (await refused(it)).startswith(STANDS)
    assert await it.admin("activations") == []


async def test_a_webhook_of_a_bid_that_is_over_settles_nothing_else(pushed: Stage):
    """Its retries come for an hour."""
    it = pushed
    await refused(it, ref=1)
    it.getsms.set_service("WhatsApp", stock=1)
    form = winning(it)
    await number_elsewhere(it)
    await push(it, **form)

    async def has_won() -> bool:
        return (await newest(it))["state"] == "won"

    await eventually(has_won)
    won, phone = await it.number("wa", ref=1)
    assert await it.ask("setStatus", id=won, status=8) == "ACCESS_CANCEL"
    it.getsms.fault("cut", "request", handled=False)
    it.getsms.set_service("WhatsApp", stock=1)
    await refused(it, providerIds="getsms")
    await push(it, **form)
    await it.house.gateway.errands.finish(10)
    assert (await it.admin("attempts"))[0]["outcome"] == "unknown"
    assert [row["phone"] for row in await it.admin("activations")] == [phone]


async def test_an_sms_that_comes_before_the_win_is_known_finds_its_number(pushed: Stage):
    it = pushed
    await refused(it)
    it.getsms.set_service("WhatsApp", stock=1)
    (rental,) = it.getsms.rentals
    message = it.getsms.deliver(rental.id, code="012345")
    await push(it, **{name: str(value) for name, value in it.getsms.webhook(rental, message)["data"].items()})

    async def is_given() -> str:
        answer = await it.ask("getNumber", service="wa")
        return answer if answer.startswith("ACCESS_NUMBER") else ""

    answer = await eventually(is_given)
    assert await it.ask("getStatus", id=answer.split(":")[1]) == "STATUS_OK:012345"


# Placing with an unknown outcome


@pytest.mark.parametrize("handled", [True, False])
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_bid_whose_answer_was_lost_is_not_placed_again(it: Stage, fault: str, handled: bool):
    it.getsms.fault(fault, "request", handled=handled)
    assert "whose outcome is unknown" in await refused(it)
    assert "whose outcome is unknown" in await refused(it)
    assert len(it.seen(it.getsms, "request")) == 1
    assert (await newest(it))["state"] == "unknown"
    assert await kinds(it) == ["hold"]


async def test_the_hold_of_a_lost_bid_stays_until_neither_it_nor_its_number_can_be_alive(it: Stage):
    it.getsms.fault("cut", "request")
    assert "whose outcome is unknown" in await refused(it)
    await pass_asleep(it, 50 * 60)
    await it.clock.advance(20)
    assert await kinds(it) == ["hold"]
    await pass_asleep(it, 6 * 60)
    await becomes(it, "over", within=30)
    assert (await it.admin("attempts"))[0]["outcome"] == "abandoned"
    assert await kinds(it) == ["hold", "release"]


async def test_a_number_elsewhere_is_bought_though_the_outcome_of_a_bid_is_unknown(it: Stage):
    it.getsms.fault("cut", "request", handled=False)
    await refused(it)
    await number_elsewhere(it)
    assert (await it.reply("getNumber", service="wa")).headers["X-Provider"] == "getatext"


async def test_an_order_whose_bid_is_unknown_buys_nothing_else(it: Stage):
    it.getsms.fault("cut", "request", handled=False)
    await refused(it, orderId="key")
    await number_elsewhere(it)
    assert await refused(it, orderId="key") == "the outcome of this order is not known yet"


async def test_a_webhook_names_the_bid_whose_answer_was_lost(pushed: Stage):
    it = pushed
    it.getsms.fault("cut", "request")
    await refused(it)
    it.getsms.set_service("WhatsApp", stock=1)
    await push(it, **winning(it))

    async def has_won() -> bool:
        return (await newest(it))["state"] == "won"

    await eventually(has_won)
    assert (await it.reply("getNumber", service="wa")).headers["X-Price"] == "0.75"
    assert await kinds(it) == ["hold", "release", "charge"]


async def test_a_webhook_that_names_a_dearer_price_has_the_bid_given_back(pushed: Stage):
    it = pushed
    it.getsms.fault("cut", "request")
    await refused(it)
    it.getsms.set_service("WhatsApp", stock=1)
    await push(it, **(winning(it) | {"price": "0.80"}))

    async def is_over() -> bool:
        return (await newest(it))["state"] == "over"

    await eventually(is_over)
    assert [rental.phase for rental in it.getsms.rentals] == ["cancelled"]
    assert await kinds(it) == ["hold", "release"]


async def test_a_bid_that_was_never_sent_costs_nothing(it: Stage):
    async with it.stopped("getsms"):
        assert "no bid at getsms" in await refused(it)
        assert await kinds(it) == ["hold", "release"]
    assert (await refused(it)).startswith(STANDS)


async def test_a_refused_bid_costs_nothing(it: Stage):
    it.getsms.set_balance(0)
    assert "no bid at getsms: Insufficient funds" in await refused(it)
    assert await kinds(it) == ["hold", "release"]


# Withdrawing, with obstacles


@pytest.mark.parametrize("handled", [True, False])
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_withdrawal_that_was_not_confirmed_is_repeated(it: Stage, fault: str, handled: bool):
    await refused(it)
    await number_elsewhere(it)
    it.getsms.fault(fault, "reject", handled=handled)
    await becomes(it, "over", within=90, pause=0.05)  # a hang takes two real seconds
    assert len(it.seen(it.getsms, "reject")) == 2
    assert await kinds(it) == ["hold", "release"]
    assert not it.getsms.bids.waiting


async def test_a_provider_that_is_away_is_told_when_it_is_back(it: Stage):
    await refused(it)
    async with it.stopped("getsms"):
        await pass_asleep(it, 10)
        for _ in range(13):
            await it.clock.advance(10)
        assert (await newest(it))["state"] == "standing"
        assert await kinds(it) == ["hold"]
    await becomes(it, "over", within=60)
    assert await kinds(it) == ["hold", "release"]


async def test_a_number_that_cannot_be_given_back_with_its_bid_is_kept_for_the_client(it: Stage):
    await refused(it)
    await number_elsewhere(it)
    it.getsms.fault("cut", "reject", handled=False)
    await refused(it)
    assert (await newest(it))["state"] == "withdrawing"
    it.getsms.set_service("WhatsApp", stock=1)
    it.getsms.deliver(it.getsms.rentals[0].id, code="012345")
    await becomes(it, "won")
    reply = await it.reply("getNumber", service="wa")
    assert reply.headers["X-Price"] == "0.75"

    async def has_code() -> bool:
        return await it.ask("getStatus", id=reply.text.split(":")[1]) == "STATUS_OK:012345"

    await pass_until(it, has_code, seconds=90)
    assert not it.getatext.rentals


# Restarts


async def test_a_bid_wins_after_a_restart(it: Stage):
    await refused(it)
    await it.restart()
    assert (await refused(it)).startswith(STANDS)
    await it.restart()
    it.getsms.set_service("WhatsApp", stock=1)
    await becomes(it, "won")
    await it.restart()
    assert (await it.ask("getNumber", service="wa")).startswith("ACCESS_NUMBER:")
    assert len(it.getsms.rentals) == 1


async def test_after_a_restart_a_client_has_two_minutes_again(it: Stage):
    await refused(it)
    await it.clock.advance(110)
    await it.restart()
    await it.clock.advance(100)
    assert (await newest(it))["state"] == "standing"
    await becomes(it, "over", within=40)


async def test_what_was_won_while_the_gateway_was_away_is_kept_for_its_client(it: Stage):
    await refused(it)
    await it.gateway.aclose()
    it.getsms.set_service("WhatsApp", stock=1)
    await pass_asleep(it, 300)
    await becomes(it, "won")
    assert (await it.ask("getNumber", service="wa")).startswith("ACCESS_NUMBER:")


async def test_the_wish_to_withdraw_outlives_a_restart(it: Stage):
    await refused(it)
    await number_elsewhere(it)
    it.getsms.fault("cut", "reject", handled=False)
    await refused(it)
    assert (await newest(it))["state"] == "withdrawing"
    await it.restart()
    assert (await becomes(it, "over"))["reason"] == "withdrawn: there is a number elsewhere"
    assert await kinds(it) == ["hold", "release"]


async def test_a_number_that_nobody_fetched_goes_back_after_a_restart(it: Stage):
    await refused(it)
    it.getsms.set_service("WhatsApp", stock=1)
    await becomes(it, "won")
    await pass_asleep(it, 130)
    await becomes(it, "returned")

    async def is_refunded() -> Any:
        return "refund" in await kinds(it)

    await pass_until(it, is_refunded, seconds=20)
    assert [rental.phase for rental in it.getsms.rentals] == ["cancelled"]


async def test_a_dear_number_that_cannot_be_given_back_is_charged_as_it_was(it: Stage):
    """The bid came to more than allowed, won before it was withdrawn, and an SMS came."""
    it.getsms.set_service("WhatsApp", price=parse_usd("0.61"))
    it.getsms.fault("cut", "reject", handled=False)
    await refused(it)
    it.getsms.set_service("WhatsApp", stock=1)
    it.getsms.deliver(it.getsms.rentals[0].id, code="012345")
    await becomes(it, "returned")
    charge = (await it.admin("ledger"))[0]
    assert (charge["kind"], charge["amount"]) == ("charge", "0.7625")
    assert (await refused(it)).startswith("a bid of 0.7625")
