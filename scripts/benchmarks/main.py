"""The gateway and its yardsticks, measured in turn in one run; figures are ratios, with their spread."""

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvloop
from load import Result, get, load, post

HERE = Path(__file__).parent
STUB = "/stubs/handler_api.php"
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, LOAD_CORE = CORES[0], CORES[-1]
ROUTING = """
listen: {{port: {port}}}
database: gateway-{port}.db
clients: [{{name: bench, api_key: bench}}]
providers: [{{name: getsms, kind: getsms, base_url: "http://127.0.0.1:{provider}", user: demo, api_key: demo}}]
rules: [{{name: everything}}]
"""


@dataclass(frozen=True)
class Process:
    pid: int
    port: int

    def cpu(self) -> float:
        """Seconds of user and system time so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def started(command: list[str], port: int, folder: str, core: int) -> Iterator[Process]:
    """A server process on its core, until it accepts connections; stopped at the end."""
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, preexec_fn=lambda: os.sched_setaffinity(0, {core})
    )
    try:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield Process(process.pid, port)
    finally:
        process.terminate()
        process.wait(30)


class Bench:
    """All servers up; every measurement is taken from each in turn."""

    def __init__(self, stack: ExitStack, seconds: float, rounds: int) -> None:
        self.seconds = seconds
        self.rounds = rounds
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))
        self.provider = self._yardstick(stack, folder, "provider", 0, LOAD_CORE)
        self.constant = self._yardstick(stack, folder, "constant", 0, SERVER_CORE)
        self.plain_proxy = self._yardstick(stack, folder, "plain_proxy", self.provider.port, SERVER_CORE)
        port = free_port()
        Path(folder, "routing.yaml").write_text(ROUTING.format(port=port, provider=self.provider.port))
        self.gateway = stack.enter_context(started([sys.executable, "-m", "proxy", "serve"], port, folder, SERVER_CORE))

    def _yardstick(self, stack: ExitStack, folder: str, name: str, provider_port: int, core: int) -> Process:
        port = free_port()
        command = [sys.executable, str(HERE / "yardsticks.py"), name, str(port), str(provider_port)]
        return stack.enter_context(started(command, port, folder, core))

    def measure(self, server: Process, request: bytes, right: bytes, connections: int) -> tuple[Result, float]:
        """What came back, and the server's CPU microseconds for each."""
        before = server.cpu()
        result = uvloop.run(load(server.port, lambda: request, right, connections=connections, seconds=self.seconds))
        if result.wrong:
            raise SystemExit(f"{result.wrong} replies of {len(result.latencies)} were wrong: nothing to measure")
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


def spread(values: list[float], digits: int = 2) -> str:
    low, high = min(values), max(values)
    return f"{statistics.median(values):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def row(title: str, figure: str, goal: str) -> None:
    print(f"{title:58} {figure:28} goal {goal}", flush=True)


def note(words: str) -> None:
    print(f"    {words}", flush=True)


def buy(port: int) -> str:
    """One number; the id of its activation."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(get(f"{STUB}?api_key=bench&action=getNumber&service=wa"))
        reply = b""
        while b"ACCESS_NUMBER:" not in reply:
            reply += connection.recv(4096) or sys.exit("the gateway sold nothing")
        return reply.split(b"ACCESS_NUMBER:")[1].split(b":")[0].decode()


def poll(bench: Bench) -> None:
    """getStatus of an open activation against a constant."""
    status = get(f"{STUB}?api_key=bench&action=getStatus&id={buy(bench.gateway.port)}")
    ours = (bench.gateway, status, b"STATUS_WAIT_CODE")
    theirs = (bench.constant, get(STUB), b"STATUS_WAIT_CODE")
    bench.in_turn("getStatus, 64 connections, against a Starlette constant", ours, theirs, 64, "1.3")


def purchase(bench: Bench) -> None:
    """getNumber against a plain proxy."""
    request = get(f"{STUB}?api_key=bench&action=getNumber&service=wa")
    ours, theirs = ((server, request, b"ACCESS_NUMBER") for server in (bench.gateway, bench.plain_proxy))
    bench.in_turn("getNumber, 64 at a time, against a plain proxy", ours, theirs, 64, "8")


def added(bench: Bench) -> None:
    """What the gateway adds to a purchase, one at a time."""
    ours = (bench.gateway, get(f"{STUB}?api_key=bench&action=getNumber&service=wa"), b"ACCESS_NUMBER")
    form = "cmd=request&user=demo&api_key=demo&service=WhatsApp"
    theirs = (bench.provider, post("/api_command.php", form), b'{"status": "ok"')
    added_ms = []
    for _ in range(bench.rounds):
        medians = [bench.measure(*side, 1)[0].quantile(0.5) for side in (ours, theirs)]
        added_ms.append(1000 * (medians[0] - medians[1]))
    row("getNumber, one at a time: ms added at the median", spread(added_ms), "at most 2")


ROWS: dict[str, Callable[[Bench], None]] = {"poll": poll, "purchase": purchase, "added": added}


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("rows", nargs="*", choices=[*ROWS, []], help="which rows; all if left out")
    parser.add_argument("--quick", action="store_true", help="a first look: one short round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement")
    asked = parser.parse_args()
    if asked.quick:
        asked.rounds, asked.seconds = 1, 2.0
    os.sched_setaffinity(0, {LOAD_CORE})
    print(f"{asked.rounds} rounds of {asked.seconds:g} s; medians, least and most; each server on one core")
    if len(CORES) < 2:
        print("only one core: load and servers share it, so the figures say little")
    with ExitStack() as stack:
        bench = Bench(stack, asked.seconds, asked.rounds)
        for name in asked.rows or ROWS:
            ROWS[name](bench)


if __name__ == "__main__":
    main()
