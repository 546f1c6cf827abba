"""One history from its seed to its end, and what was wrong with it."""

import asyncio
import hashlib
import logging
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

from tests.simulation.judge import Books, check, check_at_rest, judge_codes
from tests.simulation.loop import SimLoop
from tests.simulation.places import LIFETIME
from tests.simulation.steps import one_step
from tests.simulation.world import World

SHORTEST, LONGEST = 6, 24
"""Steps."""
REST = LIFETIME + 30.0
"""Seconds after which every rental has ended and the gateway has heard of it."""
ABANDONED_AFTER = 1_200.0 + 90.0
"""Seconds after which no purchase can be unknown any more."""
MEMORY = Path("/dev/shm")


@dataclass(frozen=True, slots=True)
class Verdict:
    seed: int
    complaints: tuple[str, ...]
    trace: tuple[str, ...]
    digest: str
    """Of the trace and the books: the same seed gives the same."""

    def __str__(self) -> str:
        return "\n".join((f"seed {self.seed}:", *self.complaints, "history:", *self.trace))


def play(seed: int) -> Verdict:
    """Play the history of this seed."""
    with warnings.catch_warnings():
        # In a crash a task may be cancelled before its first step: what it should have run was never begun.
        warnings.filterwarnings("ignore", message="coroutine .* was never awaited", category=RuntimeWarning)
        return _play(seed)


def _play(seed: int) -> Verdict:
    with (
        tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder,
        asyncio.Runner(loop_factory=SimLoop) as runner,
    ):
        loop = runner.get_loop()
        assert isinstance(loop, SimLoop)
        world = World(loop, seed, Path(folder))
        logging.getLogger("proxy").addHandler(world.machine.complaints)
        try:
            runner.run(_history(world))
            books = repr(vars(Books(world)))
        finally:
            world.close()
    world.complaints += world.machine.complaints.heard
    digest = hashlib.sha256("\n".join((*world.trace, books)).encode()).hexdigest()
    return Verdict(seed, tuple(world.complaints), tuple(world.trace), digest)


async def _history(world: World) -> None:
    await world.machine.start()
    for _ in range(world.dice.randint(SHORTEST, LONGEST)):
        await one_step(world)
        check(world)
        if world.complaints:
            break
    else:
        await _come_to_rest(world)
    if world.complaints:
        for task in list(world.under_way):
            task.cancel()
    if world.machine.house is not None:
        await world.machine.stop()


async def _come_to_rest(world: World) -> None:
    """Good weather and time: everything that is open comes to its end."""
    for supplier in world.suppliers.values():
        supplier.weather.trouble, supplier.weather.is_dead = 0.0, False
    world.note("   the weather is fine")
    while world.under_way:
        await asyncio.wait(list(world.under_way))
    await asyncio.sleep(REST)
    # What was bought by a purchase whose outcome was unknown for a while counts with the longest lifetime.
    late = world.rows("SELECT id FROM activations WHERE expires_at > ?", world.now)
    if late or world.dice.random() < 0.1:
        await _outlast_the_unknown(world)
    check_at_rest(world)
    for id, row in Books(world).by_id.items():
        answer = await world.ask(row["client"], action="getAllSms", id=str(id))
        judge_codes(world, id, answer)


async def _outlast_the_unknown(world: World) -> None:
    await world.machine.stop()
    await asyncio.sleep(ABANDONED_AFTER)
    await world.machine.start()
    await asyncio.sleep(REST)
    if left := world.rows("SELECT id, outcome FROM attempts WHERE outcome IN ('buying', 'unknown')"):
        world.wrong(f"attempts were never settled: {left}")
