"""What stands around the gateway in a soak: providers on ports, a client's own server; and the gateway's process."""

import random
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx

from proxy.clock import SystemClock
from proxy.domain.money import DOLLAR, Usd
from proxy.sandbox import GetatextSandbox, GetsmsSandbox, Settings, getatext_services, sandbox_for
from tests.process import Program, program
from tests.soak.mischief import Mischief
from tests.stage import ADMIN, Port, serving
from tests.webhooks.receiver import Receiver

OPENING: Usd = 1_000_000 * DOLLAR
"""Of both accounts at the providers."""
BUDGET: Usd = 400 * DOLLAR
TOKEN = "t0ken"
LIFETIME = 60
"""Seconds that every number is kept: so that what is forgotten ends within the soak."""
FILE = """
database: soak.db
admin: {{token: {admin}}}
defaults: {{country: 187, deadline: 4}}
clients:
  - {{name: plain, api_key: plain-key}}
  - {{name: thrifty, api_key: thrifty-key, budget: {{amount: "{budget}", per: total}}}}
  - {{name: capped, api_key: capped-key, max_open: 6}}
  - {{name: hasty, api_key: hasty-key, rate: {rate}}}
  - {{name: told, api_key: told-key, webhook: "{receiver}", webhook_secret: s, webhook_private: true}}
{guest}
providers:
  - {{name: getsms, kind: getsms, base_url: "{getsms}", user: demo, api_key: demo, timeout: 1.5, poll: {poll},
     webhook_token: getsms-{token}, enabled: {getsms_enabled}}}
  - {{name: getatext, kind: getatext, base_url: "{getatext}", api_key: demo, timeout: 1.5, poll: {poll},
     webhook_token: getatext-{token}, enabled: {getatext_enabled}, tier: {tier}}}
rules:
  - {{name: everything, order: {order}, on_unknown: {on_unknown}}}
"""
PLAIN: dict[str, Any] = {
    "rate": 1000,
    "guest": "",
    "poll": 0.5,
    "tier": "premium",
    "order": "cheapest",
    "on_unknown": "fail",
    "getsms_enabled": True,
    "getatext_enabled": True,
}
GUEST = "  - {name: guest, api_key: guest-key}"
CLIENTS = ("plain", "thrifty", "capped", "hasty", "told")
Box = GetsmsSandbox | GetatextSandbox


@dataclass
class Town:
    folder: Path
    chance: random.Random
    receiver: Receiver
    web: httpx.AsyncClient = field(init=False)
    boxes: dict[str, Box] = field(default_factory=dict)
    ports: dict[str, Port] = field(default_factory=dict)
    post: dict[str, Mischief] = field(default_factory=dict)
    """What may happen to each provider's webhooks."""
    root: str = ""
    """Where the gateway listens."""
    run: Program = field(init=False)
    wrong: list[str] = field(default_factory=list)
    """What nobody should have seen."""
    phones: dict[int, str] = field(default_factory=dict)
    """What clients were told they bought, by activation."""
    codes: dict[int, list[str]] = field(default_factory=dict)
    """The codes that polls showed of each activation, in that order."""
    finished: set[int] = field(default_factory=set)
    """What clients were done with before its time was over."""
    done: dict[str, int] = field(default_factory=dict)
    """How often each thing was done."""

    def count(self, what: str) -> None:
        self.done[what] = self.done.get(what, 0) + 1

    async def ask(self, client: str, action: str, **params: Any) -> httpx.Response:
        """Whatever comes back must be an answer: nothing goes wrong inside."""
        query = {"api_key": f"{client}-key", "action": action, **params}
        reply = await self.web.get(f"{self.root}/stubs/handler_api.php", params=query, timeout=30)
        if reply.status_code not in (200, 429) or reply.text.startswith(("ERROR", "BAD_KEY", "BAD_ACTION")):
            self.wrong.append(f"{action} of {client} got {reply.status_code} {reply.text[:80]}")
        return reply

    async def leave_the_line(self) -> None:
        """Close every connection to the gateway; later requests make new ones."""
        await self.web.aclose()
        self.web = connection_pool()

    async def admin(self, path: str, **params: Any) -> Any:
        headers = {"Authorization": f"Bearer {ADMIN}"}
        reply = await self.web.get(f"{self.root}/admin/api/{path}", params=params, headers=headers, timeout=30)
        reply.raise_for_status()
        return reply.json()

    async def everything(self, path: str) -> list[dict[str, Any]]:
        """A whole list of the operator's, newest first."""
        rows: list[dict[str, Any]] = []
        while page := await self.admin(path, limit=1000, **({"before": rows[-1]["id"]} if rows else {})):
            rows += page
        return rows

    async def gauges(self) -> dict[str, float]:
        """What the gateway counts itself, where it is one number."""
        reply = await self.web.get(f"{self.root}/metrics")
        lines = [line.rsplit(" ", 1) for line in reply.text.splitlines() if not line.startswith("#")]
        return {name: float(value) for name, value in lines if "{" not in name}

    def configure(self, **changes: Any) -> None:
        """Write routing.yaml: the plain one with these changes."""
        addresses = {name: port.address for name, port in self.ports.items()}
        fixed = {"admin": ADMIN, "budget": BUDGET // DOLLAR, "receiver": self.receiver.url, "token": TOKEN}
        (self.folder / "routing.yaml").write_text(FILE.format(**{**fixed, **addresses, **PLAIN, **changes}))

    def reconfigure(self, **changes: Any) -> None:
        self.configure(**changes)
        self.run.hang_up()


@asynccontextmanager
async def town(folder: Path, seed: int) -> AsyncIterator[Town]:
    """Everything up, the gateway ready; all of it gone at the end."""
    clock, chance = SystemClock(), random.Random(seed)
    async with AsyncExitStack() as stack:
        receiver = Receiver(clock)
        it = Town(folder, chance, receiver)
        it.web = connection_pool()
        stack.push_async_callback(lambda: it.web.aclose())
        receiver.port = await stack.enter_async_context(serving(receiver))
        for kind in ("getsms", "getatext"):
            it.post[kind] = Mischief(random.Random(seed))
            http = await stack.enter_async_context(httpx.AsyncClient(transport=it.post[kind]))
            it.boxes[kind] = box = sandbox_for(kind, clock, settings=_settings(kind, seed), http=http)
            box.requests = deque(maxlen=1000)
            it.ports[kind] = await stack.enter_async_context(serving(box.app))
        it.configure()
        it.run = await stack.enter_async_context(program(folder, "serve", "--port", "0"))
        await it.run.ready()
        it.root = it.run.address
        for kind, box in it.boxes.items():
            box.settings.webhook_url = f"{it.root}/webhooks/{kind}/{kind}-{TOKEN}"
        yield it


def connection_pool() -> httpx.AsyncClient:
    return httpx.AsyncClient(limits=httpx.Limits(max_connections=None))


def _settings(kind: str, seed: int) -> Settings:
    short = tuple(replace(service, ttl=LIFETIME // 60, stock=100_000) for service in getatext_services())
    return Settings(
        services=short if kind == "getatext" else (),
        balance=OPENING,
        sms_after=1.0,
        sms_interval=1.5,
        cancel_lock=2.0,
        lifetime=LIFETIME,
        seed=seed,
        remember=1_000_000,
    )
