"""Promise 1: one request, at most one purchase, whatever is lost on the way and whenever the gateway dies."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import FakeClock
from tests.gateway.conftest import PREMIUM, RENT
from tests.process import serve
from tests.promises.losing import chain
from tests.promises.ways import WAYS, arrived, crowd, each_purchase, has_bought, shop
from tests.stage import Stage, eventually, opened, serving, stage, surroundings
from tests.store.books import rows

PURCHASES = {"getatext": RENT, "getsms": "request"}
each_provider = pytest.mark.parametrize("provider", PURCHASES)

LONGEST_REPLY = 600
"""More bytes than the reply to any purchase has, its head included: the last cuts cut nothing."""
AT_ONCE = 40
LOST = [
    *({"kind": "cut", "amount": amount} for amount in (0, 1, 17, 60, 150, 220)),
    {"kind": "half"},
    {"kind": "html"},
    {"kind": "status", "status": 502},
]


# Lost answers


@each_provider
async def test_an_answer_cut_after_any_byte_is_one_purchase(tmp_path: Path, provider: str):
    how = {"deadline": 60, "timeout": 30, "getatext_extra": PREMIUM}
    async with stage(tmp_path, **how) as it, crowd() as it.web:
        sandbox = getattr(it, provider)
        for amount in range(0, LONGEST_REPLY, AT_ONCE):
            await asyncio.gather(*(one_cut(it, provider, amount + step) for step in range(AT_ONCE)))
            if await all_bought(it, AT_ONCE):
                break
        else:
            pytest.fail("no reply came through whole")

        attempts = await it.admin("attempts", limit=1000)
        assert len(it.seen(sandbox, PURCHASES[provider])) == len(sandbox.rentals) == len(attempts)
        assert {attempt["outcome"] for attempt in attempts} == {"bought", "unknown"}
        phones = [activation["phone"] for activation in await it.admin("activations", limit=1000)]
        assert len(phones) == len(set(phones)) == sum(attempt["outcome"] == "bought" for attempt in attempts)


async def one_cut(it: Stage, provider: str, amount: int) -> None:
    getattr(it, provider).fault("cut", PURCHASES[provider], amount=amount)
    answer = await it.ask("getNumber", service="wa", providerIds=provider)
    assert answer.startswith(("NO_NUMBERS", "ACCESS_NUMBER:"))


async def all_bought(it: Stage, last: int) -> bool:
    return all(attempt["outcome"] == "bought" for attempt in await it.admin("attempts", limit=last))


@each_purchase
async def test_whatever_the_action_a_lost_answer_is_one_purchase(tmp_path: Path, action: str):
    way = WAYS[action]
    async with shop(tmp_path, way) as it:
        asked = await way.prepare(it, len(LOST))
        before, known = arrived(it, way), len(await it.admin("attempts", limit=1000))
        for params, fault in zip(asked, LOST, strict=True):
            getattr(it, way.provider).fault(endpoint=way.endpoint, **fault)
            assert not has_bought(await it.reply(action, **params)), fault
        attempts = (await it.admin("attempts", limit=1000))[: -known or None]
        assert arrived(it, way) - before == len(LOST)
        assert [attempt["outcome"] for attempt in attempts] == ["unknown"] * len(LOST) * way.attempts


@each_provider
async def test_a_connection_that_was_used_before_and_drops_repeats_nothing(tmp_path: Path, provider: str):
    async with stage(tmp_path, getatext_extra=PREMIUM) as it:
        sandbox = getattr(it, provider)
        await it.number("wa", providerIds=provider)
        sandbox.fault("cut", PURCHASES[provider], amount=0)
        assert await it.ask("getNumber", service="wa", providerIds=provider) == "NO_NUMBERS"
        assert len(it.seen(sandbox, PURCHASES[provider])) == 2
        assert await it.outcomes() == [(provider, "bought"), (provider, "unknown")]


@pytest.mark.parametrize("amount", [0, 1, 40])
async def test_nor_does_it_where_a_purchase_is_a_get(tmp_path: Path, amount: int):
    """HTTP libraries like to repeat a GET when the connection drops before its answer."""
    async with chain(tmp_path) as (front, behind, losing):
        await front.number("wa")
        losing.loses = amount
        assert await front.ask("getNumber", service="wa") == "NO_NUMBERS"
        assert losing.purchases[-1] in {*losing.connections, losing.purchases[0]}  # it was a used one
        assert len(losing.purchases) == 2
        assert len(behind.getatext.rentals) == 2


# Durable before the request leaves


class Witness:
    """Stands before a provider and looks into the books' file at the very moment at which a purchase arrives."""

    def __init__(self, app: Any, file: Path) -> None:
        self._app = app
        self._file = file
        self.arrived = 0
        self.went_ahead = 0
        """Purchases that arrived before their attempt stood in the file."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        first = [await receive()] if scope["type"] == "http" else []
        if first and (scope["path"].endswith(RENT) or b"cmd=request&" in first[0].get("body", b"")):
            self.arrived += 1
            ((attempts, holds),) = rows(
                self._file, "SELECT (SELECT count(*) FROM attempts), (SELECT count(*) FROM ledger WHERE kind = 'hold')"
            )
            self.went_ahead += min(attempts, holds) < self.arrived

        async def again() -> Any:
            return first.pop() if first else await receive()

        await self._app(scope, again, send)


@each_provider
async def test_the_attempt_is_in_the_file_before_the_request_leaves(tmp_path: Path, provider: str):
    rules = f"- {{name: everything, providers: [{provider}]}}"
    how = {"rules": rules, "deadline": 60, "timeout": 30, "getatext_extra": PREMIUM, "clock": FakeClock()}
    async with surroundings(tmp_path, **how) as it, AsyncExitStack() as opening:
        witness = Witness(getattr(it, provider).app, tmp_path / "proxy.db")
        it.routing[provider] = (await opening.enter_async_context(serving(witness))).address
        await opening.enter_async_context(opened(it))
        for _ in range(5):
            await it.number("wa")
        await asyncio.gather(*(it.number("wa") for _ in range(30)))
        assert (witness.arrived, witness.went_ahead) == (35, 0)


# The gateway dies


async def test_after_a_kill_every_rental_is_an_activation_or_an_unknown_attempt(tmp_path: Path):
    """Again and again a crowd that buys is cut off, when some are served, some under way and some not begun."""
    async with surroundings(tmp_path, deadline=60, timeout=30, poll=0.1, getatext_extra=PREMIUM) as it:
        for service, enough in (("wa", 1), ("tg", 12), ("ig", 25)):
            await killed_when(it, enough, service)
            async with serve(it):
                await all_is_accounted_for(it)


async def killed_when(it: Stage, enough: int, service: str) -> None:
    """Thirty purchases at once at both providers, until so many of them made a rental; then the gateway is gone.

    Each time for another service: what nobody heard of would be given to the next equal request.
    """
    already = sold(it)
    for provider, endpoint in PURCHASES.items():
        sandbox = getattr(it, provider)
        sandbox.fault("slow", endpoint, amount=0.05, times=8)
        sandbox.fault("slow", endpoint, amount=30, times=2)  # one at least is always under way
    async with serve(it) as run:
        asking = (it.ask("getNumber", service=service, providerIds=provider) for provider in [*PURCHASES] * 15)
        asked = asyncio.gather(*asking, return_exceptions=True)
        await eventually(lambda: sold(it) - already >= enough, seconds=30)
        await run.kill()
        answers = await asked
    for provider in PURCHASES:
        getattr(it, provider).clear_faults()
    told = {answer.split(":")[2] for answer in answers if isinstance(answer, str) and answer.startswith("ACCESS")}
    booked = {phone for (phone,) in rows(it.folder / "proxy.db", "SELECT phone FROM activations")}
    assert told <= booked


def sold(it: Stage) -> int:
    return len(it.getsms.rentals) + len(it.getatext.rentals)


async def all_is_accounted_for(it: Stage) -> None:
    """No rental is forgotten, and no attempt asked for two."""
    activations = await it.admin("activations", limit=1000)
    for provider, endpoint in PURCHASES.items():
        sandbox = getattr(it, provider)
        outcomes = [outcome for name, outcome in await it.outcomes() if name == provider]
        booked = {row["upstream_id"] for row in activations if row["provider"] == provider}
        rentals = {str(rental.id) for rental in sandbox.rentals}
        assert set(outcomes) <= {"bought", "unknown"}
        assert len(booked) == outcomes.count("bought")
        assert booked <= rentals
        assert len(rentals - booked) <= outcomes.count("unknown")
        assert len(it.seen(sandbox, endpoint)) <= len(outcomes)
