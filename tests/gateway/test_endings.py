"""How activations end by themselves: refunded when no SMS came, finished when one did, whatever the provider does."""

import pytest

from tests.gateway.conftest import pass_until, refunds, row_of
from tests.stage import Stage

LIFETIME = 300
"""Seconds; of a number for WhatsApp at either provider."""
each_provider = pytest.mark.parametrize("provider", ["getatext", "getsms"])


async def ended(it: Stage, id: int, status: str, *, within: int = 40) -> None:
    """Until the books say so."""

    async def is_so() -> bool:
        return (await row_of(it, id))["status"] == status

    await pass_until(it, is_so, seconds=within)


@each_provider
async def test_a_number_without_an_sms_is_refunded_when_its_time_is_up(slow_days: Stage, provider: str):
    it = slow_days
    id, _ = await it.number("wa", providerIds=provider)
    await it.clock.advance(LIFETIME - 1)
    assert await it.ask("getStatus", id=id) == "STATUS_WAIT_CODE"
    await it.clock.advance(2)
    await ended(it, id, "expired")
    assert await it.ask("getStatus", id=id) == "STATUS_CANCEL"
    row = await row_of(it, id)
    assert row["refunded"] == row["cost"]
    assert await refunds(it) == 1
    assert [one["open"] for one in await it.admin("providers")] == [0, 0]


@each_provider
async def test_a_number_with_a_code_is_finished_when_its_time_is_up(slow_days: Stage, provider: str):
    it = slow_days
    id, phone = await it.number("wa", providerIds=provider)
    sandbox = getattr(it, provider)
    sandbox.deliver(it.rental(sandbox, phone).id, code="012345")
    await it.clock.advance(LIFETIME + 1)
    await ended(it, id, "finished")
    assert await it.ask("getStatus", id=id) == "STATUS_OK:012345"
    assert await refunds(it) == 0


@each_provider
async def test_a_code_in_the_last_moment_is_not_lost(slow_days: Stage, provider: str):
    it = slow_days
    id, phone = await it.number("wa", providerIds=provider)
    await it.clock.advance(LIFETIME - 1)
    sandbox = getattr(it, provider)
    sandbox.deliver(it.rental(sandbox, phone).id, code="012345")
    await ended(it, id, "finished")
    assert await it.ask("getStatus", id=id) == "STATUS_OK:012345"
    assert await refunds(it) == 0


@each_provider
async def test_no_refund_is_booked_before_the_provider_has_spoken(slow_days: Stage, provider: str):
    it = slow_days
    id, _ = await it.number("wa", providerIds=provider)
    async with it.stopped(provider):
        await it.clock.advance(LIFETIME + 5)
        await ended(it, id, "expired")
        assert await it.ask("getStatus", id=id) == "STATUS_CANCEL"
        assert (await row_of(it, id))["refunded"] == "0.0000"

    async def is_refunded() -> bool:
        return await refunds(it) == 1

    await pass_until(it, is_refunded, seconds=30)


@each_provider
async def test_what_the_provider_forgot_ends_without_a_refund(slow_days: Stage, provider: str):
    it = slow_days
    id, phone = await it.number("wa", providerIds=provider)
    forget(it, provider, phone)
    await it.clock.advance(LIFETIME + 5)
    await ended(it, id, "expired")
    assert await refunds(it) == 0


@each_provider
async def test_a_wish_to_cancel_what_the_provider_forgot_comes_to_an_end(slow_days: Stage, provider: str):
    it = slow_days
    id, phone = await it.number("wa", providerIds=provider)
    async with it.stopped(provider):
        assert await it.ask("setStatus", id=id, status=8) == "ACCESS_CANCEL"
        forget(it, provider, phone)
    await it.clock.advance(LIFETIME + 5)

    async def is_over() -> bool:
        return [one["open"] for one in await it.admin("providers")] == [0, 0]

    await pass_until(it, is_over, seconds=60, step=5)


@each_provider
async def test_a_restart_after_the_time_was_up_ends_it_all_the_same(slow_days: Stage, provider: str):
    it = slow_days
    id, _ = await it.number("wa", providerIds=provider)
    await it.gateway.aclose()
    await it.clock.advance(LIFETIME + 5)
    await it.restart()
    await ended(it, id, "expired")
    assert await refunds(it) == 1


def forget(it: Stage, provider: str, phone: str) -> None:
    """The provider does not know the rental any more."""
    sandbox = getattr(it, provider)
    del sandbox.account.rentals[it.rental(sandbox, phone).id]
