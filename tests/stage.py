"""A whole gateway for tests: real HTTP on loopback, a real SQLite file, and the sandbox on ports of its own."""

import asyncio
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from proxy import config as configuration
from proxy.app import House, running
from proxy.clock import Clock, SystemClock
from proxy.sandbox import GetatextSandbox, GetsmsSandbox, Seen, Settings, sandbox_for

T = TypeVar("T")

KEY = "test-key"
OTHER_KEY = "other-key"
ADMIN = "admin-token"

ROUTING = """
database: {database}
admin: {{token: admin-token}}
defaults: {{country: 187, deadline: {deadline}}}
clients:
  - name: tester
    api_key: test-key
    {client}
  - name: other
    api_key: other-key
providers:
  - name: getsms
    kind: getsms
    base_url: {getsms}
    user: demo
    api_key: demo
    timeout: {timeout}
    poll: {poll}
    {getsms_extra}
  - name: getatext
    kind: getatext
    base_url: {getatext}
    api_key: demo
    timeout: {timeout}
    poll: {poll}
    {getatext_extra}
rules:
{rules}
"""
RULES = """
- name: everything
"""


async def eventually(look: Callable[[], T | Awaitable[T]], *, seconds: float = 30) -> T:
    """The first true value of `look()`, awaited if need be; fails after so many seconds."""
    async with asyncio.timeout(seconds):
        while True:
            found = look()
            if isinstance(found, Awaitable):
                found = await found
            if found:
                return found
            await asyncio.sleep(0.02)


class Port:
    """An ASGI application on a port of its own, which it keeps while it is closed.

    uvicorn's protocol without its server: that one looks only ten times a second whether it should stop.
    """

    def __init__(self, app: Any) -> None:
        self._config = uvicorn.Config(app, interface="asgi3", ws="none", lifespan="off", log_config=None)
        self._config.load()
        self._state = ServerState()
        self._port = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def is_open(self) -> bool:
        return self._server.is_serving()

    async def open(self) -> None:
        self._server = await asyncio.get_running_loop().create_server(
            lambda: HttpToolsProtocol(self._config, self._state, {}), "127.0.0.1", self._port, backlog=1024
        )
        self._port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Nobody listens any more, and whoever is connected is cut off."""
        self._server.close()
        for connection in list(self._state.connections):
            connection.transport.abort()


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[Port]:
    port = Port(app)
    await port.open()
    try:
        yield port
    finally:
        port.close()


class Stage:
    """The gateway under test, and the handles of what stands around it."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder = folder
        self.clock = clock
        self.getsms: GetsmsSandbox
        self.getatext: GetatextSandbox
        self.house: House
        self.url = ""
        """Of the stub."""
        self.root = ""
        """Of everything else."""
        self.web: httpx.AsyncClient
        self.ports: dict[str, Port] = {}
        """By name: the providers, and the gateway itself."""
        self.routing: dict[str, Any] = {}
        self.gateway: AsyncExitStack
        """What closes the gateway."""

    @property
    def file(self) -> str:
        """routing.yaml."""
        return ROUTING.format(database=self.folder / "proxy.db", **self.routing)

    @property
    def config(self) -> configuration.Config:
        return configuration.parse(self.file, {})

    def at(self, root: str) -> None:
        """From now on talk to the gateway at this address."""
        self.root, self.url = root, f"{root}/stubs/handler_api.php"

    async def ask(self, action: str, *, api_key: str = KEY, **params: Any) -> str:
        """The text that the stub answers."""
        return (await self.reply(action, api_key=api_key, **params)).text

    async def reply(self, action: str, *, api_key: str = KEY, **params: Any) -> httpx.Response:
        return await self.web.get(self.url, params={"api_key": api_key, "action": action, **params}, timeout=60)

    async def admin(self, path: str, **params: Any) -> Any:
        """What the operator's JSON says, /admin/api/ left out of the path."""
        headers = {"Authorization": f"Bearer {ADMIN}"}
        reply = await self.web.get(f"{self.root}/admin/api/{path}", params=params, headers=headers)
        reply.raise_for_status()
        return reply.json()

    async def route(self, service: str = "wa", **params: Any) -> list[tuple[str, bool, str]]:
        """The route that `explain` shows: provider, whether it is kept, reason."""
        shown = await self.admin("explain", service=service, **params)
        return [(leg["provider"], leg["kept"], leg["reason"]) for leg in shown["route"]]

    async def outcomes(self) -> list[tuple[str, str]]:
        """Provider and outcome of every attempt, oldest first."""
        return [(attempt["provider"], attempt["outcome"]) for attempt in reversed(await self.admin("attempts"))]

    async def number(self, service: str = "wa", **params: Any) -> tuple[int, str]:
        """Buy a number that must be had: id and phone."""
        reply = await self.reply("getNumber", service=service, **params)
        words = reply.text
        assert words.startswith("ACCESS_NUMBER:"), (words, reply.headers.get("X-Reason"))
        _, id, phone = words.split(":")
        return int(id), phone

    async def until(self, wanted: str, action: str = "getStatus", *, seconds: float = 30, **params: Any) -> str:
        """Ask until the answer begins with `wanted`; fails after so many seconds."""

        async def answer() -> str:
            words = await self.ask(action, **params)
            return words if words.startswith(wanted) else ""

        return await eventually(answer, seconds=seconds)

    def rental(self, sandbox: GetsmsSandbox | GetatextSandbox, phone: str) -> Any:
        """The stand-in's newest rental of this number."""
        return [rental for rental in sandbox.rentals if phone.endswith(rental.number[-10:])][-1]

    def seen(self, sandbox: GetsmsSandbox | GetatextSandbox, endpoint: str) -> list[Seen]:
        """The requests of one kind that reached the stand-in."""
        return [request for request in sandbox.requests if request.endpoint == endpoint]

    async def restart(self) -> None:
        """Stop the gateway in order and start it again on the same database."""
        await self.gateway.aclose()
        await self.gateway.enter_async_context(opened(self))

    @asynccontextmanager
    async def stopped(self, provider: str) -> AsyncIterator[None]:
        """Nobody listens on the provider's port for this while."""
        self.ports[provider].close()
        try:
            yield
        finally:
            await self.ports[provider].open()


