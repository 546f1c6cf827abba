"""getatext.com: every documented exchange has its meaning, and nothing else is taken for a sure answer."""

import json

import httpx
import pytest

from proxy.errors import NotSent, OutcomeUnknown
from proxy.providers.base import (
    Bought,
    Cancelled,
    Listing,
    Order,
    Push,
    Reason,
    Refused,
    Rental,
    RentalState,
    Sms,
)

from .helpers import KEY, ManualClock, answering, getatext, in_turn, recorder, replay

DOCS = "getatext/documented"
LIMIT = 1_000_000
ORDER = Order("whatsapp", 187, LIMIT)
RENTAL = Rental("12345", "whatsapp", "11234567890")
GOOD = Bought("12345", "11234567890", 550_000, balance=113_320_000)
LISTING = Listing("whatsapp", 187, 550_000, 66, lifetime=300, several_sms=True, title="Whatsapp")
WISHES = Order("whatsapp", 187, LIMIT, carrier="ATT", keep_carrier=True, area_codes=("212", "646"))

ERRORS = [
    (503, "Service is under maintenance", Reason.MAINTENANCE),
    (403, "Auth is not presented on the request", Reason.BAD_KEY),
    (403, "Wrong Api Key or User is restricted", Reason.BAD_KEY),
    (400, "Service is not presented on the request", Reason.BAD_REQUEST),
    (400, "Wrong Carrier", Reason.BAD_REQUEST),
    (404, "Service not found", Reason.NO_SUCH_SERVICE),
    (400, "You have reached the maximum number of active rentals", Reason.FULL),
    (400, "Service is out of stock", Reason.OUT_OF_STOCK),
    (400, "Service is out of stock for selected carrier: at&t", Reason.OUT_OF_STOCK),
    (400, "Service is out of stock for selected carrier and area codes", Reason.OUT_OF_STOCK),
    (400, "Service is out of stock for selected area codes", Reason.OUT_OF_STOCK),
    (400, "Service is not available", Reason.NO_SUCH_SERVICE),
    (400, "Insufficient funds", Reason.NO_MONEY),
    (400, "Insufficient funds for area code extra charge", Reason.NO_MONEY),
    (408, "Rental error, number is already taken. Please try again", Reason.BUSY),
    (429, "Rental error, number is already taken. Please try again", Reason.BUSY),
    (400, "Phone number and service are required", Reason.BAD_REQUEST),
    (400, "The maximum number of active rentals as reached", Reason.FULL),
    (
        400,
        "This service requires prior approval. Please request access through the platform portal before renting.",
        Reason.NO_SUCH_SERVICE,
    ),
    (404, "This number does not exist in our system or is not available", Reason.NUMBER_GONE),
    (400, "This number is unavailable for you. Please try a different number", Reason.NUMBER_GONE),
    (400, "Invalid price for this service", Reason.BAD_REQUEST),
    (400, "A text that nobody knows", Reason.OTHER),
]


def rented(**fields):
    return {"id": 7, "status": "success", "errors": None, "number": "1234567890", "price": "0.55"} | fields


def json_reply(body, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=body)


@pytest.mark.parametrize(
    ("exchange", "order", "outcome"),
    [
        ("rent", ORDER, GOOD),
        ("rent_with_wishes", WISHES, Bought("12345", "11234567890", 550_000, operator="ATT", balance=113_320_000)),
        (
            "rent_specific",
            Order("whatsapp", 187, LIMIT, number="11234567890"),
            Bought("12345", "11234567890", 660_000, balance=113_320_000),
        ),
        ("re_rent", Order("whatsapp", 187, LIMIT, number="11234567890", renews="1234"), GOOD),
        (
            "rent_too_dear",
            ORDER,
            Refused(
                Reason.TOO_DEAR,
                "The price of the service exceeds the maximum price you are willing to pay, actual price is: 1.25",
                1_250_000,
            ),
        ),
    ],
)
async def test_a_purchase_is_understood(exchange, order, outcome):
    assert await getatext(replay(f"{DOCS}/{exchange}")).buy(order, 5) == outcome


async def test_the_premium_tier_has_its_own_paths():
    provider = getatext(replay(*(f"{DOCS}/{n}_premium" for n in ("rent", "status", "cancel"))), tier="premium")
    assert await provider.buy(ORDER, 5) == GOOD
    assert (await provider.look(RENTAL, 5)).state is RentalState.OPEN
    assert await provider.cancel(RENTAL, 5) is Cancelled.DONE


@pytest.mark.parametrize(("status", "text", "reason"), ERRORS)
async def test_an_error_with_its_text_is_a_sure_no(status, text, reason):
    assert await getatext(answering(status, {"errors": text})).buy(ORDER, 5) == Refused(reason, text)


