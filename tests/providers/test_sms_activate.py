"""Services that speak handler_api.php: every form of an answer has its meaning, and nothing else is a sure one."""

from decimal import Decimal

import httpx
import pytest

from proxy.errors import NotSent, OutcomeUnknown
from proxy.providers.base import (
    Bought,
    Cancelled,
    Listing,
    Look,
    OpenRental,
    Order,
    Push,
    Reason,
    Refused,
    Rental,
    RentalState,
    Sms,
)
from proxy.store.transaction import Incoming

from .helpers import KEY, answering, every_cut, in_turn, recorder, replay, sms_activate

DOCS = "sms_activate/documented"
LIMIT = 2_000_000
ORDER = Order("wa", 187, LIMIT)
RENTAL = Rental("635468024", "wa", "12025550123")
PLAIN = Bought("635468024", "12025550123", None)
RUB = {"currency_code": "RUB", "per_usd": Decimal("92.50")}
NOT_ONE_LINE = "a price list without one readable line"


def words(text: str, status: int = 200) -> httpx.Response:
    return httpx.Response(status, content=text.encode())


def told(**fields):
    return {"activationId": 7, "phoneNumber": "12025550123", "activationCost": 0.55} | fields


# Purchases


@pytest.mark.parametrize(
    ("exchanges", "outcome"),
    [
        (["number_v2"], Bought("635468024", "12025550123", 550_000, several_sms=True)),
        (["number_v2_older"], Bought("635468024", "12025550123", 550_000, operator="tmobile", several_sms=False)),
        (["number_v2_herosms"], Bought("635468024", "12025550123", 550_000, 1500, several_sms=True)),
        (["number_v2_plain"], PLAIN),
        (["number_v2_unknown_action", "number"], PLAIN),
        (["number_v2_unknown_action_herosms", "number"], PLAIN),
        (["number_v2_unknown_action", "number_no_numbers"], Refused(Reason.OUT_OF_STOCK, "NO_NUMBERS")),
        (["no_numbers"], Refused(Reason.OUT_OF_STOCK, "NO_NUMBERS")),
        (["wrong_max_price"], Refused(Reason.TOO_DEAR, "WRONG_MAX_PRICE:2.5", 2_500_000)),
        (["wrong_max_price_herosms"], Refused(Reason.TOO_DEAR, "WRONG_MAX_PRICE The price is too low", 2_500_000)),
        (["no_balance_herosms"], Refused(Reason.NO_MONEY, "NO_BALANCE Not enough money")),
        (["bad_key_smsbower"], Refused(Reason.BAD_KEY, "No access")),
    ],
)
async def test_a_purchase_is_understood(exchanges, outcome):
    assert await sms_activate(replay(*(f"{DOCS}/{name}" for name in exchanges))).buy(ORDER, 5) == outcome


async def test_a_service_without_get_number_v2_is_not_asked_for_it_again():
    provider = sms_activate(replay(*(f"{DOCS}/{name}" for name in ("number_v2_unknown_action", "number", "number"))))
    assert await provider.buy(ORDER, 5) == await provider.buy(ORDER, 5) == PLAIN


async def test_no_answer_but_an_unknown_action_leads_to_a_second_request():
    asked, transport = recorder(lambda: words("NO_NUMBERS"))
    await sms_activate(transport).buy(ORDER, 5)
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("order", "sent"),
    [
        (ORDER, {}),
        (Order("wa", 187, LIMIT, carrier="tmobile"), {}),
        (Order("wa", 187, LIMIT, carrier="tmobile", keep_carrier=True), {"operator": "tmobile"}),
        (Order("wa", 187, LIMIT, area_codes=("212",)), {}),
        (Order("wa", 0, 1), {"country": "0", "maxPrice": "0.000001", "max_price": "0.000001"}),
    ],
)
async def test_an_order_says_only_what_must_be(order, sent):
    asked, transport = recorder(lambda: words("NO_NUMBERS"))
    await sms_activate(transport).buy(order, 5)
    common = {"api_key": KEY, "action": "getNumberV2", "service": "wa", "country": "187"}
    assert dict(asked[0].url.params) == common | {"maxPrice": "2.00", "max_price": "2.00"} | sent
    assert (asked[0].method, asked[0].content) == ("GET", b"")


