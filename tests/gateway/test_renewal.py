"""A rent goes on for its time once more: paid for once, whatever becomes of the answer and of whoever asked."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.domain.money import parse_usd
from proxy.pollers.settlement import settle_unknown
from tests.fakes import FakeClock
from tests.gateway.test_hang_up import asked, leaving
from tests.process import serve
from tests.stage import Stage, eventually, stage, surroundings
from tests.stub.renting import HOUR, WEEK, Rented, rent, rented, say, there, word

RENEW = {"wa": "service-long-rentals/renew", "full": "long-rentals/update"}
PRICE = {"wa": "5.00", "full": "10.99"}
SURE = 120
"""Seconds after which the provider's list is taken at its word."""
either_kind = pytest.mark.parametrize("service", RENEW)
each_fault = pytest.mark.parametrize("fault", ["cut", "hang", "status", "html", "half", "empty"])


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path, poll=1) as it:
        yield it


@pytest.fixture
async def slow_days(tmp_path: Path) -> AsyncIterator[Stage]:
    """Time passes only when it is told to."""
    async with stage(tmp_path, timeout=1, poll=60, clock=FakeClock()) as it:
        yield it


async def renewed(it: Stage, got: Rented, times: int) -> None:
    """That so many terms more are paid for, here and there."""
    sold = there(it, got.phone)
    assert sold.renewals == times
    (row,) = await it.admin("activations")
    entries = await it.admin("ledger")
    charged = sum(parse_usd(entry["amount"]) for entry in entries if entry["kind"] == "charge")
    assert parse_usd(row["cost"]) == charged == sold.paid
    assert [entry["kind"] for entry in entries].count("hold") >= times + 1


async def newest(it: Stage) -> tuple[str, str]:
    """Outcome and reason of the last attempt."""
    row = (await it.admin("attempts"))[0]
    return row["outcome"], row["reason"]


@either_kind
@each_fault
async def test_promise_2_an_answer_that_was_lost_is_never_asked_for_twice(slow_days: Stage, service: str, fault: str):
    it = slow_days
    got = await rent(it, service)
    it.getatext.fault(fault, RENEW[service])
    assert await word(it, "continueRentNumber", id=got.id) == "NO_NUMBERS"
    assert (await newest(it))[0] == "unknown"
    reply = await it.reply("continueRentNumber", id=got.id)
    assert reply.json()["message"] == "NO_NUMBERS"
    assert "not known yet" in reply.headers["x-reason"]
    assert there(it, got.phone).renewals == 1

    # The list of rents shows that this one ends later.
    await settle_unknown(it.house.gateway)
    assert (await newest(it))[0] == "recovered"
    await renewed(it, got, 1)
    reply = await it.reply("continueRentNumber", id=got.id)
    assert rented(reply.json()).ends_at == got.ends_at + WEEK * HOUR
    assert reply.headers["x-price"] == PRICE[service]
    await renewed(it, got, 1)
    assert rented(await say(it, "continueRentNumber", id=got.id)).ends_at == got.ends_at + 2 * WEEK * HOUR
    await renewed(it, got, 2)


@either_kind
async def test_promise_2_what_was_lost_on_the_way_there_is_let_go_when_the_list_is_sure(slow_days: Stage, service: str):
    it = slow_days
    got = await rent(it, service)
    it.getatext.fault("cut", RENEW[service], handled=False)
    assert await word(it, "continueRentNumber", id=got.id) == "NO_NUMBERS"
    await settle_unknown(it.house.gateway)
    assert (await newest(it))[0] == "unknown"
    await it.clock.advance(SURE)
    await settle_unknown(it.house.gateway)
    assert await newest(it) == ("abandoned", "the provider's list shows that it was not continued")
    await renewed(it, got, 0)
    assert rented(await say(it, "continueRentNumber", id=got.id)).ends_at == got.ends_at + WEEK * HOUR
    await renewed(it, got, 1)


@either_kind
async def test_an_unknown_renewal_is_settled_after_a_restart(slow_days: Stage, service: str):
    it = slow_days
    got = await rent(it, service)
    it.getatext.fault("cut", RENEW[service])
    assert await word(it, "continueRentNumber", id=got.id) == "NO_NUMBERS"
    await it.restart()
    await settle_unknown(it.house.gateway)
    await renewed(it, got, 1)
    assert rented(await say(it, "continueRentNumber", id=got.id)).ends_at == got.ends_at + WEEK * HOUR
    await renewed(it, got, 1)


@either_kind
async def test_promise_1_a_renewal_that_a_kill_cut_short_is_found_and_paid_for_once(tmp_path: Path, service: str):
    async with surroundings(tmp_path, poll=60) as it:
        async with serve(it) as run:
            got = await rent(it, service)
            it.getatext.fault("slow", RENEW[service], amount=60)
            async with leaving(it, action="continueRentNumber", id=str(got.id)):
                await asked(it.getatext, endpoint=RENEW[service])
                await run.kill()
        it.getatext.clear_faults()
        async with serve(it):

            async def is_found() -> bool:
                return (await newest(it))[0] == "recovered"

            await eventually(is_found, seconds=60)
            await renewed(it, got, 1)
            assert rented(await say(it, "continueRentNumber", id=got.id)).ends_at == got.ends_at + WEEK * HOUR
            await renewed(it, got, 1)


