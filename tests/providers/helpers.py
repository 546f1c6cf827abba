"""Exchanges from files, clocks that jump, and replies of any kind, for the tests of the adapters."""

import asyncio
import json
from collections.abc import Callable
from decimal import Decimal
from heapq import heappop, heappush
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx

from proxy.clock import SystemClock
from proxy.providers.base import ProviderSettings
from proxy.providers.getatext import Getatext
from proxy.providers.getsms import Getsms
from proxy.providers.sms_activate import SmsActivate
from proxy.providers.wire import Through

EXCHANGES = Path(__file__).parent.parent / "exchanges"
KEY = "sk_very_secret"


def replay(*names: str) -> httpx.MockTransport:
    """Answer with these exchanges in turn; each must be asked for with exactly the request that its file shows."""
    waiting = [json.loads((EXCHANGES / f"{name}.json").read_text(), parse_float=Decimal) for name in names]

    def handle(request: httpx.Request) -> httpx.Response:
        exchange = waiting.pop(0)
        assert _shown(request) == exchange["request"]
        return httpx.Response(exchange["status"], content=_body(exchange))

    return httpx.MockTransport(handle)


def answering(status: int, body: object) -> httpx.MockTransport:
    """The same answer to everything."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx.MockTransport(lambda request: httpx.Response(status, content=content))


def in_turn(*replies: httpx.Response | Exception) -> httpx.MockTransport:
    waiting = list(replies)

    def handle(request: httpx.Request) -> httpx.Response:
        if isinstance(reply := waiting.pop(0), Exception):
            raise reply
        return reply

    return httpx.MockTransport(handle)


def getsms(transport: httpx.AsyncBaseTransport, base_url: str = "https://getsms.test") -> Getsms:
    return Getsms("getsms", Through(transport), SystemClock(), ProviderSettings(base_url, KEY, user="demo"))


def getatext(transport: httpx.AsyncBaseTransport, tier: str = "standard", clock: object = None) -> Getatext:
    settings = ProviderSettings("https://getatext.test/", KEY, tier=tier)
    return Getatext("getatext", Through(transport), clock or SystemClock(), settings)


def sms_activate(transport: httpx.AsyncBaseTransport, base_url: str = "https://sms.test", **rest: Any) -> SmsActivate:
    return SmsActivate("sms", Through(transport), SystemClock(), ProviderSettings(base_url, KEY, **rest))


class ManualClock:
    """Stands still until `advance`; whoever sleeps is woken in the order of waking times."""

    def __init__(self) -> None:
        self._now = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heappush(self._sleepers, (self._now + seconds, id(future), future))
        await future

    async def advance(self, seconds: float) -> None:
        end = self._now + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            self._now, _, future = heappop(self._sleepers)
            if not future.done():
                future.set_result(None)
            await settle()
        self._now = end


async def settle() -> None:
    """Let everything run that can run without time passing."""
    for _ in range(50):
        await asyncio.sleep(0)


def every_cut(body: bytes) -> list[bytes]:
    return [body[:length] for length in range(len(body))]


def reply_bytes(name: str) -> bytes:
    return _body(json.loads((EXCHANGES / f"{name}.json").read_text()))


def recorder(reply: Callable[[], httpx.Response]) -> tuple[list[httpx.Request], httpx.MockTransport]:
    """A transport that keeps what it was asked."""
    asked: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return reply()

    return asked, httpx.MockTransport(handle)


def _body(exchange: dict[str, Any]) -> bytes:
    """Plain words stand under `text`, what is sent as JSON under `reply`."""
    words = exchange["text"] if "text" in exchange else json.dumps(exchange["reply"], default=str)
    return words.encode()


def _shown(request: httpx.Request) -> dict[str, object]:
    shown: dict[str, object] = {"method": request.method, "path": request.url.path}
    if request.headers.get("content-type") == "application/json":
        assert request.headers["Auth"] == KEY
        shown["json"] = json.loads(request.content, parse_float=Decimal)
    elif request.content:
        form = dict(parse_qsl(request.content.decode(), keep_blank_values=True))
        assert (form.pop("user"), form.pop("api_key")) == ("demo", KEY)
        shown["form"] = form
    if request.url.query:
        query = dict(request.url.params)
        assert query.pop("api_key") == KEY
        shown["query"] = query
    else:
        assert KEY not in str(request.url)
    return shown