@pytest.mark.parametrize(
    "wish",
    [
        {"number": "12025550123"},
        {"number": "12025550123", "renews": "7"},
        {"area_codes": ("212",), "lock_area_codes": True},
        {"state": "CA"},
    ],
)
async def test_what_cannot_be_had_here_is_refused_without_asking(wish):
    provider, order = sms_activate(in_turn()), Order("wa", 187, LIMIT, **wish)
    refused = provider.quote(Listing("wa", 187, 1, None), order)
    assert refused == await provider.buy(order, 5)
    assert refused.reason is Reason.BAD_REQUEST


def test_a_quote_is_the_list_price():
    assert sms_activate(in_turn()).quote(Listing("wa", 187, 550_000, 3), ORDER) == 550_000


@pytest.mark.parametrize(
    ("base_url", "address"),
    [
        ("https://sms.test", "https://sms.test/stubs/handler_api.php"),
        ("https://sms.test/", "https://sms.test/stubs/handler_api.php"),
        ("https://sms.test/api/handler_api.php", "https://sms.test/api/handler_api.php"),
        ("https://sms.test/stubs/handler_api", "https://sms.test/stubs/handler_api"),
    ],
)
async def test_an_address_that_names_its_script_is_the_whole_address(base_url, address):
    asked, transport = recorder(lambda: words("ACCESS_BALANCE:1"))
    await sms_activate(transport, base_url).balance(5)
    assert str(asked[0].url.copy_with(query=None)) == address


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("OUT_OF_STOCK", Reason.OUT_OF_STOCK),
        ("WRONG_MAX_PRICE", Reason.TOO_DEAR),
        ("MAX_PRICE_EXCEEDED", Reason.TOO_DEAR),
        ("BAD_SERVICE", Reason.NO_SUCH_SERVICE),
        ("WRONG_SERVICE", Reason.NO_SUCH_SERVICE),
        ("SERVICE_UNAVAILABLE_REGION", Reason.NO_SUCH_SERVICE),
        ("BAD_OPERATOR", Reason.BAD_REQUEST),
        ("RENTAL_ERROR_TRY_AGAIN", Reason.BUSY),
        ("CHANNELS_LIMIT", Reason.FULL),
        ("TOO_MANY_ACTIVE_RENTALS", Reason.FULL),
        ("NO_BALANCE", Reason.NO_MONEY),
        ("NO_MONEY", Reason.NO_MONEY),
        ("INSUFFICIENT_FUNDS", Reason.NO_MONEY),
        ("BAD_KEY", Reason.BAD_KEY),
        ("BANNED:'2026-01-01 12-30-00'", Reason.BAD_KEY),
        ("MAINTENANCE", Reason.MAINTENANCE),
        ("RENTAL_ERROR", Reason.OTHER),
    ],
)
@pytest.mark.parametrize("status", [200, 400, 404, 429])
async def test_a_known_refusal_is_a_sure_no_in_every_form(said, reason, status):
    forms = [
        said.encode(),
        f"\ufeff {said}\n".encode(),
        f'"{said}"'.encode(),
        {"status": "error", "error": said},
        {"status": "error", "message": said},
        {"title": said},
    ]
    for body in forms:
        assert await sms_activate(answering(status, body)).buy(ORDER, 5) == Refused(reason, said)


@pytest.mark.parametrize(
    ("status", "body", "refused"),
    [
        (403, {"title": "NEW_WORD", "details": "Too many open"}, Refused(Reason.FULL, "NEW_WORD Too many open")),
        (422, {"title": "UNPROCESSABLE_ENTITY", "details": "x"}, Refused(Reason.BAD_REQUEST, "UNPROCESSABLE_ENTITY x")),
        (400, {"message": f"wrong api key {KEY}"}, Refused(Reason.BAD_KEY, "wrong api key ***")),
    ],
)
async def test_a_status_that_turns_away_and_says_why_is_a_sure_no(status, body, refused):
    assert await sms_activate(answering(status, body)).buy(ORDER, 5) == refused


