"""The composition root: builds everything from a Config, owns every task, and takes it all down in order."""

import asyncio
import json
import logging
import random
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version

import httpx
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from proxy.clock import Clock
from proxy.config import Config, ProviderConfig
from proxy.dashboard import api, auctions, health, metrics
from proxy.dashboard.guard import Guard
from proxy.gateway import standing
from proxy.gateway.bidding import Desk
from proxy.gateway.errands import Errands
from proxy.gateway.gateway import Gateway
from proxy.gateway.market import Market
from proxy.gateway.upstream import Upstream
from proxy.pollers.accounts import PRICE_SECONDS, Accounts, learn_delivery
from proxy.pollers.bids import Bids
from proxy.pollers.codes import ROUNDS_PER_POLL, Codes
from proxy.pollers.endings import Endings
from proxy.pollers.every import every
from proxy.pollers.settlement import settle_unknown
from proxy.providers import ADAPTERS
from proxy.providers.base import ProviderSettings
from proxy.providers.bidding import Bidder
from proxy.providers.wire import Pool, Through, Wire
from proxy.sandbox import Sandbox, Settings, sandbox_for
from proxy.store.reads import have_books, open_reads
from proxy.store.store import open_store
from proxy.stub.access import Access
from proxy.stub.actions import ACTIONS
from proxy.stub.endpoint import ACTION_PATH, PATHS, Endpoint, Receive, Scope, Send
from proxy.stub.openapi import document
from proxy.stub.polls import Polls
from proxy.webhooks import incoming
from proxy.webhooks.outgoing import Courier, receivers

log = logging.getLogger(__name__)

SANDBOX = "sandbox"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
ENDING_SECONDS = 1.0
BALANCE_SECONDS = 1.0
SETTLING_SECONDS = 15.0
DELIVERY_SECONDS = 60.0
REDELIVERY_SECONDS = 30.0
COURIER_SECONDS = 1.0
"""Between a failure of the one who delivers webhooks and its next start; while all is well it never ends."""
RETIRED_SECONDS = 10.0
LAST_CALLS_SECONDS = 5.0
"""On top of the deadline of a purchase: how long a stop waits for what is under way."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What the house takes from the world besides the time; whoever plays the world hands in another one."""

    wire: Callable[[str], Wire] = lambda provider: Pool()
    """The way to a provider, by its name."""
    chance: Callable[[], random.Random] = random.Random


OUTSIDE = Outside()


@dataclass(frozen=True, slots=True)
class Line:
    """One provider connected: over the network, or to the embedded stand-in."""

    upstream: Upstream
    desk: Desk | None = None
    """None: no bids are taken there."""
    sandbox: Sandbox | None = None
    webhooks: httpx.AsyncClient | None = None
    """What the stand-in sends its webhooks with."""

    async def aclose(self) -> None:
        await self.upstream.aclose()
        if self.webhooks is not None:
            await self.webhooks.aclose()


def connect(config: Config, provider: ProviderConfig, clock: Clock, outside: Outside = OUTSIDE) -> Line:
    """The adapter that the provider's `kind` names, on its own wire."""
    settings = ProviderSettings(
        base_url="http://sandbox" if provider.base_url == SANDBOX else provider.base_url,
        api_key=provider.api_key,
        user=provider.user,
        tier=provider.tier,
        timeout=provider.timeout,
        countries=provider.countries,
        currency_code=provider.currency_code,
        per_usd=provider.per_usd,
    )
    sandbox, webhooks = None, None
    wire: Wire
    if provider.base_url == SANDBOX:
        webhooks = httpx.AsyncClient() if provider.webhook_token else None
        sandbox = sandbox_for(provider.kind, clock, settings=_sandbox_settings(config, provider, clock), http=webhooks)
        wire = Through(httpx.ASGITransport(app=sandbox.app))
    else:
        wire = outside.wire(provider.name)
    adapter = ADAPTERS[provider.kind](provider.name, wire, clock, settings)
    upstream = Upstream(provider, adapter, config.services, clock, outside.chance())
    desk = Desk(upstream, adapter) if isinstance(adapter, Bidder) else None
    return Line(upstream, desk, sandbox, webhooks)


def desks(lines: Iterable[Line]) -> dict[str, Desk]:
    """Where bids are taken, by the provider's name."""
    return {line.upstream.name: line.desk for line in lines if line.desk is not None}


