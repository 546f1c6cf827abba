"""The gateway as a process: one listening socket with bounded connections, one loop, and the signals that stop or
reconfigure it."""

import asyncio
import logging
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, NoReturn

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from proxy.app import LOOPBACK, SANDBOX, House, running
from proxy.clock import Clock
from proxy.config import Config
from proxy.errors import BadConfig

log = logging.getLogger(__name__)

MOST_CONNECTIONS = 10_000


@dataclass(frozen=True, slots=True)
class Bounds:
    """What anybody may send before it is known who they are, and how long they may take."""

    connections: int = MOST_CONNECTIONS
    line: int = 16_384
    """Bytes of the path with its parameters."""
    headers: int = 100
    head: int = 32_768
    """Bytes of all headers."""
    body: int = 65_536
    request: int = 262_144
    """Bytes of a whole request, with whatever its body is wrapped in."""
    pipelined: int = 64
    """Requests of one connection that wait for the answer to an earlier one."""
    request_seconds: float = 15.0
    """From the first byte of a request to the last."""
    reply_seconds: float = 30.0
    """In which a reply must be taken."""
    idle_seconds: int = 75
    """Between two requests."""
    linger_seconds: float = 2.0
    """Between a refusal and the end: who is hung up on while still sending would not hear why."""
    sweep_seconds: float = 1.0
    """Between two looks at the times above."""


class Connection(HttpToolsProtocol):
    """uvicorn's, which bounds neither sizes nor times: whoever oversteps is told so in one status, and hung up on."""

    def __init__(self, *arguments: Any, bounds: Bounds, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._bounds = bounds
        self._since: float | None = self.loop.time()
        """When the request began that is not complete; None while there is none."""
        self._unread_since: float | None = None
        self._in_head = True
        self._turned = False
        """Whether a request began or ended in the bytes that were read last."""
        self._size = 0
        """Bytes of the incomplete request, without those in which it began."""
        self._body_size = 0
        self._verdict = HTTPStatus.BAD_REQUEST
        self._is_refused = False
        self._running: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self._bounds.connections:
            self._is_refused = True
            transport.write(_refusal(HTTPStatus.SERVICE_UNAVAILABLE))
            transport.close()

    def data_received(self, data: bytes) -> None:
        if self._is_refused:
            self._size += len(data)
            if self._size > self._bounds.request:
                self.transport.abort()
            return
        if self._since is None:
            self._since = self.loop.time()
        self._turned = False
        super().data_received(data)
        self._size = 0 if self._turned else self._size + len(data)
        if self._in_head and self._size > self._bounds.head:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif self._size > self._bounds.request:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._turned, self._body_size = True, 0
        if self._since is None:
            self._since = self.loop.time()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > self._bounds.line:
            self._stop_reading(HTTPStatus.REQUEST_URI_TOO_LONG)

    def on_headers_complete(self) -> None:
        size = sum([len(name) + len(value) for name, value in self.headers])
        if size > self._bounds.head or len(self.headers) > self._bounds.headers:
            self._stop_reading(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        if len(self.pipeline) >= self._bounds.pipelined:
            self._stop_reading(HTTPStatus.TOO_MANY_REQUESTS)
        super().on_headers_complete()
        self._in_head = False

    def on_body(self, body: bytes) -> None:
        self._body_size += len(body)
        if self._body_size > self._bounds.body:
            self._stop_reading(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        super().on_body(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._turned, self._in_head, self._since = True, True, None

    def _stop_reading(self, verdict: HTTPStatus) -> NoReturn:
        """The parser gives up at whatever is raised in the middle of it."""
        self._verdict = verdict
        raise ValueError(verdict.phrase)

    def send_400_response(self, msg: str) -> None:
        """Called when the parser has given up."""
        self._refuse(self._verdict)

    def _refuse(self, verdict: HTTPStatus) -> None:
        """Say why and hang up; without a word if that would fall into the middle of another answer."""
        self._is_refused, self._since, self._size = True, self.loop.time(), 0
        is_answering = self._is_answering
        self._nobody_listens()
        self._unset_keepalive_if_required()
        if is_answering:
            self.transport.close()
            return
        self.transport.write(_refusal(verdict))
        self.transport.write_eof()
        self.flow.resume_reading()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._nobody_listens()

    def _nobody_listens(self) -> None:
        """Tell the request that is being carried out; uvicorn tells the newest, which may still wait for its turn."""
        for cycle in (self._running, self.cycle):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()

    @property
    def _is_answering(self) -> bool:
        """Whether there is a request before the incomplete one, or the incomplete one is answered already."""
        if self._in_head:
            return self.cycle is not None and not self.cycle.response_complete
        return self.cycle.response_started or bool(self.pipeline)

    @property
    def _is_kept_waiting(self) -> bool:
        return self._since is not None and not (self._in_head and self._is_answering)

    def sweep(self) -> None:
        """Hang up on a side that keeps us waiting; called again and again."""
        now = self.loop.time()
        if not self.transport.get_write_buffer_size():
            self._unread_since = None
        elif self._unread_since is None:
            self._unread_since = now
        elif now - self._unread_since > self._bounds.reply_seconds:
            self._nobody_listens()
            self.transport.abort()
            return
        waited = now - self._since if self._since is not None and self._is_kept_waiting else 0.0
        if waited <= (self._bounds.linger_seconds if self._is_refused else self._bounds.request_seconds):
            return
        if self._is_refused or self.scope is None:  # heard already why, or never said anything
            self.transport.abort()
        else:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def shutdown(self) -> None:
        """What is not asked completely is not waited for."""
        if self._is_kept_waiting:
            self._nobody_listens()
            self.transport.close()
        else:
            super().shutdown()


def _refusal(status: HTTPStatus) -> bytes:
    body = status.phrase.encode()
    head = f"HTTP/1.1 {status} {status.phrase}\r\ncontent-type: text/plain\r\ncontent-length: {len(body)}\r\n"
    return head.encode() + b"connection: close\r\n\r\n" + body


class Server(uvicorn.Server):
    """uvicorn, with signals left to us: a SIGTERM is answered with an orderly end and status 0."""

    def __init__(self, app: Any, ready: Callable[[], None], bounds: Bounds = Bounds()) -> None:
        super().__init__(_uvicorn(app, bounds))
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
            if not config.admin_token:
                say(f"admin token for this run: {house.admin_token}")
            say(f"sms-proxy ready on {address}")

        _warn_if_open(config)
        server = Server(house, ready, Bounds(connections=_most_connections()))
        _on_signals(server, house, reread)
        await server.serve([listener])


def _most_connections() -> int:
    """Half of the files that the process may open: the books and the providers need theirs whatever comes in."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * MOST_CONNECTIONS
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return most // 2


def _uvicorn(app: Any, bounds: Bounds) -> uvicorn.Config:
    protocol: Any = partial(Connection, bounds=bounds)
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
