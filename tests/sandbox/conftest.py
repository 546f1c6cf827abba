"""A clock that stands still, one stand-in of each kind, and a client for each that opens no socket."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from proxy.domain.money import parse_usd
from proxy.sandbox import GetatextSandbox, GetsmsSandbox, Service, Settings, sandbox_for
from tests.fakes import FakeClock

WHATSAPP = {
    "1d": parse_usd("1.50"),
    "3d": parse_usd("3.00"),
    "7d": parse_usd("5.00"),
    "14d": parse_usd("9.00"),
    "30d": parse_usd("15.00"),
}
"""What the documents show as its prices by the day."""


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def getsms(clock: FakeClock) -> GetsmsSandbox:
    services = (
        Service("Amazon", "Amazon", parse_usd("0.50"), 3),
        Service("Google", "Google", parse_usd("1.00"), 74, prefix="G-"),
        Service("Yahoo", "Yahoo", parse_usd("0.15"), 0, several_sms=True),
    )
    return sandbox_for("getsms", clock, settings=Settings(services, balance=parse_usd("10.00")))


@pytest.fixture
def getatext(clock: FakeClock) -> GetatextSandbox:
    services = (
        Service("Whatsapp", "whatsapp", parse_usd("0.55"), 66, ttl=5, long_prices=WHATSAPP),
        Service(
            "Google",
            "google",
            parse_usd("0.85"),
            9,
            ttl=10,
            several_sms=True,
            carriers=("at&t",),
            long_prices={"7d": parse_usd("7.00")},
        ),
        Service("Empty", "empty", parse_usd("0.10"), 0),
        Service("Guarded", "guarded", parse_usd("0.10"), 5, available=False),
        Service("Unpriced", "unpriced", 0, 5),
    )
    return sandbox_for("getatext", clock, settings=Settings(services, balance=parse_usd("113.87"), first_id=12345))


@pytest.fixture
async def getsms_http(getsms: GetsmsSandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(getsms.app), base_url="http://getsms") as http:
        yield http


@pytest.fixture
async def getatext_http(getatext: GetatextSandbox) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(getatext.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://getatext", headers={"Auth": "demo"}) as http:
        yield http


@pytest.fixture
def ask_getsms(getsms_http: httpx.AsyncClient) -> Callable[..., Awaitable[tuple[str, Any]]]:
    async def ask(cmd: str, **fields: str) -> tuple[str, Any]:
        answer = await getsms_http.post(
            "/api_command.php", data={"cmd": cmd, "user": "demo", "api_key": "demo"} | fields
        )
        assert answer.status_code == 200
        body = answer.json()
        assert set(body) == {"status", "message"}
        return body["status"], body["message"]

    return ask


@pytest.fixture
def ask_getatext(getatext_http: httpx.AsyncClient) -> Callable[..., Awaitable[tuple[int, Any]]]:
    async def ask(path: str, **fields: Any) -> tuple[int, Any]:
        answer = await getatext_http.post(f"/api/v1/{path}", json=fields)
        return answer.status_code, answer.json()

    return ask


@pytest.fixture
def read_getatext(getatext_http: httpx.AsyncClient) -> Callable[..., Awaitable[tuple[int, Any]]]:
    async def read(path: str, **query: str) -> tuple[int, Any]:
        answer = await getatext_http.get(f"/api/v1/{path}", params=query)
        return answer.status_code, answer.json()

    return read
