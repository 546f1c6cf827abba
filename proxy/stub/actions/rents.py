"""Renting: numbers for days, their SMS, and how they go on. Every refusal is an object with the word in it."""

from datetime import UTC, datetime
from typing import Any

from proxy.domain.activation import Activation, Status
from proxy.domain.money import Usd
from proxy.domain.offer import Want
from proxy.errors import (
    BadService,
    BadStatus,
    ChannelsLimit,
    ClientFault,
    NoBalance,
    NoNumbers,
    NoRent,
    OrderExists,
    ProviderAway,
    RentCannotBeCancelled,
    RentOver,
    StoreClosed,
    WrongMaxPrice,
    WrongRentTime,
)
from proxy.gateway import prices, purchase, renewal, rents
from proxy.gateway.market import Market
from proxy.providers.base import ANY_SERVICE
from proxy.stub import params
from proxy.stub.actions.common import ACTIONS, PRICES_SECONDS, USD_CODE, clock_time, country_for
from proxy.stub.registry import Call
from proxy.stub.replies import Manner, Refusal, Reply, as_json, number
from proxy.stub.replies import purchase as purchase_reply


class RentFinished(RentOver):
    """Paid for, and over: the client let it go, or its time was up."""


class RentCancelled(RentOver):
    """Given back, with its price."""


class NoSmsYet(ClientFault):
    """What the protocol says with an error, though nothing is wrong."""


RENTS = Manner(
    {
        NoRent: Refusal("NO_ID_RENT", "this client has no such rent"),
        WrongRentTime: Refusal("INVALID_TIME", "the time is no number of hours, or not the rent's own"),
        BadStatus: Refusal("INCORECT_STATUS", "the status is neither 1 nor 2"),
        RentOver: Refusal("RENT_DIE", "the rent is over"),
        RentFinished: Refusal("ALREADY_FINISH", "the rent is over already"),
        RentCancelled: Refusal("ALREADY_CANCEL", "the rent was given back already"),
        RentCannotBeCancelled: Refusal("CANT_CANCEL", "an SMS has come, or the provider's time for it is over"),
        NoSmsYet: Refusal("STATUS_WAIT_CODE", "no SMS yet"),
        ProviderAway: Refusal("SERVER_ERROR", "the provider cannot be asked now"),
        StoreClosed: Refusal("SERVER_ERROR", "the books cannot be written now"),
        Exception: Refusal("SERVER_ERROR", "something went wrong in the gateway"),
    },
    in_json=True,
)
AVAILABILITY = RENTS.but({NoNumbers: Refusal("OUT_OF_STOCK", "nothing is rented there for so long")})
OWN_LIST = RENTS.but({NoNumbers: Refusal("NO_NUMBERS", "no rent goes on")})
READING = RENTS.but(
    {
        RentFinished: Refusal("STATUS_FINISH", "the rent is over: let go, or its time was up"),
        RentCancelled: Refusal("STATUS_CANCEL", "the rent was given back"),
    }
)

GIVEN_BACK = frozenset({Status.CANCELLING, Status.CANCELLED})
RENTING = (
    *(params.SERVICE, params.RENT_TIME, params.COUNTRY, params.OPERATOR, params.URL, params.MAX_PRICE),
    *(params.AREAS, params.AREA_CODES, params.LOCK_AREA, params.ONLY, params.WITHOUT, params.ORDER_ID),
)
RENTED = '{"status":"success","phone":{"id":15,"endDate":"2026-01-08T12:00:00","number":"12025550123"}}'
SUCCESS = {"status": "success"}


@ACTIONS.action(
    "getRentServicesAndCountries", params.RENT_TIME, params.COUNTRY, params.OPERATOR,
    refusals=(WrongRentTime, NoNumbers), section="5", manner=AVAILABILITY,
    example='{"countries":{"0":187},"operators":{"0":"any"},"services":{"full":{"cost":10.55,"quant":42},'
    '"wa":{"cost":5.0,"quant":1}},"currency":840}',
)  # fmt: skip
async def get_rent_services_and_countries(call: Call, hours: int, country: int | None, operator: str) -> Reply:
    """What can be rented for a time in a country, and for how much.

    The cost is what the client's own route asks for the next longer time that is sold. A carrier cannot be chosen.
    """
    market, where = call.gateway.market, country_for(call, country)
    await market.prices_known(PRICES_SECONDS)
    await market.rents_known(PRICES_SECONDS)
    services: dict[str, Any] = {}
    for code in _services_rented(market, where):
        want = Want(code, where, operator=operator, keep_operator=bool(operator), hours=hours)
        if price := prices.price_of(market.route(call.client, want)):
            services[code] = {"cost": number(price.cost), "quant": price.count}
    if not services:
        raise NoNumbers(market.route(call.client, Want(ANY_SERVICE, where, hours=hours)).why_empty)
    return as_json(
        {
            "countries": {str(place): id for place, id in enumerate(_countries_rented(call))},
            "operators": {"0": "any"},
            "services": services,
            "currency": USD_CODE,
        }
    )


