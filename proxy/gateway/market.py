"""The providers together: what is sold, by whom, and the route that a request takes among them."""

import asyncio
from collections.abc import Collection, Iterable, Mapping

from proxy.catalog.services import resolve
from proxy.clock import Clock
from proxy.config import Config
from proxy.domain.activation import Activation
from proxy.domain.client import Client
from proxy.domain.money import Usd
from proxy.domain.offer import Want
from proxy.domain.routing import Route, choose_rule, rank
from proxy.errors import BadService
from proxy.gateway.bidding import Bidding, Plan, announced, plan
from proxy.gateway.errands import Errands
from proxy.gateway.upstream import NEVER, Upstream

BALANCE_SECONDS = 5.0
"""How long a client waits for a balance that was never asked for."""
RENT_PRICES_SECONDS = 60.0
"""How old the prices of rents may become, which are asked for only when somebody wants them."""


class Market:
    def __init__(self, clock: Clock, errands: Errands, config: Config, upstreams: Mapping[str, Upstream]) -> None:
        self.clock = clock
        self.errands = errands
        self.config = config
        self.upstreams = upstreams
        """In the order of the file."""
        self.bidding = Bidding()

    @property
    def state(self) -> tuple[object, ...]:
        """Equal as long as every route is the same as before."""
        known = [(one.name, one.version, bool(one.health.aside)) for one in self.upstreams.values()]
        return (self.config, *known)

    def upstream_of(self, activation: Activation) -> Upstream | None:
        """None: its provider is no longer in routing.yaml."""
        return self.upstreams.get(activation.provider)

    def client(self, name: str = "") -> Client | None:
        """The client with this name, or the first one; None if there is none."""
        clients = (keyed.client for keyed in self.config.clients)
        return next((client for client in clients if not name or client.name == name), None)

    @property
    def provider_ids(self) -> dict[str, int]:
        """Providers as numbers, for tools that know them as such: their place in the file, from 1."""
        return {name: place for place, name in enumerate(self.upstreams, start=1)}

    def provider_names(self, asked: Iterable[str]) -> tuple[str, ...]:
        """Names for what a client calls providers, by name or by id; what is neither stays as it is."""
        names = {str(place): name for name, place in self.provider_ids.items()}
        return tuple(names.get(one, one) for one in asked)

    def operators(self) -> dict[int, set[str]]:
        """The carriers that can be asked for, by country."""
        found: dict[int, set[str]] = {}
        for upstream in self.upstreams.values():
            for country in {listing.country for listing in upstream.listings} if upstream.carriers else ():
                found.setdefault(country, set()).update(upstream.carriers)
        return found

    def find_service(self, text: str) -> str:
        """The SMS-Activate code that is meant, or a provider's own name that has no code. Raises BadService."""
        code = resolve(text, self.config.services)
        if code is not None:
            return code
        for upstream in self.upstreams.values():
            own_name = upstream.names.find(text)
            if own_name is not None:
                return upstream.names.code_of(own_name) or own_name
        raise BadService(f"no service is called {text[:40]}")

    def route(self, client: Client, want: Want) -> Route:
        """The route that a purchase would take now, from what is known; asks nobody."""
        candidates = [upstream.candidate(want) for upstream in self.upstreams.values()]
        rule = choose_rule(self.config.rules, want, client.name)
        route = rank(want, rule, candidates, client.max_price)
        if rule is None or rule.bid is None or route.kept:
            return route
        return announced(route, self.plan_bid(client, want, route))

    def plan_bid(self, client: Client, want: Want, route: Route, sold_out: Collection[str] = ()) -> Plan | None:
        """The bid that follows when nobody on this route has a number; `sold_out` have just said so."""
        bidders = [name for name, desk in self.bidding.desks.items() if not desk.upstream.health.aside]
        return plan(route, want, bidders, lambda provider: self.caps(client, want, provider), sold_out)

    def caps(self, client: Client, want: Want, provider: str) -> list[Usd]:
        """Everything that limits what may be paid for this, the request's own limit included."""
        rule, upstream = choose_rule(self.config.rules, want, client.name), self.upstreams.get(provider)
        caps = (
            *(want.max_price, client.max_price),
            *(upstream.config.max_price if upstream else None, rule.max_price if rule else None),
        )
        return [cap for cap in caps if cap is not None]

    async def learn_prices(self, upstreams: Iterable[Upstream], *, at_most_old: float, seconds: float) -> None:
        """Ask these providers for prices that are older than so many seconds; wait for them so long and no longer."""
        now = self.clock.monotonic()
        asked = [
            self.errands.start(upstream.learn(at_most_old), f"prices of {upstream.name}")
            for upstream in upstreams
            if upstream.config.enabled and now - upstream.tried_at >= at_most_old
        ]
        if asked and seconds > 0:
            await asyncio.wait(asked, timeout=seconds)

    async def rents_known(self, seconds: float) -> None:
        """Have the prices of rents not older than a while; wait for them so long and no longer."""
        asked = [
            self.errands.start(upstream.learn_rents(RENT_PRICES_SECONDS), f"rents of {upstream.name}")
            for upstream in self.upstreams.values()
            if upstream.config.enabled and self.clock.monotonic() - upstream.rents_tried_at >= RENT_PRICES_SECONDS
        ]
        if asked and seconds > 0:
            await asyncio.wait(asked, timeout=seconds)

    async def prices_known(self, seconds: float) -> None:
        """Wait until every provider was asked for its prices once."""
        waiting = [upstream for upstream in self.upstreams.values() if upstream.tried_at == NEVER]
        await self.learn_prices(waiting, at_most_old=float("inf"), seconds=seconds)

    async def money(self) -> Usd:
        """What the providers' accounts hold together; one that never told counts as empty."""
        enabled = [upstream for upstream in self.upstreams.values() if upstream.config.enabled]
        asked = [
            self.errands.start(upstream.ask_balance(), f"balance of {upstream.name}")
            for upstream in enabled
            if upstream.balance is None and not upstream.balance_trouble
        ]
        if asked:
            await asyncio.wait(asked, timeout=BALANCE_SECONDS)
        return sum(upstream.balance or 0 for upstream in enabled)
