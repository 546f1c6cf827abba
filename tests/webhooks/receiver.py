"""A client's own server, which takes webhooks: real HTTP on loopback, and it answers as it is told."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from proxy.domain.client import Client
from tests.stage import Port


@dataclass(frozen=True)
class Post:
    path: str
    """With its parameters."""
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def told(self) -> dict[str, Any]:
        fields: dict[str, Any] = json.loads(self.body)
        return fields

    @property
    def code(self) -> str:
        return str(self.told["code"])


@dataclass
class Receiver:
    """An ASGI application."""

    clock: Any
    status: int = 200
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    """Cleared: nobody is answered."""
    port: Port = field(init=False)

    def __post_init__(self) -> None:
        self.open.set()
        self.port = Port(self)

    @property
    def codes(self) -> list[str]:
        return [post.code for post in self.posts]

    @property
    def url(self) -> str:
        return f"{self.port.address}/sms?token=s3cret"

    def client(self, name: str = "demo", **more: Any) -> Client:
        """A client that is told here."""
        return Client(name, **{"webhook": self.url, "webhook_private": True, **more})

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            event = await receive()
            if event["type"] == "http.disconnect":
                return
            body, more = body + event.get("body", b""), event.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        path = f"{scope['path']}?{scope['query_string'].decode()}"
        self.posts.append(Post(path, headers, body, self.clock.now()))
        await self.open.wait()
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": b"a body that nobody reads"})