def _countries_rented(call: Call) -> list[int]:
    """A client with a country of its own sees no other."""
    rented = {listing.country for upstream in call.gateway.market.upstreams.values() for listing in upstream.rents}
    return sorted(rented if call.client.country is None else rented & {call.client.country})


def _services_rented(market: Market, country: int) -> list[str]:
    """By SMS-Activate's codes, or the provider's own name where no code stands for it."""
    return sorted(
        {
            code
            for upstream in market.upstreams.values()
            for own_name in {listing.service for listing in upstream.rents if listing.country == country}
            for code in upstream.names.codes_of(own_name) or (own_name,)
        }
    )


@ACTIONS.action(
    "getRentNumber", *RENTING, buys=True, section="5", manner=RENTS, example=RENTED,
    refusals=(BadService, WrongRentTime, NoNumbers, NoBalance, WrongMaxPrice, ChannelsLimit, OrderExists),
)  # fmt: skip
async def get_rent_number(call: Call, **asked: Any) -> Reply:
    """Rent a number for some days.

    The service `full` is a number for the SMS of every service. What is not sold for just so long is taken for the
    next longer time; a time beyond all that is sold is NO_NUMBERS. `orderId`, `maxPrice` and the choice of providers
    and area codes work as at getNumber. Incoming calls are not offered.
    """
    rent = await _rent(call, **asked)
    return purchase_reply(_rented(rent), rent)


async def _rent(
    call: Call,
    *,
    service: str,
    hours: int,
    country: int | None,
    operator: str,
    url: str,
    max_price: Usd | None,
    areas: tuple[str, ...],
    area_codes: tuple[str, ...],
    lock_area_code: bool,
    only: tuple[str, ...],
    without: tuple[str, ...],
    order_id: str,
) -> Activation:
    market = call.gateway.market
    await market.prices_known(PRICES_SECONDS)
    want = Want(
        service=market.find_service(service),
        country=country_for(call, country),
        max_price=max_price,
        operator=operator,
        keep_operator=bool(operator),
        area_codes=areas or area_codes,
        lock_area_codes=bool(areas) or lock_area_code,
        only=market.provider_names(only),
        without=market.provider_names(without),
        hours=hours,
        url=url,
    )
    return await purchase.buy_one(call.gateway, call.client, want, call.fingerprint, call.hung_up, order_id)


