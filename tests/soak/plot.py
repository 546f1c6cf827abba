"""One soak from its beginning to the verdict."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.process import finished
from tests.soak.people import Person
from tests.soak.reckoning import Books, Reckoning
from tests.soak.samples import Sample, slope, take
from tests.soak.town import CLIENTS, Town, town
from tests.soak.trouble import Trouble
from tests.stage import eventually

WARM_UP = 1 / 2
"""Of a soak: what is kept on purpose has its size by then."""
MOST_GROWTH = 64
"""KiB a minute, after the warm-up."""
TELLING = 1500.0
"""Seconds of a soak from which on its growth says something: arenas and caches fill for ten minutes or so."""
EXECUTOR_THREADS = 32
"""The most that Python's own pool of threads grows to; they stay."""
LAST_WORDS = 6000
"""Characters of what the gateway wrote that are shown."""
PATIENCE = 180.0
"""Seconds for everything to come to rest."""


@dataclass
class Terms:
    seconds: float
    seed: int
    people: int = 3
    """Who use each client's key at the same time."""
    every: float = 10.0
    """Seconds between samples."""
    reload: tuple[float, float] = (10.0, 40.0)
    deaf: bool = True
    """The client's own server fails at times; its webhooks are tried again, 20 s later at first."""
    say: Callable[[str], None] = lambda line: None


@dataclass
class Verdict:
    base: Sample
    """Before the load, after everything was done once."""
    samples: list[Sample] = field(default_factory=list)
    end: Sample | None = None
    done: dict[str, int] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)

    @property
    def growth(self) -> float:
        """KiB a minute after the warm-up."""
        warm = [sample for sample in self.samples if sample.at >= self.samples[-1].at * WARM_UP]
        return slope(warm) if len(warm) > 2 else 0.0


async def soak(folder: Path, terms: Terms) -> Verdict:
    loop, chance = asyncio.get_running_loop(), random.Random(terms.seed)
    async with town(folder, terms.seed) as it, asyncio.TaskGroup() as group:
        begun = loop.time()

        async def sample() -> Sample:
            return take(it.run.pid, folder, loop.time() - begun, await it.gauges())

        webhooks = [group.create_task(box.run()) for box in it.boxes.values()]
        try:
            people = [Person(it, client, random.Random(chance.random())) for client in CLIENTS * terms.people]
            await asyncio.gather(*(person.verify() for person in people), *(person.look_around() for person in people))
            await _rest(it, people)
            verdict = Verdict(await sample())
            async with _trouble(it, terms, chance), _sampling(verdict, sample, terms):
                until = loop.time() + terms.seconds
                await asyncio.gather(*(person.live(until) for person in people))
            verdict.done = it.done
            if it.run.ended is None:
                await _rest(it, people)
                verdict.end = await _back_at(verdict.base, sample)
                verdict.complaints = [*_kept(verdict, terms), *Reckoning(it, await _books(it)).everything()]
            verdict.complaints += [*it.wrong, *await _leave(it)]
        finally:
            for task in webhooks:
                task.cancel()
    return verdict


@asynccontextmanager
async def _trouble(it: Town, terms: Terms, chance: random.Random) -> AsyncIterator[None]:
    trouble = Trouble(it, random.Random(chance.random()), reload=terms.reload, deaf=terms.deaf)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(trouble.with_provider(name)) for name in it.boxes]
        tasks.append(group.create_task(trouble.with_configuration()))
        yield
        for task in tasks:
            task.cancel()
    for name in it.boxes:
        trouble.calm(name)
    it.reconfigure()


@asynccontextmanager
async def _sampling(verdict: Verdict, sample: Callable, terms: Terms) -> AsyncIterator[None]:
    async def often() -> None:
        while True:
            await asyncio.sleep(terms.every)
            with suppress(httpx.TransportError):
                verdict.samples.append(await sample())
                terms.say(str(verdict.samples[-1]))

    async with asyncio.TaskGroup() as group:
        task = group.create_task(often())
        yield
        task.cancel()


async def _rest(it: Town, people: list[Person]) -> None:
    """Everybody ends what is open, and the gateway has nothing left to do."""

    async def is_tidy() -> bool:
        ended = [await person.tidy() for person in people]
        gauges = await it.gauges()
        return all(ended) and not gauges["sms_proxy_open_activations"] and not gauges["sms_proxy_webhooks_waiting"]

    try:
        await eventually(is_tidy, seconds=PATIENCE)
    except TimeoutError:
        it.wrong.append(f"after {PATIENCE:g} s of calm not everything is settled: {await it.gauges()}")
    await it.leave_the_line()


async def _back_at(base: Sample, sample: Callable) -> Sample:
    """The first sample with no more descriptors and tasks than the base, or the last before patience ended."""
    last: list[Sample] = []

    async def is_back() -> bool:
        last[:] = [await sample()]
        return last[0].descriptors <= base.descriptors and last[0].tasks <= base.tasks

    with suppress(TimeoutError):
        await eventually(is_back, seconds=PATIENCE)
    return last[0]


def _kept(verdict: Verdict, terms: Terms) -> list[str]:
    """What the process still has and should not."""
    base, end = verdict.base, verdict.end
    assert end is not None
    limits = [
        (f"{end.descriptors} descriptors are left, {base.descriptors} at first", end.descriptors <= base.descriptors),
        (f"{end.tasks} tasks are left, {base.tasks} at first", end.tasks <= base.tasks),
        (f"{end.threads} threads are left, {base.threads} at first", end.threads <= base.threads + EXECUTOR_THREADS),
        (f"memory grew by {verdict.growth:.0f} KiB a minute", verdict.growth <= MOST_GROWTH or terms.seconds < TELLING),
    ]
    return [complaint for complaint, is_well in limits if not is_well]


async def _books(it: Town) -> Books:
    """The ledger as the operator exports it, the rest from the gateway."""
    status, said, complained = await finished(it.folder, "export", "ledger", "--format", "json")
    if status:
        it.wrong.append(f"the export ended with {status}: {complained}")
    lists = [await it.everything(name) for name in ("activations", "attempts", "webhooks")]
    return Books(lists[0], lists[1], json.loads(said), lists[2])


async def _leave(it: Town) -> list[str]:
    """Stop the gateway in order, if it still runs; what it has to say if something was wrong."""
    words = []
    if it.run.ended is not None:
        words.append(f"the gateway ended by itself with {it.run.ended}")
    it.run.terminate()
    if status := await it.run.end():
        words.append(f"the gateway's exit status was {status}")
    complained = it.run.complained
    if words or "Traceback" in complained or "failed, " in complained:
        words.append(f"it wrote:\n{complained[-LAST_WORDS:]}")
    return words
