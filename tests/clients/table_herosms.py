"""herosms: pydantic models over HeroSMS's own forms, async and, in a second class, not."""

import gc
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from herosms import HeroSMSClient, SyncHeroSMSClient
from herosms import models as its
from herosms._resources import ActivationResource
from herosms._sync import _SyncActivationResource, _SyncActivationsNamespace
from herosms.client import _ActivationsNamespace
from herosms.exceptions import APIError
from pydantic import ValidationError

from tests.clients.rows import (
    CODE,
    COST,
    HERE,
    NO_ID,
    NOWHERE,
    PHONE,
    SERVICE,
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
)
from tests.stage import KEY, Stage

EITHER = ActivationResource | _SyncActivationResource
BOUGHT = an(EITHER, phone_number=PHONE, cost=COST, can_resend=True)
LOCAL = "asks no server"
OWN = "how HeroSMS answers is not documented; its exception is the one for an unknown activation"
TEXTS = "a refusal in words, as HeroSMS says NO_NUMBERS, raises ValidationError"
UNKNOWN = Raises(APIError, "the protocol has no such action")

ROWS = (
    Row("get_balance", lambda api, n: api.get_balance(), an(its.Balance, amount=above(0))),
    Row("get_status_v1", lambda api, n: api.get_status_v1(n.id), "STATUS_WAIT_CODE", Before.WAITING),
    Row("get_status_v1", lambda api, n: api.get_status_v1(n.id), f"STATUS_OK:{CODE}", Before.RECEIVED),
    Row("get_countries", lambda api, n: api.get_countries(), holding(an(its.Country, id=HERE, eng="USA"))),
    Row("get_services", lambda api, n: api.get_services(country=HERE), holding(an(its.Service, code="wa"))),
    Row("get_operators", lambda api, n: api.get_operators(country=HERE), has(("187", a(list)))),
    Row(
        "get_prices",
        lambda api, n: api.get_prices(service=SERVICE, country=HERE),
        {"187": {"go": an(its.PriceEntry, cost=COST, count=above(0))}},
    ),
    Row(
        "get_top_countries",
        lambda api, n: api.get_top_countries(service=SERVICE, free_price=True, by_rank=True),
        {"0": has(country=187, price=COST, freePriceMap=has(("0.85", above(0))))},
    ),
    Row("get_rent_availability", lambda api, n: api.get_rent_availability(service=SERVICE), UNKNOWN, lack=OWN),
    Row(
        "rent_number",
        lambda api, n: api.rent_number(service=SERVICE, country=HERE, duration=WEEK, operator="any", currency=840),
        an(EITHER, phone_number=PHONE, cost=WEEK_COST),
        remark="`duration` is in hours; what comes is read with getRentStatus, which the library does not know",
    ),
    Row(
        "rent_number",
        lambda api, n: api.rent_number(service=SERVICE, country=NOWHERE, duration=24),
        Raises(APIError, "nothing is to be had now"),
    ),
    Row("create_activation", lambda api, n: api.create_activation(service=SERVICE, country=HERE), BOUGHT),
    Row(
        "get_active_activations",
        lambda api, n: api.get_active_activations(),
        holding(an(its.ActiveActivation, sms_code=CODE, activation_status="2", country_code=HERE)),
        Before.RECEIVED,
    ),
    Row(
        "get_history",
        lambda api, n: api.get_history(size=100),
        holding(an(its.HistoryItem, phone=PHONE)),
        Before.WAITING,
    ),
    Row("close", lambda api, n: HeroSMSClient(KEY).close(), None, remark=LOCAL),
    Row(
        "activations.create",
        lambda api, n: api.activations.create(service=SERVICE, country=HERE, max_price=1.0, operator="any"),
        BOUGHT,
    ),
    Row(
        "activations.create",
        lambda api, n: api.activations.create(service=SERVICE, country=NOWHERE),
        Raises(ValidationError, "NO_NUMBERS"),
        fault=TEXTS,
    ),
    Row(
        "activations.create",
        lambda api, n: api.activations.create(service=SERVICE, country=HERE, max_price=0.1),
        Raises(APIError, "the cheapest offer costs"),
    ),
    Row(
        "activations.attach",
        lambda api, n: api.activations.attach(n.id),
        an(EITHER),
        Before.WAITING,
        remark=LOCAL,
    ),
    Row(
        "activations.list_active",
        lambda api, n: api.activations.list_active(),
        holding(an(its.ActiveActivation, sms_code=None, activation_status="4")),
        Before.WAITING,
    ),
    Row(
        "activations.get_active_activations",
        lambda api, n: api.activations.get_active_activations(),
        holding(an(its.ActiveActivation, can_get_another_sms="1")),
        Before.WAITING,
    ),
    Row(
        "activations.get_history",
        lambda api, n: api.activations.get_history(),
        holding(an(its.HistoryItem, cost=COST, status="6")),
        Before.FINISHED,
    ),
    Row("activations.finish", lambda api, n: api.activations.finish(n.id), None, Before.RECEIVED),
    Row("activations.cancel", lambda api, n: api.activations.cancel(n.id), None, Before.WAITING),
    Row(
        "activations.cancel",
        lambda api, n: api.activations.cancel(NO_ID),
        Raises(APIError, "no such activation"),
    ),
    Row(
        "activations.get_sms",
        lambda api, n: api.activations.get_sms(n.id),
        [an(its.OtpItem, code=CODE, service=SERVICE)],
        Before.RECEIVED,
    ),
    Row(
        "activation.from_activation_id",
        lambda api, n: ActivationResource.from_activation_id(api._http, 5, phone_number="12"),
        an(EITHER, id=5),
        remark=LOCAL,
    ),
    Row("activation.activation_id", lambda api, n: api.activations.attach(5).activation_id, 5, remark=LOCAL),
    Row("activation.id", lambda api, n: api.activations.attach(5).id, 5, remark=LOCAL),
    Row("activation.is_finished", lambda api, n: api.activations.attach(5).is_finished, False, remark=LOCAL),
    Row("activation.phone", lambda api, n: api.activations.attach(5, phone_number="12").phone, "+12", remark=LOCAL),
    Row(
        "activation.phone_number",
        lambda api, n: api.activations.attach(5, phone_number="12").phone_number,
        "12",
        remark=LOCAL,
    ),
    Row("activation.cost", lambda api, n: api.activations.attach(5).cost, 0, remark=LOCAL),
    Row("activation.can_resend", lambda api, n: api.activations.attach(5).can_resend, False, remark=LOCAL),
    Row("activation.info", lambda api, n: api.activations.attach(5).info, an(its.Activation), remark=LOCAL),
    Row(
        "activation.wait_for_sms",
        lambda api, n: api.activations.attach(n.id).wait_for_sms(timeout=5, poll_interval=0.1),
        an(its.ActivationStatusResult, code=CODE),
        Before.RECEIVED,
    ),
    Row("activation.request_sms", lambda api, n: api.activations.attach(n.id).request_sms(), None, Before.RECEIVED),
    Row("activation.complete", lambda api, n: api.activations.attach(n.id).complete(), None, Before.RECEIVED),
    Row("activation.cancel", lambda api, n: api.activations.attach(n.id).cancel(), None, Before.WAITING),
    Row(
        "activation.cancel",
        lambda api, n: api.activations.attach(n.id).cancel(),
        Raises(APIError, "the status is unknown"),
        Before.RECEIVED,
    ),
    Row(
        "activation.cancel",
        lambda api, n: api.activations.attach(NO_ID).cancel(),
        Raises(APIError, "no such activation"),
    ),
    Row(
        "activation.get_all_sms",
        lambda api, n: api.activations.attach(n.id).get_all_sms(),
        [an(its.OtpItem, code=CODE)],
        Before.RECEIVED,
    ),
    Row(
        "activation.get_reactivation_price",
        lambda api, n: api.activations.attach(n.id).get_reactivation_price(),
        COST,
        Before.FINISHED,
    ),
    Row(
        "activation.reactivate",
        lambda api, n: api.activations.attach(n.id).reactivate(),
        an(EITHER, phone_number=PHONE, cost=above(0)),
        Before.FINISHED,
    ),
    Row(
        "activation.reactivate",
        lambda api, n: api.activations.attach(n.id).reactivate(),
        Raises(APIError, "the number cannot be bought again"),
        Before.WAITING,
    ),
)


