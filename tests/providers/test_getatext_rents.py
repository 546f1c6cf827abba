"""getatext.com's rents: every documented exchange of both kinds has its meaning, and nothing else is a sure answer."""

import json

import httpx
import pytest

from proxy.errors import NotSent, OutcomeUnknown
from proxy.providers.base import ANY_SERVICE, Bought, Listing, Order, Reason, Refused, Renewed

from .helpers import answering, every_cut, getatext, in_turn, recorder, reply_bytes
from .rents import AWAY, DOCS, LONG, NUMBER, RENTS, SERVICE, by_path, documented, reply_of

LIMIT = 20_000_000
WEEK = Order(ANY_SERVICE, 187, LIMIT, hours=168)
WHATSAPP_WEEK = Order("whatsapp", 187, LIMIT, hours=168)
ORDERS = [WEEK, WHATSAPP_WEEK]

# What is sold


def service_week(hours: int, price: int) -> Listing:
    return Listing("whatsapp", 187, price, None, lifetime=hours * 3600, several_sms=True, title="Whatsapp", hours=hours)


SERVICE_TERMS = [
    service_week(hours, price)
    for hours, price in ((24, 1_500_000), (72, 3_000_000), (168, 5_000_000), (336, 9_000_000), (720, 15_000_000))
]
LONG_TERMS = [
    Listing(ANY_SERVICE, 187, price, 42, lifetime=hours * 3600, several_sms=True, hours=hours)
    for hours, price in ((168, 10_990_000), (336, 12_990_000), (720, 14_990_000))
]
NOT_ENABLED = httpx.Response(403, json={"errors": "Service long rentals are not enabled for this account"})


@pytest.mark.parametrize(
    ("service", "long", "listings"),
    [
        (reply_of("service_long_prices"), reply_of("long_prices"), SERVICE_TERMS + LONG_TERMS),
        (NOT_ENABLED, reply_of("long_prices"), LONG_TERMS),
        (httpx.Response(502), reply_of("long_prices"), LONG_TERMS),
        (httpx.ReadError("reset"), reply_of("long_prices"), LONG_TERMS),
        (reply_of("service_long_prices"), httpx.Response(200, content=b"<html>"), SERVICE_TERMS),
        (reply_of("service_long_prices"), httpx.Response(200, json={"prices": {"1w": "?"}}), SERVICE_TERMS),
        (reply_of("service_long_prices"), httpx.Response(200, json={"prices": {"1y": 99}}), SERVICE_TERMS),
        (httpx.Response(200, json={"service_long_rental_prices": []}), reply_of("long_prices"), LONG_TERMS),
    ],
)
async def test_the_price_lists_of_both_kinds_make_one_and_hide_nothing_of_each_other(service, long, listings):
    transport = by_path(service_long_rentals_prices=service, long_rentals_prices=long)
    assert await getatext(transport).rent_listings(5) == listings


@pytest.mark.parametrize(("reply", "fault"), AWAY)
async def test_without_any_price_list_nothing_is_known(reply, fault):
    transport = by_path(service_long_rentals_prices=reply, long_rentals_prices=reply)
    with pytest.raises(fault):
        await getatext(transport).rent_listings(5)


@pytest.mark.parametrize(
    ("listing", "wishes", "price"),
    [
        (LONG_TERMS[0], {}, 10_990_000),
        (LONG_TERMS[0], {"area_codes": ("212",)}, 13_188_000),
        (SERVICE_TERMS[0], {"area_codes": ("212",), "lock_area_codes": True}, 1_500_000),
        (SERVICE_TERMS[0], {"carrier": "tmobile"}, 1_500_000),
    ],
)
def test_a_quote_holds_the_surcharge_of_long_rentals(listing, wishes, price):
    order = Order(listing.service, 187, LIMIT, hours=listing.hours, **wishes)
    assert getatext(in_turn()).quote(listing, order) == price


@pytest.mark.parametrize(
    "wish",
    [
        {"carrier": "tmobile", "keep_carrier": True},
        {"number": NUMBER},
        {"state": "CA"},
        {"renews": "long-rentals/1"},
    ],
)
@pytest.mark.parametrize("listing", [SERVICE_TERMS[2], LONG_TERMS[0]])
async def test_what_cannot_be_chosen_is_refused_without_asking(listing, wish):
    provider, order = getatext(in_turn()), Order(listing.service, 187, LIMIT, hours=168, **wish)
    refused = provider.quote(listing, order)
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.BAD_REQUEST
    assert await provider.buy(order, 5) == refused


