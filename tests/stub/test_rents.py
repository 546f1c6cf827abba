"""The actions about rents: what each says, and each word with which it says no."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import pytest_asyncio

from proxy.sandbox import Settings
from proxy.sandbox.numbers import ALL_AREAS
from tests.stage import KEY, OTHER_KEY, Stage, stage
from tests.store.books import locked
from tests.stub.door import FORM, ask, knock
from tests.stub.renting import HOUR, WEEK, deliver, rent, rented, say, there, word

pytestmark = pytest.mark.asyncio(loop_scope="module")

ABOUT_ONE = {
    "getRentStatus": {},
    "setRentStatus": {"status": 1},
    "continueRentNumber": {},
    "getContinueRentPriceNumber": {},
    "continueRentInfo": {},
}
"""The actions about one rent, with what else they must be asked with."""
CONTINUING = ["continueRentNumber", "getContinueRentPriceNumber", "continueRentInfo"]
FOR_A_TIME = ["getRentServicesAndCountries", "getRentNumber"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def it(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    plenty = Settings(sms_after=None, cancel_lock=0, service_long_stock=200)
    async with stage(tmp_path_factory.mktemp("house"), getatext=plenty, poll=0.1) as it:
        yield it


# What can be rented


async def test_what_is_rented_has_its_codes_and_prices(it: Stage):
    told = await say(it, "getRentServicesAndCountries", rent_time=WEEK)
    assert told.keys() == {"countries", "operators", "services", "currency"}
    assert (told["countries"], told["operators"], told["currency"]) == ({"0": 187}, {"0": "any"}, 840)
    assert told["services"]["wa"] == {"cost": 5.0, "quant": 1}
    assert told["services"]["full"]["cost"] == 10.99
    assert told["services"]["full"]["quant"] > 0


@pytest.mark.parametrize("spelling", ["rent_time", "time", "hours", "duration", "time ", "%20rent_time"])
@pytest.mark.parametrize(("hours", "cost"), [(24, 1.5), (25, 3.0), (72, 3.0), (168, 5.0), (169, 9.0), (720, 15.0)])
async def test_a_time_that_is_not_sold_costs_what_the_next_longer_one_does(
    it: Stage, spelling: str, hours: int, cost: float
):
    query = f"api_key={KEY}&action=getRentServicesAndCountries&{spelling.replace(' ', '+')}={hours}"
    told = json.loads((await knock(it.house, query)).text)
    assert told["services"]["wa"]["cost"] == cost


async def test_without_a_time_it_is_the_shortest(it: Stage):
    told = await say(it, "getRentServicesAndCountries")
    assert (told["services"]["wa"]["cost"], told["services"]["full"]["cost"]) == (1.5, 10.99)


@pytest.mark.parametrize(
    "params", [{"rent_time": 721}, {"rent_time": 10**9}, {"country": 0}, {"country": "x"}, {"operator": "tmobile"}]
)
async def test_where_or_for_as_long_as_nothing_is_rented_all_is_out_of_stock(it: Stage, params: dict[str, Any]):
    assert await word(it, "getRentServicesAndCountries", **params) == "OUT_OF_STOCK"
    assert await word(it, "getRentNumber", service="wa", **params) == "NO_NUMBERS"
    reason = (await it.reply("getRentNumber", service="wa", **params)).headers["x-reason"]
    assert "getatext: " in reason


@pytest.mark.parametrize("action", FOR_A_TIME)
@pytest.mark.parametrize("time", ["0", "-24", "x", "1.5", "24h", "１"])
async def test_a_time_that_is_none(it: Stage, action: str, time: str):
    assert await word(it, action, service="wa", rent_time=time) == "INVALID_TIME"


# Renting


@pytest.mark.parametrize(
    ("service", "hours", "period", "price"),
    [
        ("wa", 24, "1d", "1.50"),
        ("WA", 72, "3d", "3.00"),
        ("whatsapp", 168, "7d", "5.00"),
        ("WhatsApp", 300, "14d", "9.00"),
        ("wa", 720, "30d", "15.00"),
        ("full", 4, "1w", "10.99"),
        ("FULL", 168, "1w", "10.99"),
        ("full", 169, "2w", "12.99"),
        ("full", 720, "1m", "14.99"),
    ],
)
async def test_a_number_is_rented_for_its_time(it: Stage, service: str, hours: int, period: str, price: str):
    before = it.clock.now()
    reply = await it.reply("getRentNumber", service=service, rent_time=hours)
    got = rented(reply.json())
    sold = there(it, got.phone)
    assert (sold.period, sold.auto_renew) == (period, False)
    assert (reply.headers["x-price"], reply.headers["x-provider"]) == (price, "getatext")
    days = {"1d": 1, "3d": 3, "7d": 7, "1w": 7, "14d": 14, "2w": 14, "30d": 30, "1m": 30}[period]
    assert before - 1 <= got.ends_at - days * 24 * HOUR <= it.clock.now()


async def test_a_form_rents_as_well(it: Stage):
    body = urlencode({"api_key": KEY, "action": "getRentNumber", "service": "wa", "time": WEEK}).encode()
    answer = await knock(it.house, method="POST", body=body, content_type=FORM)
    assert rented(json.loads(answer.text))
    assert answer.headers["content-type"].startswith("application/json")


async def test_area_codes_are_asked_for(it: Stage):
    here = ALL_AREAS[3]
    assert (await rent(it, area_codes=f"555,{here}", lock_area_code="1")).phone[1:4] == here
    assert (await rent(it, "full", areas=here)).phone[1:4] == here
    dearer = await it.reply("getRentNumber", service="full", areas=here)
    assert dearer.headers["x-price"] == "13.188"
    assert await word(it, "getRentNumber", service="wa", areas="555") == "NO_NUMBERS"


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({}, "BAD_SERVICE"),
        ({"service": "no such service"}, "BAD_SERVICE"),
        ({"service": "wa", "country": 6}, "NO_NUMBERS"),
        ({"service": "wa", "providerIds": "getsms"}, "NO_NUMBERS"),
        ({"service": "wa", "exceptProviderIds": "getatext"}, "NO_NUMBERS"),
        ({"service": "wa", "operator": "tmobile"}, "NO_NUMBERS"),
        ({"service": "wa", "areas": "12"}, "NO_NUMBERS"),
        ({"service": "wa", "url": "ftp://example.com"}, "NO_NUMBERS"),
        ({"service": "wa", "url": "http://"}, "NO_NUMBERS"),
        ({"service": "wa", "url": "https://example.com/" + "x" * 1024}, "NO_NUMBERS"),
        ({"service": "wa", "url": "https://example.com/ x"}, "NO_NUMBERS"),
        ({"service": "wa", "maxPrice": "1.49"}, "WRONG_MAX_PRICE:1.50"),
        ({"service": "wa", "maxPrice": "x"}, "WRONG_MAX_PRICE:1.50"),
        ({"service": "full", "max_price": "10.98"}, "WRONG_MAX_PRICE:10.99"),
    ],
)
async def test_what_is_not_to_be_had_is_not_bought(it: Stage, params: dict[str, Any], said: str):
    before = len(it.getatext.rents)
    assert await word(it, "getRentNumber", **params) == said
    assert len(it.getatext.rents) == before


async def test_a_price_that_is_too_low_is_told_as_a_number_too(it: Stage):
    told = await say(it, "getRentNumber", service="wa", maxPrice="1")
    assert told == {"status": "error", "message": "WRONG_MAX_PRICE:1.50", "info": {"min": 1.5}}


@pytest.mark.parametrize("wish", [{"maxPrice": "1.50"}, {"incomingCall": "true", "currency": "840", "operator": "any"}])
async def test_an_exact_price_is_enough_and_what_nobody_knows_is_ignored(it: Stage, wish: dict[str, str]):
    assert await rent(it, hours=24, **wish)


async def test_the_address_for_its_sms_is_kept(it: Stage):
    url = "https://example.com/sms?rent=1&x=%20"
    got = await rent(it, url=url)
    rows = await it.house.gateway.store.read._rows("SELECT url FROM activations WHERE id = ?", (got.id,))
    assert rows == [(url,)]


async def test_an_order_is_carried_out_once(it: Stage):
    wish = {"service": "wa", "rent_time": 24, "orderId": "order-1"}
    first = await it.reply("getRentNumber", **wish)
    before = len(it.getatext.rents)
    again = await it.reply("getRentNumber", **wish)
    assert (again.content, again.headers["x-price"]) == (first.content, "1.50")
    assert await word(it, "getRentNumber", **{**wish, "rent_time": 72}) == "ORDER_ALREADY_EXISTS"
    assert len(it.getatext.rents) == before


# Reading


async def test_the_sms_of_a_rent_come_newest_first_and_page_by_page(it: Stage):
    got = await rent(it, "full")
    assert await word(it, "getRentStatus", id=got.id) == "STATUS_WAIT_CODE"
    for text in ("first 111111", "second 222222", "no digits here"):
        await deliver(it, got.phone, text=text, sender="+12025550199")
    told = await say(it, "getRentStatus", id=got.id)
    assert (told["status"], told["quantity"], list(told["values"])) == ("success", "3", ["0", "1", "2"])
    assert [one["text"] for one in told["values"].values()] == ["no digits here", "second 222222", "first 111111"]
    newest = told["values"]["0"]
    assert newest.keys() == {"phoneFrom", "text", "service", "date"}
    assert (newest["phoneFrom"], newest["service"], len(newest["date"])) == ("+12025550199", "full", 19)
    second = await say(it, "getRentStatus", id=got.id, page=2, size=2)
    assert (second["quantity"], [one["text"] for one in second["values"].values()]) == ("3", ["first 111111"])
    assert (await say(it, "getRentStatus", id=got.id, page=9))["values"] == {}


@pytest.mark.parametrize("action", ABOUT_ONE)
@pytest.mark.parametrize("id", ["", "x", "-1", "1.5", "0", "999999", "2147483648", "9" * 50, "１"])
async def test_an_id_that_is_no_rent(it: Stage, action: str, id: str):
    assert await word(it, action, **{**ABOUT_ONE[action], "id": id}) == "NO_ID_RENT"


@pytest.mark.parametrize("action", ABOUT_ONE)
async def test_neither_a_strangers_rent_nor_a_number_for_one_time_is_a_rent(it: Stage, action: str):
    got = await rent(it, api_key=OTHER_KEY)
    assert await word(it, action, **{**ABOUT_ONE[action], "id": got.id}) == "NO_ID_RENT"
    assert await word(it, "getRentStatus", api_key=OTHER_KEY, id=got.id) == "STATUS_WAIT_CODE"
    id, _ = await it.number("wa", providerIds="getsms")
    assert await word(it, action, **{**ABOUT_ONE[action], "id": id}) == "NO_ID_RENT"


@pytest.mark.parametrize("action", ["getStatus", "getStatusV2", "setStatus", "getFullSms", "getAllSms"])
async def test_a_rent_is_no_activation(it: Stage, action: str):
    got = await rent(it)
    assert await it.ask(action, id=got.id, status=8) == "NO_ACTIVATION"
    listed = await it.reply("getActiveActivations")
    assert str(got.id) not in [one["activationId"] for one in listed.json().get("activeActivations", [])]
    assert got.phone not in await it.ask("getHistory")


async def test_the_list_has_the_clients_rents_alone(tmp_path: Path):
    async with stage(tmp_path, getatext=Settings(sms_after=None), poll=60) as it:
        assert await word(it, "getRentList") == "NO_NUMBERS"
        await it.number("wa", providerIds="getsms")
        mine = [await rent(it) for _ in range(3)]
        await rent(it, api_key=OTHER_KEY)
        shown = {str(place): {"id": str(one.id), "phone": one.phone} for place, one in enumerate(mine)}
        assert await say(it, "getRentList") == {"status": "success", "values": shown}
        assert (await say(it, "getRentList", length=2, page=2))["values"] == {"0": shown["2"]}
        assert (await say(it, "getRentList", size=1))["values"] == {"0": shown["0"]}
        await say(it, "setRentStatus", id=mine[0].id, status=1)
        assert [one["id"] for one in (await say(it, "getRentList"))["values"].values()] == [
            str(one.id) for one in mine[1:]
        ]


# Ending


@pytest.mark.parametrize("status", ["", "0", "3", "8", "-1", "x", "1,2", "1.0"])
async def test_a_status_that_is_none(it: Stage, status: str):
    got = await rent(it)
    assert await word(it, "setRentStatus", id=got.id, status=status) == "INCORECT_STATUS"
    assert await word(it, "getRentStatus", id=got.id) == "STATUS_WAIT_CODE"


@pytest.mark.parametrize("ending", [1, 2])
@pytest.mark.parametrize("again", [1, 2])
async def test_an_end_is_an_end(it: Stage, ending: int, again: int):
    got = await rent(it)
    assert await say(it, "setRentStatus", id=got.id, status=ending) == {"status": "success"}
    ended = "FINISH" if ending == 1 else "CANCEL"
    assert await word(it, "getRentStatus", id=got.id) == f"STATUS_{ended}"
    assert await word(it, "setRentStatus", id=got.id, status=again) == f"ALREADY_{ended}"
    for action in CONTINUING:
        assert await word(it, action, id=got.id) == "RENT_DIE"


async def test_what_had_an_sms_is_not_taken_back_but_can_be_finished(it: Stage):
    got = await rent(it)
    await deliver(it, got.phone, code="012345")
    assert await word(it, "setRentStatus", id=got.id, status=2) == "CANT_CANCEL"
    assert await say(it, "setRentStatus", id=got.id, status=1) == {"status": "success"}
    assert await word(it, "getRentStatus", id=got.id) == "STATUS_FINISH"


async def test_a_cancel_that_the_provider_cannot_hear_is_no_cancel(it: Stage):
    got = await rent(it)
    async with it.stopped("getatext"):
        assert await word(it, "setRentStatus", id=got.id, status=2) == "SERVER_ERROR"
    assert await word(it, "getRentStatus", id=got.id) == "STATUS_WAIT_CODE"
    assert await say(it, "setRentStatus", id=got.id, status=2) == {"status": "success"}


# Going on


@pytest.mark.parametrize("time", [{}, {"rent_time": WEEK}, {"time": WEEK}, {"hours": WEEK}, {"duration": WEEK}])
async def test_a_rent_goes_on_for_its_own_time(it: Stage, time: dict[str, int]):
    got = await rent(it)
    price = await say(it, "getContinueRentPriceNumber", id=got.id, **time)
    assert price == {"status": "success", "price": 5.0, "currency": 840}
    info = await say(it, "continueRentInfo", id=got.id, **time)
    assert info == {"status": "success", "price": 5.0, "currency": 840, "hours": WEEK, "history": {}}
    reply = await it.reply("continueRentNumber", id=got.id, **time)
    longer = rented(reply.json())
    assert (longer.id, longer.phone, longer.ends_at) == (got.id, got.phone, got.ends_at + WEEK * HOUR)
    assert (reply.headers["x-price"], reply.headers["x-provider"]) == ("5.00", "getatext")
    assert there(it, got.phone).renewals == 1


@pytest.mark.parametrize("action", CONTINUING)
@pytest.mark.parametrize("time", ["4", "167", "24", "720", "0", "x"])
async def test_and_for_no_other(it: Stage, action: str, time: str):
    got = await rent(it)
    assert await word(it, action, id=got.id, rent_time=time) == "INVALID_TIME"
    assert there(it, got.phone).renewals == 0


@pytest.mark.parametrize("wish", ["1", "true", "True"])
async def test_its_history_has_every_time_that_was_paid_for(it: Stage, wish: str):
    got = await rent(it, hours=24)
    await say(it, "continueRentNumber", id=got.id)
    told = await say(it, "continueRentInfo", id=got.id, needHistory=wish)
    assert [(one["price"], one["hours"]) for one in told["history"].values()] == [(1.5, 24), (1.5, 24)]
    first, second = (one["createDate"] for one in told["history"].values())
    assert first[:10] < second[:10]
    assert first[10:] == second[10:]


# Everybody's refusals, and our own troubles


@pytest.mark.parametrize("action", [*FOR_A_TIME, *ABOUT_ONE, "getRentList"])
async def test_a_stranger_is_told_plainly(it: Stage, action: str):
    assert (await ask(it, action, api_key="wrong", service="wa", id=1)).text == "BAD_KEY"


async def test_who_asks_too_fast_is_told_plainly(tmp_path: Path):
    async with stage(tmp_path, client={"rate": "1"}) as it:
        answers = [await ask(it, "getRentStatus", id=1) for _ in range(20)]
        answer = next(answer for answer in answers if answer.status == 429)
        assert (answer.text, answer.headers["retry-after"]) == ("TOO_MANY_REQUESTS", "1")


async def test_who_has_spent_its_budget_rents_no_more_and_goes_on_no_longer(tmp_path: Path):
    async with stage(tmp_path, client={"budget": '{amount: "7.00", per: total}'}, poll=60) as it:
        got = await rent(it)
        assert await word(it, "getRentNumber", service="wa", rent_time=WEEK) == "NO_BALANCE"
        assert await word(it, "continueRentNumber", id=got.id) == "NO_BALANCE"
        assert await it.ask("getBalance") == "ACCESS_BALANCE:2.00"
        assert (len(it.getatext.rents), there(it, got.phone).renewals) == (1, 0)


async def test_a_rent_counts_among_what_is_open(tmp_path: Path):
    async with stage(tmp_path, client={"max_open": "1"}, poll=60) as it:
        got = await rent(it)
        assert await word(it, "getRentNumber", service="wa") == "CHANNELS_LIMIT"
        assert await it.ask("getNumber", service="wa") == "CHANNELS_LIMIT"
        assert rented(await say(it, "continueRentNumber", id=got.id)).id == got.id
        assert await say(it, "setRentStatus", id=got.id, status=1) == {"status": "success"}
        assert (await it.ask("getNumber", service="wa")).startswith("ACCESS_NUMBER")
        assert await word(it, "getRentNumber", service="wa") == "CHANNELS_LIMIT"


async def test_while_the_books_are_locked_nothing_is_rented_and_rents_are_read(tmp_path: Path):
    async with stage(tmp_path, poll=0.1) as it:
        got = await rent(it)
        await deliver(it, got.phone, code="012345")
        with locked(tmp_path / "proxy.db"):
            assert await word(it, "getRentNumber", service="wa") == "NO_NUMBERS"
            assert await word(it, "continueRentNumber", id=got.id) == "SERVER_ERROR"
            assert await word(it, "setRentStatus", id=got.id, status=1) == "SERVER_ERROR"
            assert (await say(it, "getRentStatus", id=got.id))["quantity"] == "1"
        assert (len(it.getatext.rents), there(it, got.phone).renewals) == (1, 0)
        assert await say(it, "setRentStatus", id=got.id, status=1) == {"status": "success"}


async def test_a_client_with_a_country_of_its_own_sees_no_other(tmp_path: Path):
    async with stage(tmp_path, client={"country": "187"}, poll=60) as it:
        assert (await say(it, "getRentServicesAndCountries", country=6))["countries"] == {"0": 187}
        assert await rent(it, country=6)
    async with stage(tmp_path, client={"country": "6"}, poll=60) as it:
        assert await word(it, "getRentServicesAndCountries", country=187) == "OUT_OF_STOCK"
        assert await word(it, "getRentNumber", service="wa", country=187) == "NO_NUMBERS"
