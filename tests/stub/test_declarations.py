"""Every action and every refusal is declared in full: what clients, documents and the door read is there."""

import inspect
import json
import re

import pytest

from proxy import errors
from proxy.errors import GatewayError
from proxy.stub.actions import ACTIONS
from proxy.stub.actions.rents import AVAILABILITY, OWN_LIST, READING, RENTS
from proxy.stub.registry import Action, Call, Param, Registry
from proxy.stub.replies import OUR_FAULT, PLAIN, REFUSALS, Manner, Reply, refusal_for
from tests.stub.door import WORDS

NEVER_AT_THE_DOOR = {errors.BadConfig, errors.NoAuction, errors.BidRefused}
MANNERS = (RENTS, READING, AVAILABILITY, OWN_LIST)
EVERY_REFUSAL = {*REFUSALS.values(), OUR_FAULT, *(refusal for manner in MANNERS for refusal in manner.words.values())}


def leaves(kind: type[BaseException]) -> list[type[BaseException]]:
    below = kind.__subclasses__()
    return [leaf for sub in below for leaf in leaves(sub)] if below else [kind]


every_action = pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)


@every_action
def test_an_action_says_in_one_sentence_what_it_does(action: Action):
    assert re.fullmatch(r"[A-Z].{10,80}\.", action.summary)


@every_action
def test_every_parameter_says_what_it_means(action: Action):
    assert all(param.help and param.schema.get("type") for param in action.params)


@every_action
def test_no_two_parameters_of_an_action_share_a_spelling(action: Action):
    spellings = [spelling for param in action.params for spelling in param.spellings]
    assert len(spellings) == len(set(spellings))
    assert not set(spellings) & {"api_key", "action"}


@every_action
def test_a_handler_takes_what_its_parameters_bring(action: Action):
    takes = inspect.signature(action.handler).parameters
    brought = {param.argument or param.name for param in action.params}
    assert any(it.kind is it.VAR_KEYWORD for it in takes.values()) or set(takes) - {"call"} == brought


@every_action
def test_the_example_is_a_reply_of_the_protocol(action: Action):
    if action.example.startswith(("{", "[")):
        json.loads(action.example)
    else:
        assert re.fullmatch(WORDS, action.example)


@every_action
def test_what_an_action_may_refuse_has_a_word(action: Action):
    assert all(has_a_word(kind, action.manner) for kind in action.refusals)


def has_a_word(kind: type[BaseException], manner: Manner) -> bool:
    """One of its own, or of its kind; not the one for everything that was not foreseen."""
    return refusal_for(kind, manner) not in (OUR_FAULT, manner.words.get(Exception))


@every_action
def test_what_a_missing_parameter_raises_is_declared(action: Action):
    assert {param.missing for param in action.params if param.missing} <= set(action.refusals)


def test_what_buys_needs_a_key():
    assert not [action.name for action in ACTIONS.values() if action.buys and action.open]


def test_a_name_is_declared_once():
    actions = Registry()

    async def handler(call: Call) -> Reply: ...

    actions.action("getBalance", example="", section="3")(handler)
    with pytest.raises(ValueError, match="getBalance is declared twice"):
        actions.action("getBalance", example="", section="3")(handler)


@pytest.mark.parametrize("kind", leaves(GatewayError), ids=lambda kind: kind.__name__)
def test_every_error_that_can_reach_a_client_has_a_refusal(kind: type[GatewayError]):
    assert (has_a_word(kind, PLAIN) or has_a_word(kind, RENTS)) is (kind not in NEVER_AT_THE_DOOR)


@every_action
def test_a_word_that_is_said_plainly_is_known_to_be(action: Action):
    said = [refusal_for(kind).word for kind in action.refusals if not action.manner.in_json]
    assert all(re.fullmatch(WORDS, word) or word == "WRONG_MAX_PRICE" for word in said)


@pytest.mark.parametrize("refusal", sorted(EVERY_REFUSAL, key=str), ids=lambda refusal: refusal.word)
def test_a_refusal_is_one_word_of_the_protocol_with_its_meaning(refusal):
    assert re.fullmatch(r"[A-Z_]+", refusal.word)
    assert refusal.meaning
    assert refusal.status == (429 if refusal.word == "TOO_MANY_REQUESTS" else 200)


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ({}, "default"),
        ({"price": "1"}, "1!"),
        ({"cost": "2"}, "2!"),
        ({"price": "1", "cost": "2"}, "1!"),
        ({"price": "", "cost": "2"}, "2!"),
        ({"price": "", "cost": ""}, "default"),
    ],
)
def test_the_first_spelling_that_says_something_counts(query: dict[str, str], value: str):
    assert Param("price", lambda words: f"{words}!", "", default="default", aliases=("cost",)).value(query) == value


def test_a_parameter_that_must_be_there_raises_its_own_refusal():
    with pytest.raises(errors.BadService):
        Param("service", str, "", missing=errors.BadService).value({"service": ""})
