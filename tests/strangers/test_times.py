"""Promise 12: nobody keeps a connection without using it; the server as it is, with shorter times and fewer places."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from proxy.connection import Bounds
from proxy.server import Server, bind
from tests.stage import eventually
from tests.strangers.raw import Raw, connected, request

LARGE = 32_000_000
"""Bytes; more than all buffers between two sockets."""
LONG = 3600
QUICK: dict[str, Any] = {"sweep_seconds": 0.05, "linger_seconds": 0.1}


@dataclass
class House:
    """An application that answers when it may."""

    began: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    """Paths of requests whose client went away."""
    open: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["path"]
        self.began.append(path)
        while path == "/body" and (message := await receive()).get("more_body", True):
            if message["type"] == "http.disconnect":
                self.left.append(path)
                return
        if path == "/wait":
            await self.open.wait()
        if path == "/watch":
            while (await receive())["type"] != "http.disconnect":
                pass
            self.left.append(path)
            return
        body = b"x" * (LARGE if path == "/large" else 2)
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@dataclass
class Served:
    house: House
    server: Server
    address: str

    @property
    def connections(self) -> int:
        return len(self.server.server_state.connections)


@asynccontextmanager
async def served(**bounds: Any) -> AsyncIterator[Served]:
    house, ready = House(), asyncio.Event()
    listener = bind("127.0.0.1", 0)
    server = Server(house, ready.set, Bounds(**{**QUICK, **bounds}))
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve([listener]))
        await ready.wait()
        yield Served(house, server, f"http://127.0.0.1:{listener.getsockname()[1]}")
        server.should_exit = True
        house.open.set()


async def gone(it: Served) -> None:
    await eventually(lambda: not it.connections, seconds=20)


async def test_who_says_nothing_is_hung_up_on():
    async with served(request_seconds=0.2) as it, connected(it.address) as raw:
        assert await raw.statuses() == []
        await gone(it)


TRICKLES = {
    "a head": (b"GET / HTTP/1.1\r\nX: ", b"x", [408]),
    "a body": (request("/body", "Content-Length: 10000", method="POST"), b"x", [408]),
    "chunks": (request("/body", "Transfer-Encoding: chunked", method="POST"), b"1\r\nx\r\n", [408]),
    "a body that nobody reads": (request("/", "Content-Length: 10000", method="POST"), b"x", [200]),
    "a body while the answer is made": (request("/wait", "Content-Length: 10000", method="POST"), b"x", [408]),
    "the second request": (request("/") + b"GET / HTTP/1.1\r\nX: ", b"x", [200, 408]),
    "empty lines after an answer": (request("/"), b"\r\n", [200, 408]),
}


@pytest.mark.parametrize(("begin", "more", "statuses"), TRICKLES.values(), ids=TRICKLES)
async def test_promise_12_a_slow_sender_is_cut_off_after_a_while(begin: bytes, more: bytes, statuses: list[int]):
    async with served(request_seconds=0.3) as it, connected(it.address) as raw:
        await raw.send(begin)
        if statuses[0] == 200:
            await raw.hear(b"HTTP/1.1 200")
        await raw.again_and_again(more, pause=0.02)
        assert await raw.statuses() == statuses
        await gone(it)


async def test_a_request_that_is_cut_off_is_over_for_whoever_answers_it():
    async with served(request_seconds=0.2) as it, connected(it.address) as raw:
        await raw.send(request("/body", "Content-Length: 10", method="POST") + b"x")
        assert await raw.statuses() == [408]
        await eventually(lambda: it.house.left)


async def test_an_answer_may_take_as_long_as_it_needs():
    """And what was begun behind it waits for it as long."""
    async with served(request_seconds=0.1, idle_seconds=1) as it, connected(it.address) as raw:
        await raw.send(request("/wait") + b"GET / HT")
        await eventually(lambda: it.house.began)
        async with connected(it.address) as slower:
            assert await slower.statuses() == []  # its time is over, and the other one's too
        it.house.open.set()
        assert await raw.statuses() == [200]


async def test_an_idle_connection_is_closed():
    async with served(idle_seconds=1) as it, connected(it.address) as raw:
        await raw.send(request("/"))
        assert await raw.statuses() == [200]
        await gone(it)


@pytest.mark.parametrize("last", ["X: 1", "Connection: close"])
async def test_who_does_not_take_the_reply_is_hung_up_on(last: str):
    async with served(reply_seconds=0.3, idle_seconds=LONG) as it, connected(it.address) as raw:
        raw.transport.pause_reading()
        await raw.send(request("/large", last))
        await eventually(lambda: it.house.began)
        await gone(it)


async def test_who_takes_the_reply_slowly_has_it_whole():
    async with served(reply_seconds=LONG, request_seconds=0.2) as it, connected(it.address) as raw:
        raw.transport.pause_reading()
        await raw.send(request("/large", "Connection: close"))
        async with connected(it.address) as slower:
            assert await slower.statuses() == []
        raw.transport.resume_reading()
        assert await raw.statuses() == [200]
        assert raw.heard.endswith(b"x" * LARGE)


async def test_when_all_places_are_taken_new_connections_are_refused_and_old_ones_served():
    async with served(connections=5) as it, AsyncExitStack() as stack:
        seated = [await stack.enter_async_context(connected(it.address)) for _ in range(5)]
        await eventually(lambda: it.connections == 5)
        for _ in range(20):
            async with connected(it.address) as late:
                assert await late.statuses() == [503]
        for raw in seated:
            await raw.send(request("/"))
            await raw.hear(b"HTTP/1.1 200")
        seated[0].transport.abort()
        await eventually(lambda: it.connections == 4)
        async with connected(it.address) as next_one:
            await next_one.send(request("/", "Connection: close"))
            assert await next_one.statuses() == [200]


async def test_of_requests_that_are_sent_without_waiting_only_so_many_wait():
    async with served(pipelined=3) as it, connected(it.address) as raw:
        await raw.send(request("/wait") + request("/") * 3)
        await eventually(lambda: it.house.began)
        it.house.open.set()
        await raw.hear(b"HTTP/1.1 200", times=4)
        it.house.open.clear()
        await raw.send(request("/wait") + request("/") * 4)
        assert await raw.statuses() == [200] * 4
        it.house.open.set()
        await gone(it)
    assert it.house.began == ["/wait", "/", "/", "/", "/wait"]


async def test_who_leaves_while_others_wait_behind_is_noticed_by_the_one_that_is_carried_out():
    async with served() as it, connected(it.address) as raw:
        await raw.send(request("/watch") + request("/"))
        await eventually(lambda: it.house.began)
        raw.transport.abort()
        await eventually(lambda: it.house.left == ["/watch"])


UNFINISHED = {
    "nothing": b"",
    "half a head": b"GET / HTTP/1.1\r\nX:",
    "half a body": request("/body", "Content-Length: 10", method="POST") + b"x",
    "a body that nobody reads": request("/wait", "Content-Length: 10", method="POST") + b"x",
    "something refused": b"GET / HTTP/9\r\n\r\n",
}


@pytest.mark.parametrize("begin", UNFINISHED.values(), ids=UNFINISHED)
async def test_an_unfinished_request_does_not_keep_the_server_from_stopping(begin: bytes):
    async with asyncio.timeout(20), AsyncExitStack() as stack:
        async with served(request_seconds=LONG, linger_seconds=LONG) as it:
            raw: Raw = await stack.enter_async_context(connected(it.address))
            await raw.send(begin)
            async with connected(it.address) as other:
                await other.send(request("/", "Connection: close"))
                assert await other.statuses() == [200]
            assert it.connections >= 1
        await asyncio.wait_for(raw.hung_up.wait(), 10)


async def test_whoever_takes_no_reply_does_not_keep_the_server_from_stopping():
    async with asyncio.timeout(20), AsyncExitStack() as stack, served(reply_seconds=0.3) as it:
        raw = await stack.enter_async_context(connected(it.address))
        raw.transport.pause_reading()
        await raw.send(request("/large"))
        await eventually(lambda: it.house.began)
