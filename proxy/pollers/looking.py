"""Asking a provider about many rentals at once, a few at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from proxy.domain.activation import Activation

AT_ONCE = 8
"""Calls to one provider that may wait for its answer at the same time."""


async def each(activations: Iterable[Activation], ask: Callable[[Activation], Awaitable[None]]) -> None:
    """Ask about each, at most AT_ONCE at a time; `ask` deals with its own failures."""
    waiting = iter(activations)

    async def worker() -> None:
        for activation in waiting:
            await ask(activation)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(worker())
