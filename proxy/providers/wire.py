"""The one place where bytes go out to a provider, and where it is decided whether a request can have had an effect.

httpx's transport is the seam (real, embedded and recorded providers look alike); aiohttp's pool is behind it, because
httpx's own slows down with every connection. A connection that was never made is NotSent; whatever goes wrong
afterwards is OutcomeUnknown.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from json import dumps, loads

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

# Most specific first: several of these classes are also OSError, or each other.
FAULTS: tuple[tuple[type[Exception], type[httpx.TransportError]], ...] = (
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (aiohttp.InvalidURL, httpx.UnsupportedProtocol),
    (aiohttp.NonHttpUrlClientError, httpx.UnsupportedProtocol),
    (TimeoutError, httpx.ReadTimeout),
    (aiohttp.ServerDisconnectedError, httpx.RemoteProtocolError),
    (aiohttp.ClientResponseError, httpx.RemoteProtocolError),
    (aiohttp.ClientError, httpx.ReadError),
    (OSError, httpx.ReadError),
)
NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
BODY_HEADERS = frozenset({"content-encoding", "content-length", "transfer-encoding"})
OUR_HEADERS = {"User-Agent": "sms-proxy", "Accept": "application/json"}


class PooledTransport(httpx.AsyncBaseTransport):
    """Keep-alive connections to one provider. A request goes out once at most, whatever its method."""

    def __init__(self, *, connections: int = CONNECTIONS, largest_body: int = LARGEST_BODY) -> None:
        self._connections = connections
        self._largest_body = largest_body
        self._session: aiohttp.ClientSession | None = None
        self._is_closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._is_closed:
            raise httpx.ConnectError("the transport is closed")
        sent = await request.aread()
        with _honest_faults():
            async with self._opened().request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=[(k, v) for k, v in request.headers.multi_items() if k not in {"host", "content-length"}],
                data=sent or None,
                allow_redirects=False,
                timeout=_timeouts(request),
            ) as response:
                body = await self._read(response)
        headers = [(k, v) for k, v in response.headers.items() if k.lower() not in BODY_HEADERS]
        return httpx.Response(response.status, headers=headers, content=body, request=request)

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
                raise httpx.ReadError("the answer is too large")
        return bytes(body)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    json: object
    """The body understood, with Decimals for floats; None if it is no JSON."""


async def exchange(
    transport: httpx.AsyncBaseTransport,
    provider: str,
    method: str,
    url: str,
    *,
    timeout: float,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
    json: Mapping[str, object] | None = None,
) -> Answer:
    """Send one request, once. The texts of what it raises name neither URL nor header nor body: keys stand there."""
    if timeout <= 0:
        raise NotSent(provider, "no time was left to ask")
    request = _build(provider, method, url, timeout, headers, params, form, json)
    try:
        async with asyncio.timeout(timeout):
            response = await transport.handle_async_request(request)
            body = await response.aread()
    except NEVER_LEFT as exc:
        raise NotSent(provider, f"no connection ({exc})") from None
    except TimeoutError:
        raise OutcomeUnknown(provider, f"no answer within {timeout:.1f} s") from None
    # An embedded provider's own bug arrives here too; as with a real one, nobody knows how far it came.
    except Exception as exc:
        raise OutcomeUnknown(provider, f"the answer was lost ({type(exc).__name__})") from None
    return Answer(response.status_code, body, parse_json(body))


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


def _build(
    provider: str,
    method: str,
    url: str,
    timeout: float,
    headers: Mapping[str, str] | None,
    params: Mapping[str, str] | None,
    form: Mapping[str, str] | None,
    json: Mapping[str, object] | None,
) -> httpx.Request:
    every_header = {**OUR_HEADERS, **(headers or {})}
    content = None
    if json is not None:
        every_header["Content-Type"] = "application/json"
        content = print_json(json).encode()
    times = {"connect": timeout * CONNECT_SHARE, "read": timeout}
    try:
        return httpx.Request(
            method, url, headers=every_header, params=params, data=form, content=content, extensions={"timeout": times}
        )
    except (httpx.InvalidURL, ValueError) as exc:
        # Without the text: a header that cannot be encoded is quoted there, and it may be the key.
        raise NotSent(provider, f"the request cannot be written ({type(exc).__name__})") from None


def _timeouts(request: httpx.Request) -> aiohttp.ClientTimeout:
    """`connect` counts the wait for a free connection too: all of it is before anything is sent."""
    times = request.extensions.get("timeout", {})
    return aiohttp.ClientTimeout(
        total=None, connect=times.get("connect"), sock_read=times.get("read"), ceil_threshold=float("inf")
    )


@contextmanager
def _honest_faults() -> Iterator[None]:
    try:
        yield
    except tuple(kind for kind, _ in FAULTS) as exc:
        ours = next(ours for kind, ours in FAULTS if isinstance(exc, kind))
        # Not str(exc): aiohttp quotes whole URLs, and some providers want their key there.
        raise ours(getattr(exc, "strerror", None) or type(exc).__name__) from None
