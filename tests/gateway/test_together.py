"""One number for several services, all or nothing."""

import json
from pathlib import Path

import pytest

from proxy.sandbox import Settings
from tests.fakes import FakeClock
from tests.stage import Stage, stage

GETSMS = "- {name: everything, providers: [getsms]}"
GETATEXT = "- {name: everything, providers: [getatext]}"
each_provider = pytest.mark.parametrize("rules", [GETSMS, GETATEXT], ids=["getsms", "getatext"])


def soon() -> Settings:
    return Settings(sms_after=None, joint_after=0.2, cancel_lock=0)


@each_provider
async def test_one_number_for_several_services_with_an_activation_each(tmp_path: Path, rules: str):
    async with stage(tmp_path, rules=rules, deadline=10, getsms=soon(), getatext=soon()) as it:
        reply = await it.reply("getMultiServiceNumber", multiService="tg,wa")
        sold = json.loads(reply.text)
        assert [one["service"] for one in sold] == ["tg", "wa"]
        assert len({one["phone"] for one in sold}) == 1
        activations = await it.admin("activations")
        assert {one["service"] for one in activations} == {"tg", "wa"}
        assert float(reply.headers["X-Price"]) == sum(float(one["cost"]) for one in activations)
        assert {one["outcome"] for one in await it.admin("attempts")} == {"bought"}


@each_provider
async def test_the_code_of_each_service_goes_to_its_own_activation(tmp_path: Path, rules: str):
    async with stage(tmp_path, rules=rules, deadline=10, getsms=soon(), getatext=soon()) as it:
        sold = {one["service"]: one for one in json.loads(await it.ask("getMultiServiceNumber", multiService="wa,tg"))}
        ids = {one["upstream_id"]: one["service"] for one in await it.admin("activations")}
        for sandbox in (it.getsms, it.getatext):
            for rental in sandbox.rentals:
                sandbox.deliver(rental.id, code={"wa": "111111", "tg": "222222"}[ids[str(rental.id)]])
        for service, code in (("wa", "111111"), ("tg", "222222")):
            assert await it.until("STATUS_OK", id=sold[service]["activation"]) == f"STATUS_OK:{code}"


async def test_what_does_not_win_within_the_deadline_is_withdrawn(tmp_path: Path):
    never = Settings(sms_after=None, joint_after=None)
    async with stage(tmp_path, rules=GETSMS, deadline=6, getsms=never) as it:
        assert await it.ask("getMultiServiceNumber", multiService="wa,tg") == "NO_NUMBERS"
        assert {one["outcome"] for one in await it.admin("attempts")} == {"refused"}
        assert not [bid for bid in it.getsms.bids.waiting if bid.phase.value != "Rejected"]
        assert await held(it) == 0


async def test_one_service_out_of_stock_refuses_them_all(tmp_path: Path):
    async with stage(tmp_path, rules=GETATEXT) as it:
        it.getatext.set_service("telegram", stock=0)
        assert await it.ask("getMultiServiceNumber", multiService="wa,tg") == "NO_NUMBERS"
        assert not list(it.getatext.rentals)
        assert await held(it) == 0


async def test_a_combination_that_failed_is_not_asked_for_while_the_provider_remembers_it(tmp_path: Path):
    async with stage(tmp_path, rules=GETATEXT, clock=FakeClock()) as it:
        words = '{"errors": "Service is out of stock"}'  # that is: on one number
        it.getatext.fault("status", "rent-multiple-services", times=None, status=400, body=words)

        async def tried(**asked: str) -> int:
            before = len(it.seen(it.getatext, "rent-multiple-services"))
            assert await it.ask("getMultiServiceNumber", **asked) == "NO_NUMBERS"
            return len(it.seen(it.getatext, "rent-multiple-services")) - before

        assert await tried(multiService="wa,tg") == 1
        assert await tried(multiService="tg,wa") == 0
        await it.clock.advance(2)  # the limit of one a second
        assert await tried(multiService="wa,tg", operator="tmobile") == 1
        await it.clock.advance(301)
        assert await tried(multiService="wa,tg") == 1


async def test_promise_2_a_joint_request_without_an_answer_is_not_repeated(tmp_path: Path):
    async with stage(tmp_path, rules=GETATEXT) as it:
        it.getatext.fault("cut", "rent-multiple-services", times=1, handled=True)
        assert await it.ask("getMultiServiceNumber", multiService="wa,tg") == "NO_NUMBERS"
        assert {one["outcome"] for one in await it.admin("attempts")} == {"unknown"}
        assert len(list(it.getatext.rentals)) == 2


async def held(it: Stage) -> float:
    """What is still reserved."""
    signs = {"hold": 1, "release": -1, "charge": 0, "refund": 0}
    return round(sum(signs[entry["kind"]] * float(entry["amount"]) for entry in await it.admin("ledger")), 4)
