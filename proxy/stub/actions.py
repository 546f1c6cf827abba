"""Every action of the protocol: its parameters, its handler, what it may refuse."""

from datetime import UTC, datetime
from typing import Any

from proxy.catalog.countries import COUNTRIES
from proxy.catalog.services import SERVICES
from proxy.domain.activation import Activation, Status
from proxy.domain.money import Usd, print_usd
from proxy.domain.offer import Want
from proxy.errors import (
    BadService,
    BadStatus,
    ChannelsLimit,
    EarlyCancel,
    NoActivation,
    NoBalance,
    NoNumbers,
    WrongActivationId,
    WrongMaxPrice,
)
from proxy.gateway import prices, purchase, rentals
from proxy.stub import params
from proxy.stub.registry import Call, Registry
from proxy.stub.replies import Reply, as_json, number, text
from proxy.stub.replies import purchase as purchase_reply

ACTIONS = Registry()

USD_CODE = 840
"""ISO 4217's number of the US dollar."""
PRICES_SECONDS = 10.0
"""How long a client waits for prices that were never learnt."""
OVER = "STATUS_CANCEL"
STATUS_NUMBERS = {Status.WAITING: "4", Status.RECEIVED: "2", Status.WAITING_AGAIN: "3"}
"""activationStatus in getActiveActivations."""
BUYING = (
    *(params.SERVICE, params.COUNTRY, params.MAX_PRICE, params.OPERATOR, params.CARRIER, params.KEEP_CARRIER),
    *(params.AREAS, params.AREA_CODES, params.LOCK_AREA, params.NUMBER, params.ONLY, params.WITHOUT),
)
BUYING_REFUSALS = (BadService, NoNumbers, NoBalance, WrongMaxPrice, ChannelsLimit)


def clock_time(at: float) -> str:
    """A time as the protocol prints it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def country_for(call: Call, country: int | None) -> int:
    """The country that the operator gave this client, or the one that it asks for, or the default."""
    if call.client.country is not None:
        return call.client.country
    return call.gateway.market.config.country if country is None else country


@ACTIONS.action("getBalance", example="ACCESS_BALANCE:25.00")
async def get_balance(call: Call) -> Reply:
    """What this client may still spend, in US dollars."""
    return text(f"ACCESS_BALANCE:{print_usd(await call.gateway.spendable(call.client))}")


@ACTIONS.action("getNumber", *BUYING, refusals=BUYING_REFUSALS, example="ACCESS_NUMBER:12:12025550123", buys=True)
async def get_number(call: Call, **asked: Any) -> Reply:
    """Buy a number for a service."""
    bought = await _buy(call, **asked)
    return purchase_reply(text(f"ACCESS_NUMBER:{bought.id}:{bought.phone}"), bought)


@ACTIONS.action(
    "getNumberV2", *BUYING, refusals=BUYING_REFUSALS, buys=True,
    example='{"activationId":12,"phoneNumber":"12025550123","activationCost":0.5,"currency":840,'
    '"countryCode":"187","canGetAnotherSms":"0","activationTime":"2026-01-01 12:00:00","activationOperator":"any"}',
)  # fmt: skip
async def get_number_v2(call: Call, **asked: Any) -> Reply:
    """Buy a number for a service; the answer tells more."""
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
) -> Activation:
    await call.gateway.market.prices_known(PRICES_SECONDS)
    want = Want(
        service=call.gateway.market.find_service(service),
        country=country_for(call, country),
        max_price=max_price,
        operator=operator or carrier,
        keep_operator=bool(operator) or keep_carrier,
        area_codes=areas or area_codes,
        lock_area_codes=bool(areas) or lock_area_code,
        number=number,
        only=only,
        without=without,
    )
    return await purchase.buy(call.gateway, call.client, want, call.fingerprint, call.hung_up)


@ACTIONS.action("getStatus", params.ID, refusals=(WrongActivationId, NoActivation), example="STATUS_OK:123456")
async def get_status(call: Call, id: int) -> Reply:
    """Whether the code has come."""
    activation = call.gateway.store.live.open.get(id)
    if activation is None or activation.client != call.client.name:
        activation = await rentals.find(call.gateway, call.client.name, id)
    return text(status_words(activation))


def status_words(activation: Activation) -> str:
    """An activation in the protocol's words."""
    match activation.status:
        case Status.WAITING:
            return "STATUS_WAIT_CODE"
        case Status.WAITING_AGAIN:
            return f"STATUS_WAIT_RETRY:{activation.code}"
        case Status.RECEIVED:
            return f"STATUS_OK:{activation.code}"
        case Status.FINISHED if activation.code:
            return f"STATUS_OK:{activation.code}"
        case _:
            return OVER


@ACTIONS.action(
    "getStatusV2", params.ID, refusals=(WrongActivationId, NoActivation),
    example='{"verificationType":0,"sms":{"dateTime":"2026-01-01 12:00:00","code":"123456","text":"..."},"call":null}',
)  # fmt: skip
async def get_status_v2(call: Call, id: int) -> Reply:
    """Whether the code has come, with the whole SMS."""
    activation = await rentals.find(call.gateway, call.client.name, id)
    words = status_words(activation)
    if words == OVER:
        return text(words)
    sms = None
    if words.startswith("STATUS_OK"):
        last = (await call.gateway.store.read.messages([id]))[id][-1]
        sms = {"dateTime": clock_time(last["received_at"]), "code": activation.code, "text": last["text"]}
    return as_json({"verificationType": 0, "sms": sms, "call": None})


