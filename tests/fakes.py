"""What tests hand in instead of the machine: a clock that moves only when it is told to."""

import asyncio
from heapq import heappop, heappush
from itertools import count

TURNS = 50  # of the event loop: enough for everything that waits for no socket and no thread


class FakeClock:
    """Stands still. `advance` wakes the sleepers in order, each at its own moment, and lets what they start run."""

    def __init__(self, now: float = 1_750_000_000.0) -> None:
        self._now = now
        self._started = now
        self._order = count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now - self._started

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        awake = asyncio.get_running_loop().create_future()
        heappush(self._sleepers, (self._now + seconds, next(self._order), awake))
        await awake

    async def advance(self, seconds: float) -> None:
        until = self._now + seconds
        await self._rest()
        while self._sleepers and self._sleepers[0][0] <= until:
            self._now, _, awake = heappop(self._sleepers)
            if not awake.done():
                awake.set_result(None)
                await self._rest()
        self._now = until
        await self._rest()

    async def _rest(self) -> None:
        for _ in range(TURNS):
            await asyncio.sleep(0)
