"""What is going on this moment, in memory only: purchases under way, and those whose client hung up."""

import asyncio
from collections import Counter, deque

from proxy.domain.activation import Activation

Fingerprint = tuple[str, str]
"""A client, and what equal requests of it have in common."""


class UnderWay:
    def __init__(self) -> None:
        self._holding: Counter[str] = Counter()
        self._settled: dict[str, asyncio.Event] = {}
        self.settlements = 0
        """How many holds were settled since the start: tells whether something changed while one looked away."""
        self._orders: dict[tuple[str, str], tuple[str, asyncio.Future[list[Activation]]]] = {}
        self._orphans: dict[Fingerprint, deque[asyncio.Future[list[Activation]]]] = {}

    def is_holding(self, client: str) -> bool:
        """Some purchase of the client has reserved money and does not know yet how much of it is spent."""
        return self._holding[client] > 0

    def held(self, client: str) -> None:
        self._holding[client] += 1

    def settled(self, client: str) -> None:
        """A hold of the client is settled: wake those of its purchases that wait for money."""
        self._holding -= Counter((client,))
        self.settlements += 1
        if event := self._settled.pop(client, None):
            event.set()

    async def wait_for_money(self, client: str, seconds: float) -> None:
        """Until some hold of the client is settled. Raises TimeoutError."""
        event = self._settled.setdefault(client, asyncio.Event())
        async with asyncio.timeout(seconds):
            await event.wait()

    def orphan(self, whose: Fingerprint, purchase: asyncio.Future[list[Activation]]) -> None:
        """The client hung up; its next equal request takes the purchase over."""
        self._orphans.setdefault(whose, deque()).append(purchase)

    def order(self, client: str, order_id: str) -> tuple[str, asyncio.Future[list[Activation]]] | None:
        """The purchase under way with this idempotency key, and its fingerprint."""
        return self._orders.get((client, order_id))

    def ordered(self, client: str, order_id: str, fingerprint: str, purchase: asyncio.Future[list[Activation]]) -> None:
        """The purchase holds the key until it ends; then the books say what became of it."""
        key = (client, order_id)
        self._orders[key] = (fingerprint, purchase)
        purchase.add_done_callback(lambda _: self._orders.pop(key, None))

    def adopt(self, whose: Fingerprint) -> asyncio.Future[list[Activation]] | None:
        """A purchase under way that nobody waits for any more."""
        waiting = self._orphans.get(whose)
        adopted = None
        while waiting and (adopted is None or adopted.done()):
            adopted = waiting.popleft()
        if not waiting:
            self._orphans.pop(whose, None)
        return None if adopted is None or adopted.done() else adopted

    def forsaken(self, whose: Fingerprint, purchase: asyncio.Future[list[Activation]]) -> bool:
        """Whether nobody took the orphan over; then it is forgotten here."""
        waiting = self._orphans.get(whose)
        if not waiting or purchase not in waiting:
            return False
        waiting.remove(purchase)
        if not waiting:
            del self._orphans[whose]
        return True
