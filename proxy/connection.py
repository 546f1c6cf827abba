"""A client's connection: bounded in size and time, and short for polls."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, NoReturn

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

MOST_CONNECTIONS = 10_000
LONGEST_GLANCE = 2048
"""Bytes; a poll of a browser has a thousand."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What anybody may send before it is known who they are, and how long they may take."""

    connections: int = MOST_CONNECTIONS
    line: int = 16_384
    """Bytes of the path with its parameters."""
    headers: int = 100
    head: int = 32_768
    """Bytes of all headers."""
    body: int = 65_536
    request: int = 262_144
    """Bytes of a whole request, with whatever its body is wrapped in."""
    pipelined: int = 64
    """Requests of one connection that wait for the answer to an earlier one."""
    request_seconds: float = 15.0
    """From the first byte of a request to the last."""
    reply_seconds: float = 30.0
    """In which a reply must be taken."""
    idle_seconds: int = 75
    """Between two requests."""
    linger_seconds: float = 2.0
    """Between a refusal and the end: who is hung up on while still sending would not hear why."""
    sweep_seconds: float = 1.0
    """Between two looks at the times above."""


class Glance:
    """A look at bytes that may be one whole plain poll: by the same parser, but without an event for every header.

    One is enough for all connections, as it keeps nothing from one look to the next.
    """

    def __init__(self, answer: Callable[[bytes], bytes | None], marks: tuple[bytes, ...]) -> None:
        """`answer` gives the whole reply to a GET of a target, or None; `marks` stand in every such target."""
        self._answer = answer
        self._marks = marks
        self._parser = HttpRequestParser(self)
        self._target = b""
        self._requests = 0
        self._stays = False

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_message_complete(self) -> None:
        self._requests += 1
        self._stays = self._parser.should_keep_alive()  # afterwards it is no longer known

    def answer(self, data: bytes) -> bytes | None:
        """The reply; None: these bytes go the long way."""
        if len(data) > LONGEST_GLANCE or not data.startswith(b"GET ") or not data.endswith(b"\r\n\r\n"):
            return None
        if not any(mark in data for mark in self._marks) or not self._is_plain(data):
            return None
        return self._answer(self._target)

    def _is_plain(self, data: bytes) -> bool:
        """Whether this is exactly one request, after which the connection stays."""
        self._target, self._requests, parser = b"", 0, self._parser
        try:
            parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            is_plain = False
        else:
            is_plain = self._requests == 1 and self._stays and parser.get_http_version() == "1.1"
        if not is_plain:
            self._parser = HttpRequestParser(self)
        return is_plain


