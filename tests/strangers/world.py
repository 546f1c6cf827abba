"""A gateway with its own value for every secret, providers that quote what they are sent, and whatever is heard."""

import html
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus

import httpx

from proxy.clock import SystemClock
from proxy.sandbox import Settings, sandbox_for
from tests.process import Program, finished, program
from tests.stage import eventually, serving
from tests.webhooks.receiver import Receiver

KEY, OTHER_KEY, ADMIN = "clients+Key/1=", "other%Key&2", "Admin'Token#3"
USER, GETSMS_KEY, GETSMS_TOKEN = "getsms.User4", "getsms+Key/5=", "getsms-Hook_6"
GETATEXT_KEY, GETATEXT_TOKEN = 'getatext"Key\\7', "getatext-Hook_8"
STUB_KEY, STUB_TOKEN = "stub+Key&9/=", "stub-Hook_10"
WEBHOOK_SECRET, WEBHOOK_PARAMETER = "webhook<Secret>11", "parameter12"
SECRETS = (
    *(KEY, OTHER_KEY, ADMIN, USER, GETSMS_KEY, GETSMS_TOKEN, GETATEXT_KEY, GETATEXT_TOKEN, STUB_KEY, STUB_TOKEN),
    *(WEBHOOK_SECRET, WEBHOOK_PARAMETER),
)
ROUTING = f"""
database: proxy.db
admin: {{token: {json.dumps(ADMIN)}}}
defaults: {{country: 187, deadline: 2}}
clients:
  - {{name: tester, api_key: {json.dumps(KEY)}, webhook: "RECEIVER/sms?token={WEBHOOK_PARAMETER}",
     webhook_secret: {json.dumps(WEBHOOK_SECRET)}, webhook_private: true}}
  - {{name: other, api_key: {json.dumps(OTHER_KEY)}}}
providers:
  - {{name: getsms, kind: getsms, base_url: "GETSMS-ADDRESS", user: {USER}, api_key: {json.dumps(GETSMS_KEY)},
     webhook_token: {GETSMS_TOKEN}, poll: 0.2, timeout: 1}}
  - {{name: getatext, kind: getatext, base_url: "GETATEXT-ADDRESS", api_key: {json.dumps(GETATEXT_KEY)},
     webhook_token: {GETATEXT_TOKEN}, poll: 0.2, timeout: 1}}
  - {{name: stub, kind: sms_activate, base_url: "STUB-ADDRESS", api_key: {json.dumps(STUB_KEY)},
     webhook_token: {STUB_TOKEN}, poll: 0.2, timeout: 1}}
rules: [{{name: everything}}]
"""
LISTS = ("activations", "attempts", "ledger", "webhooks", "providers", "auctions", "explain?service=wa")


def spellings(secret: str) -> set[bytes]:
    """How it may stand somewhere: as it is, and as addresses, pages, JSON and headers write it."""
    return {
        spelling.encode()
        for spelling in (
            *(secret, quote(secret), quote(secret, safe=""), quote_plus(secret), html.escape(secret)),
            *(json.dumps(secret)[1:-1], repr(secret)[1:-1], b64encode(secret.encode()).decode()),
        )
    }


def found(data: bytes) -> set[str]:
    return {secret for secret in SECRETS for spelling in spellings(secret) if spelling in data}


async def shop(scope: Any, receive: Any, send: Any) -> None:
    """A small provider that speaks SMS-Activate's protocol, and is out of whatever is bought."""
    asked = dict(parse_qsl(scope["query_string"].decode()))
    prices = {"187": {"wa": {"cost": 0.9, "count": 10}, "tg": {"cost": 0.9, "count": 10}}}
    said = {"getBalance": "ACCESS_BALANCE:100", "getPrices": json.dumps(prices)}
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": said.get(asked["action"], "NO_NUMBERS").encode()})


class Mirror:
    """A provider that answers properly until it is told to quote everything that it was sent."""

    def __init__(self, app: Any, *secrets: str) -> None:
        self._app = app
        self._secrets = secrets
        self.saying = ""
        """The shape of what it says, with `ECHO` where the quotation stands; empty: it answers properly."""
        self.status = 200
        self.asked = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if not self.saying:
            return await self._app(scope, receive, send)
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        self.asked += 1
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": self._answer(scope, body)})

    def _answer(self, scope: Any, body: bytes) -> bytes:
        sent = [f"{scope['path']}?{scope['query_string'].decode()}", body.decode()]
        sent += [f"{name.decode()}: {value.decode()}" for name, value in scope["headers"]]
        quoted = " ".join([*self._secrets, *sent])
        return self.saying.replace('"ECHO"', json.dumps(quoted)).replace("ECHO", quoted).encode()


