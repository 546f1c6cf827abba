"""getsms.online: every documented exchange has its meaning, and nothing else is taken for a sure answer."""

import httpx
import pytest

from proxy.errors import NotSent, OutcomeUnknown
from proxy.providers.base import (
    Bought,
    Cancelled,
    Listing,
    News,
    Order,
    Push,
    Reason,
    Refused,
    Rental,
    RentalState,
    Sms,
)

from .helpers import KEY, answering, getsms, in_turn, recorder, replay

DOCS = "getsms/documented"
LIMIT = 2_000_000
ORDER = Order("Amazon", 187, LIMIT)
RENTAL = Rental("10000001", "Amazon", "12345678901")
GOOD = Bought("10000001", "15302286946", 500_000, 900, "tmobile")
CODE_A = Sms("804036", "G-804036 is your Google verification code.", "22000", "1600108956")
CODE_B = Sms("551858", "G-551858 is your Google verification code.", "18339020112", "1600108852")


def ok(**fields):
    row = {"id": "7", "mdn": "15302286946", "service": "Amazon", "status": "Reserved", "price": 0.5} | fields
    return {"status": "ok", "message": [row]}


def json_reply(body) -> httpx.Response:
    return httpx.Response(200, json=body)


@pytest.mark.parametrize(
    ("exchange", "order", "outcome"),
    [
        ("request", ORDER, GOOD),
        ("request_none_left", ORDER, Refused(Reason.OUT_OF_STOCK, "No numbers available, retry later")),
        (
            "request_bad_service",
            Order("Goooooogle", 187, LIMIT),
            Refused(Reason.NO_SUCH_SERVICE, "Invalid service name Goooooogle"),
        ),
        (
            "request_mdn_gone",
            Order("Amazon", 187, LIMIT, number="12345678901"),
            Refused(Reason.NUMBER_GONE, "The MDN is not available"),
        ),
    ],
)
async def test_a_purchase_is_understood(exchange, order, outcome):
    assert await getsms(replay(f"{DOCS}/{exchange}")).buy(order, 5) == outcome


@pytest.mark.parametrize(
    ("order", "sent"),
    [
        (ORDER, {}),
        (Order("Amazon", 187, 1, carrier="tmobile"), {}),
        (Order("Amazon", 187, 1, area_codes=("212", "646")), {}),
        (Order("Amazon", 187, 1, area_codes=("212", "646"), lock_area_codes=True), {"areacode": "212"}),
        (Order("Amazon", 187, 1, state="ca"), {"state": "CA"}),
        (Order("Amazon", 187, 1, number="15302286946", state="ca"), {"mdn": "15302286946"}),
        (Order("Amazon", 187, 1, number="15302286946", renews="9"), {"mdn": "15302286946"}),
    ],
)
async def test_an_order_says_only_what_must_be_and_never_bids(order, sent):
    asked, transport = recorder(lambda: json_reply({"status": "error", "message": "No"}))
    await getsms(transport).buy(order, 5)
    form = dict(httpx.QueryParams(asked[0].content.decode()))
    assert form == {"cmd": "request", "user": "demo", "api_key": KEY, "service": "Amazon", **sent}
    assert asked[0].method == "POST"
    assert str(asked[0].url) == "https://getsms.test/api_command.php"


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        (Order("Amazon", 187, LIMIT, carrier="att", keep_carrier=True), Reason.BAD_REQUEST),
        (Order("Amazon,Google", 187, LIMIT), Reason.NO_SUCH_SERVICE),
        (Order("Amazon", 187, LIMIT, renews="9"), Reason.BAD_REQUEST),
    ],
)
async def test_what_cannot_be_had_here_is_refused_without_asking(order, reason):
    provider = getsms(in_turn())
    refused = provider.quote(Listing("Amazon", 187, 1, None), order)
    assert refused == await provider.buy(order, 5)
    assert refused.reason is reason


def test_a_quote_is_the_list_price():
    assert getsms(in_turn()).quote(Listing("Amazon", 187, 550_000, 3), ORDER) == 550_000


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Invalid API key", Reason.BAD_KEY),
        ("Not enough funds", Reason.NO_MONEY),
        ("Too many open requests", Reason.FULL),
        ("The site is under maintenance", Reason.MAINTENANCE),
        ("Whatever else", Reason.OTHER),
    ],
)
async def test_an_error_that_no_document_lists_is_a_no_all_the_same(text, reason):
    assert await getsms(answering(200, {"status": "error", "message": text})).buy(ORDER, 5) == Refused(reason, text)


async def test_a_quoted_key_is_not_repeated():
    body = {"status": "error", "message": f"Invalid API key {KEY}"}
    assert await getsms(answering(200, body)).buy(ORDER, 5) == Refused(Reason.BAD_KEY, "Invalid API key ***")


