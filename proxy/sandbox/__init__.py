"""Embedded stand-ins for the providers: strict about their documents, deterministic, told the time by a clock."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Protocol

import httpx
from starlette.applications import Starlette

from proxy.clock import Clock
from proxy.sandbox.account import Phase, Rental
from proxy.sandbox.faults import ConnectionCut, Fault, FaultKind
from proxy.sandbox.getatext import GetatextSandbox
from proxy.sandbox.getsms import GetsmsSandbox
from proxy.sandbox.messages import Message
from proxy.sandbox.rents import Rent
from proxy.sandbox.settings import Lot, Service, Settings, getatext_services, getsms_services
from proxy.sandbox.steering import Seen

__all__ = [
    "KINDS",
    "ConnectionCut",
    "Fault",
    "FaultKind",
    "GetatextSandbox",
    "GetsmsSandbox",
    "Lot",
    "Message",
    "Phase",
    "Rent",
    "Rental",
    "Sandbox",
    "Seen",
    "Service",
    "Settings",
    "combined_app",
    "getatext_services",
    "getsms_services",
    "sandbox_for",
]

KINDS: dict[str, type[GetsmsSandbox] | type[GetatextSandbox]] = {
    "getsms": GetsmsSandbox,
    "getatext": GetatextSandbox,
}
SHELVES = {"getsms": getsms_services, "getatext": getatext_services}


class Sandbox(Protocol):
    kind: str

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        """The ASGI application."""

    async def run(self) -> None:
        """Send webhooks for ever."""


def sandbox_for(
    kind: str, clock: Clock, *, settings: Settings | None = None, http: httpx.AsyncClient | None = None
) -> GetsmsSandbox | GetatextSandbox:
    """A stand-in with its own copy of the settings; without services it gets those of its kind. KeyError: no such kind.

    `http` sends the webhooks, for as long as somebody runs `run`.
    """
    own = replace(settings, withdrawn=set(settings.withdrawn)) if settings else Settings()
    own.services = own.services or SHELVES[kind]()
    return KINDS[kind](clock, own, http)


def combined_app(sandboxes: Iterable[Sandbox]) -> Callable[[Any, Any, Any], Awaitable[None]]:
    """Several under one port, each under its kind: `/getsms/api_command.php`, `/getatext/api/v1/...`.

    Whoever serves it with a lifespan needs no task for `run`.
    """
    stands = {f"/{stand.kind}": stand for stand in sandboxes}

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(stand.run(), name=f"sandbox {stand.kind}") for stand in stands.values()]
            yield
            for task in tasks:
                task.cancel()

    nobody = Starlette(lifespan=lifespan)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        # No Mount: Starlette wraps `send`, and a cut needs the server's own to reach the socket.
        prefix = "/" + scope["path"].lstrip("/").partition("/")[0] if scope["type"] == "http" else ""
        if prefix in stands:
            await stands[prefix].app({**scope, "root_path": scope.get("root_path", "") + prefix}, receive, send)
        else:
            await nobody(scope, receive, send)

    return app
