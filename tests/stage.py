"""A whole gateway for tests: real HTTP on loopback, a real SQLite file, and the sandbox behind it on ports of its own."""

import asyncio
import textwrap
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from proxy import config as configuration
from proxy.app import House, running
from proxy.clock import Clock, SystemClock
from proxy.sandbox import GetatextSandbox, GetsmsSandbox, Settings, sandbox_for
from proxy.server import Server, bind

KEY = "test-key"
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
    timeout: 2
    poll: 0.2
    {getsms_extra}
  - name: getatext
    kind: getatext
    base_url: {getatext}
    api_key: demo
    timeout: 2
    poll: 0.2
    {getatext_extra}
rules:
{rules}
"""
RULES = """
- name: everything
"""


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
        self.routing: dict[str, Any] = {}

    @property
    def config(self) -> configuration.Config:
        text = ROUTING.format(database=self.folder / "proxy.db", **self.routing)
        return configuration.parse(text, {})

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

    async def number(self, service: str = "wa", **params: Any) -> tuple[int, str]:
        """Buy a number that must be had: id and phone."""
        words = await self.ask("getNumber", service=service, **params)
        head, id, phone = words.split(":")
        assert head == "ACCESS_NUMBER"
        return int(id), phone

    async def until(self, wanted: str, action: str = "getStatus", *, seconds: float = 10, **params: Any) -> str:
        """Ask until the answer begins with `wanted`; fails after so many seconds."""
        async with asyncio.timeout(seconds):
            while not (words := await self.ask(action, **params)).startswith(wanted):
                await asyncio.sleep(0.02)
        return words

    def rental(self, sandbox: GetsmsSandbox | GetatextSandbox, phone: str) -> Any:
        """The stand-in's newest rental of this number."""
        return [rental for rental in sandbox.rentals if phone.endswith(rental.number[-10:])][-1]


@asynccontextmanager
async def serving(app: Any, port: int = 0) -> AsyncIterator[str]:
    """An ASGI application on a port of its own; gives its address."""
    listener = bind("127.0.0.1", port)
    started = asyncio.Event()
    config = uvicorn.Config(
        app, interface="asgi3", loop="none", http="httptools", ws="none", lifespan="off", log_config=None
    )
    server = Server(config, started.set)
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve([listener]), name="server")
        await started.wait()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            server.force_exit = True


@asynccontextmanager
async def stage(
    folder: Path,
    *,
    client: Mapping[str, str] = {},
    rules: str = RULES,
    deadline: float = 5,
    getsms: Settings | None = None,
    getatext: Settings | None = None,
    getsms_extra: str = "",
    getatext_extra: str = "",
) -> AsyncIterator[Stage]:
    """Everything up and running. Both stand-ins have their own default services; SMS come only when delivered."""
    clock = SystemClock()
    it = Stage(folder, clock)
    async with AsyncExitStack() as stack:
        it.web = await stack.enter_async_context(httpx.AsyncClient())
        it.getsms = sandbox_for("getsms", clock, settings=getsms or Settings(sms_after=None), http=it.web)  # type: ignore
        it.getatext = sandbox_for("getatext", clock, settings=getatext or Settings(sms_after=None), http=it.web)  # type: ignore
        it.routing = {
            "client": "\n    ".join(f"{key}: {value}" for key, value in client.items()),
            "rules": textwrap.indent(textwrap.dedent(rules).strip(), "  "),
            "deadline": deadline,
            "getsms": await stack.enter_async_context(serving(it.getsms.app)),
            "getatext": await stack.enter_async_context(serving(it.getatext.app)),
            "getsms_extra": getsms_extra,
            "getatext_extra": getatext_extra,
        }
        await stack.enter_async_context(opened(it))
        yield it


@asynccontextmanager
async def opened(it: Stage) -> AsyncIterator[House]:
    """The gateway itself, on the stage's database; a second one after the first is a restart."""
    async with running(it.config, it.clock) as it.house, serving(it.house) as it.root:
        it.url = f"{it.root}/stubs/handler_api.php"
        yield it.house
