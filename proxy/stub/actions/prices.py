"""What numbers cost and how many there are: all of it from memory, as the client's own route would have it."""

from collections import defaultdict
from typing import Any

from proxy.domain.money import print_usd
from proxy.domain.offer import Want
from proxy.domain.routing import Route
from proxy.errors import BadService, WrongService
from proxy.gateway import prices
from proxy.gateway.prices import Price
from proxy.stub import params
from proxy.stub.actions.common import ACTIONS, PRICES_SECONDS, country_for
from proxy.stub.registry import Call
from proxy.stub.replies import Reply, as_json, number

Nested = dict[str, dict[str, Any]]


async def _table(call: Call, country: int | None, service: str) -> dict[int, dict[str, Price]]:
    """By country and code, for this client; a client with a country of its own sees no other."""
    await call.gateway.market.prices_known(PRICES_SECONDS)
    code = call.gateway.market.find_service(service) if service else ""
    only = country if call.client.country is None else call.client.country
    return call.gateway.price_tables.table(call.gateway.market, call.client, only, code)


@ACTIONS.action(
    "getPrices", params.ANY_SERVICE, params.COUNTRY, refusals=(BadService,), section="4",
    example='{"187":{"wa":{"cost":0.5,"count":66,"physicalCount":66}}}',
)  # fmt: skip
async def get_prices(call: Call, service: str, country: int | None) -> Reply:
    """What a number costs and how many there are, by country and service.

    The cost is what the client's next purchase would be charged under its own rules, not a list price; the count is
    that of every provider which the purchase may go to.
    """
    return as_json(
        {
            str(where): {
                code: {"cost": number(price.cost), "count": price.count, "physicalCount": price.count}
                for code, price in services.items()
            }
            for where, services in (await _table(call, country, service)).items()
        }
    )


@ACTIONS.action(
    "getPricesExtended", params.ANY_SERVICE, params.COUNTRY, refusals=(BadService,), section="4",
    example='{"187":{"wa":{"cost":0.5,"count":66}}}',
)  # fmt: skip
async def get_prices_extended(call: Call, service: str, country: int | None) -> Reply:
    """What a number costs and how many there are, in a shorter form."""
    return as_json(
        {
            str(where): {code: {"cost": number(price.cost), "count": price.count} for code, price in services.items()}
            for where, services in (await _table(call, country, service)).items()
        }
    )


@ACTIONS.action(
    "getPricesVerification", params.ANY_SERVICE, refusals=(BadService,), section="4",
    example='{"wa":{"187":{"count":66,"price":"0.50"}}}',
)  # fmt: skip
async def get_prices_verification(call: Call, service: str) -> Reply:
    """What a number costs and how many there are, by service and country."""
    inverted: dict[str, dict[str, Any]] = defaultdict(dict)
    for where, services in (await _table(call, None, service)).items():
        for code, price in services.items():
            inverted[code][str(where)] = {"count": price.count, "price": print_usd(price.cost)}
    return as_json(inverted)


async def _routes(call: Call, country: int | None, service: str) -> dict[int, dict[str, Route]]:
    table = await _table(call, country, service)
    return {
        where: {code: call.gateway.market.route(call.client, Want(code, where)) for code in services}
        for where, services in table.items()
    }


@ACTIONS.action(
    "getPricesV2", params.ANY_SERVICE, params.COUNTRY, refusals=(BadService,), section="4",
    example='{"187":{"wa":{"0.50":66,"0.60":740}}}',
)  # fmt: skip
async def get_prices_v2(call: Call, service: str, country: int | None) -> Reply:
    """How many numbers there are at each price."""

    def by_price(route: Route) -> dict[str, int]:
        counts: dict[str, int] = defaultdict(int)
        for offer in route.kept:
            counts[print_usd(offer.price)] += prices.count_of(offer)
        return counts

    return as_json(_nested(await _routes(call, country, service), by_price))


