"""Whatever anybody sends, the answer is a word of the protocol or JSON, and one that the action declares."""

import json
import re
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy import errors
from proxy.stub.actions import ACTIONS
from proxy.stub.replies import REFUSALS, refusal_for
from tests.stage import KEY, Stage
from tests.stub.door import WORDS, Answer, knock

pytestmark = pytest.mark.asyncio(loop_scope="module")

ANYWHERE = {errors.BadKey, errors.BadAction, errors.TooManyRequests, errors.StoreClosed}
"""What any action may be refused with."""
PARAMS = {spelling for action in ACTIONS.values() for param in action.params for spelling in param.spellings}
names = (
    st.sampled_from(sorted(PARAMS)) | st.sampled_from(["orderId", "ref", "json", " country", ""]) | st.text(max_size=5)
)
values = (
    st.sampled_from(
        ["", "0", "1", "3", "6", "8", "-1", "187", "wa", "tg", "any", "true", "null", "0.55", "nan", "1e99999999"]
    )
    | st.sampled_from(["getsms", "getatext", "503,202", "12025550123", "tmobile", "²", "％", "a" * 300, "\0", "';--"])
    | st.text(max_size=8)
    | st.integers(-5, 2**40).map(str)
)
actions = st.sampled_from(sorted(ACTIONS)) | st.sampled_from(["", "nonsense"]) | st.text(max_size=8)
keys = st.sampled_from([KEY, KEY, KEY, KEY, "wrong", ""])
queries = st.tuples(keys, actions, st.lists(st.tuples(names, values), max_size=5))
many = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def check(answer: Answer) -> None:
    """The reply is well-formed."""
    assert answer.status == (429 if answer.text == "TOO_MANY_REQUESTS" else 200)
    if answer.headers["content-type"].startswith("application/json"):
        assert isinstance(json.loads(answer.text), dict | list)
    else:
        assert re.fullmatch(WORDS, answer.text), answer.text
    assert answer.text not in ("", "ERROR_SQL")


@many
@given(queries, st.booleans())
async def test_any_parameters_are_answered_in_the_protocols_words(it: Stage, asked, post: bool):
    key, action, params = asked
    query = urlencode([("api_key", key), ("action", action), *params])
    if post:
        check(await knock(it.house, "", method="POST", body=query.encode()))
    else:
        check(await knock(it.house, query))


@many
@given(st.binary(max_size=200) | st.text("&=%+;action", max_size=60).map(str.encode), st.booleans())
async def test_any_bytes_are_answered_in_the_protocols_words(it: Stage, query: bytes, with_key: bool):
    check(await knock(it.house, query + b"&api_key=" + KEY.encode() * with_key))


RUBBISH = ["abc", "-1", "1e30", "²", "a,b", "x" * 100]
CASES = [(action.name, param.name) for action in ACTIONS.values() for param in action.params]


@pytest.mark.parametrize(("name", "param"), CASES)
async def test_an_action_refuses_only_with_what_it_declares(it: Stage, name: str, param: str):
    honest = {"service": "wa", "id": "1", "status": "1"}
    declared = {refusal_for(kind).word for kind in {*ANYWHERE, *ACTIONS[name].refusals}}
    undeclared = {refusal.word for refusal in REFUSALS.values()} - declared
    for rubbish in RUBBISH:
        query = {"api_key": KEY, "action": name, **honest, param: rubbish}
        word = (await knock(it.house, urlencode(query))).text.partition(":")[0]
        assert word not in undeclared