@pytest.mark.parametrize(
    ("status", "body", "upstream_id"),
    [
        (500, b"NO_NUMBERS", ""),
        (503, {"title": "MAINTENANCE"}, ""),
        (200, b"", ""),
        (200, b"ERROR_SQL", ""),
        (200, b"SQL_ERROR", ""),
        (200, b"SERVER_ERROR", ""),
        (200, b"ORDER_ALREADY_EXISTS", ""),
        (409, {"title": "ORDER_ALREADY_EXISTS"}, ""),
        (400, {"title": "ERROR_SQL"}, ""),
        (200, b"A_WORD_THAT_NOBODY_KNOWS", ""),
        (200, b"no numbers", ""),
        (200, b"<html>NO_NUMBERS</html>", ""),
        (403, b"<html>Just a moment...</html>", ""),
        (302, b"", ""),
        (200, b'{"activationId":7,"phoneNum', ""),
        (200, [], ""),
        (200, {}, ""),
        (200, {"status": "error", "message": "Something went wrong"}, ""),
        (409, {"message": "Conflict"}, ""),
        (200, told(activationId=None), ""),
        (200, told(phoneNumber=None), "7"),
        (200, told(phoneNumber="2025"), "7"),
        (200, told(status="error"), "7"),
        (200, told(error="NO_NUMBERS"), "7"),
        (400, told(), "7"),
        (200, b"ACCESS_NUMBER", ""),
        (200, b"ACCESS_NUMBER:7", ""),
        (200, b"ACCESS_NUMBER:7:", "7"),
        (200, b"ACCESS_NUMBER:7:120255501", "7"),
        (200, b"ACCESS_NUMBER:7:442025550123", "7"),
    ],
)
async def test_an_unclear_answer_to_a_purchase_is_unknown(status, body, upstream_id):
    with pytest.raises(OutcomeUnknown) as caught:
        await sms_activate(answering(status, body)).buy(ORDER, 5)
    assert caught.value.upstream_id == upstream_id
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("phone", ["12025550123", "79584123456"])
async def test_a_word_cut_after_any_byte_is_no_refusal_and_names_no_other_phone_or_rental(phone):
    for cut in every_cut(f"ACCESS_NUMBER:635468024:{phone}".encode()):
        with pytest.raises(OutcomeUnknown) as caught:
            await sms_activate(answering(200, cut)).buy(Order("wa", 187 if phone[0] == "1" else 0, LIMIT), 5)
        assert caught.value.upstream_id in ("", "635468024")


@pytest.mark.parametrize(
    ("country", "phone", "number"),
    [
        (187, "+1 (202) 555-0123", "12025550123"),
        (187, "2025550123", "12025550123"),
        (187, 12025550123, "12025550123"),
        (6, "6285872391152", "6285872391152"),
        (174, "4741234567", "4741234567"),
        (2, 79584123456, "79584123456"),
    ],
)
async def test_a_number_is_read_in_every_form(country, phone, number):
    bought = await sms_activate(answering(200, told(phoneNumber=phone))).buy(Order("wa", country, LIMIT), 5)
    assert bought.number == number


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"canGetAnotherSms": True}, {"several_sms": True}),
        ({"canGetAnotherSms": 1}, {"several_sms": True}),
        ({"canGetAnotherSms": 0}, {"several_sms": False}),
        ({"activationCost": "0.5512345"}, {"price": 551_235}),
        ({"activationCost": 0}, {"price": None}),
        ({"currency": 643}, {"price": None}),
        ({"currency": "840"}, {}),
        ({"activationTime": "2026-01-01 12:00:00", "activationEnd": "2026-01-01 12:20:00"}, {"lifetime": 1200}),
        ({"activationTime": "2026-01-01 12:00:00", "activationEndTime": "2026-01-01T12:20:00Z"}, {}),
        ({"activationTime": "2026-01-01 12:00:00", "activationEndTime": "2026-01-01 11:00:00"}, {}),
        ({"activationTime": "soon"}, {}),
    ],
)
async def test_what_a_purchase_tells_besides_is_read_in_every_form(fields, expected):
    bought = await sms_activate(answering(200, told(**fields))).buy(ORDER, 5)
    assert bought == Bought(**{"upstream_id": "7", "number": "12025550123", "price": 550_000} | expected)


async def test_an_answer_in_an_envelope_is_a_rental_too():
    body = {"status": "success", "data": told()}
    assert await sms_activate(answering(200, body)).buy(ORDER, 5) == Bought("7", "12025550123", 550_000)


# Money


