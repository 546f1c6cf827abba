"""Promise 12: without a key there is nothing, keys are kept by nobody, and no one's excess is another's trouble."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from proxy.config import KeyedClient
from proxy.domain.client import Client
from proxy.errors import BadKey
from proxy.stub.access import Access
from proxy.stub.actions import ACTIONS
from tests.fakes import FakeClock
from tests.gateway.conftest import PREMIUM, RENT
from tests.process import finished, serve
from tests.stage import ADMIN, KEY, OTHER_KEY, Stage, eventually, stage, surroundings

WITHOUT_KEY = {"getCountries", "getServicesList"}
"""What the original tells everybody."""
STRANGERS = {
    "none": None,
    "empty": "",
    "wrong": "wrong",
    "part": KEY[:-1],
    "more": f"{KEY}x",
    "the admin's": ADMIN,
}
PATHS = ("/stubs/handler_api.php", "/stubs/handler_api", "/handler_api.php", "/handler_api")
SECRETS = (KEY, OTHER_KEY, ADMIN)
PARAMS = {"service": "wa", "id": 1, "status": 8, "activationId": 1, "multiService": "wa,tg"}


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path, poll=3600, getatext_extra=PREMIUM) as it:
        yield it


def calls(it: Stage) -> int:
    return len(it.getsms.requests) + len(it.getatext.requests)


# No action without a key


def test_the_only_open_doors_are_those_that_the_original_left_open():
    assert {name for name, action in ACTIONS.items() if action.open} == WITHOUT_KEY


@pytest.mark.parametrize("key", STRANGERS.values(), ids=STRANGERS)
async def test_no_action_does_anything_without_a_key(it: Stage, key: str | None):
    await it.number("wa")
    before = calls(it)
    for name in ACTIONS.keys() - WITHOUT_KEY:
        params = {"action": name, **PARAMS} | ({} if key is None else {"api_key": key})
        assert (await it.web.get(it.url, params=params)).text == "BAD_KEY", name
    assert calls(it) == before
    assert await it.ask("getStatus", id=1) == "STATUS_WAIT_CODE"


@pytest.mark.parametrize("path", PATHS)
async def test_nor_by_any_other_way_in(it: Stage, path: str):
    form = {"action": "getNumber", **PARAMS}
    for key in ("", "wrong"):
        replies = [
            await it.web.post(f"{it.root}{path}", data={**form, "api_key": key}),
            await it.web.get(f"{it.root}{path}/getNumber", params={**form, "api_key": key}),
            await it.web.post(f"{it.root}{path}", params={**form, "api_key": key}, headers={"X-Api-Key": KEY}),
        ]
        assert not [reply for reply in replies if "ACCESS" in reply.text]
    assert it.seen(it.getatext, RENT) == []


async def test_the_other_doors_have_their_own_keys(it: Stage):
    for path in ("activations", "attempts", "ledger", "providers", "explain?service=wa"):
        for key in ("x", "wrong", KEY):
            reply = await it.web.get(f"{it.root}/admin/api/{path}", headers={"Authorization": f"Bearer {key}"})
            assert reply.status_code == 401
    for token in ("x", KEY, ADMIN):
        assert (await it.web.post(f"{it.root}/webhooks/getsms/{token}", json={"id": 1})).status_code == 404


# Keys


class Sealed(str):
    """A key that betrays itself as soon as somebody looks it up or compares it letter by letter."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        raise AssertionError("a key was compared in clear")

    def __hash__(self) -> int:
        raise AssertionError("a key was looked up in clear")


def test_keys_are_told_apart_by_their_digests_alone():
    access = Access([KeyedClient("right", Client("demo"))], FakeClock())
    assert access.enter(Sealed("right")).name == "demo"
    with pytest.raises(BadKey):
        access.enter(Sealed("wrong"))
    assert "right" not in repr(vars(access))


def everything_in(folder: Path) -> list[bytes]:
    """The books and whatever else was written, but for the operator's own file."""
    return [path.read_bytes() for path in folder.iterdir() if path.name != "routing.yaml"]