@ACTIONS.action(
    "setStatus", params.ID, params.STATUS, example="ACCESS_CANCEL",
    refusals=(WrongActivationId, NoActivation, BadStatus, EarlyCancel),
)  # fmt: skip
async def set_status(call: Call, id: int, status: int) -> Reply:
    """Tell what was decided: 1 ready, 3 another SMS, 6 finish, 8 or -1 cancel."""
    activation = await rentals.find(call.gateway, call.client.name, id)
    match status:
        case 1 if activation.is_open:
            return text("ACCESS_READY")
        case 3:
            await rentals.ask_again(call.gateway, activation)
            return text("ACCESS_RETRY_GET")
        case 6:
            await rentals.finish(call.gateway, activation)
            return text("ACCESS_ACTIVATION")
        case 8 | -1:
            await rentals.cancel(call.gateway, activation)
            return text("ACCESS_CANCEL")
    raise BadStatus


@ACTIONS.action(
    "getActiveActivations",
    example='{"status":"success","activeActivations":[{"activationId":"12","serviceCode":"wa","...":""}],"data":[]}',
)
async def get_active_activations(call: Call) -> Reply:
    """What is open now."""
    open_now = [a for a in call.gateway.store.live.of_client(call.client.name) if a.status in STATUS_NUMBERS]
    if not open_now:
        return as_json({"status": "error", "error": "NO_ACTIVATIONS"})
    texts = await call.gateway.store.read.messages([a.id for a in open_now if a.code])
    listed = [_active(activation, texts.get(activation.id, [])) for activation in open_now]
    return as_json({"status": "success", "activeActivations": listed, "data": listed})


def _active(activation: Activation, messages: list[dict[str, Any]]) -> dict[str, Any]:
    country = COUNTRIES.get(activation.country)
    return {
        "activationId": str(activation.id),
        "serviceCode": activation.service,
        "phoneNumber": activation.phone,
        "activationCost": number(activation.price),
        "activationStatus": STATUS_NUMBERS[activation.status],
        "smsCode": [message["code"] for message in messages] or None,
        "smsText": messages[-1]["text"] if messages else None,
        "activationTime": clock_time(activation.created_at),
        "discount": "0.00",
        "repeated": "0",
        "countryCode": str(activation.country),
        "countryName": country.eng if country else "",
        "canGetAnotherSms": "1" if activation.several_sms else "0",
        "currency": USD_CODE,
    }


@ACTIONS.action(
    "getPrices", params.ANY_SERVICE, params.COUNTRY, refusals=(BadService,),
    example='{"187":{"wa":{"cost":0.5,"count":66,"physicalCount":66}}}',
)  # fmt: skip
async def get_prices(call: Call, service: str, country: int | None) -> Reply:
    """What a number costs and how many there are, by country and service."""
    await call.gateway.market.prices_known(PRICES_SECONDS)
    code = call.gateway.market.find_service(service) if service else ""
    only = call.client.country if call.client.country is not None else country
    table = prices.price_table(call.gateway.market, call.client, only, code)
    return as_json(
        {
            str(where): {
                service: {"cost": number(price.cost), "count": price.count, "physicalCount": price.count}
                for service, price in services.items()
            }
            for where, services in table.items()
        }
    )


@ACTIONS.action("getNumbersStatus", params.COUNTRY, example='{"tg":"158","wa":"90"}')
async def get_numbers_status(call: Call, country: int | None) -> Reply:
    """How many numbers there are in a country, by service."""
    await call.gateway.market.prices_known(PRICES_SECONDS)
    where = country_for(call, country)
    table = prices.price_table(call.gateway.market, call.client, where)
    return as_json({service: str(price.count) for service, price in table.get(where, {}).items()})


@ACTIONS.action(
    "getCountries", open=True,
    example='{"187":{"id":187,"rus":"...","eng":"USA","chn":"...","visible":1,"retry":0,"rent":0,"multiService":0}}',
)  # fmt: skip
async def get_countries(call: Call) -> Reply:
    """The countries of the protocol, by id."""
    return as_json(
        {
            str(country.id): {
                "id": country.id,
                "rus": country.rus,
                "eng": country.eng,
                "chn": country.chn,
                "visible": int(country.visible),
                "retry": int(country.retry),
                "rent": int(country.rent),
                "multiService": int(country.multi_service),
            }
            for country in COUNTRIES.values()
        }
    )


@ACTIONS.action(
    "getServicesList", params.COUNTRY, open=True,
    example='{"status":"success","services":[{"code":"wa","name":"WhatsApp"}]}',
)  # fmt: skip
async def get_services_list(call: Call, country: int | None) -> Reply:
    """The services of the protocol; with a country, those that a provider sells there."""
    codes = {*SERVICES, *call.gateway.market.config.services}
    if country is not None:
        await call.gateway.market.prices_known(PRICES_SECONDS)
        codes = {code for _, code in prices.services_sold(call.gateway.market, country)}
    return as_json(
        {"status": "success", "services": [{"code": code, "name": SERVICES.get(code, code)} for code in sorted(codes)]}
    )
