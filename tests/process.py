"""The real program as a process of its own, with what it says kept in files."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

from tests.stage import Stage, eventually

TOP = Path(__file__).parent.parent
READY = "sms-proxy ready on "


class Program:
    """One run of the program in `folder`."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        number = next(number for number in count() if not (folder / f"run{number}.out").exists())
        self._out, self._err = folder / f"run{number}.out", folder / f"run{number}.err"
        with self._out.open("w") as out, self._err.open("w") as err:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "proxy", *arguments],
                cwd=folder,
                env={**os.environ, "PYTHONPATH": str(TOP)},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> int | None:
        """The exit status; None while it runs."""
        return self._process.poll()

    @property
    def said(self) -> str:
        return self._out.read_text()

    @property
    def complained(self) -> str:
        return self._err.read_text()

    @property
    def address(self) -> str:
        """Where a gateway that is ready listens."""
        return next(line.removeprefix(READY) for line in self.said.splitlines() if line.startswith(READY))

    def terminate(self) -> None:
        self._process.terminate()

    def hang_up(self) -> None:
        """Have it read its configuration again."""
        self._process.send_signal(signal.SIGHUP)

    async def kill(self) -> None:
        """At once, with no chance to tidy up."""
        self._process.kill()
        await self.end()

    async def end(self, *, seconds: float = 20) -> int:
        """Wait for its end: the exit status."""
        async with asyncio.timeout(seconds):
            return await asyncio.to_thread(self._process.wait)

    async def ready(self) -> None:
        """Wait until a gateway accepts requests."""

        def is_ready() -> bool:
            assert self._process.poll() is None, self.complained
            return READY in self.said and self.said.endswith("\n")

        await eventually(is_ready, seconds=20)


@asynccontextmanager
async def program(folder: Path, *arguments: str) -> AsyncIterator[Program]:
    """A run that is over at the end, one way or another."""
    run = Program(folder, *arguments)
    try:
        yield run
    finally:
        await run.kill()


@asynccontextmanager
async def serve(it: Stage, *arguments: str) -> AsyncIterator[Program]:
    """The gateway as a process on any free port, ready for the requests of this stage."""
    (it.folder / "routing.yaml").write_text(it.file)
    async with program(it.folder, "serve", "--port", "0", *arguments) as run:
        await run.ready()
        it.at(run.address)
        yield run


async def finished(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """A whole run: exit status, standard output, standard error."""
    async with program(folder, *arguments) as run:
        return await run.end(), run.said, run.complained


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
