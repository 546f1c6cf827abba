"""getatext.com's stand-in: numbers for every service by the week and by the month."""

import pytest

from proxy.domain.money import parse_usd
from proxy.sandbox import Phase

WEEK = 7 * 24 * 3600
WINDOW = 20 * 60
NOT_CANCELLED = "Long rental cannot be cancelled (already received messages or cancellation window expired)"


@pytest.fixture
def ask(ask_getatext):
    return ask_getatext


@pytest.fixture
def read(read_getatext):
    return read_getatext


@pytest.fixture
def quiet(getatext):
    """SMS come only when they are delivered."""
    getatext.settings.sms_after = None
    return getatext


@pytest.fixture
def rent(ask):
    async def rent(rental_time="1w", **fields):
        status, body = await ask("long-rentals", rental_time=rental_time, **fields)
        assert status == 200, body
        return body["long_rental"]

    return rent


async def test_prices_are_numbers_and_come_with_the_stock(read, rent):
    await rent()
    assert await read("long-rentals/prices") == (
        200,
        {"status": "success", "prices": {"1w": 10.99, "2w": 12.99, "1m": 14.99}, "stock": 41, "errors": None},
    )


async def test_a_number_is_rented_for_a_week(ask, read, getatext):
    status, body = await ask("long-rentals", rental_time="1w", auto_renew=True)
    number = body["long_rental"]["number"]
    assert len(number) == 10
    rental = {
        "id": 1,
        "number": number,
        "end_time": "2025-06-22",
        "rented_at": "2025-06-15",
        "price": "10.99",
        "status": "Active",
        "period": "1 Week",
        "auto_renew": True,
    }
    assert (status, body) == (200, {"status": "success", "long_rental": rental, "errors": "null"})
    assert await read("long-rentals") == (200, {"status": "success", "long_rentals": [rental], "errors": "null"})
    assert getatext.account.balance == parse_usd("102.88")


async def test_the_flat_form_hides_the_status_of_the_request(ask, getatext):
    getatext.settings.long_rental_flat = True
    _, body = await ask("long-rentals", rental_time="2w")
    assert body == {
        "status": "Active",
        "id": 1,
        "number": getatext.rents[0].number,
        "end_time": "2025-06-29",
        "rented_at": "2025-06-15",
        "price": "12.99",
        "period": "2 Weeks",
        "auto_renew": False,
        "errors": "null",
    }


@pytest.mark.parametrize(
    ("period", "title", "price", "days"),
    [("1w", "1 Week", "10.99", 7), ("2w", "2 Weeks", "12.99", 14), ("1m", "1 Month", "14.99", 30)],
)
async def test_a_rental_lasts_its_days_to_the_second_and_is_not_paid_back(
    rent, read, clock, getatext, period, title, price, days
):
    rental = await rent(period)
    assert (rental["period"], rental["price"]) == (title, price)
    await clock.advance(days * 24 * 3600 - 0.5)
    assert (await read("long-rentals"))[1]["long_rentals"][0]["status"] == "Active"
    await clock.advance(0.5)
    assert (await read("long-rentals"))[1]["long_rentals"][0]["status"] == "Expired"
    assert getatext.rent(rental["number"]).phase is Phase.FINISHED
    assert getatext.account.balance == parse_usd("113.87") - parse_usd(price)


REFUSALS = [
    ("long-rentals", {}, 400, "rental_time is not presented on the request"),
    ("long-rentals", {"rental_time": "1y"}, 422, "Invalid rental_time. Allowed values: 1w, 2w, 1m"),
    ("long-rentals", {"rental_time": "7d"}, 422, "Invalid rental_time. Allowed values: 1w, 2w, 1m"),
    ("long-rentals", {"rental_time": 1}, 422, "rental_time must be a string"),
    ("long-rentals", {"rental_time": "1w", "auto_renew": "true"}, 422, "auto_renew must be a boolean"),
    ("long-rentals", {"rental_time": "1w", "area_codes": 305}, 422, "area_codes must be a string or an array"),
    (
        "long-rentals",
        {"rental_time": "1w", "area_codes": [305]},
        422,
        "area_codes must be a string or an array of strings",
    ),
    ("long-rentals", {"rental_time": "1w", "area_codes": "999"}, 422, "No available pool number for long rental"),
    ("long-rentals/2/update", {"action": "renew"}, 404, "Long rental not found"),
    ("long-rentals/1/update", {}, 400, "action is not presented on the request"),
    ("long-rentals/1/update", {"action": "end"}, 422, "Invalid action. Allowed values: renew, cancel, auto_renew"),
    ("long-rentals/1/update", {"action": "auto_renew"}, 400, "auto_renew is not presented on the request"),
    (
        "long-rentals/1/update",
        {"action": "auto_renew", "auto_renew": "no"},
        422,
        "auto_renew must be a boolean",
    ),
]