async def test_another_currency_becomes_dollars_exactly_and_a_price_is_rounded_up():
    body = {"187": {"wa": {"cost": "50.88", "count": 1}, "tg": {"cost": 92.5, "count": 1}}}
    listings = await sms_activate(answering(200, body), **RUB).listings(5)
    assert [listing.price for listing in listings] == [550_055, 1_000_000]
    assert await sms_activate(answering(200, b"ACCESS_BALANCE:50.88"), **RUB).balance(5) == 550_054
    bought = await sms_activate(answering(200, told(activationCost=50.88, currency=643)), **RUB).buy(ORDER, 5)
    assert bought.price == 550_055
    refused = await sms_activate(answering(200, b"WRONG_MAX_PRICE:50.88"), **RUB).buy(ORDER, 5)
    assert refused.price == 550_055


@pytest.mark.parametrize(("limit", "sent"), [(550_055, "50.880087"), (1_000_000, "92.50"), (1, "0.000092")])
async def test_the_limit_is_sent_in_the_accounts_currency_and_never_above(limit, sent):
    asked, transport = recorder(lambda: words("NO_NUMBERS"))
    await sms_activate(transport, **RUB).buy(Order("wa", 187, limit), 5)
    assert asked[0].url.params["maxPrice"] == sent
    assert Decimal(sent) <= Decimal(limit) / 1_000_000 * RUB["per_usd"]


async def test_the_balance_is_read():
    assert await sms_activate(replay(f"{DOCS}/balance")).balance(5) == 17_154_000


# Prices

WHOLE = [Listing("wa", 187, 550_000, 12), Listing("tg", 187, 400_000, 0), Listing("wa", 0, 100_000, 3)]
UNCOUNTED = [Listing("wa", 187, 550_000, None), Listing("wa", 0, 100_000, None), Listing("tg", 187, 400_000, None)]


@pytest.mark.parametrize(
    ("exchange", "listings"),
    [
        ("prices", WHOLE),
        ("prices_inverted", UNCOUNTED),
        ("prices_by_stock", [Listing("wa", 187, 550_000, 12), Listing("tg", 187, 400_000, 0)]),
    ],
)
async def test_the_price_list_is_read_in_every_nesting(exchange, listings):
    assert await sms_activate(replay(f"{DOCS}/{exchange}")).listings(5) == listings


@pytest.mark.parametrize(
    "body",
    [
        {"prices": {"187": {"wa": {"0.55": 12, "0.70": 3}}}, "has_multi": {"wa": True}},
        {"187": {"wa": {"2263": {"count": 12, "price": 0.55}, "2264": {"count": 1, "price": 0.7}, "": {}}}},
        {"wa": {"187": {"count": 12, "price": "0.55"}}},
        {"187": {"wa": {"cost": 0.55, "count": "12"}, "tg": {"cost": 0, "count": 0}, "x": None, "y": "?"}, "": []},
    ],
)
async def test_other_services_nestings_are_read(body):
    assert await sms_activate(answering(200, body)).listings(5) == [Listing("wa", 187, 550_000, 12)]


async def test_a_list_stands_for_a_map_with_the_first_numbers_as_keys():
    body = [{"wa": {"cost": 1, "count": 1}}, {"wa": {"cost": 2, "count": 1}}]
    assert await sms_activate(answering(200, body)).listings(5) == [
        Listing("wa", 0, 1_000_000, 1),
        Listing("wa", 1, 2_000_000, 1),
    ]
    alone = sms_activate(answering(200, [{"wa": {"cost": 1, "count": 1}}]), countries=(187,))
    assert await alone.listings(5) == [Listing("wa", 187, 1_000_000, 1)]


async def test_one_configured_country_is_all_that_is_asked_for():
    provider = sms_activate(replay(f"{DOCS}/prices_of_country"), countries=(187,))
    assert await provider.listings(5) == [Listing("wa", 187, 550_000, 12)]


async def test_of_the_whole_list_only_the_configured_countries_are_kept():
    provider = sms_activate(replay(f"{DOCS}/prices"), countries=(187, 12))
    assert await provider.listings(5) == WHOLE[:2]


