"""A provider of the third kind whose answers get lost: a gateway, reached by a GET, that drops the connection."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from proxy.sandbox import Settings
from proxy.sandbox.faults import Reply, cut
from tests.gateway.conftest import PREMIUM
from tests.providers.test_sms_activate_chain import in_front_of
from tests.stage import Stage, serving, stage


class Losing:
    """The gateway behind; while it `loses` them, a purchase is carried out and its connection dropped after so many
    bytes of the answer."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.loses: int | None = None
        self.purchases: list[Any] = []
        """The address of the connection by which each came."""
        self.connections: set[Any] = set()
        """All that were used before the newest purchase came."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if b"action=getNumberV2&" not in scope["query_string"] + b"&":
            self.connections.add(scope["client"])
            await self._app(scope, receive, send)
            return
        self.purchases.append(scope["client"])
        if self.loses is None:
            await self._app(scope, receive, send)
            return
        sent: list[Any] = []

        async def keep(message: Any) -> None:
            sent.append(message)

        await self._app(scope, receive, keep)
        answer = Reply(sent[0]["status"], tuple(sent[0]["headers"]), sent[1]["body"])
        await cut(answer, self.loses, receive, send)


@asynccontextmanager
async def chain(folder: Path) -> AsyncIterator[tuple[Stage, Stage, Losing]]:
    """The gateway in front, the one behind it, and what stands between them."""
    unlocked = Settings(sms_after=None, cancel_lock=0)
    async with stage(folder, poll=0.1, getatext=unlocked, getatext_extra=PREMIUM) as behind:
        losing = Losing(behind.house)
        async with serving(losing) as port:
            behind.root = port.address
            async with in_front_of(behind, folder) as front:
                yield front, behind, losing
