"""What lies between two sides: an ASGI call without sockets, and the roads to the providers with their weather."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import httpx

from proxy.providers.wire import Message
from tests.simulation.loop import SimClock
from tests.simulation.machine import REQUEST

Reply = tuple[int, dict[str, str], bytes]


async def call(
    app: Any,
    method: str,
    url: str,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    gone: asyncio.Event | None = None,
    late: list[Any] | None = None,
) -> Reply | None:
    """One request to an ASGI application; None if nothing was answered, or the caller had `gone` before.

    What is answered to somebody who has gone is found in `late`: the application has not noticed.
    """
    parts = urlsplit(url)
    gone = gone or asyncio.Event()
    unread = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[Any] = []

    async def receive() -> Any:
        if unread:
            return unread.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if not gone.is_set():
            sent.append(message)
        elif late is not None:
            late.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "root_path": "",
        "scheme": "http",
        "http_version": "1.1",
        "query_string": parts.query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
        "client": ("127.0.0.1", 1),
        "server": ("gateway", 80),
        "state": {},
    }
    try:
        await app(scope, receive, send)
    finally:
        gone.set()
    if len(sent) < 2:
        return None
    answered = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], answered, b"".join(message.get("body", b"") for message in sent[1:])


class Mishap(StrEnum):
    """What may happen to one request to a provider."""

    NONE = "arrives"
    NO_CONNECTION = "finds no connection"
    LOST_GOING = "is lost on the way there"
    LOST_COMING = "loses its reply"
    LATE_GOING = "arrives late"
    LATE_COMING = "is answered late"
    SILENCE = "is never answered"
    STATUS = "is answered with 500"
    HTML = "is answered with a page"
    HALF = "is answered by half"
    EMPTY = "is answered with nothing"
    UNHANDLED = "is answered with 502 and not carried out"


TROUBLE = (*Mishap,)[2:]


@dataclass(slots=True)
class Weather:
    """How likely a request to one provider comes to grief."""

    trouble: float = 0.0
    is_dead: bool = False


class Road:
    """The way from one life of the gateway to one provider. What has left arrives, whoever waits for it or not."""

    def __init__(
        self,
        clock: SimClock,
        weather: Weather,
        dice: random.Random,
        arrive: Callable[[Message, int], Coroutine[Any, Any, Reply]],
        spawn: Callable[[Coroutine[Any, Any, None]], Any],
    ) -> None:
        """`clock` is the gateway's; `arrive` hands a message to the provider; `spawn` starts what outlives crashes."""
        self._clock = clock
        self._weather = weather
        self._dice = dice
        self._arrive = arrive
        self._spawn = spawn

    async def send(self, message: Message) -> tuple[int, bytes]:
        mishap = self._mishap()
        if self._clock.stopped or mishap is Mishap.NO_CONNECTION:
            raise httpx.ConnectError("nobody listens")
        reply: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
        self._spawn(self._travel(message, mishap, reply, REQUEST.get()))
        return await reply

    async def aclose(self) -> None:
        """There is nothing to close."""

    def _mishap(self) -> Mishap:
        if self._weather.is_dead:
            return Mishap.NO_CONNECTION
        if self._dice.random() >= self._weather.trouble:
            return Mishap.NONE
        return self._dice.choice(TROUBLE)

    async def _travel(
        self, message: Message, mishap: Mishap, reply: asyncio.Future[tuple[int, bytes]], request: int
    ) -> None:
        going, coming = self._dice.choice(((0.0, 0.0), (0.05, 0.0), (0.0, 0.05), (0.1, 0.4)))
        await asyncio.sleep(going + (message.timeout if mishap is Mishap.LATE_GOING else 0))
        if mishap is Mishap.LOST_GOING:
            self._lose(reply)
            return
        if mishap is Mishap.UNHANDLED:
            answer: tuple[int, bytes] = (502, b"")
        else:
            status, _, body = await self._arrive(message, request)
            answer = spoilt(mishap, status, body)
        await asyncio.sleep(coming + (message.timeout if mishap is Mishap.LATE_COMING else 0))
        if mishap is Mishap.LOST_COMING:
            self._lose(reply)
        elif mishap is not Mishap.SILENCE and not reply.done():
            reply.set_result(answer)

    def _lose(self, reply: asyncio.Future[tuple[int, bytes]]) -> None:
        if not reply.done():
            reply.set_exception(httpx.ReadError("the connection was dropped"))


def spoilt(mishap: Mishap, status: int, body: bytes) -> tuple[int, bytes]:
    """The true answer as it comes out of a mishap."""
    match mishap:
        case Mishap.STATUS:
            return 500, b""
        case Mishap.HTML:
            return 200, b"<!DOCTYPE html><html><body><h1>Just a moment...</h1></body></html>"
        case Mishap.HALF:
            return status, body[: len(body) // 2]
        case Mishap.EMPTY:
            return status, b""
    return status, body
