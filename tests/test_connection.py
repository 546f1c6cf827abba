"""Polls on a real socket, in every form in which bytes may come: the short way and the long one say the same."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from proxy.connection import Bounds, Glance
from proxy.server import Server, bind
from tests.stage import KEY, Stage, eventually, stage

POLL = "GET /stubs/handler_api.php?api_key={key}&action=getStatus&id={id} HTTP/1.1\r\nHost: x\r\n"


class Counted:
    """The house's short way, and how often it answered."""

    def __init__(self, it: Stage) -> None:
        self._polls = it.house.polls
        self.answered = 0

    def answer(self, target: bytes) -> bytes | None:
        reply = self._polls.answer(target)
        self.answered += reply is not None
        return reply


@asynccontextmanager
async def served(it: Stage, **bounds: float) -> AsyncIterator[tuple[Counted, Server, int]]:
    """The house behind the real server, with the short way open."""
    counted, ready, listener = Counted(it), asyncio.Event(), bind("127.0.0.1", 0)
    bound = Bounds(**bounds)  # type: ignore[arg-type]
    server = Server(it.house, ready.set, bound, Glance(counted.answer, it.house.polls.marks))
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(server.serve([listener]))
        await ready.wait()
        try:
            yield counted, server, listener.getsockname()[1]
        finally:
            server.should_exit = True
            await serving


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path, poll=60) as it:
        it.id = (await it.number("wa"))[0]
        yield it


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()  # type: ignore[attr-defined]


async def reply(reader: asyncio.StreamReader) -> tuple[str, str]:
    """Status line and body of the next reply."""
    async with asyncio.timeout(10):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = next(line for line in head.split("\r\n") if line.startswith("content-length:"))
        return head.partition("\r\n")[0], (await reader.readexactly(int(length.partition(":")[2]))).decode()


WAITING = ("http/1.1 200 ok", "STATUS_WAIT_CODE")
FORMS = {
    "plain": (["{poll}\r\n"], 1, 1),
    "in two parts": (["{poll}", "\r\n"], 1, None),
    "byte by byte": ([*"{poll}\r\n"], 1, None),
    "two at once": (["{poll}\r\n{poll}\r\n"], 2, 0),
    "one and a half": (["{poll}\r\n{poll}", "\r\n"], 2, None),
    "one after the other": (["{poll}\r\n"] * 3, 3, 3),
    "after an empty line": (["\r\n{poll}\r\n"], 1, 0),
    "with a body": (["{poll}Content-Length: 2\r\n\r\nhi"], 1, 0),
    "with the length of a body that ends in the same bytes": (["{poll}Content-Length: 4\r\n\r\n\r\n\r\n"], 1, 1),
    "with a chunked body": (["{poll}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"], 1, 1),
    "that ends the connection": (["{poll}Connection: close\r\n\r\n"], 1, 0),
    "with many headers": (["{poll}" + "".join(f"X-{n}: {n}\r\n" for n in range(90)) + "\r\n"], 1, 1),
    "with very many bytes of headers": (["{poll}" + f"X: {'y' * 4000}\r\n\r\n"], 1, 0),
}


def parts_of(form: str, id: int) -> list[bytes]:
    poll = POLL.format(key=KEY, id=id)
    whole = FORMS[form][0]
    if form == "byte by byte":
        return [bytes([byte]) for byte in f"{poll}\r\n".encode()]
    return [part.replace("{poll}", poll).encode() for part in whole]


@pytest.mark.parametrize("form", FORMS)
async def test_a_poll_is_answered_in_whatever_form_it_comes(it: Stage, form: str):
    _, replies, at_once = FORMS[form]
    async with served(it) as (counted, _, port), connected(port) as (reader, writer):
        parts, heard = parts_of(form, it.id), []
        for part in parts:
            writer.write(part)
            await writer.drain()
            if len(parts) == replies:
                heard.append(await reply(reader))
            else:
                await asyncio.sleep(0)
        heard += [await reply(reader) for _ in range(replies - len(heard))]
        assert heard == [WAITING] * replies
        assert at_once in (None, counted.answered)  # None: parts may come together after all


@pytest.mark.parametrize(
    "head",
    ["Bad Header: 1\r\n", "X: a\x00b\r\n", "Content-Length: x\r\n", "Content-Length: 1\r\nContent-Length: 2\r\n"],
)
async def test_what_is_no_request_is_none_on_the_short_way_either(it: Stage, head: str):
    async with served(it) as (counted, _, port), connected(port) as (reader, writer):
        writer.write(f"{POLL.format(key=KEY, id=it.id)}{head}\r\n".encode())
        assert (await reply(reader))[0] == "http/1.1 400 bad request"
        assert counted.answered == 0


async def test_polls_and_other_requests_take_turns_on_one_connection(it: Stage):
    poll = POLL.format(key=KEY, id=it.id) + "\r\n"
    other = poll.replace("getStatus", "getBalance")
    refused = poll.replace(KEY, "wrong")
    async with served(it) as (counted, _, port), connected(port) as (reader, writer):
        heard = []
        for request in (poll, other, poll, refused, poll, other + poll, poll):
            writer.write(request.encode())
            heard += [(await reply(reader))[1] for _ in range(request.count("GET "))]
        wait, balance = "STATUS_WAIT_CODE", heard[1]
        assert heard == [wait, balance, wait, "BAD_KEY", wait, balance, wait, wait]
        assert counted.answered >= 4


async def test_a_connection_that_only_polls_is_kept_while_it_polls_and_closed_when_it_stops(it: Stage):
    poll = (POLL.format(key=KEY, id=it.id) + "\r\n").encode()
    async with (
        served(it, idle_seconds=1, sweep_seconds=0.05) as (counted, server, port),
        connected(port) as (reader, writer),
    ):
        for _ in range(6):
            writer.write(poll)
            assert await reply(reader) == WAITING
            await asyncio.sleep(0.3)  # together longer than an idle connection is kept
        assert counted.answered == 6
        await eventually(lambda: not server.server_state.connections)
        assert await reader.read() == b""


async def test_a_poll_that_is_not_read_is_not_answered_for_ever(it: Stage):
    """Whoever sends and never reads is not written to without end."""
    poll = (POLL.format(key=KEY, id=it.id) + "\r\n").encode()
    async with (
        served(it, reply_seconds=0.2, sweep_seconds=0.05) as (_, server, port),
        connected(port) as (_, writer),
    ):
        writer.transport.pause_reading()  # type: ignore[attr-defined]

        async def cut_off() -> bool:
            for _ in range(2000):
                writer.write(poll)
            await asyncio.sleep(0)
            return not server.server_state.connections

        await eventually(cut_off, seconds=30)
