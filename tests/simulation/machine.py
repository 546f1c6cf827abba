"""The machine on which the gateway runs: it starts, stops in order, and crashes at any moment."""

import asyncio
import contextvars
import logging
import random
import traceback
from collections.abc import Coroutine
from contextvars import ContextVar
from dataclasses import replace
from typing import Any, TypeVar

from proxy.app import House, Outside, running
from proxy.config import Config
from tests.simulation.loop import SIDE, SimClock, SimLoop

T = TypeVar("T")

REQUEST: ContextVar[int] = ContextVar("REQUEST", default=0)
"""The client's request in whose name something is done; 0: in nobody's."""


class Complaints(logging.Handler):
    """What the gateway writes down as an error of its own."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.heard: list[str] = []
        self.is_deaf = False
        """While the machine goes down in a crash, when everything fails."""

    def emit(self, record: logging.LogRecord) -> None:
        if self.is_deaf:
            return
        what = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else ""
        self.heard.append(f"{record.getMessage()}\n{what}")


class Machine:
    def __init__(self, loop: SimLoop, config: Config, epoch: float, roads: Any, seed: int) -> None:
        """`roads`: makes the way to a provider, given its name and this machine's clock."""
        self._loop = loop
        self._config = config
        self.epoch = epoch
        self._roads = roads
        self._visits: dict[asyncio.Task[Any], None] = {}
        """Requests that are being answered."""
        self._random = random.Random(f"{seed} machine")
        self.house: House | None = None
        self.clock = SimClock(loop, epoch)
        self.crashes: list[float] = []
        self.complaints = Complaints()
        """Why nobody should be content, crashes aside."""

    async def start(self) -> None:
        self.clock = SimClock(self._loop, self.epoch)
        self.complaints.is_deaf = False
        self._stop = asyncio.Event()
        self._ready = asyncio.Event()
        self._life = self.spawn(self._live())
        await self._ready.wait()
        if self.house is None:
            await self._life

    async def stop(self) -> None:
        """In order, as the server does it: nobody new is let in, whoever is in is answered, then the house closes."""
        if self.house is not None:
            self.house.gateway.closing = True
        self.house = None
        while self._visits:
            await asyncio.wait(list(self._visits))
        self._stop.set()
        await self._life

    async def visit(self, work: Coroutine[Any, Any, T], request: int = 0) -> T | None:
        """What a request from outside gets; None if the machine crashes before the answer."""
        task = self.spawn(work, request)
        self._visits[task] = None
        task.add_done_callback(lambda task: self._visits.pop(task, None))
        await asyncio.wait([task])
        return None if task.cancelled() else task.result()

    def spawn(self, work: Coroutine[Any, Any, T], request: int = 0) -> asyncio.Task[T]:
        """Something that dies with the machine."""
        context = contextvars.copy_context()
        context.run(SIDE.set, "machine")
        context.run(REQUEST.set, request)
        return self._loop.create_task(work, context=context)

    async def crash(self, turns: int, *, is_durable: bool) -> None:
        """Stop dead after so many turns of the loop; what the disk has not done yet it does, or never will."""
        self._loop.burnt = lambda: self._die(is_durable)
        self._loop.fuse = turns
        await asyncio.wait([self._life])
        self._loop.fuse = None

    def _die(self, is_durable: bool) -> None:
        self.crashes.append(self.epoch + self._loop.now)
        self.house = None
        self.complaints.is_deaf = True
        if is_durable:
            self._loop.finish_writes()
        self.clock.stop()
        for task in list(self._loop.of_the_machine):
            task.cancel()

    async def _live(self) -> None:
        clock = self.clock
        nobody = replace(self._config, providers=())
        try:
            async with running(nobody, clock, self._outside(clock)) as house:
                # One after the other: the house starts the keepers of several in no certain order.
                for number in range(1, len(self._config.providers) + 1):
                    house.apply(replace(self._config, providers=self._config.providers[:number]))
                self.house = house
                self._ready.set()
                await self._stop.wait()
        except Exception as exc:
            if not clock.stopped:
                self.complaints.heard.append("".join(traceback.format_exception(exc)))
        finally:
            self._ready.set()
            self.house = None

    def _outside(self, clock: SimClock) -> Outside:
        """Our roads in place of the network's, and dice of our own."""
        return Outside(lambda name: self._roads(name, clock), lambda: random.Random(self._random.random()))
