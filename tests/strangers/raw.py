"""A socket without manners: it sends whatever bytes it is given, and shows what came back until it was hung up on."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.stage import KEY, eventually

STUB = "/stubs/handler_api.php"
PATIENCE = 30
"""Seconds in which anything must have happened."""


def request(target: str, *headers: str, method: str = "GET", body: bytes = b"") -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: gateway", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def asking(action: str, *more: str, key: str = KEY) -> bytes:
    """A complete request to the stub."""
    return request("&".join([f"{STUB}?api_key={key}&action={action}", *more]))


class Raw(asyncio.Protocol):
    def __init__(self) -> None:
        self.heard = b""
        self.hung_up = asyncio.Event()
        self._may_write = asyncio.Event()
        self._may_write.set()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.heard += data

    def eof_received(self) -> bool:
        self.hung_up.set()
        return True  # and goes on sending all the same

    def connection_lost(self, exc: Exception | None) -> None:
        self.hung_up.set()
        self._may_write.set()

    def pause_writing(self) -> None:
        self._may_write.clear()

    def resume_writing(self) -> None:
        self._may_write.set()

    async def send(self, data: bytes) -> None:
        async with asyncio.timeout(PATIENCE):
            await self._may_write.wait()
        if not self.transport.is_closing():
            self.transport.write(data)

    async def again_and_again(self, data: bytes, *, pause: float = 0) -> int:
        """Send the same until the other side has hung up; how many bytes that took."""
        sent = 0
        async with asyncio.timeout(PATIENCE):
            while not self.hung_up.is_set():
                await self.send(data)
                sent += len(data)
                await asyncio.sleep(pause)
        return sent

    async def hear(self, words: bytes, *, times: int = 1) -> None:
        """Listen until these words have come so often."""
        await eventually(lambda: self.heard.count(words) >= times, seconds=PATIENCE)

    async def statuses(self) -> list[int]:
        """Of all answers that come until the other side hangs up."""
        async with asyncio.timeout(PATIENCE):
            await self.hung_up.wait()
        return [int(found) for found in re.findall(rb"HTTP/1\.1 ([0-9]{3}) ", self.heard)]


@asynccontextmanager
async def connected(address: str) -> AsyncIterator[Raw]:
    """`address`: http://host:port."""
    host, _, port = address.removeprefix("http://").partition(":")
    _, raw = await asyncio.get_running_loop().create_connection(Raw, host, int(port))
    try:
        yield raw
    finally:
        raw.transport.abort()