@pytest.mark.parametrize(("path", "fields", "status", "errors"), REFUSALS)
async def test_what_cannot_be_done_has_its_status_and_its_words(ask, rent, getatext, path, fields, status, errors):
    await rent()
    assert await ask(path, **fields) == (status, {"errors": errors})
    assert (len(getatext.rents), getatext.account.balance) == (1, parse_usd("102.88"))


@pytest.mark.parametrize("codes", ["305,786,407", ["305", "786", "407"]])
async def test_area_codes_are_kept_to_and_cost_a_fifth_more(rent, codes, getatext):
    rental = await rent(area_codes=codes)
    assert (rental["number"][:3] in ("305", "786", "407"), rental["price"]) == (True, "13.188")
    assert getatext.account.balance == parse_usd("100.682")


@pytest.mark.parametrize("codes", ["", []])
async def test_no_area_codes_cost_nothing(rent, codes):
    assert (await rent(area_codes=codes))["price"] == "10.99"


@pytest.mark.parametrize(("balance", "codes"), [("10.98", ""), ("13.18", "305")])
async def test_money_is_never_owed(ask, getatext, balance, codes):
    getatext.set_balance(parse_usd(balance))
    assert await ask("long-rentals", rental_time="1w", area_codes=codes) == (400, {"errors": "Insufficient funds"})
    assert getatext.rents == []


async def test_a_number_that_comes_back_can_be_rented_again(ask, rent, getatext):
    getatext.settings.long_stock = 1
    await rent()
    none = {"errors": "No available pool number for long rental"}
    assert await ask("long-rentals", rental_time="1w") == (422, none)
    assert (await ask("long-rentals/1/update", action="cancel"))[0] == 200
    assert (await rent())["id"] == 2


async def test_sms_of_any_service_come_by_themselves(rent, read, clock):
    rental = await rent()
    await clock.advance(2.9)
    nothing = {"status": "success", "messages": [], "errors": "null"}
    assert await read("long-rentals/1/messages") == (200, nothing)
    await clock.advance(10.1)
    _, body = await read("long-rentals/1/messages")
    first, second = body["messages"]
    assert ("Whatsapp" in first["message"], "Google" in second["message"]) == (True, True)
    assert {name: first[name] for name in ("number", "rented_at")} == {
        "number": rental["number"],
        "rented_at": "2025-06-15T11:06:43-04:00",
    }


async def test_an_sms_is_delivered_to_a_rent_that_is_found_by_its_number(rent, read, quiet):
    rental = await rent()
    quiet.deliver(quiet.rent("1" + rental["number"]), text="Your Lyft code is 04711", sender="8888")
    _, body = await read("long-rentals/1/messages")
    assert [(sms["message"], sms["sender"]) for sms in body["messages"]] == [("Your Lyft code is 04711", "8888")]
    assert quiet.rents[0].messages[0].code == "04711"


async def test_messages_of_a_rental_that_is_over_can_still_be_read(rent, read, clock, quiet):
    rental = await rent()
    quiet.deliver(quiet.rent(rental["number"]), code="123456")
    await clock.advance(WEEK)
    assert len((await read("long-rentals/1/messages"))[1]["messages"]) == 1
    assert await read("long-rentals/2/messages") == (404, {"errors": "Long rental not found"})


