"""Numbers that are given back: confirmed, too early, out of reach, or overtaken by a code."""

import asyncio
from pathlib import Path

import pytest

from proxy.sandbox import Settings
from tests.gateway.conftest import pass_until, refunds, row_of
from tests.stage import OTHER_KEY, Stage, stage

CANCELS = {"getatext": "cancel-rental", "getsms": "reject"}
each_provider = pytest.mark.parametrize("provider", CANCELS)


@each_provider
async def test_a_confirmed_cancellation_is_refunded(it: Stage, provider: str):
    id, phone = await it.number("wa", providerIds=provider)
    assert await it.ask("setStatus", id=id, status=8) == "ACCESS_CANCEL"
    assert await it.ask("getStatus", id=id) == "STATUS_CANCEL"
    assert it.rental(getattr(it, provider), phone).phase == "cancelled"
    row = await row_of(it, id)
    assert (row["status"], row["refunded"]) == ("cancelled", row["cost"])
    assert await it.ask("setStatus", id=id, status=8) == "ACCESS_CANCEL"  # a wish that is fulfilled may be repeated
    assert await refunds(it) == 1


async def test_too_early_is_the_providers_word(slow_days: Stage):
    it = slow_days
    id, _ = await it.number("wa", providerIds="getatext")
    assert await it.ask("setStatus", id=id, status=8) == "EARLY_CANCEL_DENIED"
    assert await it.ask("getStatus", id=id) == "STATUS_WAIT_CODE"
    assert (await row_of(it, id))["refunded"] == "0.0000"
    await it.clock.advance(60)
    assert await it.ask("setStatus", id=id, status=8) == "ACCESS_CANCEL"


@each_provider
@pytest.mark.parametrize("status", [8, -1])
async def test_a_provider_out_of_reach_is_told_when_it_is_back(slow_days: Stage, provider: str, status: int):
    it = slow_days
    id, phone = await it.number("wa", providerIds=provider)
    await it.clock.advance(61)
    async with it.stopped(provider):
        assert await it.ask("setStatus", id=id, status=status) == "ACCESS_CANCEL"
        assert await it.ask("getStatus", id=id) == "STATUS_CANCEL"
        assert await it.ask("setStatus", id=id, status=8) == "ACCESS_CANCEL"
        row = await row_of(it, id)
        assert (row["status"], row["refunded"]) == ("cancelled", "0.0000")
        assert (await it.reply("getActiveActivations")).json()["status"] == "error"
        await it.clock.advance(120)

    async def is_refunded() -> bool:
        return await refunds(it) == 1

    await pass_until(it, is_refunded, seconds=30)
    assert it.rental(getattr(it, provider), phone).phase == "cancelled"
    assert (await row_of(it, id))["status"] == "cancelled"


async def test_the_wish_to_cancel_survives_a_restart(slow_days: Stage):
    it = slow_days
    id, phone = await it.number("wa", providerIds="getsms")
    async with it.stopped("getsms"):
        assert await it.ask("setStatus", id=id, status=8) == "ACCESS_CANCEL"
        await it.restart()
        assert await it.ask("getStatus", id=id) == "STATUS_CANCEL"

    async def is_refunded() -> bool:
        return await refunds(it) == 1

    await pass_until(it, is_refunded, seconds=30)
    assert it.rental(it.getsms, phone).phase == "cancelled"


@each_provider
@pytest.mark.parametrize("kind", ["cut", "hang", "html", "status", "empty", "half"])
async def test_a_lost_answer_to_a_cancellation_ends_in_one_refund(slow_days: Stage, provider: str, kind: str):
    it = slow_days
    sandbox = getattr(it, provider)
    id, phone = await it.number("wa", providerIds=provider)
    await it.clock.advance(61)
    sandbox.fault(kind, CANCELS[provider])
    assert await it.ask("setStatus", id=id, status=8) == "ACCESS_CANCEL"
    assert it.rental(sandbox, phone).phase == "cancelled"

    async def is_refunded() -> bool:
        return await refunds(it) == 1

    await pass_until(it, is_refunded, seconds=30)
    row = await row_of(it, id)
    assert (row["status"], row["refunded"]) == ("cancelled", row["cost"])


@each_provider
async def test_promise_8_a_code_that_comes_before_the_cancellation_wins(slow_days: Stage, provider: str):
    it = slow_days
    sandbox = getattr(it, provider)
    id, phone = await it.number("wa", providerIds=provider)
    sandbox.deliver(it.rental(sandbox, phone).id, code="012345")
    assert await it.ask("getStatus", id=id) == "STATUS_WAIT_CODE"  # the gateway does not know of it yet
    assert await it.ask("setStatus", id=id, status=8) == "BAD_STATUS"
    assert await it.ask("getStatus", id=id) == "STATUS_OK:012345"
    assert (await row_of(it, id))["status"] == "received"
    assert await refunds(it) == 0


@each_provider
async def test_promise_8_a_code_that_comes_before_an_unheard_wish_wins(slow_days: Stage, provider: str):
    it = slow_days
    sandbox = getattr(it, provider)
    id, phone = await it.number("wa", providerIds=provider)
    async with it.stopped(provider):
        assert await it.ask("setStatus", id=id, status=8) == "ACCESS_CANCEL"
        sandbox.deliver(it.rental(sandbox, phone).id, code="012345")

    async def has_code() -> bool:
        return await it.ask("getStatus", id=id) == "STATUS_OK:012345"

    await pass_until(it, has_code, seconds=30)
    assert (await row_of(it, id))["status"] == "received"
    assert await refunds(it) == 0


async def test_after_a_code_there_is_no_way_back(it: Stage):
    id, phone = await it.number("wa")
    it.getatext.deliver(it.rental(it.getatext, phone).id, code="4711")
    await it.until("STATUS_OK", id=id)
    assert await it.ask("setStatus", id=id, status=8) == "BAD_STATUS"
    assert it.seen(it.getatext, "cancel-rental-premium") == []


async def test_promise_7_a_strangers_number_cannot_be_given_back(it: Stage):
    id, _ = await it.number("wa")
    for status in (1, 3, 6, 8, -1):
        assert await it.ask("setStatus", id=id, status=status, api_key=OTHER_KEY) == "NO_ACTIVATION"
    assert await it.ask("getStatus", id=id, api_key=OTHER_KEY) == "NO_ACTIVATION"
    assert await it.ask("getStatus", id=id) == "STATUS_WAIT_CODE"


async def test_promise_7_the_call_carries_the_upstream_id_of_that_row(it: Stage):
    bought = [await it.number("wa", providerIds="getatext") for _ in range(3)]
    id, phone = bought[1]
    await it.ask("setStatus", id=id, status=8)
    (call,) = it.seen(it.getatext, "cancel-rental-premium")
    assert call.fields == {"id": it.rental(it.getatext, phone).id}
    assert [rental.phase for rental in it.getatext.rentals] == ["open", "cancelled", "open"]


async def test_promise_11_cancellations_keep_to_the_providers_limit(tmp_path: Path):
    async with stage(tmp_path, getatext=Settings(sms_after=None, cancel_lock=0)) as it:
        first, _ = await it.number("wa")
        second, _ = await it.number("wa")
        replies = await asyncio.gather(*(it.ask("setStatus", id=id, status=8) for id in (first, second)))
        assert replies == ["ACCESS_CANCEL"] * 2
        assert all(rental.phase == "cancelled" for rental in it.getatext.rentals)
        early, late = it.seen(it.getatext, "cancel-rental")
        assert late.at - early.at >= 1