async def test_keys_are_stored_nowhere_in_clear(tmp_path: Path):
    async with surroundings(tmp_path, poll=0.1) as it:
        async with serve(it) as run:
            id, phone = await it.number("wa", providerIds="getsms", orderId="1")
            it.getsms.deliver(it.rental(it.getsms, phone).id, code="4711")
            await it.until("STATUS_OK", id=id)
            for key in (OTHER_KEY, f"{KEY}x", "wrong"):
                await it.ask("getNumber", service="wa", api_key=key)
            assert await it.ask(KEY) == "BAD_ACTION"
            told = [await it.admin(name) for name in ("activations", "attempts", "ledger", "providers")]
            told.append((await it.web.get(f"{it.root}/metrics")).text)
            exported = [await finished(tmp_path, "export", what) for what in ("activations", "attempts", "ledger")]
            kept = everything_in(tmp_path)
            run.terminate()
            await run.end()
        said = repr((told, exported, run.said, run.complained))
        for secret in SECRETS:
            assert secret not in said
            assert not [found for found in kept if secret.encode() in found]


# Bounds


async def test_a_request_is_bounded_in_every_direction(it: Stage):
    """Whatever is beyond the bounds buys nothing and harms nobody."""
    asked = {"api_key": KEY, "action": "getNumber", "service": "wa"}
    many = urlencode({**asked, **{f"p{place}": place for place in range(1000)}})
    for reply in (
        await it.web.get(f"{it.url}?{urlencode(asked)}&{'x' * 40_000}"),
        await it.web.get(f"{it.url}?{many}"),
        await it.web.post(it.url, data={**asked, "pad": "x" * 1_000_000}),
        await it.web.post(it.url, params=asked, content=b"x" * 1_000_000),
    ):
        assert "ACCESS" not in reply.text
        assert reply.status_code < 500
        assert len(reply.content) < 1000
    assert (await it.web.post(f"{it.root}/webhooks/getsms/x", content=b"x" * 1_000_000)).status_code == 404
    assert it.seen(it.getatext, RENT) == []
    await it.number("wa")


# A flood


async def test_a_flood_of_one_client_is_stemmed_and_no_other_notices(tmp_path: Path):
    async with stage(tmp_path, client={"rate": "1"}, poll=3600) as it:
        id, _ = await it.number("wa", api_key=OTHER_KEY, providerIds="getsms")
        flood = [it.reply("getBalance") for _ in range(300)]
        calm = [it.reply("getStatus", id=id, api_key=OTHER_KEY) for _ in range(100)]
        mixed = await asyncio.gather(*(ask for pair in zip(flood, calm, strict=False) for ask in pair), *flood[100:])
        theirs, others = [*mixed[0:200:2], *mixed[200:]], mixed[1:200:2]
        assert {(reply.status_code, reply.text) for reply in others} == {(200, "STATUS_WAIT_CODE")}
        refused = [reply for reply in theirs if reply.status_code == 429]
        assert len(refused) > 200
        assert {reply.text for reply in refused} == {"TOO_MANY_REQUESTS"}
        assert all(int(reply.headers["Retry-After"]) >= 1 for reply in refused)


async def test_a_client_whose_purchases_hang_holds_up_no_other(tmp_path: Path):
    async with stage(tmp_path, client={"max_open": "50"}, deadline=60, timeout=60, getatext_extra=PREMIUM) as it:
        it.getatext.fault("hang", RENT, times=None)
        flood = [asyncio.create_task(it.ask("getNumber", service="wa", providerIds="getatext")) for _ in range(80)]
        await eventually(lambda: len(it.seen(it.getatext, RENT)) == 50)
        for _ in range(20):
            id, _ = await it.number("wa", api_key=OTHER_KEY, providerIds="getsms")
            assert await it.ask("getStatus", id=id, api_key=OTHER_KEY) == "STATUS_WAIT_CODE"
        await eventually(lambda: sum(one.done() for one in flood) == 30)
        assert Counter(one.result() for one in flood if one.done()) == {"CHANNELS_LIMIT": 30}
        it.ports["getatext"].close()
        await asyncio.gather(*flood)
        assert len(it.seen(it.getatext, RENT)) == 50
