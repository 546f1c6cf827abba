"""getatext.com's stand-in against its documents."""

import httpx
import pytest

from proxy.domain.money import parse_usd
from proxy.sandbox import Phase

TAKEN = "Rental error, number is already taken. Please try again"


@pytest.fixture
def ask(ask_getatext):
    return ask_getatext


@pytest.fixture
def buy(ask, clock):
    async def buy(service="whatsapp", **fields):
        """One rental; a second passes before it, so that the rate limit has forgotten the last."""
        await clock.advance(1)
        status, body = await ask("rent-a-number", service=service, **fields)
        assert status == 201
        return body

    return buy


async def test_a_number_is_rented_as_the_documents_show_it(ask):
    status, body = await ask("rent-a-number", service="whatsapp")
    assert status == 201
    assert len(body.pop("number")) == 10
    assert body == {
        "id": 12345,
        "status": "success",
        "message": "Number rented successfully.",
        "errors": None,
        "end_time": "2025-06-15 11:11:40",
        "service_name": "Whatsapp",
        "price": "0.55",
        "new_balance": "113.32",
    }


DEAR = "The price of the service exceeds the maximum price you are willing to pay, actual price is: "
REFUSALS = [
    ("rent-a-number", {}, 400, "Service is not presented on the request"),
    ("rent-a-number", {"service": "whatsapp", "carrier": "verizon"}, 400, "Wrong Carrier"),
    ("rent-a-number", {"service": "Whatsapp"}, 404, "Service not found"),
    ("rent-a-number", {"service": "empty"}, 400, "Service is out of stock"),
    (
        "rent-a-number",
        {"service": "google", "carrier": "tmobile", "keep_carrier": True},
        400,
        "Service is out of stock for selected carrier: tmobile",
    ),
    (
        "rent-a-number",
        {"service": "google", "area_codes": "999", "lock_area_code": True},
        400,
        "Service is out of stock for selected area codes",
    ),
    (
        "rent-a-number",
        {"service": "google", "carrier": "at&t", "area_codes": "999", "lock_area_code": True},
        400,
        "Service is out of stock for selected carrier and area codes",
    ),
    ("rent-a-number", {"service": "guarded"}, 400, "Service is not available"),
    ("rent-a-number", {"service": "whatsapp", "max_price": 0.5}, 400, DEAR + "0.55"),
    ("rent-a-number", {"service": "whatsapp", "area_codes": "212", "max_price": 0.55}, 400, DEAR + "0.66"),
    ("rent-a-number", {"service": "whatsapp", "max_price": "0.60"}, 422, "max_price must be a number"),
    (
        "rent-a-number",
        {"service": "whatsapp", "carrier": "at&t", "keep_carrier": "true"},
        422,
        "keep_carrier must be a boolean",
    ),
    ("rent-specific-number", {"service": "whatsapp"}, 400, "Phone number and service are required"),
    ("rent-specific-number", {"number": "2122000001"}, 400, "Phone number and service are required"),
    ("rent-specific-number", {"number": "2122000001", "service": "nothing"}, 404, "Service not found"),
    (
        "rent-specific-number",
        {"number": "2122000001", "service": "guarded"},
        400,
        "This service requires prior approval. Please request access through the platform portal before renting.",
    ),
    (
        "rent-specific-number",
        {"number": "12122000001", "service": "whatsapp"},
        404,
        "This number does not exist in our system or is not available",
    ),
    (
        "rent-specific-number",
        {"number": "2122000001", "service": "unpriced"},
        400,
        "Invalid price for this service",
    ),
    (
        "rent-specific-number",
        {"number": "2122000001", "service": "whatsapp", "max_price": 0.6},
        400,
        DEAR + "0.66",
    ),
    ("rental-status", {"id": 1}, 404, "Rental not found"),
    ("rental-status", {"id": "12345"}, 422, "id must be an integer"),
    ("cancel-rental", {"id": 1}, 404, "Rental not found"),
    ("re-rent", {"rental_id": 1}, 404, "Rental not found"),
    ("rental-status/1/completed", {}, 404, "Rental not found"),
]


@pytest.mark.parametrize(("path", "fields", "status", "errors"), REFUSALS)
async def test_what_cannot_be_done_has_its_status_and_its_words(ask, path, fields, status, errors):
    assert await ask(path, **fields) == (status, {"errors": errors})


@pytest.mark.parametrize(
    ("setting", "value", "path", "fields", "status", "errors"),
    [
        ("maintenance", True, "rent-a-number", {"service": "whatsapp"}, 503, "Service is under maintenance"),
        ("api_key", "other", "rental-status", {"id": 1}, 403, "Wrong Api Key or User is restricted"),
        (
            "max_open",
            0,
            "rent-a-number",
            {"service": "whatsapp"},
            400,
            "You have reached the maximum number of active rentals",
        ),
        (
            "max_open_all",
            0,
            "rent-specific-number",
            {"service": "whatsapp", "number": "2122000001"},
            400,
            "The maximum number of active rentals as reached",
        ),
    ],
)
async def test_settings_bring_the_other_refusals(ask, getatext, setting, value, path, fields, status, errors):
    setattr(getatext.settings, setting, value)
    assert await ask(path, **fields) == (status, {"errors": errors})


