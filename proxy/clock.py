"""What time it is: the only module that asks the machine, so that tests can hand in a clock of their own."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since 1970 in UTC: what is written into the books."""

    def monotonic(self) -> float:
        """Seconds that never run backwards: what deadlines and rates are counted in."""

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
