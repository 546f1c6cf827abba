"""aiosmsactivate: POST with everything in the query, strict models, and every method under a second name."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiosmsactivate import SmsActivate
from aiosmsactivate import models as its
from aiosmsactivate.exceptions import SmsActivateException
from aiosmsactivate.types import ActivationStatus, SetActivationStatus

from tests.clients.rows import (
    CODE,
    COST,
    ENDS,
    HERE,
    NO_ID,
    NO_WEBHOOK,
    NOWHERE,
    PHONE,
    SERVICE,
    TIME,
    WEEK,
    WEEK_COST,
    Before,
    Library,
    Number,
    Raises,
    Row,
    a,
    above,
    an,
    has,
    holding,
    text,
)
from tests.stage import KEY, Stage

LISTS = "a list for an answer raises AttributeError"
NO_CALLS = "there are no calls here"
RENTED = {"status": "success", "phone": {"id": a(int), "endDate": ENDS, "number": PHONE}}


def handle(api: SmsActivate, n: Number) -> its.Number:
    """What `purchase` would have given."""
    known = {
        "activationId": n.id,
        "phoneNumber": n.phone,
        "activationCost": COST,
        "countryCode": "187",
        "canGetAnotherSms": "1",
        "activationTime": "2026-01-01 12:00:00",
        "activationOperator": "any",
        "service": SERVICE,
    }
    return its.Number.from_response(api, known)


NEVER_AWAITED = Raises(RuntimeWarning, "was never awaited")
FORGETS = "it forgets to await: nothing is sent, and the answer is None"
ROWS = (
    Row("get_balance", lambda api, n: api.get_balance(), above(0)),
    Row("get_balance_and_cashback", lambda api, n: api.get_balance_and_cashback(), above(0)),
    Row(
        "get_available_countries",
        lambda api, n: api.get_available_countries(SERVICE, freePrice=True),
        {"0": has(country=187, price=COST, freePriceMap=has(("0.85", above(0))))},
    ),
    Row(
        "get_available_countries_by_rank",
        lambda api, n: api.get_available_countries_by_rank(SERVICE),
        {"0": has(country=187, price=COST)},
        remark="it asks getTopCountriesByService",
    ),
    Row("get_count_numbers", lambda api, n: api.get_count_numbers("187", "any"), has(go=text("[1-9][0-9]+"))),
    Row("get_operators", lambda api, n: api.get_operators("187"), has(countryOperators=has(("187", a(list))))),
    Row(
        "get_operators",
        lambda api, n: api.get_operators("0"),
        Raises(SmsActivateException, "OPERATORS_NOT_FOUND"),
    ),
    Row(
        "get_active_activations",
        lambda api, n: api.get_active_activations(),
        has(activeActivations=holding(has(smsCode=[CODE]))),
        Before.RECEIVED,
    ),
    Row(
        "get_activation_status_v1",
        lambda api, n: api.get_activation_status_v1(n.id),
        (ActivationStatus.WAIT, None),
        Before.WAITING,
    ),
    Row(
        "get_activation_status_v1",
        lambda api, n: api.get_activation_status_v1(n.id),
        (ActivationStatus.OK, CODE),
        Before.RECEIVED,
    ),
    Row(
        "get_activation_status_v1",
        lambda api, n: api.get_activation_status_v1(n.id),
        (ActivationStatus.CANCEL, None),
        Before.CANCELLED,
    ),
    Row(
        "get_activation_status_v1",
        lambda api, n: api.get_activation_status_v1(NO_ID),
        Raises(SmsActivateException, "NO_ACTIVATION"),
    ),
    Row(
        "get_activation_status",
        lambda api, n: api.get_activation_status(n.id),
        an(its.ActivationData, verification_type=0, sms=None, call=None),
        Before.WAITING,
    ),
    Row(
        "get_activation_status",
        lambda api, n: api.get_activation_status(handle(api, n)),
        an(its.ActivationData, sms=an(its.Sms, code=CODE, date_time=TIME)),
        Before.RECEIVED,
    ),
    Row("get_activation_status", lambda api, n: api.get_activation_status(n.id), "STATUS_CANCEL", Before.CANCELLED),
    Row("wait_sms_code", lambda api, n: api.wait_sms_code(n.id, 10, 0.01), CODE, Before.RECEIVED),
    Row(
        "purchase",
        lambda api, n: api.purchase(SERVICE, maxPrice=1.0, country=HERE, operator="any", useCashBack=True, userId=5),
        an(its.Number, activation_id=a(int), phone_number=PHONE, activation_cost=COST, can_get_another_sms=True),
    ),
    Row(
        "purchase",
        lambda api, n: api.purchase(SERVICE, maxPrice=0.1),
        Raises(SmsActivateException, "WRONG_MAX_PRICE:0.85"),
    ),
    Row("get_number", lambda api, n: api.get_number(SERVICE), text("ACCESS_NUMBER:[0-9]+:1[0-9]{10}")),
    Row(
        "get_number",
        lambda api, n: api.get_number(SERVICE, country=NOWHERE),
        Raises(SmsActivateException, "NO_NUMBERS"),
    ),
    Row(
        "get_multi_service_number",
        lambda api, n: api.get_multi_service_number("wa,tg", "0,0", "any", country="187"),
        Raises(AttributeError, "'list' object has no attribute 'get'"),
        fault=f"{LISTS}: the numbers are bought, and stand in get_active_activations alone",
    ),
    Row(
        "set_activation_status",
        lambda api, n: api.set_activation_status(n.id, SetActivationStatus.READY),
        its.SetActivationStatusResponse.READY,
        Before.WAITING,
    ),
    Row(
        "set_activation_status",
        lambda api, n: api.set_activation_status(n.id, SetActivationStatus.AGAIN),
        its.SetActivationStatusResponse.RETRY_GET,
        Before.RECEIVED,
    ),
    Row(
        "set_activation_status",
        lambda api, n: api.set_activation_status(n.id, SetActivationStatus.COMPLETE),
        its.SetActivationStatusResponse.ACTIVATED,
        Before.RECEIVED,
    ),
    Row(
        "set_activation_status",
        lambda api, n: api.set_activation_status(n.id, 8),
        its.SetActivationStatusResponse.CANCEL,
        Before.WAITING,
    ),
    Row(
        "get_history",
        lambda api, n: api.get_history(limit=10),
        Raises(AttributeError, "'list' object has no attribute 'get'"),
        fault=LISTS,
    ),
    Row(
        "get_list_top_countries",
        lambda api, n: api.get_list_top_countries(SERVICE),
        Raises(AttributeError, "'list' object has no attribute 'get'"),
        fault=LISTS,
    ),
    Row(
        "get_incoming_call_status",
        lambda api, n: api.get_incoming_call_status(n.id),
        Raises(SmsActivateException, "INVALID_ACTIVATION_ID"),
        Before.WAITING,
        remark=NO_CALLS,
    ),
    Row(
        "get_service",
        lambda api, n: api.get_service(SERVICE, HERE),
        Raises(KeyError, "187"),
        fault="it takes the places of getTopCountriesByService for countries: KeyError, but for place 0 and Russia",
    ),
    Row("get_prices", lambda api, n: api.get_prices(SERVICE, HERE), {"187": {"go": has(cost=COST, count=above(0))}}),
    Row(
        "get_rank_prices",
        lambda api, n: api.get_rank_prices(SERVICE, HERE, freePrice=True),
        has(("187", has(go=has(cost=COST)))),
    ),
    Row(
        "get_prices_verification",
        lambda api, n: api.get_prices_verification(SERVICE),
        {"go": has(("187", has(price="0.85")))},
    ),
    Row("get_countries", lambda api, n: api.get_countries(), has(("187", has(id=187)))),
    Row(
        "get_service_list",
        lambda api, n: api.get_service_list(country="187", lang="en"),
        has(services=holding(has(code="wa"))),
    ),
    Row("get_service_name", lambda api, n: api.get_service_name("tg"), "Telegram"),
    Row(
        "get_additional_service",
        lambda api, n: api.get_additional_service("wa", n.id),
        (text("[0-9]+"), PHONE),
        Before.RECEIVED,
    ),
    Row(
        "get_extra_activation", lambda api, n: api.get_extra_activation(n.id), (text("[0-9]+"), PHONE), Before.FINISHED
    ),
    Row(
        "check_extra_activation",
        lambda api, n: api.check_extra_activation(n.id),
        has(status="success", cost=COST, service=SERVICE, country=187),
        Before.FINISHED,
    ),
    Row(
        "parse_call",
        lambda api, n: api.parse_call(n.id, "en"),
        Raises(SmsActivateException, "NO_CALL"),
        Before.WAITING,
        remark=NO_CALLS,
    ),
    Row(
        "get_rent_services_and_countries",
        lambda api, n: api.get_rent_services_and_countries(WEEK, "any", "187", "840", incomingCall=False),
        has(countries={"0": HERE}, services=has(go=has(cost=WEEK_COST)), currency=840),
    ),
    Row(
        "get_rent_services_and_countries",
        lambda api, n: api.get_rent_services_and_countries(time=24, country="0"),
        Raises(SmsActivateException, "OUT_OF_STOCK"),
    ),
    Row(
        "get_rent_number",
        lambda api, n: api.get_rent_number(SERVICE, WEEK, "any", "187", NO_WEBHOOK, incomingCall=False),
        RENTED,
    ),
    Row(
        "get_rent_number",
        lambda api, n: api.get_rent_number(SERVICE, time=24, country="0"),
        Raises(SmsActivateException, "NO_NUMBERS"),
    ),
    Row(
        "get_rent_status",
        lambda api, n: api.get_rent_status(n.id, 1, 10),
        {"status": "error", "message": "STATUS_WAIT_CODE"},
        Before.RENTED,
    ),
    Row(
        "get_rent_status",
        lambda api, n: api.get_rent_status(n.id, 1, 10),
        has(quantity="1", values={"0": has(text=text(f".*{CODE}.*"), service=SERVICE, date=TIME)}),
        Before.RENT_RECEIVED,
    ),
    Row(
        "get_rent_status",
        lambda api, n: api.get_rent_status(NO_ID, 1, 10),
        Raises(SmsActivateException, "NO_ID_RENT"),
    ),
    Row(
        "set_rent_status",
        lambda api, n: api.set_rent_status(n.id, 1),
        has(quantity="1"),
        Before.RENT_RECEIVED,
        fault="it asks getRentStatus: a rent can be neither finished nor given back with it",
    ),
    Row(
        "get_rent_list",
        lambda api, n: api.get_rent_list(n.id, 1, 100),
        has(values=has(("0", {"id": text("[0-9]+"), "phone": PHONE}))),
        Before.RENTED,
    ),
    Row("continue_rent_number", lambda api, n: api.continue_rent_number(n.id, WEEK), RENTED, Before.RENTED),
    Row(
        "continue_rent_number",
        lambda api, n: api.continue_rent_number(n.id),
        Raises(SmsActivateException, "INVALID_TIME"),
        Before.RENTED,
        remark="its own default of 4 hours is no rent's time: say which",
    ),
    Row(
        "continue_rent_info",
        lambda api, n: api.continue_rent_info(n.id, WEEK, True),
        Raises(TypeError, "unsupported operand type"),
        Before.RENTED,
        fault="a comma is missing in it: TypeError before anything is sent",
    ),
    Row(
        "get_continue_rent_price_number",
        lambda api, n: api.get_continue_rent_price_number(n.id, WEEK, "840"),
        {"status": "success", "price": WEEK_COST, "currency": 840},
        Before.RENTED,
    ),
    Row(
        "buy_partner_product",
        lambda api, n: api.buy_partner_product(1),
        Raises(SmsActivateException, "BAD_DATA"),
        remark="there are no partners' products here",
    ),
    Row("Number.from_response", handle, an(its.Number, service=SERVICE), Before.WAITING, remark="asks no server"),
    Row(
        "Number.wait_sms_code",
        lambda api, n: handle(api, n).wait_sms_code(),
        NEVER_AWAITED,
        Before.WAITING,
        fault=FORGETS,
    ),
    Row(
        "Number.set_activation_status",
        lambda api, n: handle(api, n).set_activation_status(8),
        NEVER_AWAITED,
        Before.WAITING,
        fault=FORGETS,
    ),
    Row(
        "Number.get_activation_status",
        lambda api, n: handle(api, n).get_activation_status(),
        NEVER_AWAITED,
        Before.WAITING,
        fault=FORGETS,
    ),
)


@asynccontextmanager
async def connect(it: Stage) -> AsyncIterator[SmsActivate]:
    yield SmsActivate(KEY, it.url)


LIBRARIES = (
    Library(
        "aiosmsactivate",
        "aiosmsactivate",
        "1.5.1",
        "sms-activate",
        "sa = SmsActivate(KEY, URL)  # one address: a list of them repeats refused calls",
        connect,
        {"": SmsActivate, "Number.": its.Number},
        ROWS,
        blocking=False,
    ),
)
