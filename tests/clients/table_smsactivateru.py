"""smsactivateru: an object for each request, from the time of `code_0` and `code_1`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import smsactivateru as its

from tests.clients.rows import CODE, HERE, NO_ID, PHONE, Before, Library, Number, Raises, Row, above, an, text
from tests.stage import KEY, Stage


def held(api: its.Sms, n: Number) -> its.SmsActivation:
    """What GetNumber would have given."""
    return its.SmsActivation(n.id, n.phone, api)


def google(country: int = HERE) -> Any:
    return its.GetNumber(its.SmsService().Google, country=str(country), operator="any")


LOCAL = "asks no server"
ROWS = (
    Row("Sms.request", lambda api, n: api.request(its.GetBalance()), text(r"ACCESS_BALANCE:\d+\.\d\d")),
    Row("GetBalance.request", lambda api, n: its.GetBalance().request(api), above(0)),
    Row("GetBalance.data", lambda api, n: its.GetBalance().data, {"action": "getBalance"}, remark=LOCAL),
    Row(
        "GetFreeSlots.request",
        lambda api, n: its.GetFreeSlots(str(HERE), "any").request(api),
        an(its.SmsService, Google=an(object, count=above(0)), VkCom=an(object, count=0)),
    ),
    Row(
        "GetNumber.request",
        lambda api, n: google().request(api),
        an(its.SmsActivation, id=text("[0-9]+"), phone_number=PHONE),
    ),
    Row("GetNumber.request", lambda api, n: google(6).request(api), Raises(Exception, "NO_NUMBERS")),
    Row(
        "GetStatus.request",
        lambda api, n: its.GetStatus(n.id).request(api),
        {"status": "STATUS_WAIT_CODE", "code": None},
        Before.WAITING,
    ),
    Row(
        "GetStatus.request",
        lambda api, n: its.GetStatus(n.id).request(api),
        {"status": "STATUS_OK", "code": CODE},
        Before.RECEIVED,
    ),
    Row(
        "GetStatus.request",
        lambda api, n: its.GetStatus(n.id).request(api),
        Raises(Exception, "STATUS_CANCEL"),
        Before.CANCELLED,
    ),
    Row("GetStatus.request", lambda api, n: its.GetStatus(NO_ID).request(api), Raises(Exception, "NO_ACTIVATION")),
    Row(
        "SetStatus.request",
        lambda api, n: its.SetStatus(n.id, its.SmsTypes.Status.End).request(api),
        {"status": "ACCESS_ACTIVATION"},
        Before.RECEIVED,
    ),
    Row(
        "SetStatus.request",
        lambda api, n: its.SetStatus(n.id, its.SmsTypes.Status.OneMoreCode).request(api),
        {"status": "ACCESS_RETRY_GET"},
        Before.RECEIVED,
    ),
    Row("SmsActivation.cancel", lambda api, n: held(api, n).cancel(), {"status": "ACCESS_CANCEL"}, Before.WAITING),
    Row(
        "SmsActivation.mark_as_used",
        lambda api, n: held(api, n).mark_as_used(),
        {"status": "ACCESS_CANCEL"},
        Before.WAITING,
    ),
    Row("SmsActivation.was_sent", lambda api, n: held(api, n).was_sent(), {"status": "ACCESS_READY"}, Before.WAITING),
    Row("SmsActivation.wait_code", lambda api, n: held(api, n).wait_code(5), CODE, Before.RECEIVED),
    Row(
        "SmsActivation.wait_code",
        lambda api, n: held(api, n).wait_code(1),
        Raises(TypeError, "exceptions must derive from BaseException"),
        Before.WAITING,
        fault="a wait that runs out raises TypeError, since it raises a text",
    ),
    Row("SmsActivation.id", lambda api, n: held(api, n).id, above(0), Before.WAITING, remark=LOCAL),
    Row("SmsActivation.phone_number", lambda api, n: held(api, n).phone_number, PHONE, Before.WAITING, remark=LOCAL),
    Row("SmsActivation.wrapper", lambda api, n: held(api, n).wrapper is api, True, Before.WAITING, remark=LOCAL),
    Row("SmsActivation.last_code", lambda api, n: held(api, n).last_code, "", Before.WAITING, remark=LOCAL),
)


@asynccontextmanager
async def connect(it: Stage) -> AsyncIterator[its.Sms]:
    api = its.Sms(KEY)
    api.url = it.url
    yield api


SURFACES = (its.Sms, its.GetBalance, its.GetFreeSlots, its.GetNumber, its.GetStatus, its.SetStatus, its.SmsActivation)
LIBRARIES = (
    Library(
        "smsactivateru",
        "smsactivateru",
        "1.2.6",
        "legacy",
        "w = Sms(KEY); w.url = URL",
        connect,
        {f"{surface.__name__}.": surface for surface in SURFACES},
        ROWS,
    ),
)
