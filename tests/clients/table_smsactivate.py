"""smsactivate, the official library, and smsactivatepy, which is the same with one method more."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from smsactivate.api import SMSActivateAPI
from smsactivatepy.api import SMSActivateAPI as SMSActivatePyAPI

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
    Like,
    Raises,
    Row,
    a,
    above,
    has,
    holding,
    text,
)
from tests.stage import KEY, Stage

MONEY = has(balance=text(r"\d+\.\d\d"))
RENTED = {"status": "success", "phone": {"id": a(int), "endDate": ENDS, "number": PHONE}}
NO_CALLS = "there are no calls here"
LOCAL = "asks no server"


def error(word: str) -> Like:
    return has(error=word, message=a(str))


def refused(word: str) -> dict[str, str]:
    """As of rents."""
    return {"status": "error", "message": word}


ROWS = (
    Row("version", lambda api, n: api.version(), "1.5", remark=LOCAL),
    Row("check_error", lambda api, n: api.check_error("NO_NUMBERS"), True, remark=LOCAL),
    Row("get_error", lambda api, n: api.get_error("BAD_KEY"), "Invalid API access key", remark=LOCAL),
    Row(
        "response", lambda api, n: api.response("getBalance", "ACCESS_BALANCE:1.00"), {"balance": "1.00"}, remark=LOCAL
    ),
    Row(
        "activationStatus", lambda api, n: api.activationStatus("STATUS_OK"), has(message="Code received"), remark=LOCAL
    ),
    Row("rentStatus", lambda api, n: api.rentStatus("STATUS_CANCEL"), "Rent canceled with a refund", remark=LOCAL),
    Row("getBalance", lambda api, n: api.getBalance(), MONEY),
    Row("getBalanceAndCashBack", lambda api, n: api.getBalanceAndCashBack(), MONEY),
    Row("getNumbersStatus", lambda api, n: api.getNumbersStatus(HERE, "any"), has(go=text("[1-9][0-9]+"))),
    Row(
        "getNumber",
        lambda api, n: api.getNumber(
            SERVICE, forward=0, maxPrice=1, phoneException="1999", operator="any", country=HERE
        ),
        has(activation_id=a(int), phone=above(10**10)),
    ),
    Row("getNumber", lambda api, n: api.getNumber(SERVICE, country=NOWHERE), error("NO_NUMBERS")),
    Row(
        "getNumber",
        lambda api, n: api.getNumber(SERVICE, maxPrice=0.1),
        Raises(ValueError, "invalid literal for int"),
        fault="it knows WRONG_MAX_PRICE:x and BANNED:x no better than a number, and raises ValueError",
    ),
    Row(
        "getNumberV2",
        lambda api, n: api.getNumberV2(SERVICE, country=HERE),
        has(activationId=a(int), phoneNumber=PHONE, activationCost=COST, countryCode="187", activationTime=TIME),
    ),
    Row("getNumberV2", lambda api, n: api.getNumberV2("no such service"), error("BAD_SERVICE")),
    Row(
        "getNumberV2",
        lambda api, n: api.getNumberV2(SERVICE, maxPrice=0.1),
        Raises(json.JSONDecodeError, "Expecting value"),
        fault="the same words raise JSONDecodeError here",
    ),
    Row(
        "getMultiServiceNumber",
        lambda api, n: api.getMultiServiceNumber("wa,tg", forward="0,0", operator="any", country=HERE),
        holding(has(phone=PHONE, activation=text("[0-9]+"), service="tg")),
    ),
    Row("setStatus", lambda api, n: api.setStatus(n.id, status=1), "ACCESS_READY", Before.WAITING),
    Row("setStatus", lambda api, n: api.setStatus(n.id, status=3), "ACCESS_RETRY_GET", Before.RECEIVED),
    Row("setStatus", lambda api, n: api.setStatus(n.id, status=6), "ACCESS_ACTIVATION", Before.RECEIVED),
    Row("setStatus", lambda api, n: api.setStatus(n.id, status=8), "ACCESS_CANCEL", Before.WAITING),
    Row("setStatus", lambda api, n: api.setStatus(n.id, status=8), error("BAD_STATUS"), Before.RECEIVED),
    Row("getStatus", lambda api, n: api.getStatus(n.id), "STATUS_WAIT_CODE", Before.WAITING),
    Row("getStatus", lambda api, n: api.getStatus(n.id), f"STATUS_OK:{CODE}", Before.RECEIVED),
    Row("getStatus", lambda api, n: api.getStatus(n.id), error("STATUS_CANCEL"), Before.CANCELLED),
    Row("getStatus", lambda api, n: api.getStatus(NO_ID), error("NO_ACTIVATION")),
    Row("getFullSms", lambda api, n: api.getFullSms(n.id), text(f"FULL_SMS:.*{CODE}.*"), Before.RECEIVED),
    Row("getPrices", lambda api, n: api.getPrices(SERVICE, HERE), {"187": {"go": has(cost=COST, count=above(0))}}),
    Row("getPrices", lambda api, n: api.getPrices(SERVICE, NOWHERE), {}),
    Row("getCountries", lambda api, n: api.getCountries(), has(("187", has(id=187, eng=a(str), visible=1)))),
    Row(
        "getQiwiRequisites", lambda api, n: api.getQiwiRequisites(), has(status="FALSE"), remark="there is no Qiwi here"
    ),
    Row(
        "getAdditionalService",
        lambda api, n: api.getAdditionalService(n.id, "wa"),
        has(id=a(int), phone=above(10**10)),
        Before.RECEIVED,
    ),
    Row("getAdditionalService", lambda api, n: api.getAdditionalService(NO_ID, "wa"), error("NO_ACTIVATION")),
    Row(
        "getRentServicesAndCountries",
        lambda api, n: api.getRentServicesAndCountries(time=WEEK, operator="any", country=HERE),
        {
            "countries": {"0": HERE},
            "operators": {"0": "any"},
            "services": has(go={"cost": WEEK_COST, "quant": above(0)}, full=has(cost=10.99)),
            "currency": 840,
        },
    ),
    Row(
        "getRentServicesAndCountries",
        lambda api, n: api.getRentServicesAndCountries(time=WEEK, country=NOWHERE),
        refused("OUT_OF_STOCK"),
    ),
    Row(
        "getRentNumber",
        lambda api, n: api.getRentNumber(SERVICE, time=WEEK, operator="any", country=HERE, url=NO_WEBHOOK),
        RENTED,
    ),
    Row("getRentNumber", lambda api, n: api.getRentNumber("full"), RENTED),
    Row("getRentNumber", lambda api, n: api.getRentNumber(SERVICE, time=10**6), refused("NO_NUMBERS")),
    Row("getRentStatus", lambda api, n: api.getRentStatus(n.id), refused("STATUS_WAIT_CODE"), Before.RENTED),
    Row(
        "getRentStatus",
        lambda api, n: api.getRentStatus(n.id),
        has(quantity="1", values={"0": has(text=text(f".*{CODE}.*"), phoneFrom=a(str), service=SERVICE, date=TIME)}),
        Before.RENT_RECEIVED,
    ),
    Row("getRentStatus", lambda api, n: api.getRentStatus(n.id), refused("STATUS_FINISH"), Before.RENT_OVER),
    Row("getRentStatus", lambda api, n: api.getRentStatus(NO_ID), refused("NO_ID_RENT")),
    Row("setRentStatus", lambda api, n: api.setRentStatus(n.id, 1), {"status": "success"}, Before.RENT_RECEIVED),
    Row("setRentStatus", lambda api, n: api.setRentStatus(n.id, 2), {"status": "success"}, Before.RENTED),
    Row("setRentStatus", lambda api, n: api.setRentStatus(n.id, 2), refused("CANT_CANCEL"), Before.RENT_RECEIVED),
    Row("setRentStatus", lambda api, n: api.setRentStatus(n.id, 1), refused("ALREADY_FINISH"), Before.RENT_OVER),
    Row(
        "getRentList",
        lambda api, n: api.getRentList(),
        has(status="success", values=has(("0", {"id": text("[0-9]+"), "phone": PHONE}))),
        Before.RENTED,
    ),
    Row("continueRentNumber", lambda api, n: api.continueRentNumber(n.id, WEEK), RENTED, Before.RENTED),
    Row("continueRentNumber", lambda api, n: api.continueRentNumber(n.id, 4), refused("INVALID_TIME"), Before.RENTED),
    Row("continueRentNumber", lambda api, n: api.continueRentNumber(n.id), refused("RENT_DIE"), Before.RENT_OVER),
    Row(
        "getContinueRentPriceNumber",
        lambda api, n: api.getContinueRentPriceNumber(n.id),
        {"status": "success", "price": WEEK_COST, "currency": 840},
        Before.RENTED,
    ),
    Row(
        "getTopCountriesByService",
        lambda api, n: api.getTopCountriesByService(SERVICE, freePrice=True),
        {"0": has(country=187, count=above(0), price=COST, freePriceMap=has(("0.85", above(0))))},
    ),
    Row(
        "getIncomingCallStatus",
        lambda api, n: api.getIncomingCallStatus(n.id),
        error("INVALID_ACTIVATION_ID"),
        Before.WAITING,
        remark=NO_CALLS,
    ),
    Row(
        "getOperators",
        lambda api, n: api.getOperators(HERE),
        has(status="success", countryOperators=has(("187", a(list)))),
    ),
    Row("getOperators", lambda api, n: api.getOperators(NOWHERE), {"status": "error", "error": "OPERATORS_NOT_FOUND"}),
    Row(
        "getActiveActivations",
        lambda api, n: api.getActiveActivations(),
        has(status="success", activeActivations=holding(has(smsCode=[CODE], activationStatus="2"))),
        Before.RECEIVED,
    ),
    Row(
        "createTaskForCall",
        lambda api, n: api.createTaskForCall(n.id),
        {"status": "error", "message": "NUMBER_NOT_EXIST"},
        Before.WAITING,
        remark=NO_CALLS,
    ),
    Row("getOutgoingCalls", lambda api, n: api.getOutgoingCalls(n.id), {}, Before.WAITING, remark=NO_CALLS),
)


@asynccontextmanager
async def smsactivate(it: Stage) -> AsyncIterator[SMSActivateAPI]:
    api = SMSActivateAPI(KEY)
    api._SMSActivateAPI__api_url = it.url
    yield api


@asynccontextmanager
async def smsactivatepy(it: Stage) -> AsyncIterator[Any]:
    api = SMSActivatePyAPI(KEY)
    api._SMSActivateAPI__api_url = it.url
    yield api


POINTING = "sa = SMSActivateAPI(KEY); sa._SMSActivateAPI__api_url = URL"
LIBRARIES = (
    Library("smsactivate", "smsactivate", "1.5", "sms-activate", POINTING, smsactivate, {"": SMSActivateAPI}, ROWS),
    Library(
        "smsactivatepy",
        "smsactivatepy",
        "1",
        "sms-activate",
        POINTING,
        smsactivatepy,
        {"": SMSActivatePyAPI},
        (
            *ROWS,
            Row(
                "getServicesList",
                lambda api, n: api.getServicesList(lang="en"),
                has(status="success", services=holding(has(code="wa", name=a(str)))),
            ),
        ),
    ),
)
