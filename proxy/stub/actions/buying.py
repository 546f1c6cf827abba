"""Actions that spend money, and those that tell beforehand what it would be."""

from typing import Any

from proxy.domain.activation import Activation
from proxy.domain.money import Usd
from proxy.domain.offer import Want
from proxy.errors import (
    BadService,
    ChannelsLimit,
    NoActivation,
    NoBalance,
    NoNumbers,
    OrderExists,
    RenewalImpossible,
    WrongActivationId,
    WrongAdditionalService,
    WrongExceptionPhone,
    WrongMaxPrice,
)
from proxy.gateway import purchase, rentals
from proxy.stub import params
from proxy.stub.actions.common import ACTIONS, PRICES_SECONDS, USD_CODE, clock_time, country_for
from proxy.stub.registry import Call
from proxy.stub.replies import Reply, as_json, number, text
from proxy.stub.replies import purchase as purchase_reply

BUYING = (
    *(params.SERVICE, params.COUNTRY, params.MAX_PRICE, params.OPERATOR, params.CARRIER, params.KEEP_CARRIER),
    *(params.AREAS, params.AREA_CODES, params.LOCK_AREA, params.NUMBER, params.ONLY, params.WITHOUT),
    *(params.PHONE_EXCEPTION, params.ORDER_ID),
)
BUYING_REFUSALS = (BadService, NoNumbers, NoBalance, WrongMaxPrice, ChannelsLimit, WrongExceptionPhone, OrderExists)
AGAIN_REFUSALS = (WrongActivationId, NoActivation, NoBalance, ChannelsLimit)


@ACTIONS.action(
    "getNumber", *BUYING, refusals=BUYING_REFUSALS, example="ACCESS_NUMBER:12:12025550123", buys=True, section="3"
)
async def get_number(call: Call, **asked: Any) -> Reply:
    """Buy a number for a service.

    A service may also be named as a provider names it, because that is what the providers behind this address know.
    `orderId` works here as well as at getNumberV2. NO_NUMBERS also stands for a provider that cannot be asked: tools
    know that word and come back. Parameters that no provider can serve (forwarding, calls, referrals) are ignored.
    """
    bought = await _buy(call, **asked)
    return purchase_reply(text(f"ACCESS_NUMBER:{bought.id}:{bought.phone}"), bought)


@ACTIONS.action(
    "getNumberV2", *BUYING, refusals=BUYING_REFUSALS, buys=True, section="3",
    example='{"activationId":12,"phoneNumber":"12025550123","activationCost":0.5,"currency":840,'
    '"countryCode":"187","canGetAnotherSms":"0","activationTime":"2026-01-01 12:00:00","activationOperator":"any"}',
)  # fmt: skip
async def get_number_v2(call: Call, **asked: Any) -> Reply:
    """Buy a number for a service; the answer tells more.

    A repeated `orderId` gets the first answer again, byte for byte, where the original refused any repeat: who lost the
    answer needs it. The same key with other parameters is ORDER_ALREADY_EXISTS.
    """
    bought = await _buy(call, **asked)
    return purchase_reply(
        as_json(
            {
                "activationId": bought.id,
                "phoneNumber": bought.phone,
                "activationCost": number(bought.price),
                "currency": USD_CODE,
                "countryCode": str(bought.country),
                "canGetAnotherSms": "1" if bought.several_sms else "0",
                "activationTime": clock_time(bought.created_at),
                "activationOperator": bought.operator or "any",
            }
        ),
        bought,
    )


async def _buy(
    call: Call,
    *,
    service: str,
    country: int | None,
    max_price: Usd | None,
    operator: str,
    carrier: str,
    keep_carrier: bool,
    areas: tuple[str, ...],
    area_codes: tuple[str, ...],
    lock_area_code: bool,
    number: str,
    only: tuple[str, ...],
    without: tuple[str, ...],
    unwanted: tuple[str, ...],
    order_id: str,
) -> Activation:
    market = call.gateway.market
    await market.prices_known(PRICES_SECONDS)
    want = Want(
        service=market.find_service(service),
        country=country_for(call, country),
        max_price=max_price,
        operator=operator or carrier,
        keep_operator=bool(operator) or keep_carrier,
        area_codes=areas or area_codes,
        lock_area_codes=bool(areas) or lock_area_code,
        number=number,
        only=market.provider_names(only),
        without=market.provider_names(without),
        unwanted=unwanted,
    )
    return await purchase.buy_one(call.gateway, call.client, want, call.fingerprint, call.hung_up, order_id)


