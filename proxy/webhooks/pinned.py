"""Requests to addresses that somebody else chose: a name is resolved once, looked at, and what was looked at is called.

Whoever owns a name can let it lead anywhere, and somewhere else a moment later: into this machine, into the network
behind it, to a cloud's metadata. So the name is not resolved again between the look and the connection.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import httpx

MOST_ADDRESSES = 3
"""Of one name: how many are tried until one takes a connection."""
UNICAST = IPv6Network("2000::/3")
NAT64 = IPv6Network("64:ff9b::/96")

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class NotPublic(httpx.ConnectError):
    """The name leads to an address that is not of the public internet."""


def is_public(address: str) -> bool:
    """Whether the address is one of the public internet, with whatever it wraps."""
    found = _unwrapped(ip_address(address.partition("%")[0]))
    if found.is_multicast or not found.is_global:
        return False
    return isinstance(found, IPv4Address) or found in UNICAST


def _unwrapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 address stands for, where it does."""
    if isinstance(address, IPv4Address):
        return address
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a name, by the machine's own resolver; in a thread, because a bad name may take it seconds."""
    try:
        found = await asyncio.to_thread(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as exc:
        raise httpx.ConnectError(f"{host} cannot be resolved") from exc
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Pinned(httpx.AsyncBaseTransport):
    """Connects to public addresses alone, unless a request's extension `private` allows others. Follows nothing."""

    def __init__(self, resolve: Resolve = resolve) -> None:
        self._resolve = resolve

    @cached_property
    def _network(self) -> httpx.AsyncHTTPTransport:
        # Made when it is needed: to read the certificates of this machine takes time and memory. No connection is kept,
        # because one is found again by its address, and a certificate is checked for one name only.
        return httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=None, max_keepalive_connections=0))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host, port = request.url.host, request.url.port or {"http": 80, "https": 443}[request.url.scheme]
        addresses = await self._resolve(host, port)
        if not request.extensions.get("private"):
            addresses = [address for address in addresses if is_public(address)]
        trouble: httpx.TransportError = NotPublic(f"{host} is not on the public internet")
        for address in addresses[:MOST_ADDRESSES]:
            try:
                return await self._network.handle_async_request(_at(request, address))
            except (httpx.ConnectError, httpx.ConnectTimeout) as exc:
                trouble = exc
        raise trouble

    async def aclose(self) -> None:
        if "_network" in self.__dict__:
            await self._network.aclose()
            del self._network


def _at(request: httpx.Request, address: str) -> httpx.Request:
    """The same request, for this address; the name stays in its Host header and in the check of the certificate."""
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": request.url.raw_host.decode()},
    )
