"""getatext.com's stand-in: numbers for one service by the day."""

import pytest

from proxy.domain.money import parse_usd
from proxy.sandbox import Phase

WEEK = 7 * 24 * 3600
WINDOW = 20 * 60
NOT_FOUND = 404, {"errors": "Service long rental not found"}
AMBIGUOUS = (
    400,
    {
        "errors": "Multiple active service long rentals found for this number."
        ' Provide the "service" parameter to disambiguate.'
    },
)
NOT_CANCELLED = (
    422,
    {"errors": "Service long rental cannot be cancelled (already received messages or cancellation window expired)"},
)
NONE_LEFT = 422, {"errors": "No available pool number for service long rental"}
NO_FUNDS = 400, {"errors": "Insufficient funds"}


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
    async def rent(service="whatsapp", period="7d", **fields):
        status, body = await ask("service-long-rentals", service=service, period=period, **fields)
        assert status == 201, body
        return body["service_long_rental"]

    return rent


async def test_prices_list_every_period_of_every_service_that_has_some(read):
    status, body = await read("service-long-rentals/prices")
    assert (status, body) == (
        200,
        {
            "status": "success",
            "service_long_rental_prices": [
                {
                    "service_name": "Whatsapp",
                    "api_name": "whatsapp",
                    "prices": [
                        {"period": "1d", "cost": "1.50"},
                        {"period": "3d", "cost": "3.00"},
                        {"period": "7d", "cost": "5.00"},
                        {"period": "14d", "cost": "9.00"},
                        {"period": "30d", "cost": "15.00"},
                    ],
                },
                {"service_name": "Google", "api_name": "google", "prices": [{"period": "7d", "cost": "7.00"}]},
            ],
            "errors": None,
        },
    )


async def test_a_number_is_rented_as_the_documents_show_it(ask, read, getatext):
    status, body = await ask("service-long-rentals", service="whatsapp", period="7d", auto_renew=True)
    rental = {
        "id": 1,
        "number": getatext.rents[0].number,
        "service_name": "Whatsapp",
        "api_name": "whatsapp",
        "end_time": "2025-06-22",
        "rented_at": "2025-06-15",
        "cost": "5.00",
        "status": "Active",
        "period": "7 Days",
        "auto_renew": True,
    }
    assert (status, body) == (
        201,
        {
            "status": "success",
            "message": "Service long rental created successfully.",
            "service_long_rental": rental,
            "errors": None,
        },
    )
    listed = {"status": "success", "service_long_rentals": [rental], "errors": None}
    assert await read("service-long-rentals") == (200, listed)
    assert getatext.account.balance == parse_usd("108.87")


@pytest.mark.parametrize(
    ("period", "title", "cost", "days"),
    [
        ("1d", "1 Day", "1.50", 1),
        ("3d", "3 Days", "3.00", 3),
        ("7d", "7 Days", "5.00", 7),
        ("14d", "14 Days", "9.00", 14),
        ("30d", "30 Days", "15.00", 30),
    ],
)
async def test_a_rental_lasts_its_days_and_leaves_the_list(rent, read, clock, getatext, period, title, cost, days):
    rental = await rent(period=period)
    assert (rental["period"], rental["cost"]) == (title, cost)
    await clock.advance(days * 24 * 3600 - 0.5)
    assert len((await read("service-long-rentals"))[1]["service_long_rentals"]) == 1
    await clock.advance(0.5)
    assert (await read("service-long-rentals"))[1]["service_long_rentals"] == []
    assert await read(f"service-long-rentals/{rental['number']}/messages") == NOT_FOUND
    assert getatext.account.balance == parse_usd("113.87") - parse_usd(cost)


REFUSALS = [
    ({"period": "7d"}, 400, "Service is not presented on the request"),
    ({"service": "whatsapp"}, 400, "Period is not presented on the request"),
    ({"service": "nothing", "period": "1w"}, 422, "Invalid period. Allowed values: 1d, 3d, 7d, 14d, 30d"),
    ({"service": "Whatsapp", "period": "7d"}, 404, "Service not found"),
    (
        {"service": "google", "period": "1d"},
        422,
        "This service is not available for long rental in the selected period",
    ),
    ({"service": "whatsapp", "period": 7}, 422, "period must be a string"),
    ({"service": "whatsapp", "period": "7d", "auto_renew": 1}, 422, "auto_renew must be a boolean"),
    ({"service": "whatsapp", "period": "7d", "lock_area_code": "yes"}, 422, "lock_area_code must be a boolean"),
    ({"service": "whatsapp", "period": "7d", "area_codes": ["212"]}, 422, "area_codes must be a string"),
    (
        {"service": "whatsapp", "period": "7d", "area_codes": "999", "lock_area_code": True},
        422,
        "No available pool number for service long rental",
    ),
]


