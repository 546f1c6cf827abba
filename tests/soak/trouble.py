"""What goes wrong around the gateway while it works: providers, webhooks, the client's own server, the operator."""

import asyncio
import random
from collections.abc import Awaitable, Callable

from proxy.sandbox import FaultKind
from tests.soak.mischief import Mood
from tests.soak.town import GUEST, Town

ENDPOINTS = {
    "getsms": ("", "request", "request_status", "read_sms", "reject", "list_services", "balance"),
    "getatext": ("", "rent-a-number-premium", "rent-a-number", "rental-status-premium", "cancel-rental-premium"),
}


class Trouble:
    """`reload` is between how many seconds the configuration changes; `deaf` whether the client's server fails too."""

    def __init__(self, town: Town, chance: random.Random, *, reload: tuple[float, float], deaf: bool) -> None:
        self._town = town
        self._chance = chance
        self._reload = reload
        self._deaf = deaf

    async def with_provider(self, provider: str) -> None:
        """For ever: one thing after another, and calm between them so that business goes on."""
        things: list[Callable[[str], Awaitable[None]]] = [
            *(self._fault, self._fault, self._fault),
            *(self._refuse, self._silence, self._maintain, self._mislead),
        ]
        while True:
            thing = self._chance.choice(things)
            self._town.count(f"trouble: {thing.__name__.strip('_')}")
            await thing(provider)
            await asyncio.sleep(self._chance.uniform(0.1, 1))
            if self._chance.random() < 0.4:
                self.calm(provider)
                await asyncio.sleep(self._chance.uniform(0.2, 2))

    def calm(self, provider: str) -> None:
        """No trouble with it from now on."""
        box = self._town.boxes[provider]
        box.clear_faults()
        box.settings.sms_after, box.settings.maintenance = 1.0, False
        self._town.post[provider].mood = Mood.FINE
        self._town.receiver.status = 200
        self._town.receiver.open.set()

    async def with_configuration(self) -> None:
        """For ever: the operator edits routing.yaml, sometimes badly."""
        while True:
            await asyncio.sleep(self._chance.uniform(*self._reload))
            self._town.count("reload")
            chance = self._chance
            self._town.reconfigure(
                rate=chance.choice((10, 50, 1000)),
                guest=chance.choice(("", GUEST, "  - {nonsense: true}")),
                poll=chance.choice((0.3, 0.5, 1)),
                tier=chance.choice(("premium", "premium", "standard")),
                order=chance.choice(("cheapest", "stock", "delivery", "listed")),
                on_unknown=chance.choice(("fail", "next")),
                getsms_enabled=chance.random() < 0.8,
            )

    async def _fault(self, provider: str) -> None:
        kind = self._chance.choice(list(FaultKind))
        amount = {FaultKind.SLOW: self._chance.uniform(0.1, 2.5), FaultKind.CUT: self._chance.randint(0, 300)}
        self._town.boxes[provider].fault(
            kind,
            self._chance.choice(ENDPOINTS[provider]),
            times=self._chance.randint(1, 12),
            handled=self._chance.random() < 0.5,
            amount=amount.get(kind, 0),
            status=self._chance.choice((500, 502, 503)) if kind is FaultKind.STATUS else 0,
        )

    async def _refuse(self, provider: str) -> None:
        """Nobody listens there for a while, and every connection is cut."""
        self._town.ports[provider].close()
        try:
            await asyncio.sleep(self._chance.uniform(0.1, 3))
        finally:
            await self._town.ports[provider].open()

    async def _silence(self, provider: str) -> None:
        """What is bought now gets no SMS."""
        self._town.boxes[provider].settings.sms_after = None

    async def _maintain(self, provider: str) -> None:
        self._town.boxes[provider].settings.maintenance = True

    async def _mislead(self, provider: str) -> None:
        """Webhooks go wrong, and so does the client's own server."""
        self._town.post[provider].mood = self._chance.choice(list(Mood))
        if self._deaf:
            self._town.receiver.status = self._chance.choice((200, 200, 500))
            if self._chance.random() < 0.2:
                self._town.receiver.open.clear()