@pytest.mark.parametrize(
    ("status", "body", "upstream_id"),
    [
        (500, {"status": "error", "message": "No numbers available, retry later"}, ""),
        (302, b"", ""),
        (200, b"<html>busy</html>", ""),
        (200, b'{"status": "error", "mess', ""),
        (200, [], ""),
        (200, {"status": "error"}, ""),
        (200, {"status": "error", "message": ""}, ""),
        (200, {"status": "fine", "message": []}, ""),
        (200, {"status": "ok"}, ""),
        (200, {"status": "ok", "message": []}, ""),
        (200, {"status": "ok", "message": "done"}, ""),
        (200, ok(id=""), ""),
        (200, ok(mdn="abc"), "7"),
        (200, ok(status="Rejected"), "7"),
    ],
)
async def test_an_unclear_answer_to_a_purchase_is_unknown(status, body, upstream_id):
    with pytest.raises(OutcomeUnknown) as caught:
        await getsms(answering(status, body)).buy(ORDER, 5)
    assert caught.value.upstream_id == upstream_id


@pytest.mark.parametrize(
    "fields",
    [{"id": 7}, {"price": "0.50"}, {"mdn": 15302286946}, {"mdn": "5302286946"}, {"status": None, "markup": "0"}],
)
async def test_a_rental_is_read_in_every_form(fields):
    assert await getsms(answering(200, ok(**fields))).buy(ORDER, 5) == Bought("7", "15302286946", 500_000)


async def test_a_rental_alone_instead_of_a_list_is_read():
    body = {"status": "ok", "message": ok()["message"][0]}
    assert await getsms(answering(200, body)).buy(ORDER, 5) == Bought("7", "15302286946", 500_000)


UNWANTED = [
    (ORDER, ok(mdn="", status="Awaiting MDN"), Refused(Reason.OUT_OF_STOCK, "no number yet, only a place in the line")),
    (ORDER, ok(mdn=""), Refused(Reason.OUT_OF_STOCK, "no number yet, only a place in the line")),
    (ORDER, ok(price="2.01"), Refused(Reason.TOO_DEAR, "it was dearer than listed", 2_010_000)),
    (
        Order("Amazon", 187, LIMIT, number="12345678901"),
        ok(),
        Refused(Reason.NUMBER_GONE, "another number was given"),
    ),
]


@pytest.mark.parametrize(("order", "reply", "refused"), UNWANTED)
async def test_what_was_not_ordered_is_given_back(order, reply, refused):
    confirmed = json_reply({"status": "ok", "message": "MDN has been rejected"})
    assert await getsms(in_turn(json_reply(reply), confirmed)).buy(order, 5) == refused


@pytest.mark.parametrize(("order", "reply", "refused"), UNWANTED)
@pytest.mark.parametrize(
    "unconfirmed",
    [
        lambda: json_reply({"status": "error", "message": "Invalid request ID"}),
        lambda: httpx.Response(502),
        lambda: httpx.ReadError("cut"),
        lambda: httpx.ConnectError("down"),
    ],
)
async def test_what_could_not_be_given_back_for_sure_is_unknown_and_named(order, reply, refused, unconfirmed):
    with pytest.raises(OutcomeUnknown) as caught:
        await getsms(in_turn(json_reply(reply), unconfirmed())).buy(order, 5)
    assert caught.value.upstream_id == "7"


async def test_a_place_in_the_line_is_given_back_with_its_id():
    order = Order("Amazon", 187, LIMIT)
    refused = await getsms(replay(f"{DOCS}/request_awaiting", f"{DOCS}/reject")).buy(order, 5)
    assert refused.reason is Reason.OUT_OF_STOCK


@pytest.mark.parametrize(
    ("transport", "said"),
    [
        (replay(f"{DOCS}/reject"), Cancelled.DONE),
        (replay(f"{DOCS}/reject_bad_id"), Cancelled.REFUSED),
        (answering(200, {"status": "error", "message": "Wait 2 minutes, then try again"}), Cancelled.TOO_EARLY),
        (answering(200, {"status": "error", "message": "MDN is completed"}), Cancelled.REFUSED),
    ],
)
async def test_a_cancellation_is_understood(transport, said):
    assert await getsms(transport).cancel(RENTAL, 5) is said


async def test_a_cancellation_refused_for_our_sake_says_nothing_of_the_rental():
    with pytest.raises(NotSent):
        await getsms(answering(200, {"status": "error", "message": "Invalid API key"})).cancel(RENTAL, 5)


async def test_messages_come_oldest_first_and_without_a_pin_the_code_is_found():
    look = await getsms(replay(f"{DOCS}/read_sms")).look(RENTAL, 5)
    assert (look.state, look.messages) == (RentalState.OPEN, (CODE_B, CODE_A))


async def test_no_messages_is_an_empty_look():
    assert (await getsms(replay(f"{DOCS}/read_sms_none")).look(RENTAL, 5)).messages == ()


