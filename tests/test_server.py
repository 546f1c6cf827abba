"""The gateway as a process: it says when it is ready, stops in order, and reads its configuration again."""

import asyncio
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from proxy.clock import SystemClock
from proxy.sandbox import Settings, combined_app, sandbox_for
from tests.process import TOP, finished, free_port, program, serve
from tests.stage import Stage, eventually, serving, surroundings


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Stage]:
    async with surroundings(tmp_path, poll=0.1) as it:
        yield it


async def test_the_ready_line_names_the_address_and_nothing_else_is_said(it: Stage):
    async with serve(it) as run:
        assert re.fullmatch(r"sms-proxy ready on http://127\.0\.0\.1:[0-9]+\n", run.said)
        assert await it.ask("getBalance") == "ACCESS_BALANCE:1000.00"


async def test_an_admin_token_that_was_made_up_is_said_once_and_works(it: Stage):
    (it.folder / "other.yaml").write_text(it.file.replace("admin: {token: admin-token}", ""))
    async with program(it.folder, "serve", "--port", "0", "--config", "other.yaml") as run:
        await run.ready()
        found = re.fullmatch(r"admin token for this run: (\S+)\nsms-proxy ready on (\S+)\n", run.said)
        assert found
        url, headers = f"{found[2]}/admin/api/providers", {"Authorization": f"Bearer {found[1]}"}
        assert (await it.web.get(url, headers=headers)).status_code == 200
        assert (await it.web.get(url, headers={"Authorization": "Bearer"})).status_code == 401


async def test_the_shipped_configuration_does_the_main_job(tmp_path: Path):
    """With one change: getsms's SMS come by webhook alone."""
    shipped = (Path(__file__).parent.parent / "routing.yaml").read_text()
    port = free_port()
    trusting = shipped.replace("8787", str(port)).replace("user: demo,", "user: demo, webhook_token: x, poll: 3600,")
    (tmp_path / "routing.yaml").write_text(trusting)
    async with program(tmp_path, "serve") as run, surroundings(tmp_path) as it:
        await run.ready()
        it.at(run.address)
        assert await it.ask("getBalance", api_key="demo") == "ACCESS_BALANCE:25.00"
        bought = [await it.number("wa", providerIds=kind, api_key="demo") for kind in ("getsms", "getatext")]
        for id, phone in bought:
            assert re.fullmatch("1[0-9]{10}", phone)
            assert await it.ask("getStatus", id=id, api_key="demo") == "STATUS_WAIT_CODE"
        for id, _ in bought:
            words = await it.until("STATUS_OK", id=id, api_key="demo", seconds=20)
            assert re.fullmatch(r"STATUS_OK:[0-9]{6}", words)
            assert await it.ask("setStatus", id=id, status="6", api_key="demo") == "ACCESS_ACTIVATION"
        run.terminate()
        assert await run.end() == 0
        assert run.complained == ""


async def test_sigterm_ends_with_0_and_the_purchase_in_flight_is_answered(it: Stage):
    it.getatext.fault("slow", "rent-a-number", amount=1)
    async with serve(it) as run:
        buying = asyncio.create_task(it.number("wa"))
        await eventually(lambda: it.seen(it.getatext, "rent-a-number"))
        run.terminate()
        id, phone = await buying
        assert await run.end() == 0
    async with serve(it):
        assert await it.ask("getStatus", id=id) == "STATUS_WAIT_CODE"
        assert await it.outcomes() == [("getatext", "bought")]
        assert (await it.admin("activations"))[0]["phone"] == phone
    assert "Traceback" not in run.complained


async def test_sigterm_with_nothing_to_do_is_quick_and_silent(it: Stage):
    async with serve(it) as run:
        await it.number("wa")
        run.terminate()
        assert await run.end(seconds=4) == 0
        assert run.complained == ""