@ACTIONS.action(
    "getPricesV3", params.ANY_SERVICE, params.COUNTRY, refusals=(BadService,), section="4",
    example='{"187":{"wa":{"getsms":{"count":66,"price":0.5,"provider_id":1}}}}',
)  # fmt: skip
async def get_prices_v3(call: Call, service: str, country: int | None) -> Reply:
    """What each provider asks; `providerIds` of getNumber takes its name or its id.

    Providers stand under the names that this gateway gives them.
    """
    ids = call.gateway.market.provider_ids

    def by_provider(route: Route) -> dict[str, Any]:
        return {
            offer.provider: {
                "count": prices.count_of(offer),
                "price": number(offer.price),
                "provider_id": ids[offer.provider],
            }
            for offer in route.kept
        }

    return as_json(_nested(await _routes(call, country, service), by_provider))


def _nested(routes: dict[int, dict[str, Route]], shape: Any) -> Nested:
    return {str(where): {code: shape(route) for code, route in services.items()} for where, services in routes.items()}


@ACTIONS.action("getNumbersStatus", params.COUNTRY, example='{"tg":"158","wa":"90"}', section="4")
async def get_numbers_status(call: Call, country: int | None) -> Reply:
    """How many numbers there are in a country, by service."""
    where = country_for(call, country)
    table = await _table(call, where, "")
    return as_json({service: str(price.count) for service, price in table.get(where, {}).items()})


@ACTIONS.action(
    "getTopCountriesByService", params.ANY_SERVICE, params.FREE_PRICE, refusals=(BadService,), section="4",
    example='{"0":{"country":187,"count":66,"price":0.5,"retail_price":0.5}}',
)  # fmt: skip
@ACTIONS.action(
    "getTopCountriesByServiceRank", params.ANY_SERVICE, params.FREE_PRICE, refusals=(BadService,), section="4",
    example='{"0":{"country":187,"count":66,"price":0.5,"retail_price":0.5}}',
)  # fmt: skip
async def get_top_countries(call: Call, service: str, free_price: bool) -> Reply:
    """The countries with the most numbers for a service; without one, for every service.

    There are no ranks: both actions answer alike.
    """
    routes = await _routes(call, None, service)
    codes = sorted({code for services in routes.values() for code in services})
    tops = {code: _top(routes, code, free_price) for code in codes}
    if not service:
        return as_json(tops)
    return as_json(next(iter(tops.values()), {}))


def _top(routes: dict[int, dict[str, Route]], code: str, free_price: bool) -> dict[str, Any]:
    """Index -> country, most numbers first."""
    found = []
    for where, services in routes.items():
        price = prices.price_of(services[code]) if code in services else None
        if price is not None:
            cost = number(price.cost)
            entry: dict[str, Any] = {"country": where, "count": price.count, "price": cost, "retail_price": cost}
            if free_price:
                entry["freePriceMap"] = {
                    print_usd(offer.price): prices.count_of(offer) for offer in services[code].kept
                }
            found.append(entry)
    found.sort(key=lambda entry: -entry["count"])
    return {str(place): entry for place, entry in enumerate(found)}


@ACTIONS.action(
    "getListOfTopCountriesByService", params.ANY_SERVICE, params.LENGTH, params.PAGE, refusals=(WrongService,),
    section="4", example='[{"country":187,"share":100,"rate":50}]',
)  # fmt: skip
async def get_list_of_top_countries(call: Call, service: str, length: int, page: int) -> Reply:
    """Per cent of a service's numbers that a country has, and how well it delivers.

    The rate comes from this gateway's own past deliveries, and is 50 as long as there are none.
    """
    try:
        routes = await _routes(call, None, service)
    except BadService as exc:
        raise WrongService(str(exc)) from exc
    if not service:
        raise WrongService("no service is named")
    code = call.gateway.market.find_service(service)
    tops = list(_top(routes, code, False).values())
    total = sum(entry["count"] for entry in tops) or 1
    listed = [
        {
            "country": entry["country"],
            "share": round(100 * entry["count"] / total),
            "rate": round(100 * _delivery(routes[entry["country"]][code])),
        }
        for entry in tops
    ]
    return as_json(listed[(page - 1) * length : page * length])


def _delivery(route: Route) -> float:
    """The best of the route's delivery rates; an even chance without history."""
    return max((offer.delivery for offer in route.kept if offer.delivery is not None), default=0.5)
