"""Which providers are set aside: after a few failures in a row, for a growing while, then tried again."""

import random

from proxy.clock import Clock

FAILURES = 3
FIRST_SECONDS = 2.0
LONGEST_SECONDS = 60.0


class Health:
    """The record of one provider. Only what is its own fault is told to it."""

    def __init__(self, clock: Clock, jitter: random.Random) -> None:
        self._clock = clock
        self._jitter = jitter
        self._failures = 0
        self._until = 0.0
        self.reason = ""
        """The last failure; empty after a success."""

    @property
    def aside(self) -> str:
        """Why and for how long it is set aside; empty if it is not."""
        seconds = self._until - self._clock.monotonic()
        return f"set aside for {seconds:.0f} s more: {self.reason}" if seconds > 0 else ""

    def succeeded(self) -> None:
        self._failures, self._until, self.reason = 0, 0.0, ""

    def failed(self, reason: str) -> None:
        """Count a failure; from the third on each sets the provider aside for twice as long as the one before."""
        self._failures += 1
        self.reason = reason
        if self._failures >= FAILURES:
            seconds = min(LONGEST_SECONDS, FIRST_SECONDS * 2 ** min(self._failures - FAILURES, 10))
            # Shortened at random, so that gateways do not come back all at once.
            self._until = self._clock.monotonic() + seconds * self._jitter.uniform(0.8, 1.0)
