"""Rents whose answer was lost are found in the provider's list: each once, and only where it is sure whose it is."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.pollers.settlement import settle_unknown
from tests.fakes import FakeClock
from tests.stage import OTHER_KEY, Stage, stage
from tests.stub.renting import WEEK, deliver, rent, say, word

RENT = {"wa": "service-long-rentals:rent", "full": "long-rentals:rent"}
NAMES = {"tg": "telegram", "wa": "whatsapp"}
SURE = 120
"""Seconds after which the provider's list is taken at its word."""
either_kind = pytest.mark.parametrize("service", RENT)
each_fault = pytest.mark.parametrize("fault", ["cut", "hang", "status", "html", "half", "empty"])


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Stage]:
    """Time passes only when it is told to; the list is read when a test says so."""
    async with stage(tmp_path, timeout=1, poll=60, clock=FakeClock()) as it:
        yield it


async def lose(it: Stage, service: str, fault: str = "cut", **how: object) -> None:
    """Rent a number of which nobody hears."""
    it.getatext.fault(fault, RENT[service], handled=how.pop("handled", True))
    assert await word(it, "getRentNumber", service=service, rent_time=WEEK, **how) == "NO_NUMBERS"


async def settled(it: Stage) -> list[str]:
    """The outcome of every attempt once the list was read, oldest first."""
    await settle_unknown(it.house.gateway)
    return [outcome for _, outcome in await it.outcomes()]


@either_kind
@each_fault
async def test_promise_1_a_rent_whose_answer_was_lost_is_neither_forgotten_nor_bought_twice(
    it: Stage, service: str, fault: str
):
    await lose(it, service, fault)
    assert await it.outcomes() == [("getatext", "unknown")]
    assert [entry["kind"] for entry in await it.admin("ledger")] == ["hold"]
    assert await settled(it) == ["recovered"]
    (row,) = await it.admin("activations")
    (sold,) = it.getatext.rents
    assert row["phone"] == f"1{sold.number}"
    assert [(entry["kind"], entry["amount"]) for entry in await it.admin("ledger")] == [
        ("charge", row["cost"]),
        ("release", row["cost"]),
        ("hold", row["cost"]),
    ]
    # Whoever asks again is given it, and whoever asks once more has a second one.
    assert (await rent(it, service)).id == row["id"]
    assert (await rent(it, service)).id != row["id"]
    assert len(it.getatext.rents) == 2


@either_kind
async def test_a_rent_that_was_found_is_a_rent_like_any_other(it: Stage, service: str):
    await lose(it, service)
    sold = it.getatext.rents[0]
    it.getatext.deliver(sold, text="early 111111")
    assert await settled(it) == ["recovered"]
    ((id, phone),) = [(row["id"], row["phone"]) for row in await it.admin("activations")]
    assert (await say(it, "getRentList"))["values"]["0"] == {"id": str(id), "phone": phone}
    longer = await say(it, "continueRentNumber", id=id, rent_time=WEEK)
    assert (longer["phone"]["id"], sold.renewals) == (id, 1)
    assert await say(it, "setRentStatus", id=id, status=1) == {"status": "success"}


@either_kind
async def test_it_is_found_after_a_restart_too(it: Stage, service: str):
    await lose(it, service)
    await it.restart()
    assert await settled(it) == ["recovered"]
    assert (await rent(it, service)).phone == f"1{it.getatext.rents[0].number}"
    assert len(it.getatext.rents) == 1


@either_kind
async def test_what_never_got_there_is_let_go_when_the_list_is_sure(it: Stage, service: str):
    await lose(it, service, handled=False)
    assert await settled(it) == ["unknown"]
    await it.clock.advance(SURE)
    assert await settled(it) == ["abandoned"]
    assert [entry["kind"] for entry in await it.admin("ledger")] == ["release", "hold"]
    assert not it.getatext.rents


async def test_nothing_is_let_go_while_the_provider_is_away(it: Stage):
    await lose(it, "wa", handled=False)
    async with it.stopped("getatext"):
        await it.clock.advance(SURE)
        assert await settled(it) == ["unknown"]
    assert await settled(it) == ["abandoned"]


async def test_as_many_as_were_lost_are_found_and_no_more(it: Stage):
    for handled in (True, False, True):
        await lose(it, "wa", handled=handled)
    assert sorted(await settled(it)) == ["recovered", "recovered", "unknown"]
    await it.clock.advance(SURE)
    assert sorted(await settled(it)) == ["abandoned", "recovered", "recovered"]
    assert {row["phone"] for row in await it.admin("activations")} == {f"1{sold.number}" for sold in it.getatext.rents}


async def test_what_two_clients_could_own_is_left_to_the_operator(it: Stage):
    await lose(it, "wa")
    await lose(it, "wa", api_key=OTHER_KEY)
    assert await settled(it) == ["unknown", "unknown"]
    await it.clock.advance(SURE)
    assert await settled(it) == ["unknown", "unknown"]


async def test_a_rent_that_somebody_bought_by_hand_is_nobodys(it: Stage):
    await lose(it, "wa")
    service = it.getatext.rents[0].service
    it.getatext.rent_book.take(service, "7d", 5_000_000, "2125550199", auto_renew=False)
    assert await settled(it) == ["unknown"]


async def test_another_service_or_another_term_is_another_rent(it: Stage):
    telegram, whatsapp = [it.getatext.rent((await rent(it, code)).phone, name).service for code, name in NAMES.items()]
    await lose(it, "wa", handled=False)
    it.getatext.rent_book.take(telegram, "7d", 2_500_000, "2125550198", auto_renew=False)
    it.getatext.rent_book.take(whatsapp, "3d", 3_000_000, "2125550199", auto_renew=False)
    await it.clock.advance(SURE)
    assert await settled(it) == ["bought", "bought", "abandoned"]


async def test_the_sms_of_a_rent_that_was_found_are_read(tmp_path: Path):
    async with stage(tmp_path, poll=0.1) as it:
        await lose(it, "wa")
        it.getatext.deliver(it.getatext.rents[0], text="early 111111")
        await settle_unknown(it.house.gateway)
        got = await rent(it, "wa")
        await deliver(it, got.phone, text="late 222222")
        told = await say(it, "getRentStatus", id=got.id)
        assert [one["text"] for one in told["values"].values()] == ["late 222222", "early 111111"]
        assert len(it.getatext.rents) == 1
