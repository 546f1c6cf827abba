"""Promise 8: in any order of webhooks, looks, decisions and restarts each code is shown once, and none is lost."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from proxy.sandbox import Settings, getatext_services
from tests.fakes import FakeClock
from tests.gateway.conftest import PREMIUM, pass_until
from tests.stage import Stage, eventually, stage

TOKENS = {"getsms": "token-of-getsms", "getatext": "token-of-getatext"}
LOOKS = {"getsms": "read_sms", "getatext": "rental-status-premium"}
SEVERAL = "mm"
"""Microsoft: getatext gives several SMS for it."""
ORDERS = sorted(set(permutations(["webhook", "webhook", "look", "restart"])))
each_provider = pytest.mark.parametrize("provider", TOKENS)


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Stage]:
    """Nobody looks for anything unless time passes, and that it does only when it is told to."""
    hours = tuple(replace(service, ttl=120) for service in getatext_services())
    settings = {"getsms": Settings(sms_after=None, lifetime=7200), "getatext": Settings(hours, sms_after=None)}
    extras = {f"{name}_extra": f"webhook_token: {token}" for name, token in TOKENS.items()}
    extras["getatext_extra"] += f"\n    {PREMIUM}"
    async with stage(tmp_path, poll=1, clock=FakeClock(), **settings, **extras) as it:
        yield it


class Story:
    """One number, what happened to it, and what its client was told."""

    def __init__(self, it: Stage, provider: str, id: int, phone: str, *, in_words: bool) -> None:
        """`in_words`: getatext's webhooks say the code as it is, not as a number that has to be looked up."""
        self.it = it
        self.provider = provider
        self.sandbox = getattr(it, provider)
        self.id = id
        self.rental = it.rental(self.sandbox, phone)
        self._in_words = in_words
        self._webhooks: list[dict[str, Any]] = []

    async def status(self) -> str:
        return await self.it.ask("getStatus", id=self.id)

    def arrives(self, code: str) -> None:
        """An SMS is there, at the provider."""
        message = self.sandbox.deliver(self.rental.id, code=code)
        webhook = dict(self.sandbox.webhook(self.rental, message))
        if self._in_words and self.provider == "getatext":
            webhook["json"]["code"] = code
        self._webhooks.append(webhook)

    async def webhook(self, place: int = -1) -> None:
        address = f"{self.it.root}/webhooks/{self.provider}/{TOKENS[self.provider]}"
        assert (await self.it.web.post(address, **self._webhooks[place])).status_code == 200

    async def look(self) -> None:
        """Time passes until somebody has looked at this very rental."""

        def looks() -> int:
            seen = self.it.seen(self.sandbox, LOOKS[self.provider])
            return sum(str(request.fields.get("id")) == str(self.rental.id) for request in seen)

        before = looks()

        async def has_looked() -> bool:
            return looks() > before

        await pass_until(self.it, has_looked, seconds=600, step=2)

    async def restart(self) -> None:
        await self.it.restart()

    async def happens(self, what: str) -> None:
        await getattr(self, what)()

    async def messages(self) -> list[str]:
        row = next(row for row in await self.it.admin("activations") if row["id"] == self.id)
        return [message["code"] for message in row["messages"]]


async def story_of(it: Stage, provider: str, service: str, turn: int = 0) -> Story:
    return Story(it, provider, *await it.number(service, providerIds=provider), in_words=bool(turn % 2))


async def all_in_order(story: Story, order: tuple[str, ...], before: str, code: str) -> None:
    """Let it all happen: the answer changes once, to the new code, and with the first look at the latest."""
    story.arrives(code)
    allowed = {before, f"STATUS_OK:{code}"}
    for what in order:
        await story.happens(what)
        if what == "look":
            await story.it.until(f"STATUS_OK:{code}", id=story.id)
        status = await story.status()
        assert status in allowed, (order, what)
        if status != before:
            allowed = {status}
    assert allowed == {f"STATUS_OK:{code}"}


@each_provider
async def test_a_code_is_shown_once_and_for_good_in_any_order(it: Stage, provider: str):
    for turn, order in enumerate(ORDERS):
        story, code = await story_of(it, provider, "wa", turn), f"{turn:06}"  # a leading zero is part of a code
        await all_in_order(story, order, "STATUS_WAIT_CODE", code)
        assert await story.messages() == [code]
        assert await it.ask("setStatus", id=story.id, status=6) == "ACCESS_ACTIVATION"
        await story.webhook()  # later than late
        assert await story.status() == f"STATUS_OK:{code}"
        assert await story.messages() == [code]


async def test_an_old_code_is_never_shown_as_new_in_any_order(it: Stage):
    for turn, order in enumerate(ORDERS):
        story = await story_of(it, "getatext", SEVERAL, turn)
        first, second = f"1{turn:05}", f"2{turn:05}"
        await all_in_order(story, order, "STATUS_WAIT_CODE", first)
        assert await it.ask("setStatus", id=story.id, status=3) == "ACCESS_RETRY_GET"
        for what in order:  # all of it about the first SMS
            await story.happens(what)
            assert await story.status() == f"STATUS_WAIT_RETRY:{first}", (order, what)
        await all_in_order(story, order, f"STATUS_WAIT_RETRY:{first}", second)
        await story.webhook(0)
        assert await story.status() == f"STATUS_OK:{second}"
        assert await story.messages() == [first, second]
        assert await it.ask("setStatus", id=story.id, status=6) == "ACCESS_ACTIVATION"


@each_provider
async def test_all_at_once_is_one_message(it: Stage, provider: str):
    story = await story_of(it, provider, "wa")
    story.arrives("4711")
    await asyncio.gather(*(story.webhook() for _ in range(10)), story.look(), *(story.status() for _ in range(10)))
    await it.until("STATUS_OK:4711", id=story.id)
    assert await story.messages() == ["4711"]


@each_provider
async def test_a_webhook_earlier_than_its_row_is_kept_and_joined(it: Stage, provider: str):
    endpoint = {"getsms": "request", "getatext": "rent-a-number-premium"}[provider]
    sandbox = getattr(it, provider)
    sandbox.fault("slow", endpoint, amount=5)
    buying = asyncio.create_task(it.number("wa", providerIds=provider))
    (rental,) = await eventually(lambda: sandbox.rentals)
    message = sandbox.deliver(rental.id, code="4711")
    webhook = dict(sandbox.webhook(rental, message))
    if provider == "getatext":
        webhook["json"]["code"] = "4711"  # as a word: a number would have to be looked up
    address = f"{it.root}/webhooks/{provider}/{TOKENS[provider]}"
    for _ in range(3):
        assert (await it.web.post(address, **webhook)).status_code == 200
    await it.clock.advance(5)
    id, _ = await buying
    assert await it.ask("getStatus", id=id) == "STATUS_OK:4711"
    (row,) = await it.admin("activations")
    assert [found["code"] for found in row["messages"]] == ["4711"]
