"""Promise 7: an id of ours leads to one row, that row to one rental, and nobody else's id leads anywhere."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from proxy.errors import NoActivation
from proxy.sandbox import GetatextSandbox, GetsmsSandbox, Settings
from proxy.stub.actions import ACTIONS
from tests.fakes import FakeClock
from tests.gateway.conftest import PREMIUM, pass_until
from tests.promises.losing import chain
from tests.stage import OTHER_KEY, Stage, eventually, opened, stage

LARGEST = 2**31 - 1
YEAR = 365 * 86_400
WITH_ID = [
    (name, spelling)
    for name, action in ACTIONS.items()
    for param in action.params
    if (param.argument or param.name) == "id"
    for spelling in param.spellings
]
BESIDE = {"service": "tg", "status": 8}
"""What some of them want besides; the others ignore it."""
NO_IDS = ("", "0", "-1", "1.0", "1e0", "0x1", "abc", "\u0661", "\x00", "1,2", "2147483648", "9" * 40, "' OR 1=1 --")
PROVIDERS = ("getsms", "getatext")
NAMES_A_RENTAL = {"request_status", "reject", "rental-status", "rental-status-premium", "cancel-rental-premium"}


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Stage]:
    """Both providers count their rentals from the same number, so that every id is one of the other's, too."""
    settings = Settings(sms_after=None, cancel_lock=0)
    how = {"getsms": settings, "getatext": settings, "getatext_extra": PREMIUM, "clock": FakeClock()}
    async with stage(tmp_path, poll=60, **how) as it:
        yield it


def state_of(it: Stage) -> list[tuple[str, int]]:
    """Of every rental, its phase and its messages."""
    return [(rental.phase, len(rental.messages)) for rental in (*it.getsms.rentals, *it.getatext.rentals)]


def calls(it: Stage) -> int:
    return len(it.getsms.requests) + len(it.getatext.requests)


async def three_each(it: Stage) -> list[tuple[int, GetsmsSandbox | GetatextSandbox, Any]]:
    """Numbers of both providers by turns: local id, provider, rental."""
    bought = []
    for provider in PROVIDERS * 3:
        id, phone = await it.number("mm", providerIds=provider)
        bought.append((id, getattr(it, provider), it.rental(getattr(it, provider), phone)))
    return bought


async def test_a_cancellation_carries_the_id_of_that_row(it: Stage):
    bought = await three_each(it)
    for turn, (id, sandbox, rental) in enumerate(bought, start=1):
        before = len(sandbox.requests)
        assert await it.ask("setStatus", id=id, status=8) == "ACCESS_CANCEL"
        asked = list(sandbox.requests)[before:]
        assert {str(request.fields["id"]) for request in asked if "id" in request.fields} == {str(rental.id)}
        phases = [each.phase for _, _, each in bought]
        assert phases == ["cancelled"] * turn + ["open"] * (len(bought) - turn)


async def test_looks_and_endings_carry_the_id_of_that_row(it: Stage):
    bought = await three_each(it)
    for turn, (_, sandbox, rental) in enumerate(bought, start=1):
        sandbox.deliver(rental.id, code=f"{turn:06}")

    async def all_came() -> bool:
        return all([(await it.ask("getStatus", id=id)).startswith("STATUS_OK") for id, _, _ in bought])

    await pass_until(it, all_came, seconds=3600, step=30)
    for turn, (id, _, _) in enumerate(bought, start=1):
        assert await it.ask("getStatus", id=id) == f"STATUS_OK:{turn:06}"
    for id, sandbox, rental in bought:
        assert await it.ask("setStatus", id=id, status=6) == "ACCESS_ACTIVATION"
        if sandbox is it.getatext:  # the other one does not want to know
            await eventually(lambda rental=rental: rental.phase == "finished")
            finished = [each for _, _, each in bought if each.phase == "finished"]
            assert finished[-1] is rental
    for provider in PROVIDERS:
        sandbox = getattr(it, provider)
        named = {str(seen.fields["id"]) for seen in sandbox.requests if seen.endpoint in NAMES_A_RENTAL}
        assert named <= {str(rental.id) for rental in sandbox.rentals}