def second_call(url: str) -> str:
    """What comes of asking twice with connections that are kept alive, as they are unless one says otherwise."""
    client = SyncHeroSMSClient(KEY, base_url=url)
    client.get_balance()
    try:
        return str(client.get_balance())
    except RuntimeError as exc:
        return str(exc)


def second_call_tidied(api: SyncHeroSMSClient, n: Number) -> str:
    with warnings.catch_warnings():
        # Nobody can close the connection of an event loop that is closed.
        warnings.simplefilter("ignore", ResourceWarning)
        words = second_call(api._async._http._base_url)
        gc.collect()
    return words


ASYNC_ALONE = {"close", "activation.from_activation_id"}
BLOCKING = (
    *(row for row in ROWS if row.method not in ASYNC_ALONE),
    Row("attach_activation", lambda api, n: api.attach_activation(5).id, 5, remark=LOCAL),
    Row(
        "get_balance",
        second_call_tidied,
        "Event loop is closed",
        fault="every call has an event loop of its own, so that a connection kept alive from the last one raises "
        "RuntimeError: give it an http_client that keeps none",
    ),
    Row("close", lambda api, n: api.close(), None, remark=LOCAL),
)


@asynccontextmanager
async def connect(it: Stage) -> AsyncIterator[HeroSMSClient]:
    async with HeroSMSClient(KEY, base_url=it.url, retry_wait=0) as client:
        yield client


@asynccontextmanager
async def connect_blocking(it: Stage) -> AsyncIterator[SyncHeroSMSClient]:
    forgetful = httpx.AsyncClient(limits=httpx.Limits(max_keepalive_connections=0))
    yield SyncHeroSMSClient(KEY, base_url=it.url, retry_wait=0, http_client=forgetful)


LIBRARIES = (
    Library(
        "herosms",
        "herosms",
        "0.1.1",
        "herosms",
        "client = HeroSMSClient(KEY, base_url=URL)",
        connect,
        {"": HeroSMSClient, "activations.": _ActivationsNamespace, "activation.": ActivationResource},
        ROWS,
        blocking=False,
    ),
    Library(
        "herosms, blocking",
        "herosms",
        "0.1.1",
        "herosms",
        "client = SyncHeroSMSClient(KEY, base_url=URL, "
        "http_client=httpx.AsyncClient(limits=httpx.Limits(max_keepalive_connections=0)))",
        connect_blocking,
        {
            "": SyncHeroSMSClient,
            "activations.": _SyncActivationsNamespace,
            "activation.": _SyncActivationResource,
        },
        BLOCKING,
    ),
)
