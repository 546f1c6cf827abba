"""A purchase whose answer was lost is found in the provider's own list of what is open."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.pollers.settlement import settle_unknown
from proxy.sandbox import Settings
from tests.providers.test_sms_activate_chain import in_front_of
from tests.stage import Stage, serving, stage


class Mumbling:
    """The gateway behind, whose answers to purchases are nonsense while it is told so."""

    def __init__(self, app) -> None:
        self.app = app
        self.mumbles = False

    async def __call__(self, scope, receive, send):
        if not (self.mumbles and b"action=getNumber" in scope["query_string"]):
            await self.app(scope, receive, send)
            return

        async def garbled(message):
            if message["type"] == "http.response.start":
                message = message | {"headers": [(b"content-type", b"text/html"), (b"content-length", b"6")]}
            await send(message | ({"body": b"<html>"} if "body" in message else {}))

        await self.app(scope, receive, garbled)


@pytest.fixture
async def behind(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path, poll=0.1, getatext=Settings(sms_after=None, cancel_lock=0)) as it:
        yield it


async def test_a_lost_purchase_is_recovered_and_given_to_the_next_equal_request(behind: Stage, tmp_path: Path):
    mumbling = Mumbling(behind.house)
    async with serving(mumbling) as port:
        behind.root = port.address
        async with in_front_of(behind, tmp_path) as front:
            mumbling.mumbles = True
            assert await front.ask("getNumber", service="wa") == "NO_NUMBERS"
            mumbling.mumbles = False
            await settle_unknown(front.house.gateway)
            (attempt,) = await front.admin("attempts")
            (rental,) = json.loads(await behind.ask("getActiveActivations"))["activeActivations"]
            assert (attempt["outcome"], attempt["upstream_id"]) == ("recovered", rental["activationId"])
            words = await front.ask("getNumber", service="wa")
            assert words == f"ACCESS_NUMBER:{attempt['activation_id']}:{rental['phoneNumber']}"
            assert [entry["kind"] for entry in await front.admin("ledger")] == ["charge", "release", "hold"]


async def test_what_two_clients_could_own_is_left_to_the_operator(behind: Stage, tmp_path: Path):
    mumbling = Mumbling(behind.house)
    async with serving(mumbling) as port:
        behind.root = port.address
        async with in_front_of(behind, tmp_path, more_clients=", {name: other, api_key: other-key}") as front:
            mumbling.mumbles = True
            assert await front.ask("getNumber", service="wa") == "NO_NUMBERS"
            assert await front.ask("getNumber", service="wa", api_key="other-key") == "NO_NUMBERS"
            mumbling.mumbles = False
            await settle_unknown(front.house.gateway)
            assert {attempt["outcome"] for attempt in await front.admin("attempts")} == {"unknown"}
