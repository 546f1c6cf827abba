"""Switches that make a stand-in misbehave on purpose, in process as over a socket.

A cut shows in process as ConnectionCut raised by the application; under uvicorn the socket is really closed, after any
byte of the reply. A hang never answers, and ends when the other side leaves.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any

import httpx


class ConnectionCut(httpx.ReadError):
    """The connection was dropped; in process this stands for what an HTTP client raises over a socket."""


class FaultKind(StrEnum):
    CUT = "cut"
    """The connection is closed after `amount` bytes of the reply, its head included."""
    HANG = "hang"
    SLOW = "slow"
    """`amount` seconds late."""
    STATUS = "status"
    """`status` and `body` instead of the reply."""
    HTML = "html"
    """A page of HTML instead of the reply."""
    HALF = "half"
    """The first half of the body, as if it were the whole."""
    EMPTY = "empty"
    """No body at all."""


@dataclass(slots=True)
class Fault:
    kind: FaultKind
    endpoint: str = ""
    """Empty: any. getsms: the `cmd`. getatext: the path after `/api/v1/`, ids and numbers left out.

    `rental-status/completed`; where GET and POST share a path: `long-rentals` and `long-rentals:rent`.
    """
    times: int | None = 1
    """For so many requests; None: until it is cleared."""
    handled: bool = True
    """Whether the request takes effect all the same; for SLOW, whether before the wait or after it."""
    amount: float = 0
    status: int = 0
    """Of the answer instead; 0: 500 for STATUS, 200 for the others."""
    body: str = ""
    """Of the answer instead, for STATUS."""


@dataclass(slots=True)
class Faults:
    switched_on: list[Fault] = field(default_factory=list)

    def take(self, endpoint: str) -> Fault | None:
        """The first fault that this request must suffer, counted off."""
        for fault in self.switched_on:
            if fault.endpoint in ("", endpoint):
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times < 1:
                        self.switched_on.remove(fault)
                return fault
        return None


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    def on_the_wire(self) -> bytes:
        head = f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}\r\n".encode()
        return head + b"".join(name + b": " + value + b"\r\n" for name, value in self.headers) + b"\r\n" + self.body

    async def send(self, send: Any) -> None:
        await send({"type": "http.response.start", "status": self.status, "headers": list(self.headers)})
        await send({"type": "http.response.body", "body": self.body})


def reply(status: int, content_type: str, body: bytes) -> Reply:
    headers = ((b"content-type", content_type.encode()), (b"content-length", b"%d" % len(body)))
    return Reply(status, headers, body)


NEVER_HANDLED = reply(503, "application/json", b"")
"""What stands for the true reply when there is none to spoil."""


def instead(fault: Fault, true: Reply) -> Reply:
    """What is answered in place of the true reply."""
    match fault.kind:
        case FaultKind.STATUS:
            return reply(fault.status or 500, "application/json", fault.body.encode())
        case FaultKind.HTML:
            page = b"<!DOCTYPE html><html><body><h1>Just a moment...</h1></body></html>"
            return reply(fault.status or 200, "text/html; charset=UTF-8", page)
        case FaultKind.HALF:
            return reply(fault.status or 200, "application/json", true.body[: len(true.body) // 2])
        case FaultKind.EMPTY:
            return reply(fault.status or 200, "application/json", b"")
        case _:
            return true


async def cut(true: Reply, after: int, receive: Any, send: Any) -> None:
    """Send `after` bytes of the reply and drop the connection; a reply that is shorter gets through whole."""
    wire = true.on_the_wire()
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is not None:
        # uvicorn's `send` belongs to the object that holds the socket: only there can a reply end at any byte.
        transport.write(wire[:after])
        transport.close()
        await gone(receive)
    elif after >= len(wire):
        await true.send(send)
    else:
        raise ConnectionCut(f"cut after {after} of {len(wire)} bytes")


async def gone(receive: Any) -> None:
    """Wait until the other side has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