@pytest.mark.parametrize(
    ("status", "messages", "state", "count"),
    [
        ("status_awaiting", "read_sms_none", RentalState.OPEN, 0),
        ("status_reserved", "read_sms_none", RentalState.OPEN, 0),
        ("status_reserved", "read_sms", RentalState.OPEN, 2),
        ("status_completed_running", "read_sms", RentalState.OPEN, 2),
        ("status_completed", "read_sms", RentalState.OVER, 2),
        ("status_rejected", "read_sms_none", RentalState.REFUNDED, 0),
        ("status_timed_out", "read_sms_none", RentalState.REFUNDED, 0),
        ("status_timed_out", "read_sms", RentalState.OVER, 2),
    ],
)
async def test_a_close_look_tells_the_state(status, messages, state, count):
    look = await getsms(replay(f"{DOCS}/{status}", f"{DOCS}/{messages}")).look(RENTAL, 5, closely=True)
    assert (look.state, len(look.messages)) == (state, count)
    assert look.number == ("" if status == "status_awaiting" else "12345678901")


async def test_an_id_that_the_provider_does_not_know_is_told():
    assert (await getsms(replay(f"{DOCS}/status_bad_id")).look(RENTAL, 5, closely=True)).state is RentalState.UNKNOWN_ID
    body = {"status": "error", "message": "Invalid request ID"}
    assert (await getsms(answering(200, body)).look(RENTAL, 5)).state is RentalState.UNKNOWN_ID


async def test_a_message_to_another_number_is_not_this_rentals():
    row = {"to": "19998887777", "reply": "Your code is 1234", "timestamp": "1"}
    assert (await getsms(answering(200, {"status": "ok", "message": [row]})).look(RENTAL, 5)).messages == ()


async def test_the_newest_messages_of_the_account_name_number_and_service():
    news = await getsms(replay(f"{DOCS}/read_sms_newest")).newest(5)
    assert news == [News("18503814729", "Google", CODE_A), News("15182193312", "Google", CODE_B)]
    assert await getsms(replay(f"{DOCS}/read_sms_none_newest")).newest(5) == []


async def test_the_price_list_is_read():
    assert await getsms(replay(f"{DOCS}/list_services")).listings(5) == [Listing("Google", 187, 1_000_000, 74)]


@pytest.mark.parametrize("message", ["10.00", 10, {"balance": "10.00"}])
async def test_the_balance_is_read_in_every_form(message):
    assert await getsms(answering(200, {"status": "ok", "message": message})).balance(5) == 10_000_000
    assert await getsms(replay(f"{DOCS}/balance")).balance(5) == 10_000_000


@pytest.mark.parametrize("ask", ["listings", "balance", "newest"])
@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        (json_reply({"status": "error", "message": "Invalid API key"}), NotSent),
        (httpx.Response(200, content=b"<html>"), OutcomeUnknown),
        (httpx.Response(503), OutcomeUnknown),
        (httpx.ConnectError("down"), NotSent),
    ],
)
async def test_a_question_without_a_right_answer_fails(ask, reply, fault):
    with pytest.raises(fault):
        await getattr(getsms(in_turn(reply)), ask)(5)


async def test_an_address_that_names_its_script_is_the_whole_address():
    asked, transport = recorder(lambda: json_reply({"status": "ok", "message": "1"}))
    await getsms(transport, "https://other.test/sims/api_command.php").balance(5)
    assert str(asked[0].url) == "https://other.test/sims/api_command.php"


INCOMING = {"event": "incoming_message", "id": "7", "timestamp": "1", "from": "22000", "reply": "G-804036 is your code"}


@pytest.mark.parametrize(
    ("fields", "push"),
    [
        ({**INCOMING, "pin": "G-804036"}, Push("7", Sms("804036", "G-804036 is your code", "22000", "1"))),
        ({**INCOMING, "id": 7}, Push("7", Sms("804036", "G-804036 is your code", "22000", "1"))),
        ({"event": "incoming_message", "id": "7"}, Push("7", None)),
        (
            {"event": "priority_request", "status": "ok", "id": "7", "mdn": "15302286946"},
            Push("7", None, "15302286946"),
        ),
        ({"event": "news", "id": "7"}, None),
    ],
)
def test_a_webhook_is_understood(fields, push):
    assert getsms(in_turn()).read_push(fields) == push


@pytest.mark.parametrize("fields", [{}, {"event": "incoming_message"}, {"id": "7"}, {"event": 1, "id": {"a": 1}}])
def test_a_webhook_that_is_rubbish_is_told_apart(fields):
    with pytest.raises(ValueError, match="webhook"):
        getsms(in_turn()).read_push(fields)


def test_a_webhook_and_a_poll_tell_of_the_same_message():
    row = {"timestamp": "1600108956", "from": "22000", "reply": CODE_A.text, "pin": "G-804036"}
    push = getsms(in_turn()).read_push({"event": "incoming_message", "id": "1", **row})
    assert push == Push("1", CODE_A)
