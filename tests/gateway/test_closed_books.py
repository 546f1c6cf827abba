"""Promise 10: while the books cannot be written nothing is bought, reading goes on, and it recovers by itself."""

import asyncio
import resource
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.conftest import PREMIUM, RENT, locked
from tests.stage import Stage, eventually, stage

WEBHOOKS = "webhook_token: secret"
Closing = Callable[[Stage], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def held(it: Stage) -> AsyncIterator[None]:
    """Longer than anybody waits for it."""
    with locked(it):
        yield


@asynccontextmanager
async def full(it: Stage) -> AsyncIterator[None]:
    """No file of this process may grow: what SQLite meets is what a full disk or a quota is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@asynccontextmanager
async def read_only(it: Stage) -> AsyncIterator[None]:
    connection = await it.house.gateway.store.write(lambda tx: tx._connection)
    connection.execute("PRAGMA query_only = ON")
    try:
        yield
    finally:
        connection.execute("PRAGMA query_only = OFF")


@contextmanager
def away(file: Path) -> Iterator[None]:
    elsewhere = file.with_name(f"{file.name}.away")
    file.rename(elsewhere)
    try:
        yield
    finally:
        elsewhere.rename(file)


@asynccontextmanager
async def gone(it: Stage) -> AsyncIterator[None]:
    with away(it.folder / "proxy.db"):
        yield


@asynccontextmanager
async def replaced(it: Stage) -> AsyncIterator[None]:
    file = it.folder / "proxy.db"
    with away(file):
        file.write_bytes(b"")
        yield


TROUBLES = {
    "locked": (held, "database is locked"),
    "full": (full, "disk I/O error"),
    "read-only": (read_only, "attempt to write a readonly database"),
    "gone": (gone, "the database file is gone: No such file or directory"),
    "replaced": (replaced, "the database file was replaced"),
}
each_trouble = pytest.mark.parametrize(("closing", "reason"), TROUBLES.values(), ids=TROUBLES)
BUYING: dict[str, dict[str, Any]] = {
    "getNumber": {"service": "wa"},
    "getNumberV2": {"service": "tg", "orderId": "1"},
    "getMultiServiceNumber": {"multiService": "wa,tg", "providerIds": "getatext"},
    "getRentNumber": {"service": "wa", "rent_time": 72},
}


def money(it: Stage) -> list[int]:
    """What is left at the providers."""
    return [it.getsms.account.balance, it.getatext.account.balance]


async def ready(it: Stage) -> tuple[int, list[str]]:
    reply = await it.web.get(f"{it.root}/readyz")
    return reply.status_code, reply.json()["reasons"]


@each_trouble
async def test_promise_10_a_bad_disk_closes_buying_and_never_reading(tmp_path: Path, closing: Closing, reason: str):
    trouble = f"the books cannot be written: {reason}"
    async with stage(tmp_path, poll=0.1, getatext_extra=PREMIUM, getsms_extra=WEBHOOKS) as it:
        polled, pushed = [await it.number("wa", providerIds=name) for name in ("getatext", "getsms")]
        left = money(it)
        async with closing(it):
            reply = await it.reply("getNumber", service="wa")
            assert (reply.text, reply.headers["X-Reason"]) == ("NO_NUMBERS", trouble)
            for action, asked in BUYING.items():
                assert "ACCESS" not in (reply := await it.reply(action, **asked)).text
                assert "phone" not in reply.text
            assert money(it) == left
            for id, _ in (polled, pushed):
                assert await it.ask("getStatus", id=id) == "STATUS_WAIT_CODE"
            assert len((await it.reply("getActiveActivations")).json()["activeActivations"]) == 2
            assert len(await it.admin("activations")) == 2
            assert (await it.web.get(f"{it.root}/healthz")).status_code == 200
            await eventually(lambda: not_ready(it, trouble))

            it.getatext.deliver(it.rental(it.getatext, polled[1]).id, code="4711")
            push = {"event": "incoming_message", "id": it.rental(it.getsms, pushed[1]).id, "pin": "0815"}
            assert (await it.web.post(f"{it.root}/webhooks/getsms/secret", data=push)).status_code == 503
            looks = len(it.seen(it.getatext, "rental-status-premium"))
            await eventually(lambda: len(it.seen(it.getatext, "rental-status-premium")) > looks + 1)
            assert await it.ask("getStatus", id=polled[0]) == "STATUS_WAIT_CODE"
        assert (await it.web.post(f"{it.root}/webhooks/getsms/secret", data=push)).status_code == 200
        assert await it.until("STATUS_OK", id=pushed[0]) == "STATUS_OK:0815"
        assert await it.until("STATUS_OK", id=polled[0]) == "STATUS_OK:4711"
        await it.number("wa")
        assert await eventually(lambda: ready_again(it))
        assert [outcome for _, outcome in await it.outcomes()] == ["bought"] * 3


async def not_ready(it: Stage, trouble: str) -> bool:
    return await ready(it) == (503, [trouble])


async def ready_again(it: Stage) -> bool:
    return await ready(it) == (200, [])


async def test_promise_10_with_the_database_locked_nothing_is_bought_and_reading_goes_on(it: Stage):
    id, _ = await it.number("wa")
    with locked(it):
        reply = await it.reply("getNumber", service="wa")
        assert reply.text == "NO_NUMBERS"
        assert reply.headers["X-Reason"] == "the books cannot be written: database is locked"
        assert await it.ask("getStatus", id=id) == "STATUS_WAIT_CODE"
        assert len((await it.reply("getActiveActivations")).json()["activeActivations"]) == 1
        assert len(it.seen(it.getatext, RENT)) == 1
    await it.number("wa")


async def test_promise_10_what_was_bought_when_the_books_closed_is_booked_when_they_open(it: Stage):
    it.getatext.fault("slow", RENT, amount=0.3)
    buying = asyncio.create_task(it.number("wa"))
    await eventually(lambda: it.seen(it.getatext, RENT))
    with locked(it):
        await eventually(lambda: it.house.gateway.store.writer.trouble)
        assert not buying.done()
    id, phone = await buying
    (row,) = await it.admin("activations")
    assert (row["id"], row["phone"]) == (id, phone)
    assert await it.outcomes() == [("getatext", "bought")]


@pytest.mark.parametrize("provider", ["getatext", "getsms"])
async def test_promise_10_codes_that_come_while_the_books_are_closed_are_not_lost(tmp_path: Path, provider: str):
    async with stage(tmp_path, poll=0.5, getatext_extra=PREMIUM) as it:
        sandbox = getattr(it, provider)
        bought = [await it.number("wa", providerIds=provider) for _ in range(20)]
        await it.restart()  # from now on all of them are looked at in the same round
        with locked(it):
            for _, phone in bought:
                sandbox.deliver(it.rental(sandbox, phone).id, code="4711")
            await eventually(lambda: it.house.gateway.store.writer.trouble)
            assert await it.ask("getStatus", id=bought[0][0]) == "STATUS_WAIT_CODE"
        for id, _ in bought:
            assert await it.until("STATUS_OK", id=id) == "STATUS_OK:4711"


async def test_promise_10_decisions_are_refused_while_the_books_are_closed(it: Stage):
    id, phone = await it.number("wa")
    it.getatext.deliver(it.rental(it.getatext, phone).id, code="4711")
    await it.until("STATUS_OK", id=id)
    with locked(it):
        assert not (await it.ask("setStatus", id=id, status=6)).startswith("ACCESS")
    assert await it.ask("setStatus", id=id, status=6) == "ACCESS_ACTIVATION"
