"""What the protocol knows and no provider has: always the same answer, whatever is asked, and never BAD_ACTION."""

import json

import pytest

from proxy.stub.actions import ACTIONS
from proxy.stub.actions.nothing import NOTHING
from tests.stage import KEY, Stage
from tests.stub.door import ask, knock

pytestmark = pytest.mark.asyncio(loop_scope="module")

RUBBISH = [{}, {"id": "1"}, {"id": "x", "service": "wa", "country": "-1"}, {"activationId": "", "phone": "\0"}]


@pytest.mark.parametrize("name", NOTHING)
@pytest.mark.parametrize("params", RUBBISH)
async def test_the_answer_is_always_the_declared_one(it: Stage, name: str, params: dict[str, str]):
    words, value = NOTHING[name]
    answer = await ask(it, name, **params)
    assert (json.loads(answer.text) if value is not None else answer.text) == (words if value is None else value)
    kind = "text/plain" if value is None else "application/json"
    assert answer.headers["content-type"].startswith(kind)


@pytest.mark.parametrize("name", NOTHING)
async def test_a_form_is_answered_alike(it: Stage, name: str):
    body = f"api_key={KEY}&action={name}".encode()
    assert (await knock(it.house, method="POST", body=body)).body == (await ask(it, name)).body


@pytest.mark.parametrize("name", NOTHING)
async def test_it_spends_nothing_and_asks_for_a_key(name: str):
    assert not ACTIONS[name].buys
    assert not ACTIONS[name].open