def _rented(rent: Activation) -> Reply:
    ends_at = datetime.fromtimestamp(rent.expires_at, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return as_json({**SUCCESS, "phone": {"id": rent.id, "endDate": ends_at, "number": rent.phone}})


def _over(rent: Activation) -> RentOver:
    """What has ended by itself, or at the provider, is finished, whether an SMS came or not."""
    return RentCancelled(rent.status) if rent.status in GIVEN_BACK else RentFinished(rent.status)


@ACTIONS.action(
    "getRentStatus", params.RENT_ID, params.PAGE, params.RENT_SIZE, section="5", manner=READING,
    refusals=(NoRent, NoSmsYet, RentFinished, RentCancelled),
    example='{"status":"success","quantity":"1","values":{"0":{"phoneFrom":"WhatsApp","text":"Your code is 123456",'
    '"service":"wa","date":"2026-01-01 12:00:00"}}}',
)  # fmt: skip
async def get_rent_status(call: Call, id: int, page: int, size: int) -> Reply:
    """The SMS of a rent, newest first.

    `quantity` counts all of them, whatever the page shows.
    """
    rent = await rents.find(call.gateway, call.client.name, id)
    if not rents.is_on(rent):
        raise _over(rent)
    call.gateway.store.live.is_asked_for(rent)
    messages = (await call.gateway.store.read.messages([id]))[id]
    if not messages:
        raise NoSmsYet
    shown = messages[::-1][(page - 1) * size : page * size]
    values = {
        str(place): {
            "phoneFrom": message["sender"],
            "text": message["text"] or message["code"],
            "service": rent.service,
            "date": clock_time(message["received_at"]),
        }
        for place, message in enumerate(shown)
    }
    return as_json({**SUCCESS, "quantity": str(len(messages)), "values": values})


@ACTIONS.action(
    "setRentStatus", params.RENT_ID, params.RENT_STATUS, section="5", manner=RENTS, example='{"status":"success"}',
    refusals=(NoRent, BadStatus, RentFinished, RentCancelled, RentCannotBeCancelled, ProviderAway),
)  # fmt: skip
async def set_rent_status(call: Call, id: int, status: int) -> Reply:
    """End a rent: 1 finish, 2 cancel.

    How long a rent can be cancelled is the provider's word. A cancel that it cannot hear now is not kept for later.
    """
    end = {1: rents.let_go, 2: rents.cancel}.get(status)
    if end is None:
        raise BadStatus
    rent = await rents.find(call.gateway, call.client.name, id)
    try:
        await end(call.gateway, rent)
    except RentOver:
        raise _over(await rents.find(call.gateway, call.client.name, id)) from None
    return as_json(SUCCESS)


@ACTIONS.action(
    "getRentList", params.RENTS_LENGTH, params.PAGE, refusals=(NoNumbers,), section="5", manner=OWN_LIST,
    example='{"status":"success","values":{"0":{"id":"15","phone":"12025550123"}}}',
)  # fmt: skip
async def get_rent_list(call: Call, length: int, page: int) -> Reply:
    """The rents that go on, oldest first."""
    mine = rents.of_client(call.gateway, call.client.name)
    if not mine:
        raise NoNumbers
    shown = mine[(page - 1) * length : page * length]
    values = {str(place): {"id": str(rent.id), "phone": rent.phone} for place, rent in enumerate(shown)}
    return as_json({**SUCCESS, "values": values})


@ACTIONS.action(
    "continueRentNumber", params.RENT_ID, params.TERM, buys=True, section="5", manner=RENTS, example=RENTED,
    refusals=(NoRent, WrongRentTime, RentOver, NoNumbers, NoBalance),
)  # fmt: skip
async def continue_rent_number(call: Call, id: int, hours: int | None) -> Reply:
    """Have a rent go on for its own time once more.

    It keeps its id. One that is over cannot be continued. The header `X-Price` tells what this time cost.
    """
    rent = await rents.find(call.gateway, call.client.name, id)
    renewed = await renewal.renew(call.gateway, call.client, rent, hours, call.fingerprint, call.hung_up)
    return purchase_reply(_rented(renewed), renewed)


CONTINUE_PRICE_REFUSALS = (NoRent, WrongRentTime, RentOver)


@ACTIONS.action(
    "getContinueRentPriceNumber", params.RENT_ID, params.TERM, refusals=CONTINUE_PRICE_REFUSALS, section="5",
    manner=RENTS, example='{"status":"success","price":5.0,"currency":840}',
)  # fmt: skip
async def get_continue_rent_price(call: Call, id: int, hours: int | None) -> Reply:
    """What it costs at most to have a rent go on for its own time once more."""
    rent = await rents.find(call.gateway, call.client.name, id)
    price = await renewal.price(call.gateway, rent, hours)
    return as_json({**SUCCESS, "price": number(price), "currency": USD_CODE})


@ACTIONS.action(
    "continueRentInfo", params.RENT_ID, params.HOURS, params.NEED_HISTORY, refusals=CONTINUE_PRICE_REFUSALS,
    section="5", manner=RENTS,
    example='{"status":"success","price":5.0,"currency":840,"hours":168,'
    '"history":{"0":{"createDate":"2026-01-01 12:00:00","price":5.0,"hours":168}}}',
)  # fmt: skip
async def continue_rent_info(call: Call, id: int, hours: int | None, need_history: bool) -> Reply:
    """What it costs to have a rent go on, and what was paid for it so far.

    The history is empty unless it is asked for; it has every term so far, each at the mean of what they cost.
    """
    rent = await rents.find(call.gateway, call.client.name, id)
    price = await renewal.price(call.gateway, rent, hours)
    return as_json(
        {
            **SUCCESS,
            "price": number(price),
            "currency": USD_CODE,
            "hours": rent.hours,
            "history": _history(rent) if need_history else {},
        }
    )


def _history(rent: Activation) -> dict[str, Any]:
    """Each term by when it began."""
    term = rent.hours * 3600
    terms = max(1, round((rent.expires_at - rent.created_at) / term))
    return {
        str(place): {
            "createDate": clock_time(rent.created_at + place * term),
            "price": number(rent.price // terms),
            "hours": rent.hours,
        }
        for place in range(terms)
    }
