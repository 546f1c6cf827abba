"""pysmshub, with and without async, and Simple-SMSHub-API: SMSHub's two libraries."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mtrequests import PendingResponse
from pysmshub import AsyncSmsHubApi, Status, SyncSmsHubApi
from pysmshub.exceptions import BaseSmsHubApiException
from SMSHubAPI import SMSHubAPI
from SMSHubAPI.enums import Currency
from SMSHubAPI.enums import Status as SimpleStatus
from SMSHubAPI.exceptions import (
    CurrencyChangeUnavailableException,
    NoActivationException,
    NoNumbersException,
    WrongServiceException,
)

from tests.clients.rows import (
    CODE,
    COST,
    HERE,
    NO_ID,
    NOWHERE,
    PHONE,
    SERVICE,
    Before,
    Library,
    Like,
    Number,
    Raises,
    Row,
    above,
    an,
    has,
    text,
)
from tests.stage import KEY, Stage

PYSMSHUB = (
    Row("get_numbers_status", lambda api, n: api.get_numbers_status("187", "any"), has(go=text("[1-9][0-9]+"))),
    Row("get_balance", lambda api, n: api.get_balance(), above(0)),
    Row("get_number", lambda api, n: api.get_number(SERVICE, "any", HERE), (text("[0-9]+"), PHONE)),
    Row(
        "get_number",
        lambda api, n: api.get_number(SERVICE, country=NOWHERE),
        Raises(BaseSmsHubApiException, "NO_NUMBERS"),
    ),
    Row("set_status", lambda api, n: api.set_status(n.id, Status.REPEAT), "ACCESS_RETRY_GET", Before.RECEIVED),
    Row("set_status", lambda api, n: api.set_status(n.id, Status.SUCCESS), "ACCESS_ACTIVATION", Before.RECEIVED),
    Row("set_status", lambda api, n: api.set_status(n.id, Status.CANCEL), "ACCESS_CANCEL", Before.WAITING),
    Row("get_status", lambda api, n: api.get_status(n.id), (Status.WAIT, None), Before.WAITING),
    Row("get_status", lambda api, n: api.get_status(n.id), (Status.SENT, CODE), Before.RECEIVED),
    Row("get_status", lambda api, n: api.get_status(n.id), (Status.CANCEL, None), Before.CANCELLED),
    Row("get_status", lambda api, n: api.get_status(NO_ID), Raises(BaseSmsHubApiException, "NO_ACTIVATION")),
    Row("get_prices", lambda api, n: api.get_prices(SERVICE, "187"), {"187": {"go": has(cost=COST, count=above(0))}}),
)


@asynccontextmanager
async def pysmshub(it: Stage) -> AsyncIterator[SyncSmsHubApi]:
    client = SyncSmsHubApi(KEY)
    client.base_url = it.url
    yield client


@asynccontextmanager
async def async_pysmshub(it: Stage) -> AsyncIterator[AsyncSmsHubApi]:
    client = AsyncSmsHubApi(KEY)
    client.base_url = it.url
    yield client


def holding(api: SMSHubAPI, n: Number) -> SMSHubAPI:
    """It remembers one number, the last that it bought."""
    api.activation_id, api.phone_number = str(n.id), n.phone
    return api


def refused(kind: type[Exception]) -> Like:
    """It hands its exceptions over in the place of an answer."""
    return an(PendingResponse, exception=an(kind))


SIMPLE = (
    Row("get_numbers_status", lambda api, n: api.get_numbers_status(HERE, "any"), has(go=text("[1-9][0-9]+"))),
    Row("get_balance", lambda api, n: api.get_balance(Currency.currency_dollar_2), above(0)),
    Row("get_number", lambda api, n: api.get_number(SERVICE, "any", HERE, max_price=1.0), PHONE),
    Row("get_number", lambda api, n: api.get_number(SERVICE, country=NOWHERE), refused(NoNumbersException)),
    Row("get_number", lambda api, n: api.get_number("no such service"), refused(WrongServiceException)),
    Row(
        "get_number",
        lambda api, n: api.get_number(SERVICE, max_price=0.1),
        Raises(ValueError, "not enough values to unpack"),
        fault="it does not know WRONG_MAX_PRICE:x, and raises ValueError",
    ),
    Row("set_status", lambda api, n: holding(api, n).set_status(SimpleStatus.sms_sent), "ACCESS_READY", Before.WAITING),
    Row("get_status", lambda api, n: holding(api, n).get_status(), ("STATUS_WAIT_CODE", None), Before.WAITING),
    Row("get_status", lambda api, n: holding(api, n).get_status(), ("STATUS_OK", CODE), Before.RECEIVED),
    Row("get_status", lambda api, n: holding(api, n).get_status(), ("STATUS_CANCEL", None), Before.CANCELLED),
    Row("get_status", lambda api, n: holding(api, Number(NO_ID)).get_status(), refused(NoActivationException)),
    Row("get_prices", lambda api, n: api.get_prices(SERVICE, HERE), {"187": {"go": has(cost=COST, count=above(0))}}),
    Row(
        "update_api_currency",
        lambda api, n: api.update_api_currency(Currency.currency_dollar_1),
        refused(CurrencyChangeUnavailableException),
        remark="money is US dollars here",
    ),
    Row("sms_sent", lambda api, n: holding(api, n).sms_sent(), "ACCESS_READY", Before.WAITING),
    Row("sms_retry", lambda api, n: holding(api, n).sms_retry(), "ACCESS_RETRY_GET", Before.RECEIVED),
    Row("wait_for_sms", lambda api, n: holding(api, n).wait_for_sms(timeout=5), CODE, Before.RECEIVED),
    Row("sms_cancel", lambda api, n: holding(api, n).sms_cancel(), "ACCESS_CANCEL", Before.WAITING),
    Row("sms_finish", lambda api, n: holding(api, n).sms_finish(), "ACCESS_ACTIVATION", Before.RECEIVED),
    Row(
        "clear_activation",
        lambda api, n: holding(api, n).clear_activation(),
        None,
        Before.WAITING,
        remark="asks no server",
    ),
)


@asynccontextmanager
async def simple(it: Stage) -> AsyncIterator[SMSHubAPI]:
    before, SMSHubAPI.API_URL = SMSHubAPI.API_URL, it.url
    api = SMSHubAPI(KEY)
    try:
        yield api
    finally:
        SMSHubAPI.API_URL = before
        for session in api.pending_pool.sessions:
            session.session.close()


POINTING = "client.base_url = URL"
LIBRARIES = (
    Library("pysmshub", "pysmshub", "0.1.3", "sms-activate", POINTING, pysmshub, {"": SyncSmsHubApi}, PYSMSHUB),
    Library(
        "pysmshub, async",
        "pysmshub",
        "0.1.3",
        "sms-activate",
        POINTING,
        async_pysmshub,
        {"": AsyncSmsHubApi},
        PYSMSHUB,
        blocking=False,
    ),
    Library(
        "Simple-SMSHub-API",
        "Simple-SMSHub-API",
        "1.1.0",
        "smshub",
        "SMSHubAPI.API_URL = URL",
        simple,
        {"": SMSHubAPI},
        SIMPLE,
    ),
)
