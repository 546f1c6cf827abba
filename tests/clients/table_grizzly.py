"""grizzly-sms-client: everything under the root of the site, JSON only where the content type says so."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from grizzly_sms import (
    ActivationStatus,
    ActiveActivation,
    CountryInfo,
    GrizzlyPartner,
    GrizzlySms,
    GrizzlySmsError,
    OrderedNumber,
    OrderedNumberV2,
    PriceQuote,
    ReceivedCode,
    ServiceInfo,
)

from tests.clients.rows import (
    CODE,
    COST,
    HERE,
    NO_ID,
    PHONE,
    SERVICE,
    TIME,
    Before,
    Library,
    Raises,
    Row,
    above,
    an,
    has,
    holding,
    text,
)
from tests.stage import KEY, Stage

WALLET = "a wallet of Grizzly's site, outside the protocol"
PARTNER = "a door of Grizzly's site for those who sell to it, outside the protocol"

ROWS = (
    Row("call", lambda api, n: api.call("getBalance"), text(r"ACCESS_BALANCE:\d+\.\d\d")),
    Row("get_balance", lambda api, n: api.get_balance(), above(0)),
    Row(
        "get_number",
        lambda api, n: api.get_number(SERVICE, country="any", max_price=1, phone_exception=["1999"]),
        an(OrderedNumber, activation_id=text("[0-9]+"), phone_number=PHONE),
    ),
    Row(
        "get_number",
        lambda api, n: api.get_number(SERVICE, provider_ids=["getsms"], except_provider_ids=["getatext"]),
        an(OrderedNumber, phone_number=PHONE),
    ),
    Row(
        "get_number",
        lambda api, n: api.get_number(SERVICE, max_price=0.1),
        Raises(GrizzlySmsError, "WRONG_MAX_PRICE:0.85"),
    ),
    Row(
        "get_number_v2",
        lambda api, n: api.get_number_v2(SERVICE, country=HERE),
        an(
            OrderedNumberV2,
            phone_number=PHONE,
            activation_cost=COST,
            currency=840,
            country_code="187",
            can_get_another_sms=True,
            activation_time=TIME,
        ),
    ),
    Row("get_number_v2", lambda api, n: api.get_number_v2("no such service"), Raises(GrizzlySmsError, "BAD_SERVICE")),
    Row("set_status", lambda api, n: api.set_status(n.id, 8), "ACCESS_CANCEL", Before.WAITING),
    Row("set_status", lambda api, n: api.set_status(n.id, 8), Raises(GrizzlySmsError, "BAD_STATUS"), Before.RECEIVED),
    Row("ready", lambda api, n: api.ready(n.id), "ACCESS_READY", Before.WAITING),
    Row("request_another_code", lambda api, n: api.request_another_code(n.id), "ACCESS_RETRY_GET", Before.RECEIVED),
    Row("complete", lambda api, n: api.complete(n.id), "ACCESS_ACTIVATION", Before.RECEIVED),
    Row("cancel", lambda api, n: api.cancel(n.id), "ACCESS_CANCEL", Before.WAITING),
    Row("cancel", lambda api, n: api.cancel(n.id, -1), "ACCESS_CANCEL", Before.WAITING),
    Row("get_status", lambda api, n: api.get_status(n.id), ActivationStatus("STATUS_WAIT_CODE"), Before.WAITING),
    Row("get_status", lambda api, n: api.get_status(n.id), ActivationStatus("STATUS_OK", CODE), Before.RECEIVED),
    Row("get_status", lambda api, n: api.get_status(n.id), ActivationStatus("STATUS_CANCEL"), Before.CANCELLED),
    Row("get_status", lambda api, n: api.get_status(NO_ID), Raises(GrizzlySmsError, "NO_ACTIVATION")),
    Row(
        "get_status_v2",
        lambda api, n: api.get_status_v2(n.id),
        {"verificationType": 0, "sms": None, "call": None},
        Before.WAITING,
    ),
    Row("get_status_v2", lambda api, n: api.get_status_v2(n.id), has(sms=has(code=CODE)), Before.RECEIVED),
    Row(
        "get_status_v2",
        lambda api, n: api.get_status_v2(n.id),
        Raises(GrizzlySmsError, "STATUS_CANCEL"),
        Before.CANCELLED,
    ),
    Row("wait_for_code", lambda api, n: api.wait_for_code(n.id, timeout_ms=5000), ReceivedCode(CODE), Before.RECEIVED),
    Row(
        "get_prices",
        lambda api, n: api.get_prices(service=SERVICE, country=HERE),
        {"187": {"go": has(cost=COST, count=above(0))}},
    ),
    Row("get_prices_v2", lambda api, n: api.get_prices_v2(service=SERVICE), {"187": {"go": has(("0.85", above(0)))}}),
    Row(
        "get_prices_v3",
        lambda api, n: api.get_prices_v3(service=SERVICE),
        {"187": {"go": has(getsms=has(price=1.0), getatext=has(price=COST, provider_id=above(0)))}},
    ),
    Row(
        "find_prices",
        lambda api, n: api.find_prices(service=SERVICE, country=HERE, min_count=1, max_price=1),
        [an(PriceQuote, country="187", service=SERVICE, cost=COST)],
    ),
    Row("get_services", lambda api, n: api.get_services(), holding(an(ServiceInfo, code="wa"))),
    Row("get_countries", lambda api, n: api.get_countries(), holding(an(CountryInfo, id=HERE, eng="USA"))),
    Row(
        "get_active_activations",
        lambda api, n: api.get_active_activations(),
        holding(an(ActiveActivation, service_code=SERVICE, sms_code=CODE, activation_cost=COST, activation_status="2")),
        Before.RECEIVED,
    ),
    Row(
        "get_active_activations",
        lambda api, n: api.get_active_activations(),
        holding(an(ActiveActivation, activation_status="4", sms_code=None, sms_text=None)),
        Before.WAITING,
    ),
    Row("get_wallet", lambda api, n: api.get_wallet(), Raises(GrizzlySmsError, "HTTP_404|Not Found"), lack=WALLET),
    Row("close", lambda api, n: GrizzlySms(KEY).close(), None, remark="asks no server"),
    Row(
        "partner.push_sms",
        lambda api, n: partner(api).push_sms(sms_id=1, phone=1, phone_from="x", text="x"),
        Raises(GrizzlySmsError, "HTTP_404|Not Found"),
        lack=PARTNER,
    ),
    Row(
        "partner.push_call",
        lambda api, n: partner(api).push_call(call_id=1, phone=1, phone_from="x"),
        Raises(GrizzlySmsError, "HTTP_404|Not Found"),
        lack=PARTNER,
    ),
    Row(
        "partner.push_call_record",
        lambda api, n: partner(api).push_call_record(call_id=1, phone=1, phone_from="x", text="x"),
        Raises(GrizzlySmsError, "HTTP_404|Not Found"),
        lack=PARTNER,
    ),
    Row("partner.close", lambda api, n: GrizzlyPartner(KEY).close(), None, remark="asks no server"),
)


def partner(api: GrizzlySms) -> GrizzlyPartner:
    return GrizzlyPartner(KEY, client=api._http)


@asynccontextmanager
async def connect(it: Stage) -> AsyncIterator[GrizzlySms]:
    with GrizzlySms(KEY, base_url=it.root) as api:
        yield api


LIBRARIES = (
    Library(
        "grizzly-sms-client",
        "grizzly-sms-client",
        "0.1.1",
        "grizzly",
        "sms = GrizzlySms(KEY, base_url=ROOT)",
        connect,
        {"": GrizzlySms, "partner.": GrizzlyPartner},
        ROWS,
    ),
)
