"""A whole gateway on a thread of its own, for tests that drive it from outside and cannot await."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

from proxy.domain.money import DOLLAR
from proxy.sandbox import Settings
from tests.stage import Stage, stage

T = TypeVar("T")
There = Callable[[Coroutine[Any, Any, T]], T]
"""Runs a coroutine where the gateway lives, and waits for it."""


@contextmanager
def gateway(folder: Path, *, sms_after: float | None = None, **how: Any) -> Iterator[tuple[Stage, There]]:
    """Its providers never run dry and take any number back at once; `how` is for the stage."""

    def settings() -> Settings:
        return Settings(sms_after=sms_after, cancel_lock=0, balance=100_000 * DOLLAR)

    with running_loop() as there:
        opened = stage(folder, getsms=settings(), getatext=settings(), **how)
        it = there(opened.__aenter__())
        try:
            yield it, there
        finally:
            there(opened.__aexit__(None, None, None))


@contextmanager
def running_loop() -> Iterator[There]:
    """An event loop on a thread, stopped whatever happens: pytest would wait for it for ever."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        yield lambda work: asyncio.run_coroutine_threadsafe(work, loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
