"""The form of every reply, as the least forgiving clients want it."""

import json
import re
from urllib.parse import urlencode

import pytest

from proxy.catalog.services import SERVICES
from proxy.stub.endpoint import PATHS
from tests.stage import KEY, Stage
from tests.stub.door import FORM, Answer, ask, knock

pytestmark = pytest.mark.asyncio(loop_scope="module")

TEXT, JSON = "text/plain; charset=UTF-8", "application/json; charset=utf-8"
POLL = f"api_key={KEY}&action=getStatus&id=999999"
NOBODYS = "NO_ACTIVATION"
"""What a poll is told that was understood, for an id that nobody has."""


@pytest.mark.parametrize(
    ("action", "params", "content_type"),
    [
        ("getBalance", {}, TEXT),
        ("getNumber", {"service": "wa"}, TEXT),
        ("getNumberV2", {"service": "wa"}, JSON),
        ("getStatus", {"id": 1}, TEXT),
        ("getStatusV2", {"id": 1}, JSON),
        ("setStatus", {"id": 1, "status": 1}, TEXT),
        ("getActiveActivations", {}, JSON),
        ("getPrices", {}, JSON),
        ("getNumbersStatus", {}, JSON),
        ("getCountries", {}, JSON),
        ("getServicesList", {}, JSON),
        ("getNumberV2", {"service": "nonsense"}, TEXT),
        ("noSuchAction", {}, TEXT),
    ],
)
async def test_a_reply_is_plain_words_or_json_and_says_which(it: Stage, action: str, params: dict, content_type: str):
    await it.number("wa")
    answer = await ask(it, action, **params)
    assert (answer.status, answer.headers["content-type"]) == (200, content_type)
    assert answer.headers["content-length"] == str(len(answer.body))
    assert answer.text == answer.text.strip()
    if content_type == JSON:
        json.loads(answer.text)


# How a request may be written


@pytest.mark.parametrize("path", sorted(PATHS))
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_every_spelling_of_the_path_is_the_same_door(it: Stage, path: str, method: str):
    assert (await knock(it.house, POLL, path=path, method=method)).text == NOBODYS


@pytest.mark.parametrize("path", ["/", "/stubs", "/stubs/", "/Stubs/handler_api.php", "/handler_api.php5", "/api.php"])
async def test_there_are_four_spellings_and_no_more(it: Stage, path: str):
    assert len(PATHS) == 4
    assert (await knock(it.house, POLL, path=path)).status == 404


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_action_may_stand_in_the_path(it: Stage, method: str):
    query = f"api_key={KEY}&id=999999"
    for path, words in (
        ("getStatus", NOBODYS),
        ("nonsense", "BAD_ACTION"),
        ("get Status", "BAD_ACTION"),
        ("", "BAD_ACTION"),
    ):
        assert (await knock(it.house, query, path=f"/stubs/handler_api.php/{path}", method=method)).text == words


@pytest.mark.parametrize(
    ("query", "form"),
    [
        (POLL, ""),
        ("", POLL),
        ("action=getStatus&id=999999", f"api_key={KEY}"),
        (f"{POLL}&action=noSuchAction", "action=getStatus"),
    ],
)
async def test_a_post_may_carry_its_parameters_in_the_query_in_a_form_or_in_both(it: Stage, query: str, form: str):
    for chunks in ((form.encode(),), tuple(bytes([byte]) for byte in form.encode()) or (b"",)):
        answer = await knock(it.house, query, method="POST", chunks=chunks)
        assert answer.text == NOBODYS


@pytest.mark.parametrize(
    ("content_type", "taken"),
    [
        (FORM, True),
        (f"{FORM}; charset=utf-8", True),
        ("Application/X-WWW-Form-Urlencoded", True),
        ("application/json", False),
        ("multipart/form-data; boundary=x", False),
        ("", False),
    ],
)
async def test_of_a_body_that_is_no_form_nothing_is_taken(it: Stage, content_type: str, taken: bool):
    answer = await knock(it.house, "", method="POST", body=POLL.encode(), content_type=content_type)
    assert answer.text == (NOBODYS if taken else "BAD_KEY")


async def test_a_body_that_is_too_long_is_not_read_to_its_end(it: Stage):
    chunks = (b"x" * 10_000,) * 100
    assert (await knock(it.house, POLL, method="POST", chunks=chunks)).text == "BAD_ACTION"


async def test_a_query_that_is_too_long_is_refused(it: Stage):
    assert (await knock(it.house, POLL + "&ref=" + "x" * 40_000)).text == "BAD_ACTION"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
async def test_another_method_is_not_allowed(it: Stage, method: str):
    answer = await knock(it.house, POLL, method=method)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, POST")


@pytest.mark.parametrize(
    "more",
    [
        "&json=1&ref=pythonsmsactivate&softId=7",
        "&forward=0&activationType=0&useCashBack=false&userId=5&freePrice=true",
        "&=1",
        "&&",
        "&api_key+=" + KEY,
        "&+api_key=%20" + KEY + "%20",
        "&action=noSuchAction&action=getStatus",
    ],
)
async def test_what_is_unknown_is_ignored_and_what_is_padded_is_trimmed(it: Stage, more: str):
    assert (await knock(it.house, POLL + more)).text == NOBODYS