def _sandbox_settings(config: Config, provider: ProviderConfig, clock: Clock) -> Settings:
    # Every start sells other ids than the one before: the books remember the old ones.
    first = int(clock.now() * 1000)
    settings = Settings(api_key=provider.api_key, first_id=first, first_rent_id=first)
    if provider.user:
        settings.user = provider.user
    if provider.webhook_token:
        listen = config.listen
        settings.webhook_url = f"http://{listen.host}:{listen.port}/webhooks/{provider.name}/{provider.webhook_token}"
    return settings


class Keeper:
    """Everything that runs for one provider."""

    def __init__(self, gateway: Gateway, line: Line) -> None:
        self.line = line
        self._gateway = gateway
        self._tasks: list[asyncio.Task[None]] = []
        self._unwatch: list[Callable[[], None]] = []

    def start(self, group: asyncio.TaskGroup) -> None:
        gateway, upstream, name = self._gateway, self.line.upstream, self.line.upstream.name
        accounts, codes, endings = Accounts(gateway, upstream), Codes(gateway, upstream), Endings(gateway, name)
        self._unwatch = [codes.stop, endings.stop]
        jobs = [
            ("balance", BALANCE_SECONDS, accounts.watch_balance),
            ("codes", upstream.config.poll / ROUNDS_PER_POLL, codes.look_round),
            ("endings", ENDING_SECONDS, endings.end_round),
        ]
        if self.line.desk is not None:
            jobs.append(("bids", upstream.config.poll, Bids(gateway, self.line.desk).tend_round))
        if upstream.config.enabled:
            jobs.append(("prices", PRICE_SECONDS, accounts.learn_prices))
        for what, seconds, job in jobs:
            self._start(group, every(seconds, job, gateway.clock, f"{what} of {name}"), f"{what} of {name}")
        if self.line.sandbox is not None:
            self._start(group, self.line.sandbox.run(), f"sandbox {name}")

    def _start(self, group: asyncio.TaskGroup, work: Coroutine[None, None, None], name: str) -> None:
        self._tasks.append(group.create_task(work, name=name))

    def stop(self) -> None:
        """Stop looking after the provider; its connections stay open for what is under way."""
        for unwatch in self._unwatch:
            unwatch()
        for task in self._tasks:
            task.cancel()


