"""Promise 9: a bad provider is waited for once, asked ever more rarely, and no burden to the others.

Requests are counted: no test here measures time.
"""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.fakes import FakeClock
from tests.gateway.conftest import PREMIUM, RENT
from tests.stage import OTHER_KEY, Stage, eventually, stage

NEXT = "- {name: everything, on_unknown: next}"
BAD = {
    "5xx": {"kind": "status", "status": 500, "times": None},
    "html": {"kind": "html", "times": None},
    "a key that it does not take any more": {
        "kind": "status", "status": 403, "body": '{"errors": "Wrong Api Key or User is restricted"}',
        "handled": False, "times": None,
    },
}  # fmt: skip
SILLY = (
    {"number": "12025550199"},
    {"operator": "nobody"},
    {"areas": "999"},
    {"area_codes": "999", "lock_area_code": "1"},
    {"maxPrice": "0.01"},
)
"""Wishes that nobody can fulfil."""


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path, rules=NEXT, poll=3600, clock=FakeClock(), getatext_extra=PREMIUM) as it:
        yield it


async def seller(it: Stage, **params: str) -> str:
    return (await it.reply("getNumber", service="wa", **params)).headers["X-Provider"]


async def is_usable(it: Stage, provider: str) -> bool:
    (found,) = [row["usable"] for row in await it.admin("providers") if row["name"] == provider]
    return bool(found)


async def test_one_deadline_holds_for_all_providers_together(tmp_path: Path):
    """Both would be waited for much longer: the first to hang has used up everybody's time."""
    async with stage(tmp_path, rules=NEXT, deadline=0.5, timeout=30, poll=3600) as it:
        it.getatext.fault("hang", "rent-a-number", times=None)
        it.getsms.fault("hang", "request", times=None)
        for _ in range(2):
            reply = await it.reply("getNumber", service="wa")
            assert reply.text == "NO_NUMBERS"
            assert "no answer within 0." in reply.headers["X-Reason"]
            assert reply.headers["X-Reason"].endswith("the deadline is over")
        assert len(it.seen(it.getatext, "rent-a-number")) == 2
        assert it.seen(it.getsms, "request") == []


@pytest.mark.parametrize("fault", BAD.values(), ids=BAD)
async def test_it_is_set_aside_for_a_growing_while_a_minute_at_most_and_comes_back(it: Stage, fault: dict):
    it.getatext.fault(endpoint=RENT, **fault)
    for _ in range(5):
        assert await seller(it) == "getsms"
    assert len(it.seen(it.getatext, RENT)) == 3  # after three failures it is left alone
    assert not await is_usable(it, "getatext")

    for _ in range(200):
        await it.clock.advance(2)
        assert await seller(it) == "getsms"
    probes = [seen.at for seen in it.seen(it.getatext, RENT)][2:]
    pauses = [later - earlier for earlier, later in pairwise(probes)]
    assert pauses[:4] == sorted(pauses[:4])
    assert pauses[0] < pauses[3] / 4
    assert max(pauses) <= 62  # a minute, and the two seconds between the questions
    assert len(probes) <= 12  # of two hundred

    it.getatext.clear_faults()
    await it.clock.advance(62)
    assert [await seller(it) for _ in range(5)] == ["getatext"] * 5
    assert await is_usable(it, "getatext")


async def test_the_last_one_left_is_never_set_aside(it: Stage):
    it.getatext.fault("status", RENT, status=500, times=None)
    for asked in range(1, 11):
        assert await it.ask("getNumber", service="wa", providerIds="getatext") == "NO_NUMBERS"
        assert len(it.seen(it.getatext, RENT)) == asked
    it.getatext.clear_faults()
    assert await seller(it, providerIds="getatext") == "getatext"


async def test_a_clients_own_faults_never_count(it: Stage):
    for provider in ("getatext", "getsms"):
        for silly in SILLY:
            for _ in range(4):
                await it.clock.advance(1)  # as many chosen numbers as getatext takes
                reply = await it.reply("getNumber", service="wa", providerIds=provider, **silly)
                assert reply.text.startswith(("NO_NUMBERS", "WRONG_MAX_PRICE", "ACCESS_NUMBER"))
        assert await is_usable(it, provider)
    for key in ("test-key", OTHER_KEY):
        assert await seller(it, api_key=key) == "getatext"


async def test_nobody_else_waits_for_a_provider_that_hangs(tmp_path: Path):
    """What its victims wait for, others are served meanwhile: purchases elsewhere, polls, and codes."""
    async with stage(tmp_path, deadline=60, timeout=60, poll=0.1, getatext_extra=PREMIUM) as it:
        id, phone = await it.number("wa", providerIds="getsms")
        it.getatext.fault("hang", times=None)
        victims = [asyncio.create_task(it.ask("getNumber", service="wa", providerIds="getatext")) for _ in range(20)]
        await eventually(lambda: len(it.seen(it.getatext, RENT)) == 20)
        it.getsms.deliver(it.rental(it.getsms, phone).id, code="4711")
        assert await it.until("STATUS_OK", id=id) == "STATUS_OK:4711"
        for _ in range(20):
            assert await seller(it, providerIds="getsms", api_key=OTHER_KEY) == "getsms"
            assert await it.ask("getStatus", id=id) == "STATUS_OK:4711"
        assert not [victim for victim in victims if victim.done()]
        it.ports["getatext"].close()
        assert set(await asyncio.gather(*victims)) == {"NO_NUMBERS"}