class Connection(HttpToolsProtocol):
    """uvicorn's, which bounds neither sizes nor times: whoever oversteps is told so in one status, and hung up on."""

    def __init__(self, *arguments: Any, bounds: Bounds, glance: Glance | None, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._bounds = bounds
        self._glance = glance
        self._polled_at = 0.0
        self._since: float | None = self.loop.time()
        """When the request began that is not complete; None while there is none."""
        self._unread_since: float | None = None
        self._in_head = True
        self._read_last = 0
        self._turned = False
        """Whether a request began or ended in the bytes that were read last."""
        self._size = 0
        """Bytes of the incomplete request, without those in which it began."""
        self._body_size = 0
        self._verdict = HTTPStatus.BAD_REQUEST
        self._is_refused = False
        self._running: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self._bounds.connections:
            self._is_refused = True
            transport.write(refusal(HTTPStatus.SERVICE_UNAVAILABLE))
            transport.close()

    def data_received(self, data: bytes) -> None:
        self._read_last = len(data)
        if self._is_refused:
            self._size += self._read_last
            if self._size > self._bounds.request:
                self.transport.abort()
            return
        if self._glance and self._is_free and (reply := self._glance.answer(data)) is not None:
            self.transport.write(reply)
            self._unset_keepalive_if_required()
            self._since, self._polled_at = None, self.loop.time()
            return
        self._turned = self._since is None
        if self._turned:
            self._since = self.loop.time()
        super().data_received(data)
        self._size = 0 if self._turned else self._size + self._read_last
        if self._since is not None and not self._is_refused:
            self._check_unfinished()

    @property
    def _is_free(self) -> bool:
        """Whether nothing is asked, or half asked, that is not answered, and what was answered is being taken."""
        cycle = self.cycle
        return (
            (self._since is None or self.scope is None)
            and (cycle is None or cycle.response_complete)
            and not self.flow.write_paused
        )

    def _check_unfinished(self) -> None:
        if self._in_head and self.scope is not None and len(self.url) > self._bounds.line:
            self._refuse(HTTPStatus.REQUEST_URI_TOO_LONG)
        elif self._in_head and self._size > self._bounds.head:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif self._size > self._bounds.request:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)

    def on_headers_complete(self) -> None:
        if len(self.url) > self._bounds.line:
            self._stop_reading(HTTPStatus.REQUEST_URI_TOO_LONG)
        if len(self.headers) > self._bounds.headers or self._head_size() > self._bounds.head:
            self._stop_reading(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        if len(self.pipeline) >= self._bounds.pipelined:
            self._stop_reading(HTTPStatus.TOO_MANY_REQUESTS)
        super().on_headers_complete()
        self._in_head = False

    def _head_size(self) -> int:
        """Added up only where it can be too large."""
        most = self._size + self._read_last
        return most if most <= self._bounds.head else sum(len(name) + len(value) for name, value in self.headers)

    def on_body(self, body: bytes) -> None:
        self._body_size += len(body)
        if self._body_size > self._bounds.body:
            self._stop_reading(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        super().on_body(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._turned, self._in_head, self._since, self._body_size = True, True, None, 0

    def _stop_reading(self, verdict: HTTPStatus) -> NoReturn:
        """The parser gives up at whatever is raised in the middle of it."""
        self._verdict = verdict
        raise ValueError(verdict.phrase)

    def send_400_response(self, msg: str) -> None:
        """Called when the parser has given up."""
        self._refuse(self._verdict)

    def _refuse(self, verdict: HTTPStatus) -> None:
        """Say why and hang up; without a word if that would fall into the middle of another answer."""
        self._is_refused, self._since, self._size = True, self.loop.time(), 0
        is_answering = self._is_answering
        self._nobody_listens()
        self._unset_keepalive_if_required()
        if is_answering:
            self.transport.close()
            return
        self.transport.write(refusal(verdict))
        self.transport.write_eof()
        self.flow.resume_reading()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._nobody_listens()

    def _nobody_listens(self) -> None:
        """Tell the request that is being carried out; uvicorn tells the newest, which may still wait for its turn."""
        for cycle in (self._running, self.cycle):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()

    @property
    def _is_answering(self) -> bool:
        """Whether there is a request before the incomplete one, or the incomplete one is answered already."""
        if self._in_head:
            return self.cycle is not None and not self.cycle.response_complete
        return self.cycle.response_started or bool(self.pipeline)

    @property
    def _is_kept_waiting(self) -> bool:
        return self._since is not None and not (self._in_head and self._is_answering)

    def sweep(self) -> None:
        """Hang up on a side that keeps us waiting; called again and again."""
        now = self.loop.time()
        if not self.transport.get_write_buffer_size():
            self._unread_since = None
        elif self._unread_since is None:
            self._unread_since = now
        elif now - self._unread_since > self._bounds.reply_seconds:
            self._nobody_listens()
            self.transport.abort()
            return
        if self._since is None and self.timeout_keep_alive_task is None and self._is_free:
            # uvicorn's own alarm is for connections that it has answered itself.
            if now - self._polled_at > self._bounds.idle_seconds:
                self.transport.close()
            return
        waited = now - self._since if self._since is not None and self._is_kept_waiting else 0.0
        if waited <= (self._bounds.linger_seconds if self._is_refused else self._bounds.request_seconds):
            return
        if self._is_refused or self.scope is None:  # heard already why, or never said anything
            self.transport.abort()
        else:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def shutdown(self) -> None:
        """What is not asked completely is not waited for."""
        if self._is_kept_waiting:
            self._nobody_listens()
            self.transport.close()
        else:
            super().shutdown()


def refusal(status: HTTPStatus) -> bytes:
    body = status.phrase.encode()
    head = f"HTTP/1.1 {status} {status.phrase}\r\ncontent-type: text/plain\r\ncontent-length: {len(body)}\r\n"
    return head.encode() + b"connection: close\r\n\r\n" + body