async def test_a_cancellation_gives_the_whole_price_back_once(ask, rent, clock, quiet):
    await rent(area_codes="305")
    await clock.advance(WINDOW - 0.5)
    status, body = await ask("long-rentals/1/update", action="cancel")
    assert (status, body["long_rental"]["status"]) == (200, "Cancelled")
    over = {"errors": "Long rental is not active"}
    for action in ("cancel", "renew", "auto_renew"):
        assert await ask("long-rentals/1/update", action=action) == (400, over)
    assert quiet.account.balance == parse_usd("113.87")
    assert (quiet.rents[0].phase, quiet.rents[0].paid) == (Phase.CANCELLED, 0)


@pytest.mark.parametrize("reason", ["late", "message", "renewed"])
async def test_a_cancellation_can_come_too_late(ask, rent, clock, quiet, reason):
    rental = await rent()
    match reason:
        case "late":
            await clock.advance(WINDOW)
        case "message":
            quiet.deliver(quiet.rent(rental["number"]), code="123456")
        case "renewed":
            await ask("long-rentals/1/update", action="renew")
    before = quiet.account.balance
    assert await ask("long-rentals/1/update", action="cancel") == (422, {"errors": NOT_CANCELLED})
    assert (quiet.account.balance, quiet.rents[0].phase) == (before, Phase.OPEN)


async def test_a_cancelled_rental_gets_no_sms_by_itself(ask, rent, read, clock):
    await rent()
    await ask("long-rentals/1/update", action="cancel")
    await clock.advance(60)
    assert (await read("long-rentals/1/messages"))[1]["messages"] == []


async def test_a_renewal_adds_the_period_and_costs_the_same_again(ask, rent, clock, quiet):
    rental = await rent(area_codes="305")
    await clock.advance(WEEK - 1)
    status, body = await ask("long-rentals/1/update", action="renew", auto_renew=True)
    renewed = rental | {"end_time": "2025-06-29"}
    assert (status, body) == (200, {"status": "success", "long_rental": renewed, "errors": "null"})
    held = quiet.rent(rental["number"])
    assert (held.renewals, held.paid, quiet.account.balance) == (1, parse_usd("26.376"), parse_usd("87.494"))
    await clock.advance(WEEK)
    assert quiet.rents[0].phase is Phase.OPEN
    await clock.advance(1)
    assert quiet.rents[0].phase is Phase.FINISHED


async def test_a_renewal_must_be_covered(ask, rent, quiet):
    await rent()
    quiet.set_balance(parse_usd("10.98"))
    assert await ask("long-rentals/1/update", action="renew") == (400, {"errors": "Insufficient funds"})
    assert (quiet.rents[0].renewals, quiet.account.balance) == (0, parse_usd("10.98"))


async def test_auto_renewal_can_be_switched(ask, rent, clock, quiet):
    await rent()
    status, body = await ask("long-rentals/1/update", action="auto_renew", auto_renew=True)
    assert (status, body["long_rental"]["auto_renew"]) == (200, True)
    await clock.advance(WEEK)
    assert (quiet.rents[0].phase, quiet.rents[0].renewals) == (Phase.OPEN, 1)
    await ask("long-rentals/1/update", action="auto_renew", auto_renew=False)
    await clock.advance(WEEK)
    assert (quiet.rents[0].phase, quiet.account.balance) == (Phase.FINISHED, parse_usd("91.89"))


async def test_a_number_rented_for_days_cannot_be_had_otherwise(ask, rent):
    rental = await rent()
    gone = {"errors": "This number does not exist in our system or is not available"}
    assert await ask("rent-specific-number", number=rental["number"], service="whatsapp") == (404, gone)
    await ask("long-rentals/1/update", action="cancel")
    assert (await ask("rent-specific-number", number=rental["number"], service="whatsapp"))[0] == 201


@pytest.mark.parametrize(
    ("setting", "value", "status", "errors"),
    [
        ("maintenance", True, 503, "Service is under maintenance"),
        ("api_key", "other", 403, "Wrong Api Key or User is restricted"),
    ],
)
@pytest.mark.parametrize("path", ["long-rentals", "service-long-rentals", "auctions", "long-rentals/1/messages"])
async def test_the_door_is_that_of_all_endpoints(read, getatext, path, setting, value, status, errors):
    setattr(getatext.settings, setting, value)
    assert await read(path) == (status, {"errors": errors})