async def test_an_error_in_a_frameworks_own_form_is_a_sure_no():
    too_many = answering(429, {"message": "Too Many Attempts."})
    assert await getatext(too_many).buy(ORDER, 5) == Refused(Reason.BUSY, "Too Many Attempts.")
    invalid = answering(422, {"message": "Invalid.", "errors": {"service": ["The service must be a string."]}})
    assert await getatext(invalid).buy(ORDER, 5) == Refused(Reason.OTHER, "The service must be a string.")


@pytest.mark.parametrize(
    ("status", "body", "upstream_id"),
    [
        (500, {"errors": "Service is out of stock"}, ""),
        (502, b"<html>Bad gateway</html>", ""),
        (503, b"<html>maintenance</html>", ""),
        (503, {"errors": "Overloaded"}, ""),
        (408, {"errors": "Request timeout"}, ""),
        (400, b"<html>", ""),
        (400, {"errors": None}, ""),
        (400, [], ""),
        (302, b"", ""),
        (200, b"", ""),
        (201, {"status": "success"}, ""),
        (200, {"errors": "Service is out of stock"}, ""),
        (201, rented(number="12"), "7"),
        (201, rented(number=None), "7"),
        (201, rented(errors="Something went wrong"), "7"),
        (201, rented(status="error"), "7"),
        (500, rented(), "7"),
        (400, rented(errors="Service is out of stock"), "7"),
    ],
)
async def test_an_unclear_answer_to_a_purchase_is_unknown(status, body, upstream_id):
    with pytest.raises(OutcomeUnknown) as caught:
        await getatext(answering(status, body)).buy(ORDER, 5)
    assert caught.value.upstream_id == upstream_id


async def test_another_number_than_the_chosen_one_is_unknown_and_named():
    with pytest.raises(OutcomeUnknown) as caught:
        await getatext(answering(201, rented())).buy(Order("whatsapp", 187, LIMIT, number="19998887777"), 5)
    assert caught.value.upstream_id == "7"


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "7"},
        {"errors": "null"},
        {"errors": ""},
        {"number": "11234567890"},
        {"number": 1234567890},
        {"price": None, "cost": "0.55"},
        {"status": None},
    ],
)
async def test_a_rental_is_read_in_every_form(fields):
    assert await getatext(answering(201, rented(**fields))).buy(ORDER, 5) == Bought("7", "11234567890", 550_000)
    assert await getatext(answering(201, {"status": "success", "rental": rented(**fields)})).buy(ORDER, 5) == Bought(
        "7", "11234567890", 550_000
    )


@pytest.mark.parametrize(
    ("order", "sent"),
    [
        (Order("a", 187, 1_234_567), '{"service": "a", "max_price": 1.234567}'),
        (
            Order("a", 187, 550_000, carrier="T-Mobile"),
            '{"service": "a", "max_price": 0.55, "carrier": "tmobile", "keep_carrier": false}',
        ),
        (Order("a", 187, 550_000, carrier="any"), '{"service": "a", "max_price": 0.55}'),
        (
            Order("a", 187, 550_000, carrier="VZ", keep_carrier=True),
            '{"service": "a", "max_price": 0.55, "carrier": "verizon", "keep_carrier": true}',
        ),
        (
            Order("a", 187, 550_000, area_codes=("212", "646"), lock_area_codes=True),
            '{"service": "a", "max_price": 0.55, "area_codes": "212,646", "lock_area_code": true}',
        ),
    ],
)
async def test_an_order_is_sent_with_its_exact_price_limit(order, sent):
    asked, transport = recorder(lambda: json_reply({"errors": "No"}, 400))
    await getatext(transport).buy(order, 5)
    assert asked[0].content.decode() == sent
    assert json.loads(sent)


@pytest.mark.parametrize(
    ("wishes", "price"),
    [
        ({}, 550_000),
        ({"carrier": "tmobile"}, 660_000),
        ({"area_codes": ("212",)}, 660_000),
        ({"carrier": "tmobile", "area_codes": ("212",), "lock_area_codes": True}, 770_000),
        ({"number": "11234567890"}, 660_000),
        ({"number": "11234567890", "carrier": "tmobile", "area_codes": ("212",)}, 660_000),
        ({"renews": "1", "number": "11234567890"}, 550_000),
        ({"renews": "1", "number": "11234567890", "renewed_price": 770_000}, 770_000),
        ({"carrier": "any"}, 550_000),
    ],
)
def test_a_quote_holds_the_surcharges(wishes, price):
    assert getatext(in_turn()).quote(LISTING, Order("whatsapp", 187, LIMIT, **wishes)) == price


def test_a_surcharge_is_rounded_up():
    assert getatext(in_turn()).quote(Listing("a", 187, 1, None), Order("a", 187, 9, carrier="att")) == 2


