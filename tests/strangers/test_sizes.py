"""Promise 12: whatever a stranger sends is bounded, at the real process, by a socket that keeps no rules."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from proxy.connection import Bounds
from proxy.stub.endpoint import MOST_PARAMETERS
from tests.process import Program, serve
from tests.stage import Stage, eventually, surroundings
from tests.strangers.raw import STUB, asking, connected, request

pytestmark = pytest.mark.asyncio(loop_scope="module")

BOUNDS = Bounds()
FORM = "Content-Type: application/x-www-form-urlencoded"
CHUNKED = "Transfer-Encoding: chunked"
DOORS = (STUB, "/webhooks/getsms/token", "/healthz", "/metrics", "/admin/api/ledger", "/nowhere")
CHUNK = b"2000\r\n" + b"x" * 0x2000 + b"\r\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def process(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Stage, Program]]:
    """One for all of them: nothing here may hurt it."""
    folder = tmp_path_factory.mktemp("strangers")
    async with surroundings(folder, getsms_extra="webhook_token: token") as it, serve(it) as run:
        yield it, run
        assert run.complained == ""


@pytest_asyncio.fixture(loop_scope="module")
async def it(process: tuple[Stage, Program]) -> AsyncIterator[Stage]:
    it, _ = process
    yield it
    assert (await it.ask("getBalance")).startswith("ACCESS_BALANCE:")


WHOLE = {
    "a path that is too long": (request("/" + "x" * BOUNDS.line), 414),
    "parameters that are too long": (asking("getStatus", "x" * BOUNDS.line), 414),
    "a header that is too long": (request("/healthz", f"X-Long: {'x' * BOUNDS.head}"), 431),
    "a header with a name that is too long": (request("/healthz", f"{'x' * BOUNDS.head}: 1"), 431),
    "too many headers": (request("/healthz", *["X-More: 1"] * BOUNDS.headers), 431),
    "headers that are too long together": (request("/healthz", *[f"X-More: {'x' * 1000}"] * 40), 431),
    "a line without end": (b"GET /" + b"x" * 4 * BOUNDS.line, 414),
    "too many parameters": (asking("getStatus", *["id=1"] * MOST_PARAMETERS), 400),
    "too many encoded parameters": (asking("getStatus", *["id=%31"] * MOST_PARAMETERS), 400),
    "parameters that are too many by far": (asking("getStatus", "&" * 10_000), 400),
    "no HTTP": (b"hello\r\n\r\n", 400),
    "a handshake of TLS": (b"\x16\x03\x01\x00\xf4\x01\x00\x00\xf0\x03\x03" + b"x" * 200, 400),
    "a zero byte in a header": (request("/healthz", "X-Zero: \0"), 400),
    "two lengths": (request("/healthz", "Content-Length: 1", "Content-Length: 2"), 400),
    "a length that is no number": (request(STUB, "Content-Length: -1", method="POST"), 400),
    "a length beside chunks": (request(STUB, "Content-Length: 3", CHUNKED, method="POST", body=b"0\r\n\r\n"), 400),
    "a chunk that is no number": (request(STUB, CHUNKED, method="POST", body=b"xyz\r\n\r\n"), 400),
}


@pytest.mark.parametrize(("sent", "status"), WHOLE.values(), ids=WHOLE)
async def test_promise_12_what_is_too_much_is_said_in_one_status(it: Stage, sent: bytes, status: int):
    async with connected(it.root) as raw:
        await raw.send(sent.replace(b"Host: gateway", b"Host: gateway\r\nConnection: close"))
        assert await raw.statuses() == [status]
        assert len(raw.heard) < 300


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("length", ["Content-Length: 10000000", CHUNKED])
async def test_promise_12_no_door_reads_a_body_without_end(it: Stage, door: str, length: str):
    async with connected(it.root) as raw:
        await raw.send(request(door, length, FORM, method="POST"))
        sent = await raw.again_and_again(CHUNK)
        statuses = await raw.statuses()
    assert sent < 10_000_000
    assert len(statuses) <= 1  # none where so much was under way that the answer was lost
    assert set(statuses) <= {404, 405, 413}


ENDLESS = {
    "a method": (b"G", b"E" * 4096, 400),
    "a path": (b"GET /", b"x" * 4096, 414),
    "a header's name": (b"GET / HTTP/1.1\r\nX", b"x" * 4096, 431),
    "a header's value": (b"GET / HTTP/1.1\r\nX: ", b"x" * 4096, 431),
    "headers": (b"GET / HTTP/1.1\r\n", b"X: x\r\n", 431),
    "empty lines": (b"", b"\r\n" * 2048, 431),
    "an extension of a chunk": (request(STUB, CHUNKED, method="POST") + b"1;x=", b"x" * 4096, 413),
    "tiny chunks": (request(STUB, CHUNKED, method="POST"), b"1\r\nx\r\n" * 500, 413),
    "headers after the body": (request(STUB, CHUNKED, method="POST") + b"0\r\n", b"X: x\r\n" * 500, 413),
}


@pytest.mark.parametrize(("begin", "more", "status"), ENDLESS.values(), ids=ENDLESS)
async def test_promise_12_what_has_no_end_is_cut_off(it: Stage, begin: bytes, more: bytes, status: int):
    async with connected(it.root) as raw:
        await raw.send(begin)
        assert await raw.again_and_again(more) < 10_000_000
        assert await raw.statuses() in ([status], [])


async def test_promise_12_a_form_for_the_stub_is_smaller_than_that(it: Stage):
    body = b"api_key=test-key&action=getBalance&text=" + b"x" * BOUNDS.line
    sent = request(STUB, FORM, f"Content-Length: {len(body)}", "Connection: close", method="POST", body=body)
    async with connected(it.root) as raw:
        await raw.send(sent)
        assert await raw.statuses() == [413]
        assert raw.heard.endswith(b"BAD_ACTION")


async def test_what_an_honest_tool_may_send_is_answered(it: Stage):
    """As much of everything as is allowed, and the ways in which libraries say it."""
    many = [f"p{number}=1" for number in range(MOST_PARAMETERS - 2)]
    body = b"api_key=test-key&action=getBalance"
    length = f"Content-Length: {len(body)}"
    sent = [
        asking("getBalance", *many),
        asking("getBalance", "x" * (BOUNDS.line - 200)),
        request(f"{STUB}?{body.decode()}", *["X-More: 1"] * (BOUNDS.headers - 1)),
        request(f"{STUB}?{body.decode()}", f"X-Long: {'x' * (BOUNDS.head - 200)}"),
        request(f"{STUB}?{body.decode()}", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c"),
        request(STUB, FORM, length, "Expect: 100-continue", method="POST") + body,
        request(STUB, FORM, CHUNKED, method="POST") + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body),
        b"\r\n" + request(f"{STUB}?{body.decode()}", "Connection: close"),
    ]
    async with connected(it.root) as raw:
        for number, each in enumerate(sent):
            for at in range(0, len(each), 5000):
                await raw.send(each[at : at + 5000])
            await raw.hear(b"ACCESS_BALANCE:1000.00", times=number + 1)
        assert await raw.statuses() == [200] * 5 + [100] + [200] * 3


async def test_promise_12_requests_that_nobody_waits_for_pile_up_only_so_far(it: Stage):
    it.getatext.fault("slow", "rent-a-number", amount=1)
    async with connected(it.root) as raw:
        await raw.send(asking("getNumber", "service=wa") + asking("getBalance") * 5)
        await raw.hear(b"ACCESS_BALANCE", times=5)
        assert raw.heard.index(b"ACCESS_NUMBER") < raw.heard.index(b"ACCESS_BALANCE")
    it.getatext.fault("slow", "rent-a-number", amount=1)
    async with connected(it.root) as raw:
        await raw.send(asking("getNumber", "service=wa"))
        assert await raw.again_and_again(asking("getBalance") * 10) < 10_000_000
        assert await raw.statuses() == []

    async def bought() -> bool:
        return await it.outcomes() == [("getatext", "bought")] * 2

    assert await eventually(bought)


@pytest.mark.parametrize("close", ["", "Connection: close"])
async def test_promise_12_who_leaves_in_the_middle_is_forgotten_in_silence(it: Stage, close: str):
    whole = request("/webhooks/getsms/token", "Content-Length: 100", close or "X: 1", method="POST", body=b"x" * 50)
    for end in range(0, len(whole), 7):
        async with connected(it.root) as raw:
            await raw.send(whole[:end])


async def test_promise_12_wrong_keys_and_tokens_leave_no_line_in_the_log(it: Stage):
    """What they are answered is elsewhere; here the process has to stay silent."""
    async with connected(it.root) as raw:
        await raw.send(asking("getNumber", "service=wa", key="wrong") * 20)
        await raw.hear(b"BAD_KEY", times=20)
        await raw.send(request("/admin/api/ledger", "Authorization: Bearer wrong") * 20)
        await raw.hear(b"HTTP/1.1 401", times=20)
        await raw.send(request("/webhooks/getsms/wrong", "Content-Length: 0", method="POST") * 20)
        await raw.hear(b"HTTP/1.1 404", times=20)
