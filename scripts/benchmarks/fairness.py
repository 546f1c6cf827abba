"""Whether one client suffers from what another does, or from what providers do."""

import asyncio
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import uvloop
from load import Result, get, steady
from servers import HERE, LOAD_CORE, STUB, Bench, Process, ask, buy, check, gateway, note, row, spread, status_of

POLLS_A_SECOND = 200
FLOODING = 64
"""Connections of one flood."""
FLOODS = {
    "from one client": f"{STUB}?api_key=flood&action=getBalance",
    "of wrong keys": f"{STUB}?api_key=nobody&action=getBalance",
}
PURCHASES_A_SECOND = 20
"""While providers fail."""
MOODS = ({"hangs": "fine", "fails": "fine"}, {"hangs": "hang", "fails": "fail"})


def flood(bench: Bench) -> None:
    """A steady poller while another client floods."""
    server = bench.gateway
    request = status_of(buy(server.port))
    for name, path in FLOODS.items():
        before, during = [], []
        for _ in range(bench.rounds):
            before.append(_polls(bench, server, request))
            with flooding(server.port, path):
                during.append(_polls(bench, server, request))
        _show(f"getStatus p99 in a flood {name}, to before", before, during)


def faults(bench: Bench) -> None:
    """A steady poller while one provider hangs and another answers 5xx, and others go on buying."""
    providers = {name: bench.yardstick("moody", LOAD_CORE) for name in MOODS[0]} | {"getsms": bench.provider}
    with gateway(bench.folder(), providers) as server:
        request = status_of(buy(server.port))
        before, during = [], []
        for _ in range(bench.rounds):
            for moods, results in zip(MOODS, (before, during), strict=True):
                for name, mood in moods.items():
                    ask(providers[name].port, get(f"/mood?is={mood}"))
                results.append(_polls(bench, server, request, buying=True))
    _show("getStatus p99, one provider hangs, another fails, to before", before, during)


@contextmanager
def flooding(port: int, path: str) -> Iterator[None]:
    """On the core of the load, behind those who measure."""

    def behind() -> None:
        os.sched_setaffinity(0, {LOAD_CORE})
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        os.nice(10)

    command = [sys.executable, str(HERE / "flood.py"), str(port), str(FLOODING), path]
    with ExitStack() as stack:
        process = subprocess.Popen(command, preexec_fn=behind)
        stack.callback(process.wait, 30)
        stack.callback(process.terminate)
        uvloop.run(steady(port, get("/healthz"), b"", per_second=20, seconds=1))
        yield


def _polls(bench: Bench, server: Process, request: bytes, *, buying: bool = False) -> Result:
    how = {"seconds": bench.seconds, "per_second": POLLS_A_SECOND}

    async def both() -> Result:
        async with asyncio.TaskGroup() as group:
            if buying:
                number = get(f"{STUB}?api_key=bench&action=getNumber&service=wa")
                purchases = {"seconds": bench.seconds, "per_second": PURCHASES_A_SECOND, "connections": 64}
                group.create_task(steady(server.port, number, b"", **purchases))
            polls = group.create_task(steady(server.port, request, b"STATUS_WAIT_CODE", **how))
        return polls.result()

    result = uvloop.run(both())
    check(result)
    return result


def _show(title: str, before: list[Result], during: list[Result]) -> None:
    ratios = [late.quantile(0.99) / early.quantile(0.99) for early, late in zip(before, during, strict=True)]
    row(title, f"{spread(ratios)} times", "at most 1.2")
    for name, results in (("before", before), ("during", during)):
        median, p99 = (1000 * statistics.median(one.quantile(share) for one in results) for share in (0.5, 0.99))
        note(f"{name}: median {median:.2f} ms, p99 {p99:.2f} ms, {POLLS_A_SECOND} polls a second")
