"""Promise 3: a client that hangs up loses nothing: its purchase goes on, and its next equal request is given it."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from proxy.sandbox import Settings
from tests.fakes import FakeClock
from tests.gateway.conftest import PREMIUM, RENT
from tests.promises.ways import WAYS, Way, arrived, each_purchase, has_bought, newest, shop
from tests.stage import OTHER_KEY, Stage, eventually, stage

SLOW = {"kind": "slow", "amount": 5}
"""Of a clock that moves only when it is told to."""


async def hang_up(it: Stage, action: str, params: Any, provider: str, endpoint: str) -> None:
    """A client asks, and leaves when its request has reached the provider."""
    sandbox = getattr(it, provider)
    before = len(it.seen(sandbox, endpoint))
    asking = asyncio.create_task(it.reply(action, **params))
    await eventually(lambda: len(it.seen(sandbox, endpoint)) > before)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)


async def bought(it: Stage, way: Way) -> list[tuple[str, str]]:
    """What the newest purchase has brought, once it is in the books: ids and numbers."""

    def is_there() -> bool:
        return {outcome for outcome, _, _ in newest(it.folder / "proxy.db", way)} == {"bought"}

    await eventually(is_there)
    return [(str(id), str(phone)) for _, id, phone in newest(it.folder / "proxy.db", way)]


@each_purchase
async def test_a_purchase_goes_on_and_the_next_equal_request_is_given_it(tmp_path: Path, action: str):
    way = WAYS[action]
    async with shop(tmp_path, way) as it:
        (params,) = await way.prepare(it, 1)
        before, already = arrived(it, way), len(await it.admin("attempts", limit=1000))
        getattr(it, way.provider).fault(endpoint=way.endpoint, **SLOW)
        await hang_up(it, action, params, way.provider, way.endpoint)
        await it.clock.advance(5)
        kept = await bought(it, way)
        listed = await it.ask(way.listed_by)
        assert all(phone in listed for _, phone in kept)

        await it.clock.advance(60)
        backwards = dict(reversed(params.items()))  # equal, order aside
        reply = await it.reply(action, **backwards)
        assert has_bought(reply)
        assert all(id in reply.text and phone in reply.text for id, phone in kept)
        assert arrived(it, way) - before == 1
        assert len(await it.admin("attempts", limit=1000)) - already == way.attempts


@pytest.fixture
async def it(tmp_path: Path):
    settings = Settings(sms_after=None)
    how = {"getsms": settings, "getatext": settings, "getatext_extra": PREMIUM}
    async with stage(tmp_path, deadline=60, timeout=30, poll=3600, clock=FakeClock(), **how) as it:
        yield it


async def left_behind(it: Stage) -> str:
    """A number whose buyer has gone: what its next equal request is answered."""
    it.getatext.fault(endpoint=RENT, **SLOW)
    await hang_up(it, "getNumber", {"service": "wa"}, "getatext", RENT)
    await it.clock.advance(5)
    ((id, phone),) = await bought(it, WAYS["getNumber"])
    return f"ACCESS_NUMBER:{id}:{phone}"


async def test_it_is_given_once(it: Stage):
    kept = await left_behind(it)
    answers = await asyncio.gather(*(it.ask("getNumber", service="wa") for _ in range(5)))
    assert answers.count(kept) == 1
    assert len(it.seen(it.getatext, RENT)) == 5


@pytest.mark.parametrize(
    ("action", "params"),
    [
        ("getNumber", {"service": "wa", "maxPrice": "2"}),
        ("getNumber", {"service": "tg"}),
        ("getNumberV2", {"service": "wa"}),
        ("getNumber", {"service": "wa", "api_key": OTHER_KEY}),
    ],
)
async def test_an_unequal_request_is_not_given_it(it: Stage, action: str, params: dict[str, str]):
    kept = await left_behind(it)
    assert kept.split(":")[2] not in await it.ask(action, **params)
    assert await it.ask("getNumber", service="wa") == kept


@pytest.mark.parametrize(("seconds", "purchases"), [(115, 1), (121, 2)])
async def test_it_waits_for_two_minutes(it: Stage, seconds: int, purchases: int):
    await left_behind(it)
    await it.clock.advance(seconds)
    await it.number("wa")
    assert len(it.seen(it.getatext, RENT)) == purchases


async def test_it_waits_over_a_restart(it: Stage):
    kept = await left_behind(it)
    await it.restart()
    assert await it.ask("getNumber", service="wa") == kept
    assert len(it.seen(it.getatext, RENT)) == 1


async def test_who_asks_again_while_it_is_under_way_is_given_that_one(it: Stage):
    it.getatext.fault(endpoint=RENT, **SLOW)
    await hang_up(it, "getNumberV2", {"service": "wa"}, "getatext", RENT)
    asking = asyncio.create_task(it.reply("getNumberV2", service="wa"))
    await eventually(lambda: not it.house.gateway.under_way._orphans)
    await it.clock.advance(5)
    sold = json.loads((await asking).text)
    ((id, phone),) = await bought(it, WAYS["getNumber"])
    assert (str(sold["activationId"]), sold["phoneNumber"]) == (id, phone)
    assert len(it.seen(it.getatext, RENT)) == 1