@pytest.mark.parametrize("whole", [words("BAD_COUNTRY"), words("[]"), words("<html>"), words("BAD_ACTION", 400)])
async def test_where_the_whole_list_is_not_to_be_had_each_country_is_asked_for_from_then_on(whole):
    usa, nothing = words('{"187":{"wa":{"cost":1,"count":1}}}'), words("BAD_COUNTRY")
    provider = sms_activate(in_turn(whole, usa, nothing, nothing, usa), countries=(187, 12))
    only = [Listing("wa", 187, 1_000_000, 1)]
    assert await provider.listings(5) == only
    with pytest.raises(OutcomeUnknown):
        await sms_activate(in_turn(whole, nothing, words("{}")), countries=(187, 12)).listings(5)
    assert await provider.listings(5) == only


@pytest.mark.parametrize("body", [[], {}, {"187": []}, {"status": "success"}])
async def test_an_empty_price_list_is_no_price_list(body):
    with pytest.raises(OutcomeUnknown, match=NOT_ONE_LINE):
        await sms_activate(answering(200, body)).listings(5)


# Rentals


@pytest.mark.parametrize(
    ("transport", "look"),
    [
        (replay(f"{DOCS}/status_wait"), Look(RentalState.OPEN)),
        (replay(f"{DOCS}/status_ok"), Look(RentalState.OPEN, (Sms("012345"),))),
        (replay(f"{DOCS}/status_cancel"), Look(RentalState.REFUNDED)),
        (answering(200, b"STATUS_WAIT_RETRY"), Look(RentalState.OPEN)),
        (answering(200, b"STATUS_WAIT_RETRY:012345"), Look(RentalState.OPEN)),
        (answering(200, b"STATUS_WAIT_RESEND"), Look(RentalState.OPEN)),
        (answering(200, b"STATUS_OK: '012345'\n"), Look(RentalState.OPEN, (Sms("012345"),))),
        (answering(200, b"STATUS_OK:G-804036"), Look(RentalState.OPEN, (Sms("804036", "G-804036"),))),
        (
            answering(200, b"STATUS_OK:Your code: 012345"),
            Look(RentalState.OPEN, (Sms("012345", "Your code: 012345"),)),
        ),
        (answering(200, "STATUS_OK:Нет кода".encode()), Look(RentalState.OPEN, (Sms("", "Нет кода"),))),
        (answering(200, b"ACCESS_CANCEL"), Look(RentalState.REFUNDED)),
        (answering(200, b"NO_ACTIVATION"), Look(RentalState.UNKNOWN_ID)),
        (answering(200, b"WRONG_ACTIVATION_ID"), Look(RentalState.UNKNOWN_ID)),
        (answering(404, {"title": "NOT_FOUND", "details": "No such activation"}), Look(RentalState.UNKNOWN_ID)),
    ],
)
async def test_a_look_is_understood(transport, look):
    assert await sms_activate(transport).look(RENTAL, 5) == look


@pytest.mark.parametrize(
    ("transport", "said"),
    [
        (replay(f"{DOCS}/cancel"), Cancelled.DONE),
        (replay(f"{DOCS}/cancel_early"), Cancelled.TOO_EARLY),
        (replay(f"{DOCS}/cancel_early_herosms"), Cancelled.TOO_EARLY),
        (answering(200, b"RENTAL_LOCKED"), Cancelled.TOO_EARLY),
        (answering(200, b"BAD_STATUS"), Cancelled.REFUSED),
        (answering(200, b"NO_ACTIVATION"), Cancelled.REFUSED),
        (answering(200, b"ACCESS_READY"), Cancelled.REFUSED),
        (answering(409, {"title": "OTP_RECEIVED"}), Cancelled.REFUSED),
    ],
)
async def test_a_cancellation_is_understood(transport, said):
    assert await sms_activate(transport).cancel(RENTAL, 5) is said


async def test_a_finish_is_told_once_and_a_rental_that_is_over_needs_none():
    await sms_activate(replay(f"{DOCS}/finish")).finish(RENTAL, 5)
    await sms_activate(answering(200, b"NO_ACTIVATION")).finish(RENTAL, 5)


@pytest.mark.parametrize(
    ("transport", "said"),
    [
        (replay(f"{DOCS}/again"), True),
        (answering(200, b"BAD_STATUS"), False),
        (answering(409, {"title": "ACTIVATION_NOT_ACTIVE"}), False),
    ],
)
async def test_another_sms_is_asked_for(transport, said):
    assert await sms_activate(transport).again(RENTAL, 5) is said


