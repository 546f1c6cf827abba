"""What much to remember costs: open activations, and books that have grown long."""

import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from load import get
from seed import seed
from servers import SERVER_CORE, STUB, Bench, Process, ask, gateway, note, row, spread, status_of

OPEN, FEW = 100_000, 100
ROWS = 1_000_000
SETTLED = 8.0
"""Seconds after which a process has its size."""
KIB, MIB = 1024, 1024 * 1024


class Old:
    """A gateway's folder with books in it."""

    def __init__(self, bench: Bench, *, open: int, rows: int) -> None:
        self._bench = bench
        self._folder = bench.folder()
        self.newest = seed(self._folder / "gateway.db", open=open, rows=rows)

    @contextmanager
    def gateway(self) -> Iterator[Process]:
        with gateway(self._folder, {"getsms": self._bench.provider}) as process:
            yield process


def full(bench: Bench) -> None:
    """getStatus with much to remember against the same with little."""
    with ExitStack() as stack:
        sides = []
        for old in (Old(bench, open=OPEN, rows=ROWS), Old(bench, open=FEW, rows=0)):
            server = stack.enter_context(old.gateway())
            sides.append((server, status_of(old.newest), b"STATUS_WAIT_CODE"))
        time.sleep(SETTLED)
        bench.in_turn(f"getStatus, {OPEN:,} open and {ROWS:,} rows, against {FEW}", *sides, 64, "0.9")


def memory(bench: Bench) -> None:
    """What an open activation takes in memory, over a gateway with none."""
    sizes = []
    for old in (Old(bench, open=OPEN, rows=0), Old(bench, open=0, rows=0)):
        with old.gateway() as server:
            ask(server.port, status_of(1))
            time.sleep(SETTLED)
            sizes.append(server.memory())
    row("memory: KiB for each open activation", f"{(sizes[0] - sizes[1]) / OPEN / KIB:.2f}", "at most 1")
    note(f"{sizes[0] / MIB:.0f} MiB with {OPEN:,} open, {sizes[1] / MIB:.0f} MiB with none")


def idle(bench: Bench) -> None:
    """A gateway with nothing to do against a process that has the same libraries and does nothing."""
    bare = bench.yardstick("bare", SERVER_CORE)
    ask(bare.port, get(STUB))
    ask(bench.gateway.port, get("/healthz"))
    time.sleep(SETTLED)
    ours, theirs = bench.gateway.memory(), bare.memory()
    row("memory when idle, against bare Starlette", f"{ours / theirs:.2f} times", "at most 1.5")
    note(f"{ours / MIB:.1f} MiB against {theirs / MIB:.1f} MiB")


def start(bench: Bench) -> None:
    """From the start of the process to the first right answer, with long books and with empty ones."""
    long, empty = Old(bench, open=FEW, rows=ROWS), Old(bench, open=FEW, rows=0)
    ratios, seconds = [], ([], [])
    for _ in range(bench.rounds):
        for side, old in enumerate((long, empty)):
            begun = time.perf_counter()
            with old.gateway() as server:
                reply = ask(server.port, status_of(old.newest))
                seconds[side].append(time.perf_counter() - begun)
                if b"STATUS_WAIT_CODE" not in reply:
                    raise SystemExit(f"the first answer was wrong: {reply!r}")
        ratios.append(seconds[0][-1] / seconds[1][-1])
    row(f"start to first answer, {ROWS:,} rows, against none", f"{spread(ratios)} times", "at most 2")
    note(f"{statistics.median(seconds[0]):.2f} s against {statistics.median(seconds[1]):.2f} s")