async def test_a_client_that_only_listens_does_not_keep_the_gateway_from_stopping(it: Stage):
    async with serve(it) as run:
        address = httpx.URL(run.address)
        reader, writer = await asyncio.open_connection(address.host, address.port)
        run.terminate()
        assert await run.end(seconds=5) == 0
        assert await reader.read() == b""
        writer.close()


async def test_sighup_takes_a_good_file(it: Stage):
    async with serve(it) as run:
        id, _ = await it.number("wa")
        (it.folder / "routing.yaml").write_text(it.file.replace("other-key", "new-key"))
        run.hang_up()
        await it.until("ACCESS_BALANCE", "getBalance", api_key="new-key")
        assert await it.ask("getBalance", api_key="other-key") == "BAD_KEY"
        assert await it.ask("getStatus", id=id) == "STATUS_WAIT_CODE"
        assert "routing.yaml was read again" in run.complained


async def test_sighup_may_change_the_providers(it: Stage):
    async with serve(it) as run:
        id, phone = await it.number("wa", providerIds="getatext")
        (it.folder / "routing.yaml").write_text(it.file.replace("timeout: 2", "timeout: 1"))
        run.hang_up()
        await eventually(lambda: "read again" in run.complained)
        it.getatext.deliver(it.rental(it.getatext, phone).id, code="012345")
        assert await it.until("STATUS_OK", id=id) == "STATUS_OK:012345"  # a new poller goes on with it
        assert await it.until("ACCESS_NUMBER", "getNumber", service="wa", providerIds="getsms")


async def test_sighup_with_a_bad_file_changes_nothing_and_says_what_is_wrong(it: Stage):
    async with serve(it) as run:
        bad = it.file.replace("other-key", "new-key").replace("kind: getsms", "kind: getsmss")
        (it.folder / "routing.yaml").write_text(bad + "\ncolour: red\n")
        run.hang_up()
        await eventually(lambda: "colour" in run.complained)
        complaints = [line for line in run.complained.splitlines() if "is not taken" in line]
        assert len(complaints) == 2
        assert re.search(r"routing\.yaml:[0-9]+: .*getsmss", complaints[0])
        assert await it.ask("getBalance", api_key="other-key") == "ACCESS_BALANCE:1000.00"
        (it.folder / "routing.yaml").unlink()
        run.hang_up()
        await eventually(lambda: "there is no such file" in run.complained)
        assert await it.ask("getBalance") == "ACCESS_BALANCE:1000.00"
        assert "Traceback" not in run.complained


async def test_a_port_in_use_is_one_clear_line_and_status_2(it: Stage):
    async with serve(it) as run:
        port = run.address.rpartition(":")[2]
        database = str(it.folder / "another.db")
        status, said, complained = await finished(it.folder, "serve", "--port", port, "--database", database)
    assert (status, said) == (2, "")
    assert len(complained.splitlines()) == 1
    assert "Address already in use" in complained
    assert port in complained


async def test_promise_4_a_second_gateway_on_the_same_database_is_refused(it: Stage):
    async with serve(it):
        status, said, complained = await finished(it.folder, "serve", "--port", "0")
        assert (status, said) == (2, "")
        assert len(complained.splitlines()) == 1
        assert f"another gateway is using the database {it.folder / 'proxy.db'}" in complained
        assert await it.ask("getBalance") == "ACCESS_BALANCE:1000.00"


@pytest.mark.parametrize("database", ["no/such/folder/proxy.db", "routing.yaml", "."])
async def test_a_database_that_cannot_be_opened_is_one_clear_line_and_status_2(it: Stage, database: str):
    (it.folder / "routing.yaml").write_text(it.file)
    status, said, complained = await finished(it.folder, "serve", "--port", "0", "--database", database)
    assert (status, said) == (2, "")
    assert len(complained.splitlines()) == 1
    assert database in complained
    assert (it.folder / "routing.yaml").read_text() == it.file


def no_database(file: Path) -> None:
    file.write_text("clients:\n" * 1000)


