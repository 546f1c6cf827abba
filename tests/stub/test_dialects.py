"""What a client of another dialect sees: the same facts in the forms and words of SMS-Activate's successors."""

import json
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from proxy.stub.actions import ACTIONS
from proxy.stub.actions.rents import RENTS
from proxy.stub.dialects import DIALECTS, PLAIN
from proxy.stub.replies import REFUSALS
from tests.stage import OTHER_KEY, Stage, stage
from tests.stub.door import Answer, ask

WORDS_OF_REFUSALS = {refusal.word for refusal in (*REFUSALS.values(), *RENTS.words.values())}


@asynccontextmanager
async def speaking(folder: Path, dialect: str, **client: str):
    async with stage(folder, client={"dialect": dialect, **client}, getatext_extra="tier: premium", poll=60) as it:
        yield it


def value(answer: Answer) -> object:
    return json.loads(answer.text)


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
def test_a_dialect_speaks_of_actions_and_refusals_that_there_are(dialect):
    assert {*dialect.shapes, *dialect.purchases} <= {*ACTIONS, *dialect.synonyms}
    assert {*dialect.words, *dialect.statuses, *dialect.rent_statuses} <= WORDS_OF_REFUSALS
    assert {action for action, _ in dialect.synonyms.values()} <= set(ACTIONS)
    assert not dialect.synonyms.keys() & ACTIONS.keys()
    assert dialect.about
    assert dialect.tools


def test_the_plain_dialect_changes_nothing():
    assert {**PLAIN.shapes, **PLAIN.words, **PLAIN.statuses} == {}


def test_no_dialect_makes_a_tool_buy_again():
    assert "NO_NUMBERS" not in {word for dialect in DIALECTS.values() for word in dialect.statuses}


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_in_every_dialect_a_number_is_bought_and_read(tmp_path: Path, dialect: str):
    async with speaking(tmp_path, dialect) as it:
        id, _ = await it.number("wa")
        assert (await ask(it, "getStatus", id=id)).text == "STATUS_WAIT_CODE"
        assert str(id) in (await ask(it, "getActiveActivations")).text
        assert (await ask(it, "getNumber", service="wa", country=6)).text == "NO_NUMBERS"


async def test_legacy_counts_are_numbers_under_two_keys_and_costs_are_text(tmp_path: Path):
    async with speaking(tmp_path, "legacy") as it:
        counts = value(await ask(it, "getNumbersStatus"))
        assert counts["wa_0"] > 1000
        assert counts["wa_1"] == 0
        assert value(await ask(it, "getPrices", service="wa"))["187"]["wa"]["cost"] == "0.55"
        assert value(await ask(it, "getNumberV2", service="wa"))["activationCost"] == "0.55"
        assert value(await ask(it, "getActiveActivations"))["data"][0]["activationCost"] == "0.55"
        assert value(await ask(it, "getPrices", api_key=OTHER_KEY, service="wa"))["187"]["wa"]["cost"] == 0.55


async def test_grizzly_lists_what_is_open_as_a_bare_list(tmp_path: Path):
    async with speaking(tmp_path, "grizzly") as it:
        assert value(await ask(it, "getActiveActivations")) == []
        id, _ = await it.number("wa")
        assert [entry["activationId"] for entry in value(await ask(it, "getActiveActivations"))] == [str(id)]


async def test_smshub_has_its_own_word_for_an_unknown_service(tmp_path: Path):
    async with speaking(tmp_path, "smshub") as it:
        refused = {"status": "error", "message": "WRONG_SERVICE"}
        assert value(await ask(it, "getRentNumber", service="nonsense")) == refused
        assert (await ask(it, "getNumber", service="nonsense")).text == "WRONG_SERVICE"
        assert (await ask(it, "getNumber", service="wa", maxPrice="0.1")).text == "WRONG_MAX_PRICE:0.55"
        assert (await ask(it, "getNumber", api_key=OTHER_KEY, service="nonsense")).text == "BAD_SERVICE"


@pytest.fixture
async def hero(tmp_path: Path):
    budget = '{amount: "0.60", per: total}'
    async with speaking(tmp_path, "herosms", budget=budget) as it:
        yield it


