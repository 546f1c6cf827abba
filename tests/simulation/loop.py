"""An event loop whose time is virtual, and a clock upon it.

Nothing waits for the wall clock: when nothing is ready, time jumps to the next timer. Threads are real (the books are
written and read by them), so the loop never jumps while one of them owes an answer. For a seed to give the same history
each time, an answer of a thread counts only when nothing else is ready, reads before writes, each in the order of
asking; and the writer gets on with its work only then, so that a read sees what was committed before it was asked.
"""

import asyncio
import selectors
import sqlite3
import sys
import threading
from collections.abc import Callable
from contextvars import Context, ContextVar
from typing import Any

SIDE: ContextVar[str] = ContextVar("SIDE", default="world")
"""Whose a task is: the world's, or the machine's on which the gateway runs and which may crash."""
READS, WRITES, OTHERS = range(3)
ASKED_BY = {"aiosqlite.core": READS, "proxy.store.writer": WRITES}
PATIENCE = 60.0
"""Real seconds after which a thread is taken for dead."""


class Stuck(Exception):
    """Everybody waits and no timer is set, or a thread does not answer."""


class Gate(selectors.SelectSelector):
    """Instead of sockets, of which there are none: lets the loop decide what happens when nothing is ready."""

    def __init__(self, rest: Callable[[float | None], None]) -> None:
        super().__init__()
        self._rest = rest

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None or timeout > 0:
            self._rest(timeout)
        return []


class SimLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.now = 0.0
        self.fuse: int | None = None
        """Turns until `burnt` is called."""
        self.burnt: Callable[[], None] = lambda: None
        self.of_the_machine: dict[asyncio.Task[Any], None] = {}
        """The gateway's tasks, oldest first."""
        self.disk = threading.Condition()
        self.disk_works = False
        self.thread = threading.get_ident()
        self._asked = 0
        self._owed: tuple[dict[Any, int], ...] = ({}, {}, {})
        self._answers: list[tuple[int, int, Callable[..., Any], tuple[Any, ...]]] = []
        super().__init__(Gate(self._rest))
        self.set_task_factory(self._task)

    def time(self) -> float:
        return self.now

    def _task(self, loop: Any, coro: Any, context: Context | None = None) -> asyncio.Task[Any]:
        task = asyncio.Task(coro, loop=self, context=context)
        if (SIDE.get() if context is None else context.get(SIDE)) == "machine":
            self.of_the_machine[task] = None
            task.add_done_callback(lambda task: self.of_the_machine.pop(task, None))
        return task

    def _run_once(self) -> None:
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse < 0:
                self.fuse = None
                self.burnt()
        super()._run_once()  # type: ignore[misc]

    # Threads

    def create_future(self) -> asyncio.Future[Any]:
        future = super().create_future()
        kind = ASKED_BY.get(sys._getframe(1).f_globals["__name__"])
        if kind is not None:
            self._owe(kind, future)
        return future

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        future = super().create_future()
        self._owe(OTHERS, future)

        def work() -> None:
            result = func(*args)
            self.call_soon_threadsafe(lambda future: future.done() or future.set_result(result), future)

        threading.Thread(target=work).start()
        return future

    def call_soon_threadsafe(self, callback: Callable[..., Any], *args: Any, context: Any = None) -> Any:  # type: ignore[override]
        if threading.get_ident() == self.thread:
            return self.call_soon(callback, *args, context=context)
        answered = [work.future for work in args[0]] if isinstance(args[0], list) else [args[0]]
        with self.disk:
            for kind, owed in enumerate(self._owed):
                if answered[0] in owed:
                    self._answers.append((kind, min(owed.pop(future) for future in answered), callback, args))
                    break
            self.disk.notify_all()
        return None

    def _owe(self, kind: int, future: asyncio.Future[Any]) -> None:
        with self.disk:
            self._asked += 1
            self._owed[kind][future] = self._asked

    def finish_writes(self) -> None:
        """Let the disk do what it was given."""
        with self.disk:
            self.disk_works = True
            self.disk.notify_all()
        self._wait_for(WRITES)
        self._wait_for(OTHERS)
        with self.disk:
            self.disk_works = False

    def _wait_for(self, kind: int) -> None:
        with self.disk:
            if not self.disk.wait_for(lambda: not self._owed[kind], timeout=PATIENCE):
                raise Stuck("a thread does not answer")

    def _rest(self, timeout: float | None) -> None:
        """Nothing is ready: take the answers that the threads owe, else go to the next timer."""
        self._wait_for(READS)
        if self._take_answers((READS,)):
            return
        if self._owed[WRITES] or self._owed[OTHERS]:
            self.finish_writes()
        if self._take_answers((WRITES, OTHERS)):
            return
        if timeout is None:
            raise Stuck("everybody waits for somebody else")
        self.now += timeout

    def _take_answers(self, kinds: tuple[int, ...]) -> bool:
        """Whether there were any. Those of one kind come in the order of asking, however fast the threads were."""
        with self.disk:
            taken = sorted((answer for answer in self._answers if answer[0] in kinds), key=lambda answer: answer[:2])
            self._answers = [answer for answer in self._answers if answer[0] not in kinds]
        for _, _, callback, args in taken:
            self.call_soon(callback, *args)
        return bool(taken)


class SimClock:
    """The time of a loop. `stopped` is the end of the machine whose clock it is: nothing is written any more."""

    def __init__(self, loop: SimLoop, epoch: float) -> None:
        self._loop = loop
        self._epoch = epoch
        self.stopped = False

    def now(self) -> float:
        if threading.get_ident() != self._loop.thread:
            self._wait_for_disk()
        return self._epoch + self._loop.now

    def monotonic(self) -> float:
        return self._loop.now

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def stop(self) -> None:
        with self._loop.disk:
            self.stopped = True
            self._loop.disk.notify_all()

    def _wait_for_disk(self) -> None:
        """The writer asks for the time before each unit of work: here it is held back, or loses the disk."""
        with self._loop.disk:
            self._loop.disk.wait_for(lambda: self._loop.disk_works or self.stopped)
            if self.stopped:
                raise sqlite3.OperationalError("the machine has stopped")