async def test_of_a_name_that_comes_twice_the_last_counts(it: Stage):
    id, _ = await it.number("wa")
    query = f"api_key=wrong&action=getStatus&id=999999&api_key={KEY}&id={id}"
    assert (await knock(it.house, query)).text == "STATUS_WAIT_CODE"


@pytest.mark.parametrize(
    ("yes", "no", "service"), [("1", "0", "wa"), ("true", "false", "tg"), ("True", "False", "go"), ("TRUE", "", "ds")]
)
async def test_a_boolean_has_many_spellings(it: Stage, yes: str, no: str, service: str):
    nowhere = {"service": service, "area_codes": "555", "providerIds": "getsms"}
    assert (await ask(it, "getNumber", lock_area_code=no, **nowhere)).text.startswith("ACCESS_NUMBER")
    assert (await ask(it, "getNumber", lock_area_code=yes, **nowhere)).text == "NO_NUMBERS"


async def test_half_a_form_is_no_request(it: Stage):
    """The rest of it might have been the cap on the price."""
    before = len(it.getsms.rentals) + len(it.getatext.rentals)
    form = urlencode({"api_key": KEY, "action": "getNumber", "service": "wa"}) + "&maxPri"
    await knock(it.house, "", method="POST", body=form.encode(), broken=True)
    await it.house.gateway.errands.finish(5)
    assert len(it.getsms.rentals) + len(it.getatext.rentals) == before


# What stands in a reply


async def test_a_number_is_digits_and_an_id_that_every_client_can_read(it: Stage):
    for _ in range(3):
        words = (await ask(it, "getNumber", service="wa")).text
        found = re.fullmatch(r"ACCESS_NUMBER:([1-9][0-9]*):(1[0-9]{10})", words)
        assert found
        assert int(found[1]) < 2**31


async def test_the_long_form_has_every_key_and_no_nulls(it: Stage):
    answer = await ask(it, "getNumberV2", service="wa", country=187)
    reply = json.loads(answer.text)
    assert re.fullmatch(r"1\d{10}", reply.pop("phoneNumber"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", reply.pop("activationTime"))
    assert 0 < reply.pop("activationId") < 2**31
    operator = reply.pop("activationOperator")
    assert operator
    assert isinstance(operator, str)
    assert reply == {"activationCost": 0.55, "currency": 840, "countryCode": "187", "canGetAnotherSms": "0"}


async def test_a_reply_to_a_purchase_says_what_was_paid_and_to_whom(it: Stage):
    for action in ("getNumber", "getNumberV2"):
        headers = (await ask(it, action, service="wa")).headers
        assert (headers["x-price"], headers["x-provider"]) == ("0.55", "getatext")
    assert "x-price" not in (await ask(it, "getBalance")).headers


async def test_a_balance_has_a_decimal_point(it: Stage):
    assert re.fullmatch(r"ACCESS_BALANCE:\d+\.\d\d", (await ask(it, "getBalance")).text)


async def test_prices_are_by_country_and_service(it: Stage):
    table = json.loads((await ask(it, "getPrices", service="wa", country=187)).text)
    count = table["187"]["wa"]["count"]
    assert count > 1000
    assert table == {"187": {"wa": {"cost": 0.55, "count": count, "physicalCount": count}}}


@pytest.mark.parametrize("action", ["getPrices", "getNumbersStatus"])
@pytest.mark.parametrize("country", ["6", "999999", "abc", "-1"])
async def test_where_nothing_is_sold_the_list_is_an_empty_object(it: Stage, action: str, country: str):
    answer = await ask(it, action, country=country)
    assert (answer.text, answer.headers["content-type"]) == ("{}", JSON)


async def test_counts_are_strings(it: Stage):
    counts = json.loads((await ask(it, "getNumbersStatus")).text)
    assert int(counts["wa"]) > 1000
    assert all(isinstance(count, str) for count in counts.values())


async def test_countries_are_by_id_and_services_in_an_envelope(it: Stage):
    countries = json.loads((await ask(it, "getCountries")).text)
    assert countries["187"]["id"] == 187
    assert {type(value) for value in countries["187"].values()} == {int, str}
    services = json.loads((await ask(it, "getServicesList")).text)
    assert services["status"] == "success"
    assert {"code": "wa", "name": SERVICES["wa"]} in services["services"]


async def test_a_list_of_services_of_a_country_has_only_what_is_sold_there(it: Stage):
    def codes(answer: Answer) -> set[str]:
        return {service["code"] for service in json.loads(answer.text)["services"]}

    here = codes(await ask(it, "getServicesList", country=187))
    assert "wa" in here
    assert here < codes(await ask(it, "getServicesList"))
    assert codes(await ask(it, "getServicesList", country=6)) == set()