@asynccontextmanager
async def surroundings(
    folder: Path,
    *,
    client: Mapping[str, str] = {},
    rules: str = RULES,
    deadline: float = 5,
    timeout: float = 2,
    poll: float = 0.2,
    getsms: Settings | None = None,
    getatext: Settings | None = None,
    getsms_extra: str = "",
    getatext_extra: str = "",
    clock: Clock | None = None,
) -> AsyncIterator[Stage]:
    """All but the gateway. Both stand-ins have their own default services; SMS come only when delivered."""
    clock = clock or SystemClock()
    it = Stage(folder, clock)
    async with AsyncExitStack() as stack:
        # The server closes what was idle for five seconds: an idle connection must not be used so late.
        limits = httpx.Limits(max_keepalive_connections=20, max_connections=100, keepalive_expiry=1)
        it.web = await stack.enter_async_context(httpx.AsyncClient(limits=limits))
        it.getsms = sandbox_for("getsms", clock, settings=getsms or Settings(sms_after=None), http=it.web)  # type: ignore
        it.getatext = sandbox_for("getatext", clock, settings=getatext or Settings(sms_after=None), http=it.web)  # type: ignore
        for sandbox in (it.getsms, it.getatext):
            it.ports[sandbox.kind] = await stack.enter_async_context(serving(sandbox.app))
        it.routing = {
            "client": "\n    ".join(f"{key}: {value}" for key, value in client.items()),
            "rules": textwrap.indent(textwrap.dedent(rules).strip(), "  "),
            "deadline": deadline,
            "timeout": timeout,
            "poll": poll,
            "getsms": it.ports["getsms"].address,
            "getatext": it.ports["getatext"].address,
            "getsms_extra": getsms_extra,
            "getatext_extra": getatext_extra,
        }
        yield it


@asynccontextmanager
async def stage(folder: Path, **how: Any) -> AsyncIterator[Stage]:
    """Everything up and running; takes what `surroundings` takes."""
    async with surroundings(folder, **how) as it, AsyncExitStack() as it.gateway:
        await it.gateway.enter_async_context(opened(it))
        yield it


@asynccontextmanager
async def opened(it: Stage) -> AsyncIterator[House]:
    """The gateway itself, on the stage's database, once it has asked for every price list."""
    async with running(it.config, it.clock) as it.house, serving(it.house) as it.ports["gateway"]:
        it.at(it.ports["gateway"].address)
        await it.house.gateway.market.prices_known(10)
        for upstream in it.house.gateway.market.upstreams.values():
            # On a busy machine the first answer may take longer than a stage with short times allows.
            for _ in range(5):
                if upstream.learnt_at is None and upstream.name in it.ports and it.ports[upstream.name].is_open:
                    await upstream.learn()
        yield it.house
