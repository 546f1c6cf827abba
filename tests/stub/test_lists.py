"""The actions that only tell: prices in all their forms, what is open, what was, what an SMS said."""

import json

import pytest

from proxy.domain.activation import Status
from proxy.stub.actions import ACTIONS
from proxy.stub.actions.nothing import NOTHING
from tests.stage import OTHER_KEY, Stage
from tests.store.books import sms
from tests.stub.activations import GONE, made
from tests.stub.door import ask

pytestmark = pytest.mark.asyncio(loop_scope="module")

DAY = 86_400
NUMBERS = ["4", "2", "3", "8", "10", "6", "8", "10"]
"""How the protocol tells the statuses, in the order of Status."""


async def told(it: Stage, action: str, **params: object):
    answer = await ask(it, action, **params)
    assert answer.headers["content-type"].startswith("application/json"), answer.text
    return json.loads(answer.text)


# Prices


async def test_every_form_of_the_price_list_tells_the_same(it: Stage):
    plain = (await told(it, "getPrices", service="wa"))["187"]["wa"]
    cost, count = plain["cost"], plain["count"]
    assert plain == {"cost": 0.55, "count": count, "physicalCount": count}
    assert await told(it, "getPricesExtended", service="wa") == {"187": {"wa": {"cost": cost, "count": count}}}
    assert await told(it, "getPricesVerification", service="wa") == {"wa": {"187": {"count": count, "price": "0.55"}}}
    by_price = (await told(it, "getPricesV2", service="wa"))["187"]["wa"]
    assert list(by_price) == ["0.55", "0.60"]
    assert sum(by_price.values()) == count
    by_provider = (await told(it, "getPricesV3", service="wa"))["187"]["wa"]
    assert {name: entry["price"] for name, entry in by_provider.items()} == {"getatext": 0.55, "getsms": 0.6}
    assert (await told(it, "getNumbersStatus"))["wa"] == str(count)
    assert await told(it, "getTopCountriesByService", service="wa") == {
        "0": {"country": 187, "count": count, "price": cost, "retail_price": cost}
    }


async def test_the_number_of_a_provider_stands_for_its_name(it: Stage):
    ids = {name: entry["provider_id"] for name, entry in (await told(it, "getPricesV3"))["187"]["wa"].items()}
    for name, id in ids.items():
        answer = await ask(it, "getNumber", service="wa", providerIds=id)
        assert answer.headers["x-provider"] == name


ACTIONS_ABOUT_PRICES = ["getPrices", "getPricesExtended", "getPricesVerification", "getPricesV2", "getPricesV3"]


@pytest.mark.parametrize("action", ACTIONS_ABOUT_PRICES)
async def test_a_price_list_is_of_one_service_or_of_all(it: Stage, action: str):
    one, every = json.dumps(await told(it, action, service="WhatsApp")), json.dumps(await told(it, action))
    assert '"wa"' in one
    assert '"tg"' not in one
    assert {'"wa"', '"tg"'} <= set(every.replace(":", " ").replace("{", " ").split())
    assert (await ask(it, action, service="nonsense")).text == "BAD_SERVICE"


@pytest.mark.parametrize("action", ["getPrices", "getPricesExtended", "getPricesV2", "getPricesV3", "getNumbersStatus"])
@pytest.mark.parametrize("country", ["6", "abc"])
async def test_where_nobody_sells_there_is_an_empty_object(it: Stage, action: str, country: str):
    assert await told(it, action, country=country) == {}


async def test_tops_are_by_index_or_by_service_and_show_prices_when_asked(it: Stage):
    one = await told(it, "getTopCountriesByServiceRank", service="wa", freePrice="True")
    assert set(one) == {"0"}
    assert list(one["0"]["freePriceMap"]) == ["0.55", "0.60"]
    assert set(await told(it, "getTopCountriesByService")) >= {"wa", "tg"}
    assert (await ask(it, "getTopCountriesByService", service="nonsense")).text == "BAD_SERVICE"


async def test_the_list_of_tops_has_a_word_of_its_own_for_an_unknown_service(it: Stage):
    assert await told(it, "getListOfTopCountriesByService", service="wa") == [
        {"country": 187, "share": 100, "rate": 50}
    ]
    assert await told(it, "getListOfTopCountriesByService", service="wa", page=2) == []
    for service in ("nonsense", ""):
        assert (await ask(it, "getListOfTopCountriesByService", service=service)).text == "WRONG_SERVICE"


async def test_operators_are_by_country(it: Stage):
    everywhere = await told(it, "getOperators")
    assert everywhere["status"] == "success"
    assert everywhere["countryOperators"]["187"] == ["at&t", "tmobile"]
    assert await told(it, "getOperators", country=187) == everywhere
    assert (await ask(it, "getOperators", country=6)).text == '{"status":"error","error":"OPERATORS_NOT_FOUND"}'


async def test_money_is_the_same_in_both_balances_and_there_is_no_cashback(it: Stage):
    words = (await ask(it, "getBalance")).text
    assert (await ask(it, "getBalanceAndCashBack")).text == words
    assert await told(it, "getBalanceAndCashBackV2") == {"balance": float(words.partition(":")[2]), "cashback": 0}


