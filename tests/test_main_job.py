"""The main job, end to end: number, code, finish; number, cancel."""

import pytest

from proxy.sandbox import Settings
from tests.stage import Stage, stage


@pytest.fixture
async def it(tmp_path):
    async with stage(tmp_path, getatext=Settings(sms_after=None, cancel_lock=0)) as it:
        yield it


async def test_a_tool_buys_a_number_reads_the_code_and_finishes(it: Stage):
    id, phone = await it.number("wa")
    assert await it.ask("getStatus", id=id) == "STATUS_WAIT_CODE"
    it.getatext.deliver(it.rental(it.getatext, phone).id, code="012345")
    assert await it.until("STATUS_OK", id=id) == "STATUS_OK:012345"
    assert await it.ask("setStatus", id=id, status=6) == "ACCESS_ACTIVATION"
    assert await it.ask("getStatus", id=id) == "STATUS_OK:012345"


async def test_a_number_that_is_given_back_is_refunded(it: Stage):
    id, _ = await it.number("wa")
    assert await it.ask("setStatus", id=id, status=8) == "ACCESS_CANCEL"
    assert await it.ask("getStatus", id=id) == "STATUS_CANCEL"
    (activation,) = await it.admin("activations")
    assert (activation["status"], activation["cost"], activation["refunded"]) == ("cancelled", "0.5500", "0.5500")
    kinds = [entry["kind"] for entry in await it.admin("ledger")]
    assert kinds == ["refund", "charge", "release", "hold"]


async def test_codes_from_the_list_of_newest_sms_reach_their_activations(it: Stage):
    first, phone = await it.number("wa", providerIds="getsms")
    second, other_phone = await it.number("wa", providerIds="getsms")
    for id, number, code in ((first, phone, "111111"), (second, other_phone, "222222")):
        it.getsms.deliver(it.rental(it.getsms, number).id, code=code)
        assert await it.until("STATUS_OK", id=id) == f"STATUS_OK:{code}"
