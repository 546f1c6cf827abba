"""The gateway as a process: one listening socket, one loop, and the signals that stop or reconfigure it."""

import asyncio
import gc
import logging
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import uvicorn

from proxy.app import LOOPBACK, SANDBOX, House, running
from proxy.clock import Clock
from proxy.config import Config
from proxy.connection import MOST_CONNECTIONS, Bounds, Connection, Glance
from proxy.errors import BadConfig

log = logging.getLogger(__name__)


class Server(uvicorn.Server):
    """uvicorn, with signals left to us: a SIGTERM is answered with an orderly end and status 0."""

    def __init__(self, app: Any, ready: Callable[[], None], bounds: Bounds, glance: Glance | None = None) -> None:
        super().__init__(_uvicorn(app, bounds, glance))
        self._ready = ready
        self._pause = bounds.sweep_seconds

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._sweep()
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().shutdown(sockets)
        finally:
            self._next_sweep.cancel()

    def _sweep(self) -> None:
        for connection in list(self.server_state.connections):
            if isinstance(connection, Connection):
                connection.sweep()
        self._next_sweep = asyncio.get_running_loop().call_later(self._pause, self._sweep)


def bind(host: str, port: int) -> socket.socket:
    """Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP so that asyncio switches the delay of small packets off.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as exc:
        listener.close()
        raise OSError(exc.errno, exc.strerror, f"{host}:{port}") from None
    return listener


async def serve(config: Config, clock: Clock, reread: Callable[[], Config], say: Callable[[str], None]) -> None:
    """Run until SIGTERM or SIGINT. `reread` gives the configuration anew on SIGHUP, or raises BadConfig."""
    listener = bind(config.listen.host, config.listen.port)
    host, port = config.listen.host, listener.getsockname()[1]
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    async with running(config, clock) as house:

        def ready() -> None:
            # What is there by now stays: the collector would hold everybody up to look through it again and again.
            gc.freeze()
            if not config.admin_token:
                say(f"admin token for this run: {house.admin_token}")
            say(f"sms-proxy ready on {address}")

        _warn_if_open(config)
        glance = Glance(house.polls.answer, house.polls.marks)
        server = Server(house, ready, Bounds(connections=most_connections()), glance)
        _on_signals(server, house, reread)
        await server.serve([listener])


def most_connections() -> int:
    """Half of the files that the process may open: the books and the providers need theirs whatever comes in."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * MOST_CONNECTIONS
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return most // 2


def _uvicorn(app: Any, bounds: Bounds, glance: Glance | None) -> uvicorn.Config:
    protocol: Any = partial(Connection, bounds=bounds, glance=glance)
    return uvicorn.Config(
        app,
        interface="asgi3",
        lifespan="off",
        proxy_headers=False,
        loop="none",
        http=protocol,
        ws="none",
        access_log=False,
        log_config=None,
        log_level="error",  # below that are lines that anybody can have written, as often as they like
        server_header=False,
        date_header=False,
        backlog=4096,
        timeout_keep_alive=bounds.idle_seconds,
    )


def _warn_if_open(config: Config) -> None:
    """What is harmless on this machine alone is said aloud when others can reach it."""
    if config.listen.host in LOOPBACK:
        return
    for keyed in config.clients:
        if keyed.api_key == "demo":
            log.warning("client %s has the key everybody knows, and %s is open to others", keyed, config.listen.host)
    for provider in config.providers:
        if provider.base_url == SANDBOX:
            log.warning("provider %s is the sandbox: its numbers are not real", provider.name)


def _on_signals(server: Server, house: House, reread: Callable[[], Config]) -> None:
    loop = asyncio.get_running_loop()

    def stop() -> None:
        house.gateway.closing = True
        server.should_exit = True

    def reload() -> None:
        try:
            config = reread()
        except BadConfig as exc:
            for complaint in exc.complaints:
                log.error("routing.yaml is not taken: %s", complaint)
            return
        for key in ("listen", "database", "admin_token"):
            if getattr(config, key) != getattr(house.gateway.market.config, key):
                log.warning("a change of %s takes effect at the next start", key)
        house.apply(config)
        log.info("routing.yaml was read again")

    loop.add_signal_handler(signal.SIGTERM, stop)
    loop.add_signal_handler(signal.SIGINT, stop)
    loop.add_signal_handler(signal.SIGHUP, reload)
