"""Work that outlives the one who asked for it, owned by the task group of the whole gateway."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Errands:
    """Starts work in the group and hands back a future: a failed errand fails its future, never the group."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, T], name: str) -> asyncio.Future[T]:
        """The future may be abandoned; the work goes on."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        task = self._group.create_task(_carry(work, future), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return future

    async def finish(self, seconds: float) -> None:
        """Wait for what is under way, at most so long."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)


async def _carry(work: Coroutine[Any, Any, T], future: asyncio.Future[T]) -> None:
    try:
        result = await work
    except asyncio.CancelledError:
        future.cancel()
        raise
    except Exception as exc:  # it belongs to whoever waits for the future
        if not future.done():
            future.set_exception(exc)
            future.exception()  # nobody may be waiting any more: not worth a warning
    else:
        if not future.done():
            future.set_result(result)
