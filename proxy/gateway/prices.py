"""What everything costs a client: the route's answer for every service, from memory."""

from dataclasses import dataclass

from proxy.domain.client import Client
from proxy.domain.money import Usd
from proxy.domain.offer import Offer, Want
from proxy.domain.routing import Drop, Route
from proxy.gateway.market import Market


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


def price_table(
    market: Market, client: Client, country: int | None = None, service: str = ""
) -> dict[int, dict[str, Price]]:
    """By country and code; only what can be bought, or could if it were in stock."""
    table: dict[int, dict[str, Price]] = {}
    for where, code in sorted(services_sold(market, country)):
        if service and code != service:
            continue
        price = price_of(market.route(client, Want(code, where)))
        if price is not None:
            table.setdefault(where, {})[code] = price
    return table