@pytest.mark.parametrize(("fields", "status", "errors"), REFUSALS)
async def test_what_cannot_be_bought_has_its_status_and_its_words(ask, getatext, fields, status, errors):
    assert await ask("service-long-rentals", **fields) == (status, {"errors": errors})
    assert (getatext.rents, getatext.account.balance) == ([], parse_usd("113.87"))


async def test_an_account_may_be_without_service_rentals(ask, getatext):
    getatext.settings.service_rentals_enabled = False
    refused = {"errors": "Service long rentals are not enabled for this account"}
    assert await ask("service-long-rentals") == (403, refused)


async def test_the_balance_is_looked_at_before_the_stock(ask, getatext):
    getatext.settings.service_long_stock = 0
    assert await ask("service-long-rentals", service="whatsapp", period="7d") == NONE_LEFT
    getatext.set_balance(parse_usd("4.99"))
    assert await ask("service-long-rentals", service="whatsapp", period="7d") == NO_FUNDS


@pytest.mark.parametrize("insists", [True, False])
async def test_area_codes_cost_nothing(rent, insists):
    rental = await rent(area_codes="212,646", lock_area_code=insists)
    assert (rental["number"][:3] in ("212", "646"), rental["cost"]) == (True, "5.00")


async def test_area_codes_are_only_a_wish_unless_the_request_insists(rent):
    assert len((await rent(area_codes="999"))["number"]) == 10


async def test_one_number_is_rented_for_several_services_but_once_for_each(ask, rent, getatext):
    getatext.settings.service_long_stock = 2
    numbers = [(await rent(service))["number"] for service in ("whatsapp", "google", "whatsapp", "google")]
    assert numbers[0] == numbers[1] != numbers[2] == numbers[3]
    assert await ask("service-long-rentals", service="google", period="7d") == NONE_LEFT


async def test_a_number_in_another_area_is_not_shared(rent):
    first = await rent("whatsapp", area_codes="212", lock_area_code=True)
    second = await rent("google", area_codes="646", lock_area_code=True)
    assert (first["number"][:3], second["number"][:3]) == ("212", "646")


async def test_the_ids_of_both_kinds_count_apart(ask, rent):
    _, long = await ask("long-rentals", rental_time="1w")
    assert [long["long_rental"]["id"], (await rent())["id"], (await rent())["id"]] == [1, 1, 2]


@pytest.fixture
async def shared(rent, quiet):
    """A number that two services have."""
    await rent("whatsapp")
    return (await rent("google"))["number"]


ON_A_NUMBER = [
    ("cancel", {}, "cancelled"),
    ("renew", {}, "renewed"),
    ("auto-renew", {"auto_renew": True}, "auto-renew updated"),
]


@pytest.mark.parametrize(("action", "fields", "done"), ON_A_NUMBER)
async def test_a_number_of_several_services_needs_the_service(ask, shared, action, fields, done):
    path = f"service-long-rentals/{shared}/{action}"
    assert await ask(path, **fields) == AMBIGUOUS
    assert await ask(path, service="telegram", **fields) == NOT_FOUND
    status, body = await ask(path, service="google", **fields)
    assert (status, body["message"]) == (200, f"Service long rental {done} successfully.")
    assert body["service_long_rental"]["api_name"] == "google"


@pytest.mark.parametrize(("action", "fields", "done"), ON_A_NUMBER)
async def test_a_number_of_one_service_is_enough(ask, rent, action, fields, done):
    number = (await rent())["number"]
    for wrong in ("1" + number, "2125550100", "x"):
        assert await ask(f"service-long-rentals/{wrong}/{action}", **fields) == NOT_FOUND
    assert (await ask(f"service-long-rentals/{number}/{action}", **fields))[0] == 200


async def test_messages_of_a_shared_number_are_kept_apart(read, shared, quiet):
    quiet.deliver(quiet.rent(shared, "whatsapp"), text="Your Whatsapp code is 123456", sender="8888")
    path = f"service-long-rentals/{shared}/messages"
    assert await read(path) == AMBIGUOUS
    assert await read(path, service="google") == (200, {"status": "success", "messages": [], "errors": None})
    message = {
        "message": "Your Whatsapp code is 123456",
        "sender": "8888",
        "received_at": "2025-06-15T11:06:40-04:00",
        "number": shared,
        "service_name": "Whatsapp",
    }
    whatsapp = {"status": "success", "messages": [message], "errors": None}
    assert await read(path, service="whatsapp") == (200, whatsapp)