@ACTIONS.action(
    "getMultiServiceNumber", params.MULTI_SERVICE, params.COUNTRY, params.OPERATOR, params.AREAS, buys=True,
    refusals=(BadService, NoNumbers, NoBalance, ChannelsLimit), section="3",
    example='[{"phone":"12025550123","activation":"12","service":"tg"},'
    '{"phone":"12025550123","activation":"13","service":"wa"}]',
)  # fmt: skip
async def get_multi_service_number(
    call: Call, services: tuple[str, ...], country: int | None, operator: str, areas: tuple[str, ...]
) -> Reply:
    """Buy one number for several services, all or nothing.

    Forwarding (`multiForward`) is ignored: no provider has it.
    """
    market = call.gateway.market
    await market.prices_known(PRICES_SECONDS)
    codes = list(dict.fromkeys(market.find_service(service) for service in services))
    where, keep, lock = country_for(call, country), bool(operator), bool(areas)
    wants = [
        Want(code, where, operator=operator, keep_operator=keep, area_codes=areas, lock_area_codes=lock)
        for code in codes
    ]
    bought = await purchase.buy(call.gateway, call.client, wants, call.fingerprint, call.hung_up)
    listed = [{"phone": one.phone, "activation": str(one.id), "service": one.service} for one in bought]
    return purchase_reply(as_json(listed), *bought)


def _same_number(before: Activation) -> Want:
    """The number of an earlier activation, for the same service, from whoever sold it."""
    return Want(
        service=before.service,
        country=before.country,
        number=before.phone,
        only=(before.provider,),
        renews=before.upstream_id,
        renewed_price=before.price,
    )


@ACTIONS.action(
    "getExtraActivation", params.ACTIVATION_ID, refusals=(*AGAIN_REFUSALS, RenewalImpossible), buys=True, section="3",
    example="ACCESS_NUMBER:13:12025550123",
)  # fmt: skip
async def get_extra_activation(call: Call, id: int) -> Reply:
    """Buy the number of a closed activation once more, for the same service.

    `id` is taken as well as `activationId`: libraries send either.
    """
    before = await rentals.find(call.gateway, call.client.name, id)
    if before.is_open:
        raise RenewalImpossible("it is still open")
    await call.gateway.market.prices_known(PRICES_SECONDS)
    try:
        want = _same_number(before)
        bought = await purchase.buy_one(call.gateway, call.client, want, call.fingerprint, call.hung_up)
    except NoNumbers as exc:
        raise RenewalImpossible(str(exc)) from exc
    return purchase_reply(text(f"ACCESS_NUMBER:{bought.id}:{bought.phone}"), bought)


@ACTIONS.action(
    "checkExtraActivation", params.ACTIVATION_ID, refusals=(WrongActivationId, NoActivation, RenewalImpossible),
    section="3", example='{"status":"success","cost":0.5,"service":"wa","phone":12025550123,"country":187}',
)  # fmt: skip
async def check_extra_activation(call: Call, id: int) -> Reply:
    """What the number of a closed activation would cost at most, bought again.

    The price is an upper bound: the provider tells the real one with the purchase only.
    """
    before = await rentals.find(call.gateway, call.client.name, id)
    await call.gateway.market.prices_known(PRICES_SECONDS)
    route = call.gateway.market.route(call.client, _same_number(before))
    if before.is_open or not route.kept:
        raise RenewalImpossible("it is still open" if before.is_open else route.why_empty)
    return as_json(
        {
            "status": "success",
            "cost": number(route.kept[0].price),
            "service": before.service,
            "phone": int(before.phone),
            "country": before.country,
        }
    )


@ACTIONS.action(
    "getAdditionalService", params.ID, params.SERVICE, refusals=(*AGAIN_REFUSALS, BadService, WrongAdditionalService),
    buys=True, section="3", example="ADDITIONAL:14:12025550123",
)  # fmt: skip
async def get_additional_service(call: Call, id: int, service: str) -> Reply:
    """Buy one more service on the number of an activation."""
    before = await rentals.find(call.gateway, call.client.name, id)
    await call.gateway.market.prices_known(PRICES_SECONDS)
    code = call.gateway.market.find_service(service)
    want = Want(code, before.country, number=before.phone, only=(before.provider,))
    try:
        bought = await purchase.buy_one(call.gateway, call.client, want, call.fingerprint, call.hung_up)
    except NoNumbers as exc:
        raise WrongAdditionalService(str(exc)) from exc
    return purchase_reply(text(f"ADDITIONAL:{bought.id}:{bought.phone}"), bought)