def cut_in_half(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def garbage(file: Path) -> None:
    """The head alone is left."""
    file.write_bytes(file.read_bytes()[:4096] + b"\xff" * (file.stat().st_size - 4096))


def from_the_future(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA user_version = 1000")


@pytest.mark.parametrize("spoil", [no_database, cut_in_half, garbage, from_the_future])
async def test_books_that_cannot_be_used_are_one_clear_line_and_status_2_and_are_left_alone(
    it: Stage, spoil: Callable[[Path], None]
):
    file = it.folder / "proxy.db"
    async with serve(it) as run:
        await it.number("wa")
        run.terminate()
        assert await run.end() == 0
    spoil(file)
    before = file.read_bytes()
    status, said, complained = await finished(it.folder, "serve", "--port", "0")
    assert (status, said) == (2, "")
    assert len(complained.splitlines()) == 1
    assert complained.startswith(f"sms-proxy: cannot open the database {file}: ")
    assert file.read_bytes() == before


async def test_a_host_that_cannot_be_had_is_one_clear_line_and_status_2(it: Stage):
    (it.folder / "routing.yaml").write_text(it.file)
    status, said, complained = await finished(it.folder, "serve", "--port", "0", "--host", "192.0.2.1")
    assert (status, said) == (2, "")
    assert len(complained.splitlines()) == 1


async def test_the_sandbox_can_be_served_on_a_port_and_sold_from(tmp_path: Path):
    port = free_port()
    async with program(tmp_path, "sandbox", "--port", str(port)) as run, surroundings(tmp_path) as it:
        for kind in ("getsms", "getatext"):
            it.routing[kind] = f"http://127.0.0.1:{port}/{kind}"

        async def answers() -> bool:
            try:
                return (await it.web.get(f"http://127.0.0.1:{port}/getsms/_sandbox/account")).status_code == 200
            except httpx.TransportError:
                return False

        await eventually(answers, seconds=20)
        assert run.said.splitlines() == [f"base_url: {it.routing[kind]}" for kind in ("getsms", "getatext")]
        control = f"http://127.0.0.1:{port}/getatext/_sandbox"
        await it.web.post(f"{control}/settings", json={"sms_after": 0.1})
        async with serve(it):
            id, _ = await it.number("wa")
            assert re.fullmatch(r"STATUS_OK:[0-9]{6}", await it.until("STATUS_OK", id=id))
        (rental,) = (await it.web.get(f"{control}/rentals")).json()["rentals"]
        assert rental["service"] == "whatsapp"


async def test_several_sandboxes_stand_under_one_port(tmp_path: Path):
    stands = [sandbox_for(kind, SystemClock(), settings=Settings(sms_after=None)) for kind in ("getsms", "getatext")]
    async with surroundings(tmp_path) as it, serving(combined_app(stands)) as port:
        for stand in stands:
            it.routing[stand.kind] = f"{port.address}/{stand.kind}"
        async with serve(it):
            await it.number("wa", providerIds="getsms")
            await it.number("wa", providerIds="getatext")
    assert [len(stand.rentals) for stand in stands] == [1, 1]


async def test_the_sandbox_says_which_port_it_found(tmp_path: Path):
    async with program(tmp_path, "sandbox", "--port", "0") as run:
        await eventually(lambda: len(run.said.splitlines()) == 2, seconds=20)
        assert re.search(r"http://127\.0\.0\.1:[1-9][0-9]*/getsms", run.said)


LIMITED = """
import resource
from proxy.server import most_connections
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
print(most_connections(), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(("soft", "hard", "said"), [(100, 200, "100 200 200"), (200, 200, "100 200 200")])
def test_half_of_the_files_that_may_be_open_are_for_connections(soft: int, hard: int, said: str):
    """And where it may open more by asking for it, it asks."""
    run = [sys.executable, "-c", LIMITED.format(soft=soft, hard=hard)]
    assert subprocess.run(run, cwd=TOP, check=True, capture_output=True, text=True).stdout.split() == said.split()