async def test_a_request_without_a_key_is_told_so(getatext):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(getatext.app), base_url="http://getatext") as http:
        answer = await http.get("/api/v1/balance")
    assert (answer.status_code, answer.json()) == (403, {"errors": "Auth is not presented on the request"})


async def test_a_body_that_is_not_called_json_is_not_read(getatext_http):
    answer = await getatext_http.post("/api/v1/rent-a-number", content=b'{"service": "whatsapp"}')
    assert answer.json() == {"errors": "Service is not presented on the request"}


@pytest.mark.parametrize(
    ("wishes", "price"),
    [
        ({}, "0.85"),
        ({"carrier": "at&t"}, "1.02"),
        ({"carrier": "tmobile"}, "0.85"),
        ({"area_codes": "212,646"}, "1.02"),
        ({"area_codes": "999"}, "0.85"),
        ({"area_codes": "999, 646"}, "0.85"),
        ({"carrier": "at&t", "area_codes": "212", "keep_carrier": True, "lock_area_code": True}, "1.19"),
        ({"carrier": "tmobile", "area_codes": "212"}, "1.02"),
    ],
)
async def test_only_wishes_that_come_true_cost_more(buy, wishes, price):
    assert (await buy("google", **wishes))["price"] == price


@pytest.mark.parametrize(
    ("balance", "wishes", "errors"),
    [
        ("0.54", {}, "Insufficient funds"),
        ("0.65", {"area_codes": "212"}, "Insufficient funds for area code extra charge"),
    ],
)
async def test_money_is_never_owed(ask, getatext, balance, wishes, errors):
    getatext.set_balance(parse_usd(balance))
    assert await ask("rent-a-number", service="whatsapp", **wishes) == (400, {"errors": errors})


async def test_a_chosen_number_costs_a_fifth_more_and_has_numbers_for_money(ask):
    status, body = await ask("rent-specific-number", number="2122000001", service="whatsapp", max_price=0.66)
    assert status == 201
    assert {name: body[name] for name in ("number", "price", "new_balance", "country", "returning_customer")} == {
        "number": "2122000001",
        "price": 0.66,
        "new_balance": 113.21,
        "country": "usa",
        "returning_customer": False,
    }
    taken = {"errors": "This number is unavailable for you. Please try a different number"}
    assert await ask("rent-specific-number", number="2122000001", service="whatsapp") == (400, taken)


@pytest.fixture
async def completed(ask, buy, clock):
    """A rental whose code came, was read and was used."""
    rental = await buy()
    await clock.advance(3)
    await ask("rental-status", id=rental["id"])
    await ask(f"rental-status/{rental['id']}/completed")
    return rental


async def test_a_returning_customer_pays_half_and_the_fifth(ask, completed):
    status, body = await ask("rent-specific-number", number=completed["number"], service="whatsapp")
    assert (status, body["price"], body["returning_customer"]) == (201, 0.33, True)


async def test_a_number_is_rented_again_for_half(ask, completed):
    status, body = await ask("re-rent", rental_id=completed["id"])
    assert (status, body["number"], body["price"]) == (201, completed["number"], "0.275")
    assert await ask("re-rent", rental_id=body["id"]) == (400, {"errors": "Rental is still active"})


async def test_a_number_without_a_code_is_rented_again_for_the_whole_price(ask, buy, clock, getatext):
    getatext.settings.sms_after = None
    rental = await buy()
    await clock.advance(300)
    status, body = await ask("re-rent", rental_id=rental["id"])
    assert (status, body["number"], body["price"]) == (201, rental["number"], "0.55")


async def test_a_code_is_read_with_its_leading_zero_and_makes_the_rental_viewed(ask, buy, getatext):
    rental = await buy()
    waiting = {
        "id": rental["id"],
        "status": "active",
        "code": None,
        "errors": None,
        "end_time": rental["end_time"],
        "number": rental["number"],
        "service_name": "Whatsapp",
        "cost": "0.55",
        "balance": "113.32",
    }
    assert await ask("rental-status", id=rental["id"]) == (200, waiting)
    getatext.deliver(rental["id"], code="012345")
    assert await ask("rental-status", id=rental["id"]) == (200, waiting | {"code": "012345"})
    assert await ask("rental-status-premium", id=rental["id"]) == (
        200,
        waiting | {"code": "012345", "status": "viewed"},
    )


