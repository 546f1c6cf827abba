"""getatext.com's stand-in where it sells several services on one number."""

import pytest

from proxy.domain.money import parse_usd

OUT = "Service is out of stock"
DEAR = "The price of the service exceeds the maximum price you are willing to pay, actual price is: "


@pytest.fixture
def ask(ask_getatext, clock):
    async def ask(services="google,whatsapp", **fields):
        """A second passes before, so that the rate limit has forgotten the last request."""
        await clock.advance(1)
        return await ask_getatext("rent-multiple-services", services=services, **fields)

    return ask


async def test_several_services_are_rented_as_the_documents_show_it(ask_getatext):
    status, body = await ask_getatext("rent-multiple-services", services="whatsapp,google", max_price=1.4)
    assert status == 201
    numbers = {rental.pop("number") for rental in body["rentals"]}
    assert [len(number) for number in numbers] == [10]
    rental = {"status": "success", "message": "Number rented successfully.", "errors": None}
    whatsapp = {"id": 12345, "end_time": "2025-06-15 11:11:40", "service_name": "Whatsapp", "price": "0.55"}
    google = {"id": 12346, "end_time": "2025-06-15 11:16:40", "service_name": "Google", "price": "0.85"}
    assert body == {
        "status": "success",
        "rentals": [rental | whatsapp, rental | google],
        "new_balance": "112.47",
        "total_cost": "1.40",
    }


async def test_they_come_in_the_order_asked(ask):
    _, body = await ask("google,whatsapp")
    assert [rental["service_name"] for rental in body["rentals"]] == ["Google", "Whatsapp"]


async def test_each_is_a_rental_of_its_own(ask, ask_getatext, getatext, clock):
    getatext.settings.sms_after = None
    _, body = await ask()
    google, whatsapp = body["rentals"]
    getatext.deliver(google["id"], code="012345")
    await clock.advance(60)
    assert (await ask_getatext("cancel-rental", id=whatsapp["id"]))[1]["balance"] == "113.02"
    _, status = await ask_getatext("rental-status", id=google["id"])
    assert (status["status"], status["code"]) == ("active", "012345")


async def test_a_single_service_will_do(ask):
    status, body = await ask("whatsapp")
    assert (status, body["total_cost"], len(body["rentals"])) == (201, "0.55", 1)


@pytest.mark.parametrize(
    ("fields", "status", "errors"),
    [
        ({"services": ""}, 400, "Service is not presented on the request"),
        ({"services": None}, 400, "Service is not presented on the request"),
        ({"services": ["whatsapp", "google"]}, 422, "services must be a string"),
        ({"services": "whatsapp,nothing"}, 404, "Service not found"),
        ({"services": "whatsapp, google"}, 404, "Service not found"),
        ({"services": "whatsapp,"}, 404, "Service not found"),
        ({"services": "whatsapp,empty"}, 400, OUT),
        ({"services": "whatsapp,whatsapp"}, 400, OUT),
        ({"services": "whatsapp,guarded"}, 400, "Service is not available"),
        ({"carrier": "verizon"}, 400, "Wrong Carrier"),
        ({"carrier": "tmobile", "keep_carrier": True}, 400, f"{OUT} for selected carrier: tmobile"),
        ({"rent_area_codes": "999", "lock_area_code": True}, 400, f"{OUT} for selected area codes"),
        (
            {"carrier": "at&t", "rent_area_codes": "999", "lock_area_code": True},
            400,
            f"{OUT} for selected carrier and area codes",
        ),
        ({"max_price": 1.39}, 400, DEAR + "1.40"),
        ({"rent_area_codes": "212", "max_price": 1.5}, 400, DEAR + "1.68"),
        ({"max_price": "3.00"}, 422, "max_price must be a number"),
        ({"keep_carrier": "true", "carrier": "tmobile"}, 422, "keep_carrier must be a boolean"),
    ],
)
async def test_all_or_nothing(ask, getatext, fields, status, errors):
    assert await ask(**fields) == (status, {"errors": errors})
    assert getatext.rentals == []
    assert getatext.account.balance == parse_usd("113.87")


@pytest.mark.parametrize(
    ("wishes", "prices"),
    [
        ({}, ["0.85", "0.55", "1.40"]),
        ({"carrier": "tmobile"}, ["0.85", "0.55", "1.40"]),
        ({"carrier": "at&t"}, ["1.02", "0.66", "1.68"]),
        ({"rent_area_codes": "212,646"}, ["1.02", "0.66", "1.68"]),
        ({"area_codes": "212,646"}, ["0.85", "0.55", "1.40"]),
        ({"carrier": "at&t", "rent_area_codes": "212", "lock_area_code": True}, ["1.19", "0.77", "1.96"]),
    ],
)
async def test_only_wishes_that_come_true_for_all_cost_more(ask, wishes, prices):
    _, body = await ask(**wishes)
    assert [rental["price"] for rental in body["rentals"]] + [body["total_cost"]] == prices


async def test_the_number_is_in_a_chosen_area(ask):
    _, body = await ask(rent_area_codes="212,646", lock_area_code=True)
    assert {rental["number"][:3] for rental in body["rentals"]} <= {"212", "646"}


@pytest.mark.parametrize(
    ("balance", "wishes", "errors"),
    [
        ("1.39", {}, "Insufficient funds"),
        ("1.67", {"rent_area_codes": "212"}, "Insufficient funds for area code extra charge"),
    ],
)
async def test_the_sum_must_be_there(ask, getatext, balance, wishes, errors):
    getatext.set_balance(parse_usd(balance))
    assert await ask(**wishes) == (400, {"errors": errors})


async def test_they_count_as_so_many_rentals(ask, getatext):
    getatext.settings.max_open = 1
    assert await ask() == (400, {"errors": "You have reached the maximum number of active rentals"})
    getatext.settings.max_open = 2
    assert (await ask())[0] == 201


async def test_services_that_failed_together_are_not_looked_for_again_for_five_minutes(ask, getatext, clock):
    assert await ask("whatsapp,empty") == (400, {"errors": OUT})
    getatext.set_service("empty", stock=5)
    assert await ask("empty,whatsapp", rent_area_codes="212") == (400, {"errors": OUT})
    assert (await ask("empty,google"))[0] == 201
    await clock.advance(296.9)
    assert await ask("whatsapp,empty") == (400, {"errors": OUT})
    assert (await ask("whatsapp,empty"))[0] == 201


@pytest.mark.parametrize(
    "refused",
    [
        {"max_price": 1},
        {"services": "google,whatsapp,nothing"},
        {"carrier": "tmobile", "keep_carrier": "true"},
    ],
)
async def test_other_failures_are_not_kept(ask, refused):
    assert (await ask(**refused))[0] in (400, 404, 422)
    assert (await ask())[0] == 201


async def test_a_wish_that_failed_stands_in_the_way_of_the_same_services_without_it(ask):
    failed = await ask(rent_area_codes="999", lock_area_code=True)
    assert await ask() == failed
