"""Routes and offers in a form that people and programs can read."""

from typing import Any

from proxy.catalog.services import SERVICES
from proxy.domain.money import print_usd
from proxy.domain.offer import Want
from proxy.domain.routing import Leg, Route
from proxy.gateway.market import Market

PLACES = 4
"""Decimals of money in what operators see."""


def route_as_json(route: Route, want: Want, client: str) -> dict[str, Any]:
    """The route that a getNumber would take now, with the reasons."""
    return {
        "service": want.service,
        "country": want.country,
        "client": client,
        "rule": route.rule.name if route.rule else None,
        "route": [_leg_as_json(leg, place) for place, leg in enumerate(route.legs, start=1)],
    }


def _leg_as_json(leg: Leg, place: int) -> dict[str, Any]:
    offer = leg.offer
    return {
        "provider": leg.provider,
        "kept": leg.dropped is None,
        "place": place if leg.dropped is None else None,
        "dropped": leg.dropped,
        "reason": leg.reason,
        "service": offer.service if offer else None,
        "price": print_usd(offer.price, PLACES) if offer else None,
        "list_price": print_usd(offer.list_price, PLACES) if offer else None,
        "stock": offer.stock if offer else None,
    }


def matches(market: Market) -> list[dict[str, Any]]:
    """How every provider's own names meet the codes: those in use, the doubtful ones, and those without a code."""
    rows = []
    for upstream in market.upstreams.values():
        met = upstream.names.matches()
        unmet = {listing.service for listing in upstream.listings} - {match.own_name for match in met}
        found = [(match.code, match.own_name, str(match.how), match.listed) for match in met]
        found += [("", own_name, "unmatched", True) for own_name in sorted(unmet)]
        for code, own_name, how, listed in found:
            rows.append(
                {
                    "provider": upstream.name,
                    "code": code,
                    "service": SERVICES.get(code, ""),
                    "name": own_name,
                    "how": how,
                    "listed": listed,
                }
            )
    return rows


def offers_side_by_side(market: Market, services: list[str]) -> list[dict[str, Any]]:
    """Every provider's offer for these services, or for all that somebody lists, one row each."""
    rows = []
    for upstream in market.upstreams.values():
        for listing in upstream.listings:
            code = upstream.names.code_of(listing.service)
            if services and code not in services and listing.service not in services:
                continue
            rows.append(
                {
                    "service": code or "",
                    "country": listing.country,
                    "provider": upstream.name,
                    "name": listing.service,
                    "price": print_usd(listing.price, PLACES),
                    "stock": listing.stock,
                }
            )
    return sorted(rows, key=lambda row: (not row["service"], row["service"], row["country"], row["price"]))