@pytest.mark.parametrize(("service", "hours"), [("whatsapp", 48), (ANY_SERVICE, 24), (ANY_SERVICE, 8760)])
async def test_a_term_that_is_not_sold_is_refused_without_asking(service, hours):
    refused = await getatext(in_turn()).buy(Order(service, 187, LIMIT, hours=hours), 5)
    assert isinstance(refused, Refused)


async def test_rents_are_not_bought_together():
    refused = await getatext(in_turn()).buy_together([WHATSAPP_WEEK, WHATSAPP_WEEK], 5)
    assert isinstance(refused, Refused)


# Buying


@pytest.mark.parametrize(
    ("exchange", "order", "bought"),
    [
        (
            "service_long_rent",
            Order("whatsapp", 187, LIMIT, hours=168, area_codes=("212", "646"), lock_area_codes=True),
            Bought("service-long-rentals/1", NUMBER, 5_000_000, until="2026-04-26"),
        ),
        *(
            (
                exchange,
                Order(ANY_SERVICE, 187, LIMIT, hours=168, carrier="tmobile", area_codes=("305", "786", "407")),
                Bought("long-rentals/1", NUMBER, 10_550_000, until="2025-07-06"),
            )
            for exchange in ("long_rent", "long_rent_flat")
        ),
    ],
)
async def test_a_rent_is_bought(exchange, order, bought):
    assert await getatext(documented(exchange)).buy(order, 5) == bought


@pytest.mark.parametrize(
    ("order", "sent"),
    [
        (WEEK, {"rental_time": "1w", "auto_renew": False}),
        (WHATSAPP_WEEK, {"period": "7d", "auto_renew": False, "service": "whatsapp"}),
    ],
)
async def test_renewal_by_itself_is_declined_in_so_many_words(order, sent):
    asked, transport = recorder(lambda: httpx.Response(400, json={"errors": "No"}))
    await getatext(transport).buy(order, 5)
    assert json.loads(asked[0].content) == sent


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("wrapping", ["nested", "flat"])
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"id": "7"},
        {"errors": "null"},
        {"number": "1234567890"},
        {"price": None, "cost": 5},
        {"price": None, "cost": "5.00"},
        {"status": "success"},
    ],
)
async def test_a_bought_rent_is_read_in_every_form(order, wrapping, fields):
    kind = "long_rental" if order is WEEK else "service_long_rental"
    rent = {"id": 7, "number": NUMBER, "end_time": "2026-04-26", "price": 5.0, "status": "Active"} | fields
    body = {"status": "success", kind: rent, "errors": None} if wrapping == "nested" else rent
    bought = await getatext(answering(200, body)).buy(order, 5)
    assert bought == Bought(f"{kind.replace('_', '-')}s/7", NUMBER, 5_000_000, until="2026-04-26")


ERRORS = [
    (403, "Service long rentals are not enabled for this account", Reason.NO_SUCH_SERVICE),
    (400, "Service is not presented on the request", Reason.BAD_REQUEST),
    (400, "Period is not presented on the request", Reason.BAD_REQUEST),
    (422, "Invalid period. Allowed values: 1d, 3d, 7d, 14d, 30d", Reason.BAD_REQUEST),
    (404, "Service not found", Reason.NO_SUCH_SERVICE),
    (422, "This service is not available for long rental in the selected period", Reason.NO_SUCH_SERVICE),
    (400, "Insufficient funds", Reason.NO_MONEY),
    (422, "No available pool number for service long rental", Reason.OUT_OF_STOCK),
    (403, "Auth is not presented on the request", Reason.BAD_KEY),
    (403, "Wrong Api Key or User is restricted", Reason.BAD_KEY),
    (503, "Service is under maintenance", Reason.MAINTENANCE),
    (400, "A text that nobody knows", Reason.OTHER),
]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("status", "text", "reason"), ERRORS)
async def test_an_error_with_its_text_is_a_sure_no(order, status, text, reason):
    assert await getatext(answering(status, {"errors": text})).buy(order, 5) == Refused(reason, text)