async def test_a_state_cannot_be_chosen():
    provider, order = getatext(in_turn()), Order("whatsapp", 187, LIMIT, state="CA")
    assert provider.quote(LISTING, order) == await provider.buy(order, 5)


@pytest.mark.parametrize(
    ("transport", "said"),
    [
        (replay(f"{DOCS}/cancel"), Cancelled.DONE),
        (replay(f"{DOCS}/cancel_early"), Cancelled.TOO_EARLY),
        (replay(f"{DOCS}/cancel_locked"), Cancelled.TOO_EARLY),
        (replay(f"{DOCS}/cancel_unknown"), Cancelled.REFUSED),
        (answering(400, {"errors": "Please wait 5 minutes and try again"}), Cancelled.TOO_EARLY),
        (answering(200, {"status": "error", "errors": "Rental is already completed"}), Cancelled.REFUSED),
        (answering(200, {"status": "success", "message": "Rental cancelled"}), Cancelled.DONE),
    ],
)
async def test_a_cancellation_is_understood(transport, said):
    assert await getatext(transport).cancel(RENTAL, 5) is said


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (403, {"errors": "Wrong Api Key or User is restricted"}, NotSent),
        (503, {"errors": "Service is under maintenance"}, NotSent),
        (429, {"message": "Too Many Attempts."}, NotSent),
        (500, b"", OutcomeUnknown),
        (200, b"{}", OutcomeUnknown),
        (200, {"id": 12345, "status": "active"}, OutcomeUnknown),
        (404, b"<html>", OutcomeUnknown),
    ],
)
async def test_a_cancellation_without_an_answer_about_the_rental_fails(status, body, fault):
    with pytest.raises(fault):
        await getatext(answering(status, body)).cancel(RENTAL, 5)


@pytest.mark.parametrize(
    ("exchange", "state", "codes"),
    [
        ("status_active", RentalState.OPEN, []),
        ("status_code", RentalState.OPEN, ["012345"]),
        ("status_code_number", RentalState.OPEN, ["654321"]),
        ("status_null_word", RentalState.OPEN, []),
        ("status_cancelled", RentalState.REFUNDED, []),
        ("status_unknown", RentalState.UNKNOWN_ID, []),
    ],
)
async def test_a_look_tells_state_and_code(exchange, state, codes):
    look = await getatext(replay(f"{DOCS}/{exchange}")).look(RENTAL, 5)
    assert (look.state, [sms.code for sms in look.messages]) == (state, codes)


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"status": "viewed", "code": "123456"}, RentalState.OPEN),
        ({"status": "completed", "code": "123456"}, RentalState.OVER),
        ({"status": "cancelled", "code": "123456"}, RentalState.OVER),
        ({"status": "expired"}, RentalState.REFUNDED),
        ({"status": "a word that nobody knows"}, RentalState.OPEN),
    ],
)
async def test_states_that_are_not_documented_are_read_with_care(fields, state):
    assert (await getatext(answering(200, fields)).look(RENTAL, 5)).state is state


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (200, {"id": 999, "status": "active", "code": "1234"}, OutcomeUnknown),
        (200, {}, OutcomeUnknown),
        (404, b"<html>", OutcomeUnknown),
        (403, {"errors": "Wrong Api Key or User is restricted"}, NotSent),
        (503, {"errors": "Service is under maintenance"}, NotSent),
    ],
)
async def test_a_look_without_a_right_answer_fails(status, body, fault):
    with pytest.raises(fault):
        await getatext(answering(status, body)).look(RENTAL, 5)


async def test_a_whole_message_instead_of_a_code_is_searched():
    fields = {"status": "active", "code": "G-804036 is your Google verification code."}
    assert (await getatext(answering(200, fields)).look(RENTAL, 5)).messages == (Sms("804036"),)


async def test_finishing_looks_first_only_where_that_is_wanted():
    await getatext(replay(f"{DOCS}/completed")).finish(RENTAL, 5)
    again = replay(*(f"{DOCS}/{n}" for n in ("completed_unviewed", "status_code", "completed")))
    await getatext(again).finish(RENTAL, 5)
    never = replay(*(f"{DOCS}/{n}" for n in ("completed_unviewed", "status_code", "completed_unviewed")))
    await getatext(never).finish(RENTAL, 5)


@pytest.mark.parametrize(
    ("reply", "fault"), [(httpx.Response(502), OutcomeUnknown), (httpx.ConnectError("down"), NotSent)]
)
async def test_finishing_without_an_answer_fails(reply, fault):
    with pytest.raises(fault):
        await getatext(in_turn(reply)).finish(RENTAL, 5)


ROW = {"service_name": "Whatsapp", "api_name": "whatsapp", "multiple_sms": "true", "price": "0.55", "ttl": 5}


