"""Promise 11: getatext's limits are kept across all clients, by waiting in line within the deadline.

The provider is the embedded one and time is virtual, so that what is sent at a moment arrives at that very moment.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from proxy.sandbox import GetatextSandbox, Seen
from tests.fakes import FakeClock
from tests.promises.ways import has_bought
from tests.stage import KEY, OTHER_KEY, Stage, eventually, opened, surroundings
from tests.store.books import rows

KEYS = (KEY, OTHER_KEY)
SERVICES = ("wa", "tg", "ig", "fb", "go", "ds", "am", "mm", "nf", "tw")
OWN_NAMES = ("whatsapp", "telegram", "instagram", "facebook", "google", "discord", "amazon", "microsoft", "netflix",
             "twitter")  # fmt: skip
RENT_GROUP = ("rent-a-number", "rent-specific-number")
RULES = "- {name: everything, providers: [getatext]}"
Asking = Awaitable[httpx.Response]


@asynccontextmanager
async def one_at_getatext(folder: Path, deadline: int) -> AsyncIterator[tuple[Stage, GetatextSandbox]]:
    async with surroundings(folder, deadline=deadline, rules=RULES, poll=3600, clock=FakeClock()) as it:
        it.routing["getatext"] = "sandbox"
        async with AsyncExitStack() as it.gateway:
            await it.gateway.enter_async_context(opened(it))
            sandbox = it.house.lines["getatext"].sandbox
            assert isinstance(sandbox, GetatextSandbox)
            sandbox.settings.sms_after = None
            yield it, sandbox


async def in_line(it: Stage, asking: Sequence[Callable[[], Asking]]) -> list[asyncio.Future[httpx.Response]]:
    """Ask one after the other: each when the attempt of the one before stands in the books."""
    line = []
    for place, ask in enumerate(asking, start=1):
        line.append(asyncio.ensure_future(ask()))
        await eventually(lambda place=place: len(attempts(it)) >= place)
    return line


def attempts(it: Stage) -> list[tuple[Any, ...]]:
    return rows(it.folder / "proxy.db", "SELECT DISTINCT client, fingerprint FROM attempts")


async def let_pass(it: Stage, line: Sequence[asyncio.Future[Any]]) -> list[Any]:
    """Time passes, in small steps, until everybody has an answer."""
    async with asyncio.timeout(60):
        while not all(one.done() for one in line):
            await it.clock.advance(0.05)
            await asyncio.sleep(0.001)
    return [await one for one in line]


def arrivals(sandbox: GetatextSandbox, *endpoints: str) -> list[Seen]:
    return [seen for seen in sandbox.requests if seen.endpoint in endpoints]


def at_most(limit: int, requests: Sequence[Seen]) -> bool:
    """Whether any second saw no more of them than that."""
    return all(later.at - earlier.at >= 1 for earlier, later in zip(requests, requests[limit:], strict=False))


async def test_two_rents_a_second_first_come_first_served(tmp_path: Path):
    async with one_at_getatext(tmp_path, deadline=60) as (it, sandbox):
        line = await in_line(
            it,
            [
                lambda service=service, key=KEYS[place % 2]: it.reply("getNumber", service=service, api_key=key)
                for place, service in enumerate(SERVICES)
            ],
        )
        assert all(map(has_bought, await let_pass(it, line)))
        came = arrivals(sandbox, *RENT_GROUP)
        assert [seen.fields["service"] for seen in came] == list(OWN_NAMES)
        assert at_most(2, came)
        assert len(sandbox.rentals) == len(SERVICES)  # none was turned away


async def test_chosen_numbers_and_any_numbers_share_one_limit(tmp_path: Path):
    async with one_at_getatext(tmp_path, deadline=60) as (it, sandbox):
        numbers = [f"1202555{place:04}" for place in range(1200, 1205)]
        asking: list[Callable[[], Asking]] = []
        for number, service in zip(numbers, SERVICES, strict=False):
            asking.append(lambda service=service: it.reply("getNumber", service=service))
            asking.append(lambda number=number: it.reply("getNumber", service="mb", number=number, api_key=OTHER_KEY))
        await let_pass(it, [asyncio.ensure_future(ask()) for ask in asking])
        came = arrivals(sandbox, *RENT_GROUP)
        assert {seen.endpoint for seen in came} == set(RENT_GROUP)
        assert len(came) >= len(asking)
        assert at_most(2, came)


async def test_one_joint_purchase_a_second(tmp_path: Path):
    async with one_at_getatext(tmp_path, deadline=60) as (it, sandbox):
        pairs = [f"{first},{second}" for first, second in zip(SERVICES[:5], SERVICES[5:], strict=True)]
        line = [
            asyncio.ensure_future(it.reply("getMultiServiceNumber", multiService=pair, api_key=KEYS[place % 2]))
            for place, pair in enumerate(pairs)
        ]
        assert all(map(has_bought, await let_pass(it, line)))
        came = arrivals(sandbox, "rent-multiple-services")
        assert (len(came), at_most(1, came)) == (5, True)
        assert len(sandbox.rentals) == 10


async def test_one_cancellation_a_second(tmp_path: Path):
    async with one_at_getatext(tmp_path, deadline=60) as (it, sandbox):
        line = [asyncio.ensure_future(it.number("wa", api_key=KEYS[place % 2])) for place in range(6)]
        ids = [id for id, _ in await let_pass(it, line)]
        await it.clock.advance(60)  # before that nothing can be cancelled
        line = [
            asyncio.ensure_future(it.ask("setStatus", id=id, status=8, api_key=KEYS[place % 2]))
            for place, id in enumerate(ids)
        ]
        assert set(await let_pass(it, line)) == {"ACCESS_CANCEL"}
        came = arrivals(sandbox, "cancel-rental")
        assert (len(came), at_most(1, came)) == (6, True)
        assert {rental.phase for rental in sandbox.rentals} == {"cancelled"}


async def test_whose_turn_does_not_come_within_the_deadline_is_sent_away_unsent(tmp_path: Path):
    """That is the gateway's own doing: it is no unknown outcome, costs nothing, and is no fault of the provider."""
    async with one_at_getatext(tmp_path, deadline=3) as (it, sandbox):
        replies = await let_pass(it, [asyncio.ensure_future(it.reply("getNumber", service="wa")) for _ in range(20)])
        bought = [reply for reply in replies if has_bought(reply)]
        assert 2 <= len(bought) < 20
        assert {reply.text for reply in replies if not has_bought(reply)} == {"NO_NUMBERS"}
        came = arrivals(sandbox, *RENT_GROUP)
        assert len(came) == len(bought) == len(sandbox.rentals)
        assert at_most(2, came)
        assert {outcome for _, outcome in await it.outcomes()} == {"bought", "refused"}
        ledger = [entry["kind"] for entry in await it.admin("ledger", limit=1000)]
        assert ledger.count("hold") == ledger.count("release")
        assert next(row["usable"] for row in await it.admin("providers") if row["name"] == "getatext")


async def test_who_pays_for_more_does_not_wait(tmp_path: Path):
    async with surroundings(tmp_path, rules=RULES, poll=3600, clock=FakeClock(), getatext_extra="tier: premium") as it:
        it.routing["getatext"] = "sandbox"
        async with opened(it):
            for _ in range(10):  # and no time passes
                await it.number("wa")
