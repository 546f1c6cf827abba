"""Promise 8: no code lost, stale or doubled, in any order of SMS, looks, setStatus and restart."""

import pytest

from tests.stage import Stage, eventually

LOOK = "rental-status-premium"
SEVERAL = "mm"
"""Microsoft: getatext gives several SMS for it."""


async def test_promise_8_an_old_code_is_never_shown_as_new(it: Stage):
    id, phone = await it.number(SEVERAL, providerIds="getatext")
    rental = it.rental(it.getatext, phone).id
    for before, code in (("", "111111"), ("111111", "222222"), ("222222", "333333")):
        if before:
            assert await it.ask("setStatus", id=id, status=3) == "ACCESS_RETRY_GET"
            looks = len(it.seen(it.getatext, LOOK))
            await eventually(lambda seen=looks + 3: len(it.seen(it.getatext, LOOK)) >= seen)
            assert await it.ask("getStatus", id=id) == f"STATUS_WAIT_RETRY:{before}"
        it.getatext.deliver(rental, code=code)
        assert await it.until("STATUS_OK", id=id) == f"STATUS_OK:{code}"
    (row,) = await it.admin("activations")
    assert [message["code"] for message in row["messages"]] == ["111111", "222222", "333333"]


async def test_a_second_sms_shows_without_being_asked_for(it: Stage):
    id, phone = await it.number(SEVERAL, providerIds="getatext")
    for code in ("111111", "222222"):
        it.getatext.deliver(it.rental(it.getatext, phone).id, code=code)
        await it.until(f"STATUS_OK:{code}", id=id)


async def test_another_sms_where_there_is_one_only_is_bad_status(it: Stage):
    for provider in ("getatext", "getsms"):
        id, phone = await it.number("wa", providerIds=provider)
        assert await it.ask("setStatus", id=id, status=3) == "BAD_STATUS"
        sandbox = getattr(it, provider)
        sandbox.deliver(it.rental(sandbox, phone).id, code="4711")
        await it.until("STATUS_OK", id=id)
        assert await it.ask("setStatus", id=id, status=3) == "BAD_STATUS"
        assert await it.ask("getStatus", id=id) == "STATUS_OK:4711"


async def test_another_sms_cannot_be_wanted_before_the_first(it: Stage):
    id, _ = await it.number(SEVERAL, providerIds="getatext")
    assert await it.ask("setStatus", id=id, status=3) == "BAD_STATUS"


@pytest.mark.parametrize("provider", ["getatext", "getsms"])
async def test_promise_8_a_restart_neither_loses_nor_doubles_a_code(it: Stage, provider: str):
    sandbox = getattr(it, provider)
    (first, phone), (second, other) = [await it.number("wa", providerIds=provider) for _ in range(2)]
    sandbox.deliver(it.rental(sandbox, phone).id, code="012345")
    await it.until("STATUS_OK", id=first)
    await it.gateway.aclose()
    sandbox.deliver(it.rental(sandbox, other).id, code="054321")
    await it.restart()
    assert await it.ask("getStatus", id=first) == "STATUS_OK:012345"
    assert await it.until("STATUS_OK", id=second) == "STATUS_OK:054321"
    assert [len(row["messages"]) for row in await it.admin("activations")] == [1, 1]


async def test_promise_8_waiting_for_another_sms_survives_a_restart(it: Stage):
    id, phone = await it.number(SEVERAL, providerIds="getatext")
    it.getatext.deliver(it.rental(it.getatext, phone).id, code="111111")
    await it.until("STATUS_OK", id=id)
    await it.ask("setStatus", id=id, status=3)
    await it.restart()
    assert await it.ask("getStatus", id=id) == "STATUS_WAIT_RETRY:111111"
    it.getatext.deliver(it.rental(it.getatext, phone).id, code="222222")
    assert await it.until("STATUS_OK", id=id) == "STATUS_OK:222222"


async def test_a_finished_activation_keeps_its_code(it: Stage):
    id, phone = await it.number("wa")
    it.getatext.deliver(it.rental(it.getatext, phone).id, code="4711")
    await it.until("STATUS_OK", id=id)
    assert await it.ask("setStatus", id=id, status=6) == "ACCESS_ACTIVATION"
    await it.restart()
    assert await it.ask("getStatus", id=id) == "STATUS_OK:4711"
    assert await it.ask("setStatus", id=id, status=6) == "ACCESS_ACTIVATION"


async def test_the_provider_is_told_that_the_code_was_used(it: Stage):
    id, phone = await it.number("wa")
    rental = it.rental(it.getatext, phone)
    it.getatext.deliver(rental.id, code="4711")
    await it.until("STATUS_OK", id=id)
    await it.ask("setStatus", id=id, status=6)
    await it.house.gateway.errands.finish(5)
    assert rental.phase == "finished"


async def test_an_sms_without_a_code_is_shown_as_its_words(it: Stage):
    id, phone = await it.number("wa", providerIds="getsms")
    it.getsms.deliver(it.rental(it.getsms, phone).id, code=" ", text="Welcome: your account is ready")
    assert await it.until("STATUS_OK", id=id) == "STATUS_OK:Welcome your account is ready"
