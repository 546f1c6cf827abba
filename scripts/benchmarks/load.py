"""A load generator that costs little: bare sockets, one request under way on each, replies counted by their length."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Result:
    seconds: float
    latencies: list[float] = field(default_factory=list)
    """Seconds, one for each reply."""
    wrong: int = 0

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds

    def quantile(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Connection(asyncio.Protocol):
    """One request at a time; `answered` is told of each reply, and may send the next."""

    def __init__(self, right: bytes, result: Result, answered: Callable[["Connection"], None]) -> None:
        self._right = right
        self._result = result
        self._answered = answered
        self._buffer = b""
        self._since: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport

    def send(self, request: bytes, since: float) -> None:
        """`since`: when the reply began to be waited for."""
        self._since = since
        self._transport.write(request)

    def close(self) -> None:
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, split, body = self._buffer.partition(b"\r\n\r\n")
        if not split or self._since is None:
            return
        lowered = head.lower()
        at = lowered.find(b"content-length:")
        length = int(lowered[at + 15 :].split(b"\r\n", 1)[0])
        if len(body) < length:
            return
        self._result.latencies.append(time.perf_counter() - self._since)
        self._result.wrong += not body.startswith(self._right)
        self._buffer, self._since = body[length:], None
        self._answered(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._since is not None:
            self._result.wrong += 1
            self._since = None
            self._answered(self)


async def load(port: int, request: Callable[[], bytes], right: bytes, *, connections: int, seconds: float) -> Result:
    """Keep so many connections busy for so long; a reply that does not begin with `right` counts as wrong."""
    result = Result(seconds)
    over = asyncio.get_running_loop().create_future()
    until = time.perf_counter() + seconds
    busy: set[Connection] = set()

    def next_one(connection: Connection) -> None:
        now = time.perf_counter()
        if now < until and not connection._transport.is_closing():
            connection.send(request(), now)
            return
        connection.close()
        busy.discard(connection)
        if not busy and not over.done():
            over.set_result(None)

    busy.update(await _opened(port, right, result, next_one, connections))
    for connection in list(busy):
        next_one(connection)
    await asyncio.wait_for(over, seconds + 60)
    return result


async def steady(
    port: int, request: bytes, right: bytes, *, per_second: float, seconds: float, connections: int = 16
) -> Result:
    """Ask at a fixed pace, however long the answers take: each is timed from when its request was due."""
    result = Result(seconds)
    idle: deque[Connection] = deque()
    late: deque[float] = deque()
    rest = asyncio.Event()

    def free(connection: Connection) -> None:
        if late:
            connection.send(request, late.popleft())
        else:
            idle.append(connection)
            if len(idle) == connections:
                rest.set()

    everyone = await _opened(port, right, result, free, connections)
    idle.extend(everyone)
    begun = time.perf_counter()
    for number in range(int(per_second * seconds)):
        due = begun + number / per_second
        if (early := due - time.perf_counter()) > 0:
            await asyncio.sleep(early)
        rest.clear()
        if idle:
            idle.popleft().send(request, due)
        else:
            late.append(due)
    await asyncio.wait_for(rest.wait(), 60)
    for connection in everyone:
        connection.close()
    return result


async def _opened(
    port: int, right: bytes, result: Result, answered: Callable[[Connection], None], many: int
) -> list[Connection]:
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: Connection(right, result, answered), "127.0.0.1", port)
        for _ in range(many)
    ]
    return [connection for _, connection in made]


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


def post(path: str, form: str) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    return f"{head}Content-Length: {len(form)}\r\n\r\n{form}".encode()
