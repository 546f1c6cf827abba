"""Copies of the books that are taken while they are in use, and gateways that start from one."""

import asyncio
import os
import sqlite3
from contextlib import AsyncExitStack, closing, suppress
from pathlib import Path

import httpx
import pytest

from proxy.clock import SystemClock
from proxy.domain.money import parse_usd, print_usd
from proxy.pollers.settlement import settle_unknown
from proxy.sandbox import Settings
from proxy.store.backup import SKIPPED, copy_books
from proxy.store.store import open_store
from tests.process import finished, serve
from tests.providers.test_sms_activate_chain import in_front_of
from tests.stage import Stage, eventually, serving, stage, surroundings
from tests.store.books import begun, bought, locked, rows


async def drift(it: Stage, provider: str) -> str | None:
    found = [row["ledger_balance_drift"] for row in await it.admin("providers") if row["name"] == provider]
    return found[0]


async def test_a_gateway_goes_on_from_a_copy_that_was_taken_while_numbers_were_bought(tmp_path: Path):
    unlocked = Settings(sms_after=None)
    async with surroundings(tmp_path, poll=0.1, getatext=unlocked, getatext_extra="tier: premium") as it:
        told: dict[int, str] = {}

        async def buy() -> int | None:
            words = await it.ask("getNumber", service="tg", providerIds="getatext")
            if not words.startswith("ACCESS_NUMBER:"):  # requests that arrive in a heap are told to try again
                return None
            _, id, phone = words.split(":")
            told[int(id)] = phone
            return int(id)

        async def keep_buying(stop: asyncio.Event) -> None:
            while not stop.is_set():
                await buy()

        async def cut_off() -> None:
            with suppress(httpx.TransportError):
                await it.ask("getNumber", service="wa", providerIds="getsms")

        async with asyncio.TaskGroup() as cut, serve(it) as run:
            await eventually(lambda: opening_is_known(it))
            before = await eventually(buy)
            it.getsms.fault("slow", "request", amount=60)
            stop = asyncio.Event()
            async with asyncio.TaskGroup() as group:
                for _ in range(4):
                    group.create_task(keep_buying(stop))
                cut.create_task(cut_off())
                await eventually(lambda: it.seen(it.getsms, "request"))
                status, out, err = await finished(it.folder, "backup", "copy.db")
                stop.set()
            assert (status, out, err) == (0, f"copy.db: {(it.folder / 'copy.db').stat().st_size} bytes\n", "")
            after = await eventually(buy)
            await run.kill()

        async with serve(it, "--database", "copy.db"):
            copied = {row["id"] for row in await it.admin("activations", limit=1000)}
            assert before in copied
            assert after not in copied
            assert copied < told.keys()
            assert await it.admin("attempts", outcome="buying") == []
            assert "wa" in {attempt["service"] for attempt in await it.admin("attempts", outcome="unknown")}
            it.getatext.deliver(it.rental(it.getatext, told[before]).id, code="012345")
            assert await it.until("STATUS_OK", id=before) == "STATUS_OK:012345"
            assert await it.ask("getStatus", id=after) == "NO_ACTIVATION"
            phones = {row["phone"] for row in await it.admin("activations", limit=1000)}
            lost = [rental.price for rental in it.getatext.rentals if f"1{rental.number}" not in phones]
            await eventually(lambda: drift_is(it, "getatext", print_usd(-sum(lost), 4)))
            given = set(told)
            # Of another service: the copy may hold numbers whose replies were still on their way, for equal requests.
            assert (await it.number("ig", providerIds="getatext"))[0] not in given


async def opening_is_known(it: Stage) -> bool:
    return await drift(it, "getatext") == "0.0000"


async def drift_is(it: Stage, provider: str, amount: str) -> bool:
    return await drift(it, provider) == amount


class Slow:
    """The gateway behind, whose answers to purchases wait to be let through."""

    def __init__(self, app) -> None:
        self.app = app
        self.open = asyncio.Event()
        self.open.set()
        self.held = 0

    async def __call__(self, scope, receive, send):
        async def later(message):
            if b"action=getNumber" in scope["query_string"] and not self.open.is_set():
                self.held += 1
                await self.open.wait()
            await send(message)

        await self.app(scope, receive, later)


async def test_what_was_being_bought_when_the_copy_was_taken_is_found_where_the_provider_lists_it(tmp_path: Path):
    async with stage(tmp_path, poll=0.1) as behind, AsyncExitStack() as stack:
        slow = Slow(behind.house)
        behind.root = (await stack.enter_async_context(serving(slow))).address
        (tmp_path / "later").mkdir()
        async with in_front_of(behind, tmp_path) as front:
            await eventually(lambda: drift_is(front, "behind", "0.0000"))
            slow.open.clear()
            buying = asyncio.create_task(front.ask("getNumber", service="wa"))
            await eventually(lambda: slow.held)
            copy_books(str(tmp_path / "front.db"), str(tmp_path / "later" / "front.db"))
            slow.open.set()
            _, id, phone = (await buying).split(":")
            price = (await front.reply("getNumber", service="tg")).headers["X-Price"]  # bought after the copy
        for upstream in behind.house.gateway.market.upstreams.values():
            await upstream.ask_balance()
        async with in_front_of(behind, tmp_path / "later") as front:
            await settle_unknown(front.house.gateway)
            (attempt,) = await front.admin("attempts")
            (row,) = await front.admin("activations")
            assert (attempt["outcome"], attempt["activation_id"]) == ("recovered", row["id"])
            assert row["phone"] == phone
            assert row["id"] > int(id) + 1
            await eventually(lambda: drift_is(front, "behind", print_usd(-parse_usd(price), 4)))