async def test_through_a_gateway_behind_the_right_number_is_given_back(tmp_path: Path):
    async with chain(tmp_path) as (front, behind, _):
        for _ in range(2):
            await behind.number("wa")  # so that the two count differently
        bought = [await front.number("wa") for _ in range(3)]
        id, phone = bought[1]
        assert await front.ask("setStatus", id=id, status=8) == "ACCESS_CANCEL"
        theirs = {row["phone"]: (str(row["id"]), row["status"]) for row in await behind.admin("activations")}
        ours = {row["phone"]: (row["upstream_id"], row["status"]) for row in await front.admin("activations")}
        assert ours == {phone: theirs[phone] for _, phone in bought}
        assert [found for found, (_, status) in theirs.items() if status == "cancelled"] == [phone]


@pytest.mark.parametrize(("action", "spelling"), WITH_ID)
async def test_another_clients_id_is_as_good_as_none(it: Stage, action: str, spelling: str):
    for provider in PROVIDERS:
        id, phone = await it.number("mm", providerIds=provider)
        sandbox = getattr(it, provider)
        sandbox.deliver(it.rental(sandbox, phone).id, code="4711")
        before, asked = state_of(it), calls(it)
        theirs = await it.reply(action, **{spelling: id}, **BESIDE, api_key=OTHER_KEY)
        nobodys = await it.reply(action, **{spelling: LARGEST}, **BESIDE, api_key=OTHER_KEY)
        assert theirs.content == nobodys.content
        if NoActivation in ACTIONS[action].refusals:
            assert theirs.text == "NO_ACTIVATION"
        assert (state_of(it), calls(it)) == (before, asked)
        assert await it.ask("getStatus", id=id) == "STATUS_WAIT_CODE"


@pytest.mark.parametrize(("action", "spelling"), [(name, spelling) for name, spelling in WITH_ID if "Rent" in name])
async def test_another_clients_rent_is_as_good_as_none(it: Stage, action: str, spelling: str):
    id = (await it.reply("getRentNumber", service="wa", rent_time=24)).json()["phone"]["id"]
    asked, beside = calls(it), BESIDE | {"status": 2}
    theirs = await it.reply(action, **{spelling: id}, **beside, api_key=OTHER_KEY)
    nobodys = await it.reply(action, **{spelling: LARGEST}, **beside, api_key=OTHER_KEY)
    assert theirs.json()["message"] == "NO_ID_RENT"
    assert (theirs.content, calls(it)) == (nobodys.content, asked)


async def test_no_list_shows_another_clients_number(it: Stage):
    bought = await three_each(it)
    for name, action in ACTIONS.items():
        if not action.buys and not {param.argument or param.name for param in action.params} & {"id"}:
            words = (await it.reply(name, service="mm", api_key=OTHER_KEY)).text
            assert not [rental.number for _, _, rental in bought if rental.number in words], name


@pytest.mark.parametrize(("action", "spelling"), WITH_ID)
async def test_whatever_stands_for_an_id_has_an_answer(it: Stage, action: str, spelling: str):
    await it.number("mm")
    before, asked = state_of(it), calls(it)
    for id in NO_IDS:
        reply = await it.reply(action, **{spelling: id}, **BESIDE)
        assert reply.status_code == 200, id
        assert not reply.text.startswith(("ACCESS", "STATUS_", "ADDITIONAL", "FULL_SMS")), id
    assert (state_of(it), calls(it)) == (before, asked)


async def test_ids_are_decimal_and_below_2_to_the_31_and_never_given_twice(it: Stage):
    ids = []
    for _ in range(5):
        for _ in range(3):
            words = await it.ask("getNumber", service="wa", providerIds="getsms")
            ids.append(words.split(":")[1])
        await it.gateway.aclose()
        await it.clock.advance(YEAR)
        await it.gateway.enter_async_context(opened(it))
    assert all(id.isascii() and id.isdecimal() and id[0] != "0" for id in ids)
    numbers = [int(id) for id in ids]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] <= LARGEST