class World:
    """The providers, the client's server, and everything that was heard."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mirrors: dict[str, Mirror] = {}
        self.sandboxes: dict[str, Any] = {}
        self.receiver = Receiver(SystemClock())
        self.replies: list[bytes] = []
        self.web: httpx.AsyncClient
        self.root = ""
        self.addresses: dict[str, str] = {}
        """By the word that stands for each in ROUTING."""

    @property
    def file(self) -> str:
        """routing.yaml."""
        words = ROUTING
        for name, address in self.addresses.items():
            words = words.replace(name, address)
        return words

    async def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        reply = await self.web.request(method, f"{self.root}{path}", timeout=60, **more)
        head = [name + b": " + value for name, value in reply.headers.raw]
        self.replies.append(b"\n".join([*head, reply.content]))
        return reply

    async def ask(self, action: str, **params: Any) -> str:
        asked = {"api_key": KEY, "action": action, **params}
        return (await self.request("GET", "/stubs/handler_api.php", params=asked)).text

    async def number(self, provider: str) -> tuple[str, str]:
        async def bought() -> str:
            words = await self.ask("getNumber", service="wa", providerIds=provider)
            return words if words.startswith("ACCESS_NUMBER") else ""

        _, id, phone = (await eventually(bought)).split(":")
        return id, phone

    async def admin(self) -> None:
        for token in (ADMIN, ADMIN + "x", ""):
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            for name in LISTS:
                await self.request("GET", f"/admin/api/{name}", headers=headers)
            await self.request("POST", "/admin/api/auctions/1/bid", headers=headers, json={"bid_amount": "0.60"})
        for path in ("/metrics", "/openapi.json", "/healthz", "/readyz", f"/{ADMIN}", f"/admin/{KEY}"):
            await self.request("GET", path)

    async def command(self, *arguments: str) -> None:
        status, _, _ = await finished(self.folder, *arguments)
        assert status in (0, 1, 2)

    async def everything(self) -> None:
        """Every door, and every command that asks providers."""
        for action in ("getBalance", "getPrices", "getNumbersStatus", "getActiveActivations", "getRentNumber"):
            await self.ask(action, service="wa")
        for provider in self.mirrors:
            await self.ask("getNumber", service="wa", providerIds=provider)
        await self.ask("getNumberV2", service="tg", maxPrice="5")
        await self.ask("getMultiServiceNumber", multiService="wa,tg")
        await self.admin()

    def leaks(self) -> dict[str, set[str]]:
        """Where which secrets are: files and replies."""
        files = [path for path in self.folder.iterdir() if path.is_file() and path.suffix != ".yaml"]
        everywhere = {path.name: found(path.read_bytes()) for path in files}
        for number, reply in enumerate(self.replies):
            everywhere[f"reply {number}: {reply!r}"] = found(reply)
        return {where: secrets for where, secrets in everywhere.items() if secrets}


@asynccontextmanager
async def surroundings(folder: Path) -> AsyncIterator[World]:
    """All but the gateway."""
    world, clock = World(folder), SystemClock()
    settings = {
        "getsms": Settings(user=USER, api_key=GETSMS_KEY, sms_after=None),
        "getatext": Settings(api_key=GETATEXT_KEY, sms_after=None, cancel_lock=0),
    }
    await world.receiver.port.open()
    async with httpx.AsyncClient() as world.web:
        for kind, how in settings.items():
            world.sandboxes[kind] = sandbox_for(kind, clock, settings=how, http=world.web)
            world.mirrors[kind] = Mirror(world.sandboxes[kind].app, how.api_key, how.user)
        world.mirrors["stub"] = Mirror(shop, STUB_KEY)
        async with AsyncExitStack() as stack:
            for name, mirror in world.mirrors.items():
                port = await stack.enter_async_context(serving(mirror))
                world.addresses[f"{name.upper()}-ADDRESS"] = port.address
            world.addresses["RECEIVER"] = world.receiver.port.address
            yield world
    world.receiver.port.close()


@asynccontextmanager
async def running(world: World) -> AsyncIterator[Program]:
    (world.folder / "routing.yaml").write_text(world.file)
    async with program(world.folder, "serve", "--port", "0") as run:
        await run.ready()
        world.root = run.address
        yield run
