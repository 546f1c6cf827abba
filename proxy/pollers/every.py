"""Loops that do not die, and schedules that say what is due."""

import heapq
import logging
from collections.abc import Awaitable, Callable, Iterator

from proxy.clock import Clock

log = logging.getLogger(__name__)

LONGEST_PAUSE = 60.0
"""Seconds between tries of a job that keeps failing."""
ID_BITS = 31
LARGEST_ID = 2**ID_BITS - 1


async def every(seconds: float, job: Callable[[], Awaitable[None]], clock: Clock, name: str) -> None:
    """Run `job` for ever. A failing job is written down and tried again ever more slowly, never lost."""
    failures = 0
    while True:
        try:
            await job()
        except Exception:
            failures += 1
            log.exception("%s failed, %d times in a row", name, failures)
        else:
            failures = 0
        await clock.sleep(min(LONGEST_PAUSE, seconds * 2**failures))


class Schedule:
    """Ids by the time at which something is to be done about them; the last word on an id counts.

    Time and id are kept as one number, milliseconds before the id: a pair of them would take twice the memory.
    """

    def __init__(self) -> None:
        self._heap: list[int] = []
        self._due: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._due)

    def __contains__(self, id: int) -> bool:
        return id in self._due

    def put(self, id: int, at: float) -> None:
        entry = _entry(id, at)
        if self._due.get(id) != entry:
            self._due[id] = entry
            heapq.heappush(self._heap, entry)

    def bring_forward(self, id: int, at: float) -> None:
        """See to it no later than this; what is not in the schedule stays out of it."""
        if _entry(id, at) < self._due.get(id, 0):
            self.put(id, at)

    def drop(self, id: int) -> None:
        """Nothing is to be done about it any more."""
        self._due.pop(id, None)

    def all_due(self, at: float) -> None:
        """Bring everything forward to this time."""
        self._due = {id: min(due, _entry(id, at)) for id, due in self._due.items()}
        self._heap = sorted(self._due.values())

    def take(self, now: float, most: int) -> Iterator[int]:
        """Take out what is due, earliest first."""
        latest = _entry(LARGEST_ID, now)
        while self._heap and self._heap[0] <= latest and most > 0:
            entry = heapq.heappop(self._heap)
            id = entry & LARGEST_ID
            if self._due.get(id) == entry:
                del self._due[id]
                most -= 1
                yield id


def _entry(id: int, at: float) -> int:
    return int(1000 * at) << ID_BITS | id