async def test_a_rental_is_completed_only_once_its_code_was_read(ask, buy, clock):
    rental = await buy()
    await clock.advance(3)
    refused = {"errors": "Rental cannot be completed, its code was not viewed"}
    assert await ask(f"rental-status/{rental['id']}/completed") == (400, refused)
    await ask("rental-status", id=rental["id"])
    assert await ask(f"rental-status/{rental['id']}/completed") == (
        200,
        {
            "status": "success",
            "message": "Rental marked as completed successfully.",
            "errors": "null",
            "rental": {
                "id": rental["id"],
                "end_time": rental["end_time"],
                "number": rental["number"],
                "service_name": "Whatsapp",
                "price": "0.55",
                "new_balance": "113.32",
            },
        },
    )
    assert (await ask("rental-status", id=rental["id"]))[1]["status"] == "completed"


async def test_a_cancellation_waits_for_its_minute_and_gives_the_money_back_once(ask, buy, clock, getatext):
    getatext.settings.sms_after = None
    rental = await buy()
    await clock.advance(59)
    early = {"errors": "You must wait 1 minute before requesting a cancellation"}
    assert await ask("cancel-rental", id=rental["id"]) == (400, early)
    await clock.advance(1)
    status, body = await ask("cancel-rental", id=rental["id"])
    assert (status, body["status"], body["code"], body["balance"]) == (200, "cancelled", None, "113.87")
    await clock.advance(1)
    assert await ask("cancel-rental", id=rental["id"]) == (400, {"errors": "Rental is not active"})
    assert (await ask("rental-status", id=rental["id"]))[1]["status"] == "cancelled"
    assert getatext.account.balance == parse_usd("113.87")


async def test_a_rental_with_a_code_cannot_be_cancelled(ask, buy, clock):
    rental = await buy()
    await clock.advance(60)
    refused = {"errors": "Rental has received a code and cannot be cancelled"}
    assert await ask("cancel-rental", id=rental["id"]) == (400, refused)


@pytest.mark.parametrize(
    ("sms_after", "status", "balance"), [(None, "expired", "113.87"), (3.0, "completed", "113.32")]
)
async def test_a_rental_ends_with_its_services_lifetime(ask, buy, clock, getatext, sms_after, status, balance):
    getatext.settings.sms_after = sms_after
    rental = await buy()
    await clock.advance(5 * 60)
    _, body = await ask("rental-status", id=rental["id"])
    assert (body["status"], body["balance"]) == (status, balance)


async def test_some_services_get_several_sms(ask, buy, clock, getatext):
    google, whatsapp = await buy("google"), await buy()
    await clock.advance(3)
    _, first = await ask("rental-status", id=google["id"])
    await clock.advance(10)
    _, second = await ask("rental-status", id=google["id"])
    assert first["code"] != second["code"]
    counts = {rental.id: len(rental.messages) for rental in getatext.rentals}
    assert counts == {google["id"]: 2, whatsapp["id"]: 1}


@pytest.mark.parametrize(
    ("paths", "allowed"),
    [
        (["rent-a-number", "rent-specific-number"], 2),
        (["rent-multiple-services"], 1),
        (["cancel-rental"], 1),
        (["rent-a-number-premium", "rental-status-premium", "cancel-rental-premium"], 200),
    ],
)
async def test_each_group_has_its_requests_a_second(ask, clock, paths, allowed):
    async def statuses(number):
        return [(await ask(paths[turn % len(paths)]))[0] for turn in range(number)]

    assert 429 not in await statuses(allowed)
    await clock.advance(0.9)
    assert await ask(paths[0]) == (429, {"errors": TAKEN})
    await clock.advance(0.1)
    assert 429 not in await statuses(allowed)
    assert (await ask(paths[-1]))[0] == 429


async def test_the_premium_way_buys_and_cancels_the_same(ask, getatext):
    getatext.settings.cancel_lock = 0
    status, rental = await ask("rent-a-number-premium", service="whatsapp")
    assert status == 201
    assert (await ask("cancel-rental-premium", id=rental["id"]))[0] == 200
    assert getatext.rentals[0].phase is Phase.CANCELLED


async def test_prices_come_as_the_live_replies_have_them(getatext_http, buy):
    await buy()
    body = (await getatext_http.get("/api/v1/prices-info")).json()
    assert body["status"] == "success"
    assert body["prices"][0] == {
        "service_name": "Whatsapp",
        "api_name": "whatsapp",
        "multiple_sms": "false",
        "price": "0.55",
        "ttl": 5,
        "stock": 65,
    }


async def test_the_balance_is_text(getatext_http):
    body = (await getatext_http.get("/api/v1/balance")).json()
    assert body == {"status": "success", "balance": "113.87", "errors": "null"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "rent-a-number", 405), ("GET", "rents", 404), ("POST", "rent-two-numbers", 404)],
)
async def test_what_is_not_built_is_not_there(getatext_http, method, path, status):
    assert (await getatext_http.request(method, f"/api/v1/{path}")).status_code == status
