"""The OpenAPI document says of every action what is declared of it, and says nothing else."""

import json
import re
from typing import Any

import jsonschema_rs
import pytest
import schemathesis

from proxy import errors
from proxy.stub.actions import ACTIONS
from proxy.stub.openapi import AT_THE_DOOR, FORM, IDS, RENT_IDS, STUB, document, refusals_of
from proxy.stub.registry import Action, Param
from proxy.stub.replies import PLAIN, refusal_for, refuse
from proxy.stub.shapes import PLACES, SHAPES, pattern_of
from tests.stage import KEY, Stage
from tests.stub.door import knock

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOCUMENT = document(ACTIONS, "1.0")
every_action = pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
PARAMS = {id(param): param for action in ACTIONS.values() for param in action.params}.values()
every_param = pytest.mark.parametrize("param", PARAMS, ids=[f"{param.name} {param.help[:20]}" for param in PARAMS])


def operations(action: Action) -> dict[str, Any]:
    return DOCUMENT["paths"][f"{STUB}/{action.name}"]


def replies(action: Action) -> dict[str, Any]:
    return operations(action)["get"]["responses"]["200"]["content"]


def plain(action: Action) -> str:
    """The pattern of the action's plain replies."""
    return replies(action)["text/plain"]["schema"]["pattern"]


# The document as a whole


async def test_it_is_valid_openapi_3_1():
    assert DOCUMENT["openapi"].startswith("3.1.")
    schemathesis.openapi.from_dict(DOCUMENT).validate()


async def test_what_is_not_valid_would_be_noticed():
    with pytest.raises(jsonschema_rs.ValidationError, match="not of type"):
        schemathesis.openapi.from_dict(DOCUMENT | {"paths": {"/": {"get": {"parameters": {}}}}}).validate()


async def test_it_is_served_to_everybody(it: Stage):
    reply = await it.web.get(f"{it.root}/openapi.json")
    served = reply.json()
    assert reply.headers["content-type"] == "application/json"
    assert served["paths"] == json.loads(json.dumps(DOCUMENT["paths"]))
    assert served["info"]["version"]


async def test_there_is_a_path_for_every_action_and_one_for_all():
    assert DOCUMENT["paths"].keys() == {STUB, *(f"{STUB}/{name}" for name in ACTIONS)}
    for methods in DOCUMENT["paths"].values():
        assert methods.keys() == {"get", "post"}
    (action,) = DOCUMENT["paths"][STUB]["get"]["parameters"]
    assert action["schema"]["enum"] == sorted(ACTIONS)


async def test_no_two_operations_have_the_same_id():
    ids = [operation["operationId"] for methods in DOCUMENT["paths"].values() for operation in methods.values()]
    assert len(ids) == len(set(ids))


# Action by action


@every_action
async def test_every_parameter_is_there_in_the_query_and_in_the_form(action: Action):
    get, post = operations(action)["get"], operations(action)["post"]
    names = [param.name for param in action.params]
    required = [param.name for param in action.params if param.missing]
    assert [param["name"] for param in get["parameters"]] == names
    assert [param["name"] for param in get["parameters"] if param["required"]] == required
    if names:
        form = post["requestBody"]["content"][FORM]["schema"]
        assert (list(form["properties"]), form["required"]) == (names, required)
    for param, shown in zip(action.params, get["parameters"], strict=True):
        assert all(spelling in shown["name"] + shown["description"] for spelling in param.spellings)


@every_action
async def test_every_refusal_is_there_with_its_meaning(action: Action):
    told = operations(action)["get"]["responses"]
    for kind in refusals_of(action):
        refusal = refusal_for(kind, action.manner)
        reply = told[str(refusal.status)]
        assert refusal.meaning in reply["description"]
        said, value = refused(action, kind)
        assert jsonschema_rs.is_valid(reply["content"]["text/plain"]["schema"], said) is (value is None)
        if value is not None:
            assert jsonschema_rs.is_valid(reply["content"]["application/json"]["schema"], value)


def refused(action: Action, kind: type[errors.GatewayError]) -> tuple[str, Any]:
    """Words and value of the reply: the door says no plainly, whatever is asked for."""
    plainly = issubclass(kind, (*AT_THE_DOOR, errors.BadKey))
    error = kind(550_000) if kind is errors.WrongMaxPrice else kind(1) if kind is errors.TooManyRequests else kind()
    reply = refuse(error, PLAIN if plainly else action.manner)
    return reply.words, reply.value


@every_action
async def test_no_other_refusal_in_json_is_a_reply(action: Action):
    content = replies(action).get("application/json", {"schema": False})
    for word in ("", "NONSENSE", "BAD_KEY", "TOO_MANY_REQUESTS", "NO_ID_RENTS", "WRONG_MAX_PRICE:"):
        assert not jsonschema_rs.is_valid(content["schema"], {"status": "error", "message": word})


@every_action
async def test_no_other_word_is_a_reply(action: Action):
    for words in ("", "NONSENSE", "BAD_KEY:1", "BAD_KEYS", "NO_NUMBERS \n", "<html>", "WRONG_MAX_PRICE", "STATUS_OK:"):
        assert not jsonschema_rs.is_valid(replies(action)["text/plain"]["schema"], words)


