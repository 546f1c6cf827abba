"""Turns at a provider that takes only so many requests a second: first come, first served."""

import asyncio
from collections import deque
from math import inf

from proxy.clock import Clock

MARGIN = 0.15
"""Seconds added to the window: two requests may arrive closer together than they left."""


class Throttle:
    """At most `per_second` turns in any sliding window of a second, bursts allowed.

    Only the head of the line sleeps; the others wait for the lock, which asyncio hands over in the order of asking,
    also when the head is cancelled. So a place that is given up moves everybody forward and nobody is overtaken.
    """

    def __init__(self, clock: Clock, per_second: int, window: float = 1.0 + MARGIN) -> None:
        self._clock = clock
        self._window = window
        self._line = asyncio.Lock()
        self._waiting = 0
        self._starts = deque([-inf] * per_second, maxlen=per_second)

    async def turn(self, timeout: float) -> bool:
        """Wait for a turn; False, at once, if none can come within `timeout`.

        Whoever is let into the line has time enough: those ahead can only give up, never take longer.
        """
        if self._due(self._waiting) > self._clock.monotonic() + timeout:
            return False
        self._waiting += 1
        try:
            async with self._line:
                while (early := self._due(0) - self._clock.monotonic()) > 0:
                    await self._clock.sleep(early)
                self._starts.append(self._clock.monotonic())
        finally:
            self._waiting -= 1
        return True

    def _due(self, place: int) -> float:
        """When the turn comes of someone with `place` others ahead in the line."""
        rounds, index = divmod(place, len(self._starts))
        return max(self._clock.monotonic(), self._starts[index] + self._window) + rounds * self._window