class House:
    """The running gateway: an ASGI application, and the handle by which it is reconfigured and stopped."""

    def __init__(self, gateway: Gateway, group: asyncio.TaskGroup, admin_token: str, outside: Outside) -> None:
        self.gateway = gateway
        self._outside = outside
        self.admin_token = admin_token
        self._group = group
        self._keepers: dict[str, Keeper] = {}
        self._retired: list[tuple[float, Line]] = []
        registry = CollectorRegistry()
        registry.register(metrics.Gauges(gateway, lambda: len(asyncio.all_tasks())))
        requests = metrics.Requests(registry)
        self._endpoint = Endpoint(gateway, Access(gateway.market.config.clients, gateway.clock), requests.count)
        self.polls = Polls(self._endpoint, ACTIONS)
        guard = Guard(admin_token)
        self._pages = Starlette(
            routes=[
                *health.routes(gateway),
                Route("/openapi.json", _openapi, methods=["GET"]),
                *metrics.routes(registry, None if gateway.market.config.listen.host in LOOPBACK else guard),
                *incoming.routes(gateway),
                *api.routes(gateway, guard),
                *auctions.routes(gateway.market, guard),
            ],
            exception_handlers={HTTPException: _explain_http},
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (scope["path"] in PATHS or scope["path"].startswith(ACTION_PATH)):
            await self._endpoint(scope, receive, send)
        else:
            await self._pages(scope, receive, send)

    @property
    def lines(self) -> dict[str, Line]:
        """By provider."""
        return {name: keeper.line for name, keeper in self._keepers.items()}

    def apply(self, config: Config) -> None:
        """Work by this configuration from now on. Providers that did not change keep all that is known of them."""
        market, before = self.gateway.market, self._keepers
        reusable = before if config.services == market.config.services else {}
        self._keepers = {}
        for provider in config.providers:
            keeper = reusable.get(provider.name)
            if keeper is None or keeper.line.upstream.config != provider:
                keeper = Keeper(self.gateway, connect(config, provider, self.gateway.clock, self._outside))
            self._keepers[provider.name] = keeper
        market.config = config
        self.gateway.store.writer.receivers = receivers(config)
        market.upstreams = {name: keeper.line.upstream for name, keeper in self._keepers.items()}
        market.bidding.desks = desks(self.lines.values())
        for keeper in set(before.values()) - set(self._keepers.values()):
            keeper.stop()
            self._retired.append((self.gateway.clock.monotonic(), keeper.line))
            self._withdraw_bids(keeper.line)
        for keeper in set(self._keepers.values()) - set(before.values()):
            keeper.start(self._group)
        self._endpoint.access = Access(config.clients, self.gateway.clock, self._endpoint.access.buckets)

    def _withdraw_bids(self, line: Line) -> None:
        """Of a provider that was taken out, while its connections are open."""
        if line.desk is not None and line.upstream.name not in self._keepers:
            work = standing.withdraw_all(self.gateway, line.desk, "its provider was taken out of routing.yaml")
            self.gateway.errands.start(work, f"bids at {line.upstream.name}")

    async def close_retired(self) -> None:
        """Close the connections to providers that were taken out, once no purchase can be under way on them."""
        latest = self.gateway.clock.monotonic() - self.gateway.market.config.deadline - LAST_CALLS_SECONDS
        due = [line for at, line in self._retired if at <= latest]
        self._retired = [(at, line) for at, line in self._retired if at > latest]
        for line in due:
            await line.aclose()

    async def aclose(self) -> None:
        """Stop whatever runs by itself, and close every connection."""
        for keeper in self._keepers.values():
            keeper.stop()
        for line in (*self.lines.values(), *(line for _, line in self._retired)):
            await line.aclose()


@asynccontextmanager
async def running(config: Config, clock: Clock, outside: Outside = OUTSIDE) -> AsyncIterator[House]:
    """The house, open for requests. Raises StoreClosed if the books cannot be opened."""
    async with open_store(config.database, clock) as store, asyncio.TaskGroup() as group:
        errands = Errands(group)
        gateway = Gateway(clock, errands, store, Market(clock, errands, config, {}))
        house = House(gateway, group, config.admin_token or secrets.token_urlsafe(24), outside)
        house.apply(config)
        courier = Courier(store, clock, gateway.market.client)
        common = {
            "settlement": (SETTLING_SECONDS, lambda: settle_unknown(gateway)),
            "delivery": (DELIVERY_SECONDS, lambda: learn_delivery(store.read, gateway.market)),
            "redelivery": (REDELIVERY_SECONDS, lambda: _forget_redeliveries(gateway)),
            "webhooks to clients": (COURIER_SECONDS, courier.run),
            "retired": (RETIRED_SECONDS, house.close_retired),
        }
        tasks = [
            group.create_task(every(seconds, job, clock, title), name=title) for title, (seconds, job) in common.items()
        ]
        try:
            yield house
        finally:
            gateway.closing = True
            await errands.finish(gateway.market.config.deadline + LAST_CALLS_SECONDS)
            for task in tasks:
                task.cancel()
            await house.aclose()


@asynccontextmanager
async def connected(config: Config, clock: Clock) -> AsyncIterator[Market]:
    """The providers, of whom nothing is known yet, for a command that has no books."""
    lines = [connect(config, provider, clock) for provider in config.providers]
    async with asyncio.TaskGroup() as group:
        try:
            yield Market(clock, Errands(group), config, {line.upstream.name: line.upstream for line in lines})
        finally:
            for line in lines:
                await line.aclose()


@asynccontextmanager
async def consulting(config: Config, clock: Clock) -> AsyncIterator[Market]:
    """The providers with fresh prices, to look at and not to buy from; past deliveries from the books if there are."""
    async with connected(config, clock) as market:
        await market.prices_known(config.deadline)
        if have_books(config.database):
            async with open_reads(config.database) as read:
                await learn_delivery(read, market)
        yield market


async def _forget_redeliveries(gateway: Gateway) -> None:
    gateway.store.live.forget_old_redeliveries(gateway.clock.now())


async def _openapi(request: Request) -> Response:
    return Response(_document(), media_type="application/json")


@cache
def _document() -> bytes:
    """Anybody may ask for it, and it does not change while the program runs."""
    return json.dumps(document(ACTIONS, version("sms-proxy"))).encode()


async def _explain_http(request: Request, error: Exception) -> Response:
    """Every error outside the stub has one shape."""
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code, headers=error.headers)
