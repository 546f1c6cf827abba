"""The processes that are measured, each on its core, and how figures are printed."""

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import uvloop
from load import Result, get, load

HERE = Path(__file__).parent
STUB = "/stubs/handler_api.php"
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, LOAD_CORE = CORES[0], CORES[-1]
ROUTING = """
listen: {{port: {port}}}
database: gateway.db
clients:
  - {{name: bench, api_key: bench}}
  - {{name: flood, api_key: flood, rate: 50}}
providers:
{providers}
rules: [{{name: everything}}]
"""
PROVIDER = """
  - {{name: {name}, kind: getsms, base_url: "http://127.0.0.1:{port}", user: demo, api_key: demo, timeout: 2}}
"""


@dataclass(frozen=True)
class Process:
    pid: int
    port: int

    def cpu(self) -> float:
        """Seconds of user and system time so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> int:
        """Bytes."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def started(command: Sequence[str], port: int, folder: str, core: int) -> Iterator[Process]:
    """A server process on its core, until it accepts connections; stopped at the end."""
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, preexec_fn=lambda: os.sched_setaffinity(0, {core})
    )
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.002)
        yield Process(process.pid, port)
    finally:
        process.terminate()
        process.wait(60)


class Bench:
    """Servers that start when a row needs them; every measurement is taken from each in turn."""

    def __init__(self, stack: ExitStack, seconds: float, rounds: int) -> None:
        self.seconds = seconds
        self.rounds = rounds
        self._stack = stack

    @cached_property
    def provider(self) -> Process:
        return self.yardstick("provider", LOAD_CORE)

    @cached_property
    def constant(self) -> Process:
        return self.yardstick("constant", SERVER_CORE)

    @cached_property
    def plain_proxy(self) -> Process:
        return self.yardstick("plain_proxy", SERVER_CORE, self.provider.port)

    @cached_property
    def gateway(self) -> Process:
        return self._stack.enter_context(gateway(self.folder(), {"getsms": self.provider}))

    def folder(self) -> Path:
        """An empty one."""
        return Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))

    def yardstick(self, name: str, core: int, provider_port: int = 0) -> Process:
        port = free_port()
        command = [sys.executable, str(HERE / "yardsticks.py"), name, str(port), str(provider_port)]
        return self._stack.enter_context(started(command, port, str(self.folder()), core))

    def measure(self, server: Process, request: bytes, right: bytes, connections: int) -> tuple[Result, float]:
        """What came back, and the server's CPU microseconds for each."""
        before = server.cpu()
        result = uvloop.run(load(server.port, lambda: request, right, connections=connections, seconds=self.seconds))
        check(result)
        return result, 1e6 * (server.cpu() - before) / len(result.latencies)

    def in_turn(self, title: str, ours: tuple, theirs: tuple, connections: int, goal: str) -> None:
        """A row of requests a second: ours over theirs, round by round."""
        ratios, rates, costs = [], ([], []), ([], [])
        for _ in range(self.rounds):
            for side, (server, request, right) in enumerate((ours, theirs)):
                result, cpu = self.measure(server, request, right, connections)
                rates[side].append(result.rate)
                costs[side].append(cpu)
            ratios.append(rates[0][-1] / rates[1][-1])
        row(title, f"{spread(ratios)} times", goal)
        for name, side in (("gateway", 0), ("yardstick", 1)):
            note(f"{name}: {statistics.median(rates[side]):,.0f}/s, {statistics.median(costs[side]):.0f} us CPU each")


@contextmanager
def gateway(folder: Path, providers: dict[str, Process]) -> Iterator[Process]:
    """A gateway on the books in this folder, if there are any, that buys from these providers."""
    port = free_port()
    lines = "".join(PROVIDER.format(name=name, port=process.port) for name, process in providers.items())
    (folder / "routing.yaml").write_text(ROUTING.format(port=port, providers=lines))
    with started([sys.executable, "-m", "proxy", "serve"], port, str(folder), SERVER_CORE) as process:
        yield process


def check(result: Result) -> None:
    if result.wrong:
        raise SystemExit(f"{result.wrong} replies of {len(result.latencies)} were wrong: nothing to measure")


def spread(values: list[float], digits: int = 2) -> str:
    low, high = min(values), max(values)
    return f"{statistics.median(values):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def row(title: str, figure: str, goal: str) -> None:
    print(f"{title:58} {figure:28} goal {goal}", flush=True)


def note(words: str) -> None:
    print(f"    {words}", flush=True)


def status_of(id: int | str) -> bytes:
    """The request that asks for an activation's status."""
    return get(f"{STUB}?api_key=bench&action=getStatus&id={id}")


def ask(port: int, request: bytes) -> bytes:
    """What one request on a connection of its own is answered, as far as it comes in one piece."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(request)
        return connection.recv(65_536)


def buy(port: int) -> str:
    """One number; the id of its activation."""
    reply = ask(port, get(f"{STUB}?api_key=bench&action=getNumber&service=wa"))
    if b"ACCESS_NUMBER:" not in reply:
        raise SystemExit(f"the gateway sold nothing: {reply!r}")
    return reply.split(b"ACCESS_NUMBER:")[1].split(b":")[0].decode()
