"""One point in time by which a whole request must be answered."""

from proxy.clock import Clock


class Deadline:
    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._at = clock.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds; never negative."""
        return max(0.0, self._at - self._clock.monotonic())

    def __bool__(self) -> bool:
        return self.left > 0