UNCLEAR = [
    (500, {"errors": "Insufficient funds"}, ""),
    (502, b"<html>Bad gateway</html>", ""),
    (400, b"<html>", ""),
    (302, b"", ""),
    (200, b"", ""),
    (200, {"status": "success"}, ""),
    (200, {"errors": "Insufficient funds"}, ""),
    (200, {"id": 7, "number": "12"}, "7"),
    (200, {"id": 7, "number": NUMBER, "errors": "Something went wrong"}, "7"),
    (200, {"id": 7, "number": NUMBER, "status": "Cancelled"}, "7"),
    (200, {"id": 7, "number": NUMBER, "status": "error"}, "7"),
    (500, {"id": 7, "number": NUMBER, "status": "Active"}, "7"),
    (400, {"id": 7, "number": NUMBER, "errors": "Insufficient funds"}, "7"),
]


@pytest.mark.parametrize(("order", "kind"), [(WEEK, "long-rentals/"), (WHATSAPP_WEEK, "service-long-rentals/")])
@pytest.mark.parametrize(("status", "body", "id"), UNCLEAR)
async def test_an_unclear_answer_to_a_purchase_is_unknown_and_says_what_it_knows(order, kind, status, body, id):
    with pytest.raises(OutcomeUnknown) as caught:
        await getatext(answering(status, body)).buy(order, 5)
    assert caught.value.upstream_id == (kind + id if id else "")


@pytest.mark.parametrize(
    ("order", "exchange"), [(WHATSAPP_WEEK, "service_long_rent"), (WEEK, "long_rent"), (WEEK, "long_rent_flat")]
)
async def test_a_yes_cut_after_any_byte_is_unknown(order, exchange):
    for cut in every_cut(reply_bytes(f"{DOCS}/{exchange}")):
        with pytest.raises(OutcomeUnknown):
            await getatext(answering(201, cut)).buy(order, 5)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    ("fault", "outcome"), [(httpx.ConnectError("refused"), NotSent), (httpx.ReadTimeout("hung"), OutcomeUnknown)]
)
async def test_a_fault_says_whether_the_purchase_was_sent(order, fault, outcome):
    with pytest.raises(outcome):
        await getatext(in_turn(fault)).buy(order, 5)


# Continuing


@pytest.mark.parametrize(
    ("exchange", "rental", "renewed"),
    [
        ("service_long_renew", SERVICE, Renewed(5_000_000, "2026-05-03")),
        ("long_renew", LONG, Renewed(10_550_000, "2025-07-13")),
        ("long_renew_flat", LONG, Renewed(10_550_000, "2025-07-13")),
    ],
)
async def test_a_rent_is_continued(exchange, rental, renewed):
    assert await getatext(documented(exchange)).renew(rental, 5) == renewed


RENEWAL_ERRORS = [
    (404, "Service long rental not found", Reason.NUMBER_GONE),
    (404, "Long rental not found", Reason.NUMBER_GONE),
    (
        400,
        'Multiple active service long rentals found for this number. Provide the "service" parameter to disambiguate.',
        Reason.BAD_REQUEST,
    ),
    (400, "Insufficient funds", Reason.NO_MONEY),
]


@pytest.mark.parametrize("rental", RENTS)
@pytest.mark.parametrize(("status", "text", "reason"), RENEWAL_ERRORS)
async def test_a_refused_renewal_is_a_sure_no(rental, status, text, reason):
    assert await getatext(answering(status, {"errors": text})).renew(rental, 5) == Refused(reason, text)


@pytest.mark.parametrize("rental", RENTS)
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, {"errors": "Insufficient funds"}),
        (502, b"<html>"),
        (404, b"<html>"),
        (200, b""),
        (200, {"status": "success", "errors": None}),
        (200, {"status": "error", "end_time": "2026-05-03"}),
        (200, {"errors": "Insufficient funds", "end_time": "2026-05-03"}),
        (200, {"id": 2, "end_time": "2026-05-03", "status": "Active"}),
        (200, {"id": 1, "end_time": "2026-05-03", "status": "Cancelled"}),
    ],
)
async def test_an_unclear_answer_to_a_renewal_is_unknown(rental, status, body):
    with pytest.raises(OutcomeUnknown):
        await getatext(answering(status, body)).renew(rental, 5)


@pytest.mark.parametrize(("rental", "exchange"), [(SERVICE, "service_long_renew"), (LONG, "long_renew")])
async def test_a_renewal_cut_after_any_byte_is_unknown(rental, exchange):
    for cut in every_cut(reply_bytes(f"{DOCS}/{exchange}")):
        with pytest.raises(OutcomeUnknown):
            await getatext(answering(200, cut)).renew(rental, 5)
