"""Promise 12: what is the operator's is shown to who holds the token, wherever a request comes from or says it does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.process import Program, program, serve
from tests.stage import ADMIN, Stage, eventually, stage, surroundings
from tests.strangers.raw import connected, request

PRETENCES = {
    "nothing": {},
    "a proxy": {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1", "Forwarded": "for=127.0.0.1;host=localhost"},
    "a host": {"Host": "127.0.0.1:8787", "X-Forwarded-Host": "localhost"},
    "an origin": {"Origin": "http://127.0.0.1:8787", "Referer": "http://127.0.0.1:8787/admin"},
    "a method": {"X-HTTP-Method-Override": "GET"},
    "a path": {"X-Original-URL": "/healthz", "X-Rewrite-URL": "/healthz"},
    "a wrong token": {"Authorization": f"Bearer {ADMIN}x"},
    "a part of the token": {"Authorization": f"Bearer {ADMIN[:-1]}"},
    "another scheme": {"Authorization": f"Basic {ADMIN}"},
    "no scheme": {"Authorization": ADMIN},
    "no token": {"Authorization": "Bearer"},
    "letters of another alphabet": {"Authorization": "Bearer ключ"},
    "a cookie": {"Cookie": f"token={ADMIN}; admin={ADMIN}; session={ADMIN}; sms_proxy={ADMIN}"},
}
LISTS = ("activations", "attempts", "ledger", "webhooks", "providers", "explain", "auctions", "")
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "application/json")
"""The first three are what a page of anybody's can have a browser send."""
REFUSED = {401, 403, 404, 405}


@asynccontextmanager
async def open_to_others(it: Stage, *, file: str = "") -> AsyncIterator[Program]:
    """The process, on every address that this machine has."""
    (it.folder / "routing.yaml").write_text(file or it.file)
    async with program(it.folder, "serve", "--host", "0.0.0.0", "--port", "0") as run:
        await run.ready()
        it.at(run.address.replace("0.0.0.0", "127.0.0.1"))
        yield run


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Stage]:
    async with surroundings(tmp_path) as it:
        yield it


async def status(it: Stage, path: str, headers: dict[str, str], method: str = "GET") -> int:
    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    return (await it.web.request(method, f"{it.root}{path}", headers=encoded)).status_code


async def test_promise_12_off_loopback_the_metrics_want_the_token_whatever_a_request_pretends(it: Stage):
    async with open_to_others(it):
        for headers in PRETENCES.values():
            assert await status(it, "/metrics", headers) == 401
        assert await status(it, "/metrics", {"Authorization": f"Bearer {ADMIN}"}) == 200
        assert await status(it, "/metrics", {"Authorization": f"bearer  {ADMIN}", "Host": "evil.example"}) == 200
        assert await status(it, "/healthz", {}) == 200


@pytest.mark.parametrize("headers", PRETENCES.values(), ids=PRETENCES)
async def test_promise_12_the_operators_lists_want_the_token_on_loopback_too(tmp_path: Path, headers: dict[str, str]):
    async with stage(tmp_path) as it:
        assert await status(it, "/metrics", {}) == 200
        for name in LISTS:
            path = f"/admin/api/{name}"
            for query in ("", f"?token={ADMIN}", f"?access_token={ADMIN}&authorization=Bearer+{ADMIN}"):
                assert await status(it, path + query, headers) in REFUSED
            for method in ("HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
                assert await status(it, path, headers, method) in REFUSED


@pytest.mark.parametrize("form", FORMS)
async def test_another_sites_page_can_make_nothing_happen(tmp_path: Path, form: str):
    """A browser sends along what it has: cookies, and where the page came from. No page can make it send the token."""
    headers = {"Origin": "https://evil.example", "Content-Type": form, **PRETENCES["a cookie"]}
    async with stage(tmp_path) as it:
        for path in ("auctions/1/bid", "auctions", "ledger"):
            for body in (b"bid_amount=0.60", b'{"bid_amount": "0.60"}', f"token={ADMIN}".encode()):
                reply = await it.web.post(f"{it.root}/admin/api/{path}", content=body, headers=headers)
                assert reply.status_code in REFUSED
                assert not [name for name in reply.headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["/admin/api/ledger", "/metrics", "/stubs/handler_api.php", "/openapi.json"])
async def test_no_other_site_is_allowed_to_read(tmp_path: Path, path: str):
    async with stage(tmp_path) as it:
        asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
        asked["Access-Control-Request-Headers"] = "authorization"
        for method, headers in (("OPTIONS", asked), ("GET", {**asked, "Authorization": f"Bearer {ADMIN}"})):
            reply = await it.web.request(method, f"{it.root}{path}", headers=headers)
            assert not [name for name in reply.headers if name.startswith("access-control")]
            assert method == "GET" or reply.status_code == 405


async def test_a_token_and_a_key_count_under_any_host_name(it: Stage):
    async with serve(it):
        for host in ("gateway.example", "localhost", "127.0.0.1:1", "", "[::1]"):
            async with connected(it.root) as raw:
                name = "/admin/api/providers"
                sent = request(name, "Connection: close", f"Authorization: Bearer {ADMIN}")
                await raw.send(sent.replace(b"Host: gateway", f"Host: {host}".encode()))
                assert await raw.statuses() == [200]
            assert await it.ask("getBalance") == "ACCESS_BALANCE:1000.00"


async def test_what_is_harmless_on_this_machine_alone_is_said_aloud_off_loopback(it: Stage):
    harmless = it.file.replace("test-key", "demo").replace(it.ports["getsms"].address, "sandbox")
    async with open_to_others(it, file=harmless) as run:
        await eventually(lambda: run.complained.count("\n") >= 2)
        lines = run.complained.splitlines()
    assert len(lines) == 2
    assert "client tester has the key everybody knows, and 0.0.0.0 is open to others" in lines[0]
    assert "provider getsms is the sandbox: its numbers are not real" in lines[1]
    assert "demo" not in run.complained


async def test_what_is_not_harmless_either_way_is_not_warned_of(it: Stage):
    async with open_to_others(it) as run:
        assert await it.ask("getBalance") == "ACCESS_BALANCE:1000.00"
    assert run.complained == ""
    harmless = it.file.replace("test-key", "demo").replace(it.ports["getsms"].address, "sandbox")
    (it.folder / "routing.yaml").write_text(harmless)
    async with program(it.folder, "serve", "--port", "0") as run:
        await run.ready()
        assert (await it.web.get(f"{run.address}/healthz")).status_code == 200
    assert run.complained == ""
