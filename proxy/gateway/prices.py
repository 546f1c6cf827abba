"""What everything costs a client: the route's answer for every service, from memory."""

from dataclasses import dataclass

from proxy.domain.client import Client
from proxy.domain.money import Usd
from proxy.domain.offer import Offer, Want
from proxy.domain.routing import Drop, Route
from proxy.gateway.market import Market

MOST_TABLES = 256


@dataclass(frozen=True, slots=True)
class Price:
    cost: Usd
    """What the next purchase costs."""
    count: int
    """Numbers that the route's providers say they have."""


def count_of(offer: Offer) -> int:
    """1 for a provider that does not say."""
    return 1 if offer.stock is None else offer.stock


def price_of(route: Route) -> Price | None:
    """None: nobody sells it to this client."""
    if kept := route.kept:
        return Price(kept[0].price, sum(map(count_of, kept)))
    empty = [leg.offer.price for leg in route.legs if leg.dropped is Drop.NO_STOCK and leg.offer]
    return Price(min(empty), 0) if empty else None


def services_sold(market: Market, country: int | None = None) -> set[tuple[int, str]]:
    """Countries and SMS-Activate codes that some provider lists."""
    return {
        (listing.country, code)
        for upstream in market.upstreams.values()
        for listing in upstream.listings
        if country is None or listing.country == country
        for code in upstream.names.codes_of(listing.service)
    }


Table = dict[int, dict[str, Price]]
"""By country and code."""


class Tables:
    """Price tables that were made already; all are forgotten as soon as anything changes that they are made of."""

    def __init__(self) -> None:
        self._state: object = None
        self._made: dict[tuple[str, int | None, str], Table] = {}

    def table(self, market: Market, client: Client, country: int | None = None, service: str = "") -> Table:
        """The table for this client, not to be changed by the caller."""
        state = market.state
        if state != self._state or len(self._made) >= MOST_TABLES:
            self._state, self._made = state, {}
        key = (client.name, country, service)
        if key not in self._made:
            self._made[key] = price_table(market, client, country, service)
        return self._made[key]


def price_table(market: Market, client: Client, country: int | None = None, service: str = "") -> Table:
    """Only what can be bought, or could if it were in stock."""
    table: Table = {}
    for where, code in sorted(services_sold(market, country)):
        if service and code != service:
            continue
        price = price_of(market.route(client, Want(code, where)))
        if price is not None:
            table.setdefault(where, {})[code] = price
    return table
