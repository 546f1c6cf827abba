"""getStatus, getStatusV2 and setStatus over every status that an activation can have."""

import json

import pytest

from proxy.domain.activation import Status
from tests.stage import Stage
from tests.store.books import sms
from tests.stub.activations import GONE, made
from tests.stub.door import ask

pytestmark = pytest.mark.asyncio(loop_scope="module")

READY, RETRY, DONE, CANCELLED, BAD = (
    "ACCESS_READY",
    "ACCESS_RETRY_GET",
    "ACCESS_ACTIVATION",
    "ACCESS_CANCEL",
    "BAD_STATUS",
)
ANSWERS: dict[Status, dict[int, str]] = {
    Status.WAITING: {1: READY, 3: BAD, 6: BAD, 8: CANCELLED, -1: CANCELLED},
    Status.RECEIVED: {1: READY, 3: RETRY, 6: DONE, 8: BAD, -1: BAD},
    Status.WAITING_AGAIN: {1: READY, 3: RETRY, 6: DONE, 8: BAD, -1: BAD},
    Status.CANCELLING: {1: BAD, 3: BAD, 6: BAD, 8: CANCELLED, -1: CANCELLED},
    Status.ENDING: {1: BAD, 3: BAD, 6: BAD, 8: CANCELLED, -1: CANCELLED},
    Status.FINISHED: {1: BAD, 3: BAD, 6: DONE, 8: BAD, -1: BAD},
    Status.CANCELLED: {1: BAD, 3: BAD, 6: BAD, 8: CANCELLED, -1: CANCELLED},
    Status.EXPIRED: {1: BAD, 3: BAD, 6: BAD, 8: CANCELLED, -1: CANCELLED},
}
SEEN = {
    Status.WAITING: "STATUS_WAIT_CODE",
    Status.RECEIVED: "STATUS_OK:012345",
    Status.WAITING_AGAIN: "STATUS_WAIT_RETRY:012345",
    Status.FINISHED: "STATUS_OK:012345",
}
"""Everything else is STATUS_CANCEL."""


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("asked", [1, 3, 6, 8, -1])
async def test_what_may_be_decided_in_which_status(it: Stage, status: Status, asked: int):
    before = await made(it, status)
    words = ANSWERS[status][asked]
    assert (await ask(it, "setStatus", id=before.id, status=asked)).text == words
    if words == BAD:
        assert (await ask(it, "getStatus", id=before.id)).text == SEEN.get(status, "STATUS_CANCEL")


@pytest.mark.parametrize("status", Status)
async def test_what_a_poll_sees_in_which_status(it: Stage, status: Status):
    activation = await made(it, status)
    assert activation.status is status
    assert (await ask(it, "getStatus", id=activation.id)).text == SEEN.get(status, "STATUS_CANCEL")


@pytest.mark.parametrize("status", Status)
async def test_the_long_poll_says_the_same_in_more_words(it: Stage, status: Status):
    activation = await made(it, status)
    answer = await ask(it, "getStatusV2", id=activation.id)
    words = SEEN.get(status, "STATUS_CANCEL")
    if words == "STATUS_CANCEL":
        assert answer.text == words
        return
    reply = json.loads(answer.text)
    assert (reply["verificationType"], reply["call"]) == (0, None)
    if words.startswith("STATUS_OK"):
        assert reply["sms"].pop("dateTime")[:2] == "20"
        assert reply["sms"] == {"code": "012345", "text": "Your code: 012345"}
    else:
        assert reply["sms"] is None


@pytest.mark.parametrize("status", [Status.WAITING, Status.RECEIVED, Status.WAITING_AGAIN])
async def test_where_there_is_one_sms_only_there_is_no_second(it: Stage, status: Status):
    activation = await made(it, status, several=False)
    assert (await ask(it, "setStatus", id=activation.id, status=3)).text == "BAD_STATUS"
    assert (await ask(it, "getStatus", id=activation.id)).text == SEEN[status]


@pytest.mark.parametrize(
    ("status", "steps"),
    [
        (Status.WAITING, [(8, CANCELLED), (8, CANCELLED), (-1, CANCELLED), (6, BAD)]),
        (Status.RECEIVED, [(6, DONE), (6, DONE), (8, BAD), (3, BAD)]),
        (Status.RECEIVED, [(3, RETRY), (3, RETRY), (6, DONE), (8, BAD)]),
        (Status.WAITING, [(1, READY), (1, READY), (8, CANCELLED)]),
    ],
)
async def test_a_decision_may_be_repeated_and_not_taken_back(it: Stage, status: Status, steps: list[tuple[int, str]]):
    activation = await made(it, status)
    for asked, words in steps:
        assert (await ask(it, "setStatus", id=activation.id, status=asked)).text == words


@pytest.mark.parametrize("status", Status)
async def test_the_list_of_open_ones_has_what_the_client_sees_as_open(it: Stage, status: Status):
    activation = await made(it, status)
    reply = json.loads((await ask(it, "getActiveActivations")).text)
    found = [entry for entry in reply.get("activeActivations", []) if entry["activationId"] == str(activation.id)]
    numbers = {Status.WAITING: "4", Status.RECEIVED: "2", Status.WAITING_AGAIN: "3"}
    assert [entry["activationStatus"] for entry in found] == ([numbers[status]] if status in numbers else [])
    assert reply.get("data") == reply.get("activeActivations")


async def test_the_list_shows_every_code_and_the_last_text(it: Stage):
    activation = await made(it, Status.RECEIVED)
    late = sms("222222", activation.upstream_id, provider=GONE, text="Another: 222222", sent_at="2")
    await it.house.gateway.store.write(lambda tx: tx.receive(late))
    reply = json.loads((await ask(it, "getActiveActivations")).text)
    (entry,) = [entry for entry in reply["data"] if entry["activationId"] == str(activation.id)]
    assert (entry["smsCode"], entry["smsText"]) == (["012345", "222222"], "Another: 222222")
    assert [entry[key] for key in ("serviceCode", "phoneNumber", "activationCost", "countryCode", "currency")] == [
        *("wa", "12025550123", 0.5, "187", 840)
    ]
    assert not [key for key, value in entry.items() if value is None]


async def test_code_and_text_belong_together_when_an_sms_comes_after_the_end(it: Stage):
    activation = await made(it, Status.FINISHED)
    late = sms("222222", activation.upstream_id, provider=GONE, text="Another: 222222", sent_at="2")
    await it.house.gateway.store.write(lambda tx: tx.receive(late))
    assert (await ask(it, "getStatus", id=activation.id)).text == "STATUS_OK:012345"
    shown = json.loads((await ask(it, "getStatusV2", id=activation.id)).text)["sms"]
    assert (shown["code"], shown["text"]) == ("012345", "Your code: 012345")


async def test_nothing_open_is_an_error_in_json(it: Stage):
    answer = await ask(it, "getActiveActivations", api_key="other-key")
    assert answer.text == '{"status":"error","error":"NO_ACTIVATIONS"}'