@pytest.mark.parametrize(
    "body",
    [
        ROW | {"stock": 66},
        [ROW | {"stock": "66"}],
        {"status": "success", "prices": [ROW | {"stock": 66}]},
        {"services": [ROW | {"stock": 66}]},
        {"data": [ROW | {"stock": 66, "multiple_sms": True}]},
        {
            "prices": {
                "whatsapp": {"cost": 0.55, "count": 66, "ttl": "5", "multiple_sms": 1, "service_name": "Whatsapp"}
            }
        },
        [{"whatsapp": {"cost": 0.55, "count": 66, "ttl": 5, "multiple_sms": 1, "service_name": "Whatsapp"}}],
    ],
)
async def test_the_price_list_is_read_in_every_form(body):
    assert await getatext(answering(200, body)).listings(5) == [LISTING]


@pytest.mark.parametrize("exchange", ["prices_info", "prices_info_list"])
async def test_the_price_list_is_asked_for_with_the_key_in_a_header(exchange):
    assert await getatext(replay(f"{DOCS}/{exchange}")).listings(5) == [LISTING]


async def test_a_bare_map_of_prices_says_no_more_than_it_says():
    body = {"whatsapp": {"cost": "0.55", "count": 3}, "telegram": {"cost": 0.4}}
    assert await getatext(answering(200, body)).listings(5) == [
        Listing("whatsapp", 187, 550_000, 3),
        Listing("telegram", 187, 400_000, None),
    ]


async def test_the_balance_is_read():
    assert await getatext(replay(f"{DOCS}/balance")).balance(5) == 10_550_000
    assert await getatext(answering(200, {"balance": 10.55})).balance(5) == 10_550_000


@pytest.mark.parametrize("ask", ["listings", "balance"])
@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        (json_reply({"errors": "Wrong Api Key or User is restricted"}, 403), NotSent),
        (json_reply({"status": "success", "errors": None}), OutcomeUnknown),
        (httpx.Response(200, content=b"<html>"), OutcomeUnknown),
        (httpx.Response(503), OutcomeUnknown),
        (httpx.ConnectError("down"), NotSent),
    ],
)
async def test_a_question_without_a_right_answer_fails(ask, reply, fault):
    with pytest.raises(fault):
        await getattr(getatext(in_turn(reply)), ask)(5)


async def test_there_is_no_list_of_the_newest_messages():
    assert await getatext(in_turn()).newest(5) is None


@pytest.mark.parametrize(
    ("fields", "push"),
    [
        ({"id": 12345, "code": 654321, "status": "active"}, Push("12345", None)),
        ({"id": 12345, "code": "054321", "status": "active"}, Push("12345", Sms("054321"))),
        ({"id": "12345", "code": None, "status": "cancelled"}, Push("12345", None)),
        ({"id": 12345, "code": "null"}, Push("12345", None)),
    ],
)
def test_a_webhook_is_understood_and_a_numeric_code_not_trusted(fields, push):
    assert getatext(in_turn()).read_push(fields) == push


@pytest.mark.parametrize("fields", [{}, {"code": 1}, {"id": 1}, {"id": None, "code": "1234"}])
def test_a_webhook_that_is_rubbish_is_told_apart(fields):
    with pytest.raises(ValueError, match="webhook"):
        getatext(in_turn()).read_push(fields)


async def test_every_way_of_renting_shares_one_limit_and_cancelling_has_its_own():
    clock = ManualClock()
    provider = getatext(answering(400, {"errors": "No"}), clock=clock)
    for order in (ORDER, Order("a", 187, LIMIT, number="11234567890")):
        assert isinstance(await provider.buy(order, 0.5), Refused)
    for order in (ORDER, Order("a", 187, LIMIT, number="11234567890"), Order("a", 187, LIMIT, renews="1")):
        with pytest.raises(NotSent, match="no turn"):
            await provider.buy(order, 0.5)
    assert await provider.cancel(RENTAL, 0.5) is Cancelled.REFUSED
    with pytest.raises(NotSent, match="no turn"):
        await provider.cancel(RENTAL, 0.5)


async def test_the_premium_tier_rents_faster_but_not_chosen_numbers():
    provider = getatext(answering(400, {"errors": "No"}), tier="premium", clock=ManualClock())
    for _ in range(200):
        await provider.buy(ORDER, 0.5)
    with pytest.raises(NotSent, match="no turn"):
        await provider.buy(ORDER, 0.5)
    for _ in range(2):
        await provider.buy(Order("a", 187, LIMIT, number="11234567890"), 0.5)
    with pytest.raises(NotSent, match="no turn"):
        await provider.buy(Order("a", 187, LIMIT, number="11234567890"), 0.5)


async def test_a_quoted_key_is_not_repeated():
    assert await getatext(answering(403, {"errors": f"Wrong Api Key {KEY}"})).buy(ORDER, 5) == Refused(
        Reason.BAD_KEY, "Wrong Api Key ***"
    )
