"""The stages of most tests here, and what they look at."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from proxy.sandbox import Settings
from tests.fakes import FakeClock
from tests.stage import Stage, stage

PREMIUM = "tier: premium"
RENT = "rent-a-number-premium"


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Stage]:
    """Short times, and a getatext whose limits leave room for many purchases at once."""
    unlocked = Settings(sms_after=None, cancel_lock=0)
    async with stage(tmp_path, deadline=3, timeout=0.5, poll=0.1, getatext=unlocked, getatext_extra=PREMIUM) as it:
        yield it


@pytest.fixture
async def slow_days(tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage whose time passes only when it is told to: nobody looks for SMS before half a minute."""
    settings = Settings(sms_after=None, lifetime=300)
    async with stage(tmp_path, timeout=0.5, poll=30, getsms=settings, clock=FakeClock()) as it:
        yield it


async def pass_until(it: Stage, fits: Callable[[], Awaitable[Any]], *, seconds: int, step: int = 1) -> None:
    """Let a stage's time pass until `fits`, at most so many seconds of it."""
    for _ in range(0, seconds, step):
        if await fits():
            return
        await it.clock.advance(step)
        await asyncio.sleep(0.01)  # for what waits for sockets and the books
    assert await fits()


@contextmanager
def locked(it: Stage) -> Iterator[None]:
    """Another process holds the database."""
    with closing(sqlite3.connect(it.folder / "proxy.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


async def row_of(it: Stage, id: int) -> dict[str, Any]:
    return next(row for row in await it.admin("activations") if row["id"] == id)


async def refunds(it: Stage) -> int:
    return sum(entry["kind"] == "refund" for entry in await it.admin("ledger"))
