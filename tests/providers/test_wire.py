"""On real sockets: what was never sent, what may have been carried out, and that nothing goes out twice."""

import asyncio
import gzip
import json
import socket
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal

import httpx
import pytest

from proxy.errors import NotSent, OutcomeUnknown
from proxy.providers.wire import Pool, Through, exchange, parse_json, print_json

from .helpers import KEY, answering, every_cut

REPLY = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{"price": 0.55}'


class Server:
    """Counts the requests it has read whole, then lets `answer` do with the connection what it wants."""

    def __init__(self, answer: Callable[["Server", asyncio.StreamWriter], Awaitable[None]]) -> None:
        self._answer = answer
        self.requests: list[bytes] = []
        self.connections = 0
        self.was_asked = asyncio.Event()
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
                )
                self.requests.append(head + await reader.readexactly(length))
                self.was_asked.set()
                await self._answer(self, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def running(answer, **limits: int) -> AsyncIterator[tuple[Server, Pool]]:
    server = Server(answer)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/buy"
    transport = Pool(**limits)
    try:
        yield server, transport
    finally:
        await transport.aclose()
        listening.close()
        await listening.wait_closed()


def sending(reply: bytes):
    async def answer(server: Server, writer: asyncio.StreamWriter) -> None:
        writer.write(reply)

    return answer


def cutting_after(good: int, reply: bytes = b""):
    """Answer the first `good` requests, then send `reply` and cut the connection."""

    async def answer(server: Server, writer: asyncio.StreamWriter) -> None:
        is_good = len(server.requests) <= good
        writer.write(REPLY if is_good else reply)
        if not is_good:
            await writer.drain()
            writer.close()

    return answer


async def _ask(transport, url, method="POST", timeout=5.0, **more):
    wire = Through(transport) if isinstance(transport, httpx.AsyncBaseTransport) else transport
    return await exchange(wire, "acme", method, url, timeout=timeout, **more)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("good_before", [0, 1, 3])
async def test_a_connection_cut_before_the_reply_leaves_one_request(method, good_before):
    async with running(cutting_after(good_before)) as (server, transport):
        for _ in range(good_before):
            await _ask(transport, server.url, method)
        with pytest.raises(OutcomeUnknown):
            await _ask(transport, server.url, method)
        assert len(server.requests) == good_before + 1
        assert server.connections == 1


async def test_a_reply_cut_after_any_byte_is_unknown():
    for cut in every_cut(REPLY):
        async with running(cutting_after(0, cut)) as (server, transport):
            with pytest.raises(OutcomeUnknown):
                await _ask(transport, server.url)
            assert len(server.requests) == 1


@pytest.mark.parametrize(
    "reply",
    [b"SSH-2.0-OpenSSH_9\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", b"\0" * 100],
)
async def test_an_answer_that_is_no_http_is_unknown(reply):
    async with running(cutting_after(0, reply)) as (server, transport):
        with pytest.raises(OutcomeUnknown):
            await _ask(transport, server.url)


async def test_an_answer_that_never_comes_is_unknown():
    async with running(sending(b"")) as (server, transport):
        with pytest.raises(OutcomeUnknown, match="no answer within"):
            await _ask(transport, server.url, timeout=0.2)
        assert len(server.requests) == 1


def _unused_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


async def test_a_refused_connection_and_an_unknown_host_were_never_sent():
    transport = Pool()
    for url in (f"http://127.0.0.1:{_unused_port()}/", "http://nowhere.invalid/", "ftp://127.0.0.1/", "http:///"):
        with pytest.raises(NotSent):
            await _ask(transport, url)
    await transport.aclose()


async def test_a_connection_that_is_not_taken_in_time_was_never_sent():
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        waiting = []
        for _ in range(4):
            waiting.append(sock := socket.socket())
            sock.setblocking(False)
            sock.connect_ex(address)
        transport = Pool()
        with pytest.raises(NotSent):
            await _ask(transport, f"http://127.0.0.1:{address[1]}/", timeout=0.3)
        await transport.aclose()
        for sock in waiting:
            sock.close()


async def test_a_failed_tls_handshake_was_never_sent():
    async def no_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    listening = await asyncio.start_server(no_tls, "127.0.0.1", 0)
    transport = Pool()
    with pytest.raises(NotSent):
        await _ask(transport, f"https://127.0.0.1:{listening.sockets[0].getsockname()[1]}/")
    await transport.aclose()
    listening.close()
    await listening.wait_closed()


async def test_no_time_left_and_a_closed_transport_send_nothing():
    async with running(sending(REPLY)) as (server, transport):
        with pytest.raises(NotSent):
            await _ask(transport, server.url, timeout=0)
        await transport.aclose()
        with pytest.raises(NotSent):
            await _ask(transport, server.url)
        assert not server.requests


async def test_a_whole_exchange_keeps_its_connection_and_says_what_was_meant():
    async with running(sending(REPLY)) as (server, transport):
        for _ in range(3):
            answer = await _ask(transport, server.url, form={"cmd": "a b", "key": "ä"}, headers={"Auth": "k"})
            assert (answer.status, answer.json) == (200, {"price": Decimal("0.55")})
        assert server.connections == 1
        head, body = server.requests[0].split(b"\r\n\r\n")
        assert body == b"cmd=a+b&key=%C3%A4"
        assert head.count(b"Host:") + head.count(b"host:") == 1
        assert head.lower().count(b"content-length:") == 1
        assert b"Auth: k" in head or b"auth: k" in head


async def test_a_query_arrives_as_it_was_written():
    async with running(sending(REPLY)) as (server, transport):
        await _ask(transport, f"{server.url}?carrier=at%26t&text=a+b%2Bc", "GET")
        assert server.requests[0].startswith(b"GET /buy?carrier=at%26t&text=a+b%2Bc HTTP/1.1")


async def test_a_packed_body_is_unpacked_once():
    packed = gzip.compress(b'{"a": 1}')
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    async with running(sending(head + packed)) as (server, transport):
        assert (await _ask(transport, server.url)).json == {"a": 1}


async def test_a_redirect_is_not_followed_and_a_cookie_not_kept():
    reply = b"HTTP/1.1 302 Found\r\nLocation: /other\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"
    async with running(sending(reply)) as (server, transport):
        assert (await _ask(transport, server.url)).status == 302
        await _ask(transport, server.url)
        assert len(server.requests) == 2
        assert b"ookie" not in server.requests[1]


async def test_a_body_without_end_is_not_read_without_end():
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + b"x" * 99999
    async with running(sending(reply), largest_body=1000) as (server, transport):
        with pytest.raises(OutcomeUnknown):
            await _ask(transport, server.url)


async def test_a_bug_in_an_embedded_provider_is_an_unknown_outcome():
    async def app(scope, receive, send):
        raise LookupError(f"api_key={KEY}")

    with pytest.raises(OutcomeUnknown, match="LookupError"):
        await _ask(httpx.ASGITransport(app), "http://sandbox/")


async def test_a_cancelled_exchange_is_cancelled():
    async with running(sending(b"")) as (server, transport), asyncio.TaskGroup() as group:
        task = group.create_task(_ask(transport, server.url))
        await server.was_asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_no_key_stands_in_any_error():
    secrets = {"headers": {"Auth": KEY}, "form": {"api_key": KEY}}

    async def app(scope, receive, send):
        raise LookupError(f"api_key={KEY}")

    pooled = Pool()
    async with running(cutting_after(0)) as (server, transport):
        cases = [
            (transport, server.url, {}),
            (pooled, f"http://127.0.0.1:{_unused_port()}/", {}),
            (pooled, "http://nowhere.invalid/", {}),
            (pooled, "ftp://127.0.0.1/", {}),
            (httpx.ASGITransport(app), "http://sandbox/", {}),
            (pooled, server.url, {"headers": {"Auth": f"{KEY}\u20ac"}}),
            (pooled, server.url, {"headers": {"Auth": f"{KEY}\r\nX: y"}}),
        ]
        for case_transport, url, more in cases:
            with pytest.raises((NotSent, OutcomeUnknown)) as caught:
                await _ask(case_transport, url, **(secrets | more))
            assert KEY not in "".join(traceback.format_exception(caught.value))
    await pooled.aclose()


async def test_what_is_no_json_is_kept_as_bytes():
    answer = await _ask(answering(502, b"<html>Bad gateway</html>"), "http://acme/")
    assert (answer.status, answer.body, answer.json) == (502, b"<html>Bad gateway</html>", None)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b"1" * 5000, b"<html>"])
def test_rubbish_is_no_json(body):
    assert parse_json(body) is None


def test_an_exact_amount_is_printed_as_a_number():
    text = print_json({"service": 'a"b', "max_price": Decimal("1.00"), "keep": True, "id": 7})
    assert text == '{"service": "a\\"b", "max_price": 1.00, "keep": true, "id": 7}'
    assert json.loads(text)["service"] == 'a"b'