OPEN = OpenRental("635468024", "wa", "12025550123", 550_000, "2022-06-01 17:30:57", country=187)


@pytest.mark.parametrize(
    ("exchange", "rentals"),
    [
        ("active", [OPEN]),
        ("active_herosms", [OPEN]),
        ("active_grizzly", [OPEN]),
        ("active_none", []),
        ("active_none_tiger", []),
    ],
)
async def test_the_list_of_what_is_open_is_read_in_every_form(exchange, rentals):
    assert await sms_activate(replay(f"{DOCS}/{exchange}")).open_rentals(5) == rentals


async def test_a_list_of_what_is_open_that_cannot_be_read_is_not_an_empty_one():
    body = {"status": "success", "activeActivations": [{"id": None}]}
    with pytest.raises(OutcomeUnknown):
        await sms_activate(answering(200, body)).open_rentals(5)


async def test_there_is_no_list_of_the_newest_messages():
    assert await sms_activate(in_turn()).newest(5) is None


ASKED = {
    "listings": (),
    "balance": (),
    "open_rentals": (),
    "look": (RENTAL,),
    "cancel": (RENTAL,),
    "finish": (RENTAL,),
    "again": (RENTAL,),
}


@pytest.mark.parametrize("ask", ASKED)
@pytest.mark.parametrize(
    ("reply", "fault"),
    [
        (lambda: words("BAD_KEY"), NotSent),
        (lambda: httpx.Response(401, json={"status": 0, "message": "No access"}), NotSent),
        (lambda: words("TOO_MANY_REQUESTS", 429), NotSent),
        (lambda: words("ERROR_SQL"), OutcomeUnknown),
        (lambda: words("STATUS_OK:"), OutcomeUnknown),
        (lambda: words("ACCESS_BALANCE:many"), OutcomeUnknown),
        (lambda: words("<html>"), OutcomeUnknown),
        (lambda: words("STATUS_CANCEL", 503), OutcomeUnknown),
        (lambda: httpx.ConnectError("down"), NotSent),
        (lambda: httpx.ReadError("cut"), OutcomeUnknown),
    ],
)
async def test_a_question_without_a_right_answer_fails_and_shows_no_key(ask, reply, fault):
    with pytest.raises(fault) as caught:
        await getattr(sms_activate(in_turn(reply())), ask)(*ASKED[ask], 5)
    assert KEY not in str(caught.value)


# Webhooks

INCOMING = {"activationId": 7, "service": "wa", "text": "Code 012345", "code": "012345", "country": 187}


@pytest.mark.parametrize(
    ("fields", "push"),
    [
        (INCOMING, Push("7", Sms("012345", "Code 012345"))),
        (INCOMING | {"receivedAt": "2023-01-01 12:00:00"}, Push("7", Sms("012345", "Code 012345"))),
        (INCOMING | {"activationId": "7", "phoneFrom": "22000"}, Push("7", Sms("012345", "Code 012345", "22000"))),
        (INCOMING | {"code": 12345}, Push("7", None)),
        (INCOMING | {"code": None}, Push("7", None)),
        (INCOMING | {"code": ""}, Push("7", None)),
        ({"rentId": "9", "sms": {"text": "Code 012345"}}, None),
    ],
)
def test_a_webhook_is_understood(fields, push):
    assert sms_activate(in_turn()).read_push(fields) == push


@pytest.mark.parametrize("fields", [{}, {"activationId": 7}, {"code": "012345"}, {"activationId": [], "code": "1"}])
def test_a_webhook_that_is_rubbish_is_told_apart(fields):
    with pytest.raises(ValueError, match="webhook"):
        sms_activate(in_turn()).read_push(fields)


async def test_a_webhook_and_a_look_tell_of_the_same_message():
    push = sms_activate(in_turn()).read_push(INCOMING | {"receivedAt": "2023-01-01 12:00:00"})
    look = await sms_activate(replay(f"{DOCS}/status_ok")).look(RENTAL, 5)
    kept = [Incoming("sms", "7", sms.code, sms.text, sms.sender, sms.received_at) for sms in (push.sms, *look.messages)]
    assert kept[0].identity == kept[1].identity
