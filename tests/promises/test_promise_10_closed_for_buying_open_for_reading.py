"""Promise 10: with the database locked or the disk full nothing is bought, everything can be read, and it passes."""

import asyncio
import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.gateway.conftest import PREMIUM, RENT, locked
from tests.promises.ways import WAYS, arrived, each_purchase, has_bought, shop
from tests.stage import Stage, eventually, stage
from tests.store.books import rows

READS = ("getStatusV2", "getFullSms", "getAllSms", "getActiveActivations", "getHistory", "getPrices", "getBalance")

Closed = Callable[[Stage], AbstractContextManager[None]]


@contextmanager
def full(it: Stage) -> Iterator[None]:
    """The books' log cannot grow by a byte: the system refuses to write more to any file of this process."""
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((it.folder / "proxy.db-wal").stat().st_size, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


WORDS = {locked: "database is locked", full: "disk I/O error"}
each_closing = pytest.mark.parametrize("closed", WORDS)


@each_closing
@each_purchase
async def test_purchases_are_refused_before_anything_is_bought_and_resume_by_themselves(
    tmp_path: Path, action: str, closed: Closed
):
    way = WAYS[action]
    async with shop(tmp_path, way) as it:
        first, second = await way.prepare(it, 2)
        id, phone = await it.number("wa")
        assert has_bought(await it.reply(action, **first))
        before, entries = arrived(it, way), await it.admin("ledger", limit=1000)
        with closed(it):
            reply = await it.reply(action, **second)
            assert not has_bought(reply)
            assert (reply.status_code, reply.text != "") == (200, True)
            assert WORDS[closed] in reply.headers["X-Reason"]
            assert await it.ask("getStatus", id=id) == "STATUS_WAIT_CODE"
            assert phone in await it.ask("getActiveActivations")
        assert arrived(it, way) == before
        assert await it.admin("ledger", limit=1000) == entries
        assert has_bought(await it.reply(action, **second))


@each_closing
async def test_everything_can_still_be_read(tmp_path: Path, closed: Closed):
    async with stage(tmp_path, poll=0.1, getatext_extra=PREMIUM) as it:
        id, phone = await it.number("wa", providerIds="getatext")
        it.getatext.deliver(it.rental(it.getatext, phone).id, code="4711")
        await it.until("STATUS_OK", id=id)
        before = {action: await it.ask(action, id=id) for action in READS}
        with closed(it):
            assert await it.ask("getStatus", id=id) == "STATUS_OK:4711"
            for action in READS:
                assert await it.ask(action, id=id) == before[action], action


@each_closing
@pytest.mark.parametrize("answer", ["bought", "refused", "unknown"])
async def test_what_was_under_way_when_they_closed_is_booked_when_they_open(
    tmp_path: Path, closed: Closed, answer: str
):
    rules = "- {name: everything, providers: [getatext]}"
    async with stage(tmp_path, deadline=60, timeout=30, rules=rules, getatext_extra=PREMIUM) as it:
        if answer == "refused":
            it.getatext.set_service("whatsapp", stock=0)
        it.getatext.fault("slow", RENT, amount=1)
        buying = asyncio.create_task(it.reply("getNumber", service="wa"))
        await eventually(lambda: it.seen(it.getatext, RENT))
        with closed(it):
            if answer == "unknown":
                it.ports["getatext"].close()
            await eventually(lambda: it.house.gateway.store.writer.trouble)
            assert not buying.done()
        reply = await buying
        assert has_bought(reply) == (answer == "bought")
        assert {outcome for _, outcome in await it.outcomes()} == {answer}
        kinds = {"bought": ["hold", "release", "charge"], "refused": ["hold", "release"], "unknown": ["hold"]}[answer]
        assert rows(tmp_path / "proxy.db", "SELECT kind FROM ledger ORDER BY id") == [(kind,) for kind in kinds]
