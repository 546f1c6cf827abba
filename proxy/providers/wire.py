"""The one place where bytes go out to a provider, and where it is decided whether a request can have had an effect.

A Wire is the seam: the network (Pool), or whatever httpx calls a transport, such as the embedded sandbox or a recorded
exchange (Through). A connection that was never made is NotSent; whatever goes wrong afterwards is OutcomeUnknown.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from json import dumps, loads
from typing import Protocol
from urllib.parse import urlencode

import aiohttp
import httpx
from yarl import URL

from proxy.errors import NotSent, OutcomeUnknown

CONNECTIONS = 512
KEEPALIVE = 4.0
"""Seconds. Many servers close an idle connection after five, and a request that meets the close has an unknown end."""
LARGEST_BODY = 4 * 1024 * 1024
CONNECT_SHARE = 0.5
"""Of the time for a whole exchange: so a timeout while connecting is told apart from one while waiting."""
OUR_HEADERS = {"User-Agent": "sms-proxy", "Accept": "application/json"}

NEVER_LEFT = (
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientConnectorError,
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
)


@dataclass(frozen=True, slots=True)
class Message:
    """One request as it goes out."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    timeout: float
    """Seconds for the whole exchange."""


class Wire(Protocol):
    """Sends a message once, whatever its method, and follows nothing. Raises one of NEVER_LEFT only if nothing left."""

    async def send(self, message: Message) -> tuple[int, bytes]:
        """HTTP status and body."""

    async def aclose(self) -> None: ...


class Pool:
    """Keep-alive connections to one provider, by aiohttp: the cost of httpx's own pool grows with their number."""

    def __init__(self, *, connections: int = CONNECTIONS, largest_body: int = LARGEST_BODY) -> None:
        self._connections = connections
        self._largest_body = largest_body
        self._session: aiohttp.ClientSession | None = None
        self._is_closed = False

    async def send(self, message: Message) -> tuple[int, bytes]:
        if self._is_closed:
            raise httpx.ConnectError("the connections are closed")
        # `connect` counts the wait for a free connection too: all of it is before anything is sent.
        timeout = aiohttp.ClientTimeout(
            total=None, connect=message.timeout * CONNECT_SHARE, ceil_threshold=float("inf")
        )
        async with self._opened().request(
            message.method,
            _address(message.url),
            headers=message.headers,
            data=message.body or None,
            allow_redirects=False,
            timeout=timeout,
        ) as response:
            return response.status, await self._read(response)

    async def aclose(self) -> None:
        self._is_closed = True
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        """The session, made at the first request because it belongs to the loop that runs then."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=KEEPALIVE),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=True,
                trust_env=False,
            )
            # aiohttp repeats a GET by itself when a connection drops before the reply. The provider may have carried
            # out the first one. There is no public switch; aiohttp's own TestClient sets this one.
            self._session._retry_connection = False
        return self._session

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > self._largest_body:
                raise aiohttp.ClientPayloadError("the answer is too large")
        return bytes(body)


class Through:
    """Any httpx transport: the embedded sandbox, recorded exchanges."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def send(self, message: Message) -> tuple[int, bytes]:
        request = httpx.Request(message.method, message.url, headers=message.headers, content=message.body)
        response = await self._transport.handle_async_request(request)
        return response.status_code, await response.aread()

    async def aclose(self) -> None:
        await self._transport.aclose()


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    json: object
    """The body understood, with Decimals for floats; None if it is no JSON."""


async def exchange(
    wire: Wire,
    provider: str,
    method: str,
    url: str,
    *,
    timeout: float,
    headers: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
    json: Mapping[str, object] | None = None,
) -> Answer:
    """Send one request, once. The texts of what it raises name neither URL nor header nor body: keys stand there."""
    if timeout <= 0:
        raise NotSent(provider, "no time was left to ask")
    message = _message(method, url, timeout, headers or {}, form, json)
    try:
        async with asyncio.timeout(timeout):
            status, body = await wire.send(message)
    except NEVER_LEFT as exc:
        raise NotSent(provider, f"no connection ({_cause(exc)})") from None
    except UnicodeEncodeError:
        # A header is written before anything leaves. Without the text: it quotes the header, which may be the key.
        raise NotSent(provider, "the request cannot be written") from None
    except TimeoutError:
        raise OutcomeUnknown(provider, f"no answer within {timeout:.1f} s") from None
    # An embedded provider's own bug arrives here too; as with a real one, nobody knows how far it came.
    except Exception as exc:
        raise OutcomeUnknown(provider, f"the answer was lost ({type(exc).__name__})") from None
    return Answer(status, body, parse_json(body))


def _cause(exc: Exception) -> str:
    """Not str(exc): aiohttp quotes whole URLs, and some providers want their key there."""
    return getattr(exc, "strerror", None) or type(exc).__name__


def _message(
    method: str,
    url: str,
    timeout: float,
    headers: Mapping[str, str],
    form: Mapping[str, str] | None,
    json: Mapping[str, object] | None,
) -> Message:
    if json is not None:
        headers = {**OUR_HEADERS, **headers, "Content-Type": "application/json"}
        return Message(method, url, headers, print_json(json).encode(), timeout)
    if form is not None:
        headers = {**OUR_HEADERS, **headers, "Content-Type": "application/x-www-form-urlencoded"}
        return Message(method, url, headers, urlencode(form).encode(), timeout)
    return Message(method, url, {**OUR_HEADERS, **headers}, b"", timeout)


@lru_cache(maxsize=1024)
def _address(url: str) -> URL:
    return URL(url, encoded=True)


def parse_json(body: bytes) -> object:
    """None for what is no JSON."""
    try:
        found: object = loads(body, parse_float=Decimal)
    except (ValueError, RecursionError):
        return None
    return found


def print_json(fields: Mapping[str, object]) -> str:
    """A flat object; a Decimal becomes a number with exactly its digits, which `json` alone cannot do."""
    return "{" + ", ".join(f"{dumps(key)}: {_literal(value)}" for key, value in fields.items()) + "}"


def _literal(value: object) -> str:
    return format(value, "f") if isinstance(value, Decimal) else dumps(value)