# What is open


async def test_every_list_of_what_is_open_names_the_same_activations(it: Stage):
    for status in Status:
        await made(it, status)
    expected = [entry["activationId"] for entry in (await told(it, "getActiveActivations"))["activeActivations"]]
    current = await told(it, "getCurrentActivations")
    assert [entry["id"] for entry in current["array"]] == expected
    listed: list[str] = []
    more = True
    while more:
        page = await told(it, "getListOfActiveActivations", start=len(listed), length=2)
        listed += [str(entry["id"]) for entry in page["data"]]
        more = page["existNext"]
    assert listed == expected
    assert page["quant"] == len(expected)


async def test_nothing_open_has_a_form_in_every_list(it: Stage):
    assert await told(it, "getCurrentActivations", api_key=OTHER_KEY) == {"status": "fail", "msg": "no_activations"}
    assert await told(it, "getListOfActiveActivations", api_key=OTHER_KEY) == {
        "data": [],
        "existNext": False,
        "quant": 0,
    }


# What an SMS said


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (Status.WAITING, "STATUS_WAIT_CODE"),
        (Status.RECEIVED, "FULL_SMS:Your code: 012345"),
        (Status.WAITING_AGAIN, "STATUS_WAIT_CODE"),
        (Status.FINISHED, "FULL_SMS:Your code: 012345"),
        (Status.CANCELLING, "STATUS_CANCEL"),
        (Status.ENDING, "STATUS_CANCEL"),
        (Status.CANCELLED, "STATUS_CANCEL"),
        (Status.EXPIRED, "STATUS_CANCEL"),
    ],
)
async def test_the_whole_text_of_the_newest_sms(it: Stage, status: Status, words: str):
    activation = await made(it, status)
    assert (await ask(it, "getFullSms", id=activation.id)).text == words
    assert (await ask(it, "getFullSms", id=activation.id, api_key=OTHER_KEY)).text == "NO_ACTIVATION"


async def test_all_sms_come_oldest_first_and_in_pages(it: Stage):
    activation = await made(it, Status.RECEIVED)
    for code in ("2", "3"):
        late = sms(code, activation.upstream_id, provider=GONE, text=f"code {code}", sent_at=code)
        await it.house.gateway.store.write(lambda tx, sms=late: tx.receive(sms))
    whole = await told(it, "getAllSms", id=activation.id)
    assert [(entry["id"], entry["code"], entry["text"]) for entry in whole["data"]] == [
        (1, "012345", "Your code: 012345"),
        (2, "2", "code 2"),
        (3, "3", "code 3"),
    ]
    assert whole["meta"] == {"total": 3, "service": "wa"}
    second = await told(it, "getAllSms", id=activation.id, size=2, page=2)
    assert [entry["id"] for entry in second["data"]] == [3]
    assert (await ask(it, "getAllSms", id=activation.id, api_key=OTHER_KEY)).text == "NO_ACTIVATION"


# What was


async def test_history_has_every_activation_newest_first_in_pages(it: Stage):
    made_now = [await made(it, status) for status in Status]
    numbers = dict(zip([str(activation.id) for activation in made_now], NUMBERS, strict=True))
    history = await told(it, "getHistory", limit=len(made_now))
    assert {entry["id"]: entry["status"] for entry in history} == numbers
    ids = [int(entry["id"]) for entry in history]
    assert ids == sorted(ids, reverse=True)
    second = await told(it, "getHistory", offset=2, limit=3)
    assert [entry["id"] for entry in second] == [entry["id"] for entry in history[2:5]]
    assert await told(it, "getHistory", api_key=OTHER_KEY) == []


@pytest.mark.parametrize(("start", "end"), [(100, 50), (0, 31 * DAY), ("abc", 31 * DAY)])
async def test_a_range_of_history_that_is_none_or_too_long(it: Stage, start: object, end: object):
    assert (await ask(it, "getHistory", start=start, end=end)).text == "WRONG_DATE"


async def test_history_is_of_the_days_that_are_asked_for(it: Stage):
    activation = await made(it, Status.RECEIVED)
    at = int(activation.created_at)
    here = await told(it, "getHistory", start=at - DAY, end=at + DAY, limit=1)
    assert [(entry["id"], entry["sms"], entry["cost"]) for entry in here] == [(str(activation.id), ["012345"], 0.5)]
    assert await told(it, "getHistory", start=at - 3 * DAY, end=at - DAY) == []


# Nothing of the kind


@pytest.mark.parametrize("action", NOTHING)
async def test_what_there_is_nothing_of_is_said_as_the_original_would(it: Stage, action: str):
    answer = await ask(it, action, id=1, service="wa", activationId=1)
    assert answer.text not in ("BAD_ACTION", "ERROR_SQL", "")
    assert (await ask(it, action, api_key="wrong")).text == "BAD_KEY"
    assert not ACTIONS[action].buys