@pytest.mark.parametrize(
    ("action", "params", "status", "title", "info"),
    [
        ("getNumber", {"service": "wa", "maxPrice": "0.1"}, 400, "WRONG_MAX_PRICE", {"min": 0.55}),
        ("getNumberV2", {"service": "nonsense"}, 400, "BAD_SERVICE", None),
        ("getNumber", {"service": "tg"}, 402, "NO_BALANCE", None),
        ("getStatus", {"id": 999999}, 404, "NO_ACTIVATION", None),
        ("getStatus", {"id": "abc"}, 400, "WRONG_ACTIVATION_ID", None),
        ("noSuchAction", {}, 404, "BAD_ACTION", None),
    ],
)
async def test_herosms_says_no_in_http_and_json(
    hero: Stage, action: str, params: dict, status: int, title: str, info: dict | None
):
    answer = await ask(hero, action, **params)
    reply = value(answer)
    assert (answer.status, reply["title"], reply.get("info")) == (status, title, info)
    assert reply["details"]


async def test_herosms_is_told_too_in_json_that_it_is_too_fast(tmp_path: Path):
    async with speaking(tmp_path, "herosms", rate="1") as it:
        answers = [await ask(it, "getStatus", id=1) for _ in range(20)]
        answer = next(answer for answer in answers if answer.status == 429)
        assert value(answer)["title"] == "TOO_MANY_REQUESTS"
        assert answer.headers["retry-after"] == "1"


async def test_herosms_has_its_list_of_services_without_an_envelope(hero: Stage):
    assert {service["code"] for service in value(await ask(hero, "getServicesList"))} >= {"wa", "tg"}


@pytest.mark.parametrize(
    ("action", "params", "status", "title", "info"),
    [
        ("getRentNumber", {"service": "wa", "country": 6}, 404, "NO_NUMBERS", None),
        ("getRentNumber", {"service": "wa", "duration": 10**6}, 404, "NO_NUMBERS", None),
        ("getRentNumber", {"service": "wa", "duration": "x"}, 400, "INVALID_TIME", None),
        ("getRentNumber", {"service": "nonsense"}, 400, "BAD_SERVICE", None),
        ("getRentNumber", {"service": "wa"}, 402, "NO_BALANCE", None),
        ("getRentNumber", {"service": "wa", "maxPrice": "0.5"}, 400, "WRONG_MAX_PRICE", {"min": 1.5}),
        ("getRentStatus", {"id": 999}, 404, "NO_ID_RENT", None),
        ("finishActivation", {"id": 999}, 404, "NO_ACTIVATION", None),
        ("cancelActivation", {"id": "x"}, 400, "WRONG_ACTIVATION_ID", None),
        ("reactivate", {"id": 999}, 404, "NO_ACTIVATION", None),
        ("prolong", {"id": 999}, 404, "BAD_ACTION", None),
    ],
)
async def test_herosms_is_told_of_rents_and_in_its_own_words(
    hero: Stage, action: str, params: dict, status: int, title: str, info: dict | None
):
    answer = await ask(hero, action, **params)
    reply = value(answer)
    assert (answer.status, reply["title"], reply.get("info"), "status" in reply) == (status, title, info, False)
    assert reply["details"]


async def test_herosms_rents_in_the_form_of_any_number(tmp_path: Path):
    async with speaking(tmp_path, "herosms") as it:
        answer = await ask(it, "getRentNumber", service="wa", country=187, duration=24)
        rent = value(answer)
        assert answer.headers["x-price"] == "1.50"
        assert rent.keys() == {
            *("activationId", "phoneNumber", "activationCost", "currency", "countryCode", "canGetAnotherSms"),
            *("activationTime", "activationEndTime", "activationOperator"),
        }
        assert (rent["activationCost"], rent["currency"], rent["countryCode"]) == (1.5, 840, "187")
        assert value(await ask(it, "getRentList"))["values"]["0"]["phone"] == rent["phoneNumber"]
        plain = value(await ask(it, "getRentNumber", api_key=OTHER_KEY, service="wa"))
        assert plain["phone"].keys() == {"id", "endDate", "number"}


async def test_herosms_has_words_of_its_own_for_what_there_is(tmp_path: Path):
    async with speaking(tmp_path, "herosms") as it:
        it.getatext.settings.cancel_lock = 0
        id, phone = await it.number("wa", providerIds="getatext")
        assert (await ask(it, "reactivate", id=id)).status == 409
        assert (await ask(it, "cancelActivation", id=id)).text == "ACCESS_CANCEL"
        assert value(await ask(it, "reactivationPrice", id=id)) == {"data": {"price": 0.55}}
        again = value(await ask(it, "reactivate", id=id))
        assert (again["activationId"], again["phoneNumber"]) == (id + 1, phone)
        it.getatext.deliver(it.rental(it.getatext, phone).id, code="012345")
        assert (await ask(it, "finishActivation", id=again["activationId"])).status == 409
        assert (await ask(it, "finishActivation", api_key=OTHER_KEY, id=id)).text == "BAD_ACTION"
