"""Rents from the beginning to the end: what they cost, who is told of their SMS, and how they are given back."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from proxy.sandbox import Settings
from tests.fakes import FakeClock
from tests.gateway.conftest import pass_until, refunds, row_of
from tests.gateway.test_hang_up import asked, bought, leaving
from tests.stage import OTHER_KEY, Stage, eventually, stage
from tests.stub.renting import HOUR, WEEK, deliver, rent, rented, say, there, word

WINDOW = 600
"""Seconds in which the stand-in takes a rent back."""
RENT = {"wa": "service-long-rentals:rent", "full": "long-rentals:rent"}
CANCEL = {"wa": "service-long-rentals/cancel", "full": "long-rentals/update"}
either_kind = pytest.mark.parametrize("service", ["wa", "full"])


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Stage]:
    budget = {"budget": '{amount: "50.00", per: total}'}
    async with stage(tmp_path, client=budget, poll=0.1) as it:
        yield it


@pytest.fixture
async def slow_days(tmp_path: Path) -> AsyncIterator[Stage]:
    """Time passes only when it is told to."""
    settings = Settings(sms_after=None, long_cancel_window=WINDOW)
    async with stage(tmp_path, poll=30, getatext=settings, clock=FakeClock()) as it:
        yield it


async def money(it: Stage) -> list[tuple[str, str]]:
    """Kind and amount of every entry of the ledger, oldest first."""
    return [(entry["kind"], entry["amount"]) for entry in reversed(await it.admin("ledger"))]


@either_kind
async def test_a_week_from_its_purchase_to_its_end(it: Stage, service: str):
    got = await rent(it, service)
    price = {"wa": "5.0000", "full": "10.9900"}[service]
    assert await money(it) == [("hold", price), ("release", price), ("charge", price)]
    for text in ("one 111111", "two 222222", "three 333333"):
        await deliver(it, got.phone, text=text)
    told = await say(it, "getRentStatus", id=got.id)
    assert [one["text"] for one in told["values"].values()] == ["three 333333", "two 222222", "one 111111"]
    longer = rented(await say(it, "continueRentNumber", id=got.id, rent_time=WEEK))
    assert longer.ends_at == got.ends_at + WEEK * HOUR
    assert await money(it) == 2 * [("hold", price), ("release", price), ("charge", price)]
    await deliver(it, got.phone, text="four 444444")
    assert await say(it, "setRentStatus", id=got.id, status=1) == {"status": "success"}
    row = await row_of(it, got.id)
    assert (row["status"], row["refunded"], len(row["messages"])) == ("finished", "0.0000", 4)
    assert await refunds(it) == 0


@either_kind
async def test_a_finished_rent_is_not_renewed_by_itself(it: Stage, service: str):
    got = await rent(it, service)
    there(it, got.phone).auto_renew = True  # as the account's own setting could have it
    await say(it, "setRentStatus", id=got.id, status=1)
    await eventually(lambda: not there(it, got.phone).auto_renew)


@either_kind
async def test_a_cancel_gives_back_exactly_what_was_paid_once(it: Stage, service: str):
    before = await it.ask("getBalance")
    got = await rent(it, service)
    paid = (await row_of(it, got.id))["cost"]
    assert await say(it, "setRentStatus", id=got.id, status=2) == {"status": "success"}
    assert await word(it, "setRentStatus", id=got.id, status=2) == "ALREADY_CANCEL"
    assert await it.ask("getBalance") == before
    assert (await money(it))[-1] == ("refund", paid)
    assert await refunds(it) == 1
    assert there(it, got.phone).phase == "cancelled"


@either_kind
async def test_outside_the_window_it_cannot_be_cancelled(slow_days: Stage, service: str):
    it = slow_days
    got = await rent(it, service)
    await it.clock.advance(WINDOW + 1)
    assert await word(it, "setRentStatus", id=got.id, status=2) == "CANT_CANCEL"
    assert await word(it, "getRentStatus", id=got.id) == "STATUS_WAIT_CODE"
    assert await refunds(it) == 0
    inside = await rent(it, service)
    await it.clock.advance(WINDOW - 1)
    assert await say(it, "setRentStatus", id=inside.id, status=2) == {"status": "success"}
    assert await refunds(it) == 1


@either_kind
async def test_an_sms_that_only_the_provider_knows_of_forbids_the_cancel_and_is_shown(slow_days: Stage, service: str):
    it = slow_days
    got = await rent(it, service)
    it.getatext.deliver(there(it, got.phone), text="Your code: 012345")
    assert await word(it, "setRentStatus", id=got.id, status=2) == "CANT_CANCEL"
    assert (await say(it, "getRentStatus", id=got.id))["values"]["0"]["text"] == "Your code: 012345"


@either_kind
@pytest.mark.parametrize("fault", ["cut", "status", "html", "empty"])
async def test_a_cancel_whose_answer_was_lost_is_one_if_the_provider_has_carried_it_out(
    slow_days: Stage, service: str, fault: str
):
    it = slow_days
    got = await rent(it, service)
    it.getatext.fault(fault, CANCEL[service], handled=False)
    assert await word(it, "setRentStatus", id=got.id, status=2) == "SERVER_ERROR"
    assert await word(it, "getRentStatus", id=got.id) == "STATUS_WAIT_CODE"
    assert await refunds(it) == 0
    it.getatext.fault(fault, CANCEL[service])
    assert await say(it, "setRentStatus", id=got.id, status=2) == {"status": "success"}
    assert await word(it, "getRentStatus", id=got.id) == "STATUS_CANCEL"
    assert (await row_of(it, got.id))["refunded"] == (await row_of(it, got.id))["cost"]
    assert await refunds(it) == 1


@either_kind
async def test_a_rent_whose_time_is_up_is_finished_without_a_refund(slow_days: Stage, service: str):
    it = slow_days
    got = await rent(it, service)
    await it.gateway.aclose()  # with nobody awake, a week passes in no time
    await it.clock.advance(WEEK * HOUR - 60)
    await it.restart()
    assert await word(it, "getRentStatus", id=got.id) == "STATUS_WAIT_CODE"
    await it.clock.advance(120)

    async def is_over() -> bool:
        return [one["open"] for one in await it.admin("providers")] == [0, 0]

    await pass_until(it, is_over, seconds=300, step=5)
    assert await word(it, "getRentStatus", id=got.id) == "STATUS_FINISH"
    assert await word(it, "continueRentNumber", id=got.id) == "RENT_DIE"
    assert await word(it, "getRentList") == "NO_NUMBERS"
    assert await refunds(it) == 0


@either_kind
async def test_a_rent_goes_through_a_restart(it: Stage, service: str):
    got = await rent(it, service)
    await deliver(it, got.phone, text="one 111111")
    await it.restart()
    assert (await say(it, "getRentStatus", id=got.id))["quantity"] == "1"
    await deliver(it, got.phone, text="two 222222")
    longer = rented(await say(it, "continueRentNumber", id=got.id))
    assert (longer.id, longer.ends_at) == (got.id, got.ends_at + WEEK * HOUR)
    await it.restart()
    assert rented(await say(it, "continueRentNumber", id=got.id)).ends_at == longer.ends_at + WEEK * HOUR


async def test_rents_of_both_kinds_with_the_same_id_at_the_provider_are_told_apart(it: Stage):
    one, full = await rent(it, "wa"), await rent(it, "full")
    assert there(it, one.phone).id == there(it, full.phone).id
    await deliver(it, one.phone, text="for one 111111")
    await deliver(it, full.phone, text="for all 222222")
    assert [(await say(it, "getRentStatus", id=got.id))["values"]["0"]["text"] for got in (one, full)] == [
        "for one 111111",
        "for all 222222",
    ]


async def test_one_number_rented_for_two_services_is_two_rents(it: Stage):
    first, second = await rent(it, "wa"), await rent(it, "tg", api_key=OTHER_KEY)
    assert first.phone == second.phone
    it.getatext.deliver(it.getatext.rent(first.phone, "whatsapp"), text="for wa 111111")

    async def has_come() -> Any:
        return (await say(it, "getRentStatus", id=first.id)).get("values")

    assert (await eventually(has_come))["0"]["text"] == "for wa 111111"
    assert await word(it, "getRentStatus", api_key=OTHER_KEY, id=second.id) == "STATUS_WAIT_CODE"
    assert await say(it, "setRentStatus", api_key=OTHER_KEY, id=second.id, status=2) == {"status": "success"}
    assert (await say(it, "getRentStatus", id=first.id))["quantity"] == "1"


@either_kind
async def test_promise_3_a_rent_for_a_client_that_hung_up_is_given_to_its_next_equal_request(it: Stage, service: str):
    it.getatext.fault("slow", RENT[service], amount=0.3)
    async with leaving(it, action="getRentNumber", service=service, rent_time=str(WEEK)):
        await asked(it.getatext, endpoint=RENT[service])
    await bought(it)
    (row,) = await it.admin("activations")
    assert (await say(it, "getRentList"))["values"]["0"] == {"id": str(row["id"]), "phone": row["phone"]}
    assert (await rent(it, service)).id == row["id"]
    assert (await rent(it, service)).id != row["id"]
    assert len(it.seen(it.getatext, RENT[service])) == 2