async def test_a_copy_is_one_whole_file(tmp_path: Path):
    source, copy = tmp_path / "books.db", tmp_path / "copy.db"
    async with open_store(str(source), SystemClock()) as store:
        source.chmod(0o640)
        activation = await bought(store, "1")
        assert copy_books(str(source), str(copy)) == copy.stat().st_size
        await bought(store, "2")
        assert rows(copy, "SELECT upstream_id FROM activations") == [("1",)]
    assert rows(copy, "PRAGMA integrity_check") == [("ok",)]
    assert copy.stat().st_mode & 0o777 == 0o640
    assert sorted(os.listdir(tmp_path)) == ["books.db", "books.db.lock", "copy.db"]
    async with open_store(str(copy), SystemClock()) as store:
        assert store.live.open == {activation.id: activation}
        assert (await bought(store, "2")).id >= activation.id + SKIPPED


async def test_a_gateway_writes_on_while_its_books_are_copied(tmp_path: Path):
    source = tmp_path / "books.db"
    async with open_store(str(source), SystemClock()) as store:
        for number in range(20):
            copying = asyncio.to_thread(copy_books, str(source), str(tmp_path / f"{number}.db"))
            await asyncio.gather(copying, *(begun(store) for _ in range(50)))
    for number in range(20):
        entries = rows(tmp_path / f"{number}.db", "SELECT count(*) FROM ledger")
        assert entries == rows(tmp_path / f"{number}.db", "SELECT count(*) FROM attempts")


async def test_books_that_another_program_writes_can_be_copied(tmp_path: Path):
    source = tmp_path / "books.db"
    async with open_store(str(source), SystemClock()) as store:
        await begun(store)
    with locked(source):
        assert copy_books(str(source), str(tmp_path / "copy.db"))


async def test_a_failed_copy_leaves_what_was_there(tmp_path: Path):
    (tmp_path / "books.db").write_text("no database at all, " * 100)
    (tmp_path / "copy.db").write_text("precious")
    status, out, err = await command(tmp_path, "--force")
    assert (status, out) == (2, "")
    assert err == "sms-proxy: cannot copy books.db to copy.db: file is not a database\n"
    assert (tmp_path / "copy.db").read_text() == "precious"
    assert sorted(name for name in os.listdir(tmp_path) if not name.startswith("run")) == ["books.db", "copy.db"]


async def command(folder: Path, *arguments: str, to: str = "copy.db") -> tuple[int, str, str]:
    return await finished(folder, "backup", "--database", "books.db", to, *arguments)


@pytest.mark.parametrize(
    ("there", "arguments", "complaint"),
    [
        ({}, ("copy.db", "--database", "none.db"), "there is no database none.db"),
        ({"empty.db": ""}, ("copy.db", "--database", "empty.db"), "cannot copy empty.db to copy.db: it holds no books"),
        ({"copy.db": ""}, ("copy.db",), "copy.db is there already; --force replaces it"),
        ({}, ("books.db", "--force"), "books.db is the database itself"),
        ({}, ("no/copy.db",), "cannot copy books.db to no/copy.db: No such file or directory"),
        (
            {"copy.db-wal": ""},
            ("copy.db", "--force"),
            "copy.db-wal is there: copy.db is a database in use, or was; choose another name",
        ),
    ],
)
async def test_what_cannot_be_is_one_clear_line(tmp_path: Path, there, arguments: tuple[str, ...], complaint: str):
    async with open_store(str(tmp_path / "books.db"), SystemClock()):
        pass
    for name, words in there.items():
        (tmp_path / name).write_text(words)
    status, out, err = await finished(tmp_path, "backup", "--database", "books.db", *arguments)
    assert (status, out, err) == (2, "", f"sms-proxy: {complaint}\n")


async def test_force_replaces_an_older_copy(tmp_path: Path):
    async with open_store(str(tmp_path / "books.db"), SystemClock()) as store:
        assert (await command(tmp_path))[0] == 0
        await bought(store)
        assert (await command(tmp_path))[0] == 2
        assert (await command(tmp_path, "--force"))[0] == 0
    assert rows(tmp_path / "copy.db", "SELECT count(*) FROM activations") == [(1,)]


async def test_the_file_named_in_the_configuration_is_copied(tmp_path: Path):
    async with surroundings(tmp_path) as it:
        async with serve(it):
            status, out, _ = await finished(tmp_path, "backup", "copy.db")
        assert (status, out.startswith("copy.db: ")) == (0, True)
        with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
            assert copy.execute("PRAGMA journal_mode").fetchone() == ("delete",)


@pytest.mark.parametrize("name", ["a b?#%.db", "ü.db"])
async def test_any_name_will_do(tmp_path: Path, name: str):
    async with open_store(str(tmp_path / name), SystemClock()) as store:
        await bought(store)
    assert copy_books(str(tmp_path / name), str(tmp_path / f"copy of {name}")) > 0
    assert os.listdir(tmp_path).count(name) == 1