@every_action
async def test_the_example_is_a_reply_of_the_action(action: Action):
    shape = SHAPES[action.name]
    if shape.value is None:
        assert re.fullmatch("|".join(map(pattern_of, shape.words)), action.example)
        assert jsonschema_rs.is_valid(replies(action)["text/plain"]["schema"], action.example)
    else:
        jsonschema_rs.validate(replies(action)["application/json"]["schema"], json.loads(action.example))


async def test_every_shape_is_of_an_action_and_every_action_has_one():
    assert SHAPES.keys() == ACTIONS.keys()


@pytest.mark.parametrize("words", sorted({words for shape in SHAPES.values() for words in shape.words}))
async def test_the_places_of_a_plain_reply_are_known(words: str):
    assert set(re.findall(r"\{(\w*)\}", words)) <= PLACES.keys()


@every_action
async def test_who_needs_a_key_and_has_none_is_told_so(it: Stage, action: Action):
    get = operations(action)["get"]
    assert ("security" in get) is not action.open
    for key in ("", "api_key=wrong"):
        said = (await knock(it.house, key, path=f"{STUB}/{action.name}")).text
        assert (said == "BAD_KEY") is not action.open
    assert bool(re.search(plain(action), "BAD_KEY")) is not action.open


@pytest.mark.parametrize("name", [name for name, action in ACTIONS.items() if action.buys])
async def test_what_buys_tells_the_price_and_the_provider(name: str):
    headers = operations(ACTIONS[name])["get"]["responses"]["200"]["headers"]
    assert {"X-Price", "X-Provider", "X-Reason"} <= headers.keys()


# What follows what


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize("method", ["get", "post"])
async def test_whatever_names_an_activation_leads_to_what_can_be_asked_about_one(name: str, method: str):
    links = operations(ACTIONS[name])[method]["responses"]["200"]["links"]
    assert {"getStatus", "setStatus", "getStatusV2", "getFullSms", "getAllSms", "getExtraActivation"} <= links.keys()
    assert not links.keys() & RENT_ACTIONS
    check_links(links, method)


def check_links(links: dict[str, Any], method: str) -> None:
    for target, link in links.items():
        assert link["operationId"] == operations(ACTIONS[target])[method]["operationId"]
        (subject,) = link["parameters" if method == "get" else "requestBody"]
        assert subject in [param.name for param in ACTIONS[target].params]


RENT_ACTIONS = {
    "getRentStatus",
    "setRentStatus",
    "continueRentNumber",
    "getContinueRentPriceNumber",
    "continueRentInfo",
}


@pytest.mark.parametrize("name", RENT_IDS)
@pytest.mark.parametrize("method", ["get", "post"])
async def test_whatever_names_a_rent_leads_to_what_can_be_asked_about_one(name: str, method: str):
    links = operations(ACTIONS[name])[method]["responses"]["200"]["links"]
    assert links.keys() == RENT_ACTIONS
    check_links(links, method)


@pytest.mark.parametrize(("name", "pointer"), [*IDS.items(), *RENT_IDS.items()])
async def test_the_example_names_an_activation_where_the_link_looks(name: str, pointer: str):
    found = json.loads(ACTIONS[name].example)
    for step in pointer.strip("/").split("/"):
        found = found[int(step)] if isinstance(found, list) else found[step]
    assert int(found) > 0


# Parameters

VALUES = {
    "boolean": ["true", "false"],
    "integer": ["1", "187"],
    "string": ["wa", "2.00", "tmobile", "12025550123", "https://example.com/sms?rent=1"],
    "array": ["wa", "503", "503,202", "tmobile,at&t", "1202"],
}


@every_param
async def test_what_the_schema_allows_is_read(param: Param):
    written = VALUES[param.schema["type"]]
    allowed = [words for words in written if jsonschema_rs.is_valid(param.schema, typed(words, param))]
    assert allowed
    for words in allowed:
        param.read(words)


def typed(words: str, param: Param) -> object:
    match param.schema["type"]:
        case "boolean":
            return words == "true"
        case "integer":
            return int(words)
        case "array":
            return words.split(",")
    return words


@every_param
async def test_an_example_of_a_parameter_keeps_to_its_schema(param: Param):
    schema = param.schema.get("items", param.schema)
    for example in schema.get("examples", []):
        jsonschema_rs.validate(schema, example)
        param.read(str(example))


async def test_a_list_is_one_text_with_commas(it: Stage):
    lists = [p for p in operations(ACTIONS["getNumber"])["get"]["parameters"] if p["schema"]["type"] == "array"]
    assert {param["name"] for param in lists} >= {"areas", "area_codes", "providerIds", "phoneException", "operator"}
    assert all((param["style"], param["explode"]) == ("form", False) for param in lists)
    query = f"api_key={KEY}&service=wa&providerIds=getsms,getatext"
    assert (await knock(it.house, query, path=f"{STUB}/getNumber")).text.startswith("ACCESS_NUMBER")