async def test_sms_come_by_themselves_and_oldest_first(rent, read, clock, getatext):
    number = (await rent("whatsapp"))["number"]
    await clock.advance(13)
    _, body = await read(f"service-long-rentals/{number}/messages")
    came = [message["received_at"] for message in body["messages"]]
    assert came == ["2025-06-15T11:06:43-04:00", "2025-06-15T11:06:53-04:00"]
    assert all(message.code in message.text for message in getatext.rent(number).messages)


async def test_a_cancellation_gives_the_whole_price_back_once(ask, rent, clock, quiet):
    rental = await rent(auto_renew=True)
    path = f"service-long-rentals/{rental['number']}/cancel"
    await clock.advance(WINDOW - 0.5)
    assert await ask(path) == (
        200,
        {
            "status": "success",
            "message": "Service long rental cancelled successfully.",
            "service_long_rental": rental | {"status": "Cancelled"},
            "errors": None,
        },
    )
    assert await ask(path) == NOT_FOUND
    await clock.advance(WEEK)
    assert (quiet.rents[0].phase, quiet.account.balance) == (Phase.CANCELLED, parse_usd("113.87"))


@pytest.mark.parametrize("reason", ["late", "message", "renewed"])
async def test_a_cancellation_can_come_too_late(ask, rent, clock, quiet, reason):
    number = (await rent())["number"]
    match reason:
        case "late":
            await clock.advance(WINDOW)
        case "message":
            quiet.deliver(quiet.rent(number), code="123456")
        case "renewed":
            await ask(f"service-long-rentals/{number}/renew")
    before = quiet.account.balance
    assert await ask(f"service-long-rentals/{number}/cancel") == NOT_CANCELLED
    assert (quiet.account.balance, quiet.rents[0].phase) == (before, Phase.OPEN)


async def test_a_renewal_adds_the_period_and_costs_the_same_again(ask, rent, quiet):
    rental = await rent()
    assert await ask(f"service-long-rentals/{rental['number']}/renew") == (
        200,
        {
            "status": "success",
            "message": "Service long rental renewed successfully.",
            "service_long_rental": rental | {"end_time": "2025-06-29"},
            "errors": None,
        },
    )
    held = quiet.rent(rental["number"])
    assert (held.renewals, held.paid, quiet.account.balance) == (1, parse_usd("10.00"), parse_usd("103.87"))


async def test_a_renewal_must_be_covered(ask, rent, quiet):
    number = (await rent())["number"]
    quiet.set_balance(parse_usd("4.99"))
    assert await ask(f"service-long-rentals/{number}/renew") == NO_FUNDS
    assert (quiet.rents[0].renewals, quiet.account.balance) == (0, parse_usd("4.99"))


@pytest.mark.parametrize(
    ("fields", "status", "errors"),
    [
        ({}, 400, "auto_renew is not presented on the request"),
        ({"auto_renew": None}, 400, "auto_renew is not presented on the request"),
        ({"auto_renew": "true"}, 422, "auto_renew must be a boolean"),
        ({"auto_renew": 1}, 422, "auto_renew must be a boolean"),
    ],
)
async def test_auto_renewal_is_switched_by_a_boolean(ask, fields, status, errors):
    assert await ask("service-long-rentals/2125550100/auto-renew", **fields) == (status, {"errors": errors})


async def test_auto_renewal_goes_on_while_the_balance_suffices(rent, clock, quiet):
    number = (await rent(auto_renew=True))["number"]
    quiet.set_balance(parse_usd("12.00"))
    await clock.advance(3 * WEEK - 0.5)
    held = quiet.rent(number)
    assert (held.phase, held.renewals, held.paid) == (Phase.OPEN, 2, parse_usd("15.00"))
    await clock.advance(0.5)
    assert quiet.rent(number).phase is Phase.FINISHED
    assert quiet.account.balance == parse_usd("2.00")


async def test_auto_renewal_that_was_switched_off_does_not_happen(ask, rent, clock, quiet):
    rental = await rent(auto_renew=True)
    status, body = await ask(f"service-long-rentals/{rental['number']}/auto-renew", auto_renew=False)
    assert (status, body["service_long_rental"]) == (200, rental | {"auto_renew": False})
    await clock.advance(WEEK)
    assert (quiet.rents[0].phase, quiet.rents[0].renewals) == (Phase.FINISHED, 0)


async def test_a_number_is_free_when_its_last_service_has_gone(ask, shared):
    async def status():
        return (await ask("rent-specific-number", number=shared, service="whatsapp"))[0]

    await ask(f"service-long-rentals/{shared}/cancel", service="google")
    assert await status() == 404
    await ask(f"service-long-rentals/{shared}/cancel")
    assert await status() == 201