@either_kind
@pytest.mark.parametrize("restart", [False, True])
async def test_promise_3_whoever_hung_up_is_given_its_term_with_the_next_equal_request(
    it: Stage, service: str, restart: bool
):
    got = await rent(it, service)
    it.getatext.fault("slow", RENEW[service], amount=0.3)
    async with leaving(it, action="continueRentNumber", id=str(got.id), rent_time=str(WEEK)):
        await asked(it.getatext, endpoint=RENEW[service])

    async def is_booked() -> bool:
        return (await newest(it))[0] == "bought"

    await eventually(is_booked)
    if restart:
        await it.restart()
    reply = await it.reply("continueRentNumber", rent_time=WEEK, id=got.id)  # equal, order aside
    assert rented(reply.json()).ends_at == got.ends_at + WEEK * HOUR
    assert reply.headers["x-price"] == PRICE[service]
    await renewed(it, got, 1)
    assert rented(await say(it, "continueRentNumber", id=got.id, rent_time=WEEK)).ends_at == (
        got.ends_at + 2 * WEEK * HOUR
    )
    await renewed(it, got, 2)


async def test_promise_3_a_term_under_way_is_taken_over_by_the_next_equal_request(it: Stage):
    got = await rent(it)
    it.getatext.fault("slow", RENEW["wa"], amount=0.4)
    async with leaving(it, action="continueRentNumber", id=str(got.id)):
        await asked(it.getatext, endpoint=RENEW["wa"])
    assert rented(await say(it, "continueRentNumber", id=got.id)).ends_at == got.ends_at + WEEK * HOUR
    await renewed(it, got, 1)


async def test_promise_3_after_two_minutes_nobody_is_waited_for(slow_days: Stage):
    it = slow_days
    got = await rent(it)
    it.getatext.fault("slow", RENEW["wa"], amount=5)
    async with leaving(it, action="continueRentNumber", id=str(got.id)):
        await asked(it.getatext, endpoint=RENEW["wa"])
    await it.clock.advance(5)

    async def is_booked() -> bool:
        return (await newest(it))[0] == "bought"

    await eventually(is_booked)
    await it.clock.advance(121)
    assert rented(await say(it, "continueRentNumber", id=got.id)).ends_at == got.ends_at + 2 * WEEK * HOUR


async def test_one_request_after_the_other_pays_for_one_term_after_the_other(it: Stage):
    got = await rent(it)
    for terms in range(1, 6):
        assert rented(await say(it, "continueRentNumber", id=got.id)).ends_at == got.ends_at + terms * WEEK * HOUR
    await renewed(it, got, 5)


async def test_an_unequal_request_is_not_given_what_another_was_owed(it: Stage):
    got = await rent(it)
    it.getatext.fault("slow", RENEW["wa"], amount=0.2)
    async with leaving(it, action="continueRentNumber", id=str(got.id)):
        await asked(it.getatext, endpoint=RENEW["wa"])

    async def is_booked() -> bool:
        return (await newest(it))[0] == "bought"

    await eventually(is_booked)
    await say(it, "continueRentNumber", id=got.id, rent_time=WEEK)
    await renewed(it, got, 2)


# What stands in the way


@either_kind
async def test_a_provider_that_is_away_has_continued_nothing(it: Stage, service: str):
    got = await rent(it, service)
    async with it.stopped("getatext"):
        assert await word(it, "continueRentNumber", id=got.id) == "NO_NUMBERS"
    assert (await newest(it))[0] == "refused"
    await renewed(it, got, 0)
    assert rented(await say(it, "continueRentNumber", id=got.id)).ends_at == got.ends_at + WEEK * HOUR


@either_kind
async def test_an_empty_account_at_the_provider_is_no_fault_of_the_client(it: Stage, service: str):
    got = await rent(it, service)
    it.getatext.account.balance = 0
    reply = await it.reply("continueRentNumber", id=got.id)
    assert reply.json()["message"] == "NO_NUMBERS"
    assert "funds" in reply.headers["x-reason"]
    assert (await newest(it))[0] == "refused"


@either_kind
async def test_what_is_gone_at_the_provider_is_dead(it: Stage, service: str):
    got = await rent(it, service)
    it.getatext.rent_book.cancel(there(it, got.phone))
    assert await word(it, "continueRentNumber", id=got.id) == "RENT_DIE"
    assert (await newest(it))[0] == "refused"

    async def is_over() -> bool:
        return await word(it, "getRentStatus", id=got.id) == "STATUS_FINISH"

    await eventually(is_over)


async def test_a_cap_of_the_operator_holds_for_a_term_too(tmp_path: Path):
    rules = """
    - name: cheap
      max_price: "2.00"
    """
    async with stage(tmp_path, rules=rules, poll=60) as it:
        assert await word(it, "getRentNumber", service="wa", rent_time=WEEK) == "NO_NUMBERS"
        got = await rent(it, hours=24)
        assert rented(await say(it, "continueRentNumber", id=got.id)).ends_at == got.ends_at + 24 * HOUR
        it.routing["rules"] = it.routing["rules"].replace("2.00", "1.00")
        await it.restart()
        reply = await it.reply("continueRentNumber", id=got.id)
        assert reply.json()["message"] == "NO_NUMBERS"
        assert "over the cap" in reply.headers["x-reason"]


async def test_a_price_that_rose_is_reserved_and_what_was_really_taken_is_charged(slow_days: Stage):
    it = slow_days
    got = await rent(it, "full")
    it.getatext.settings.long_prices = {"1w": parse_usd("20.00")}
    await it.clock.advance(61)
    assert (await say(it, "getContinueRentPriceNumber", id=got.id))["price"] == 20.0
    reply = await it.reply("continueRentNumber", id=got.id)
    assert reply.headers["x-price"] == PRICE["full"]
    assert [entry["amount"] for entry in await it.admin("ledger", kind="hold")] == ["20.0000", "10.9900"]
    await renewed(it, got, 1)
