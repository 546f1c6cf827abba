"""A number once more, or one more service on it: the words for everything that stands in the way."""

from pathlib import Path

import pytest

from proxy.domain.activation import Status
from proxy.sandbox import Settings
from tests.stage import OTHER_KEY, Stage, stage
from tests.stub.activations import made
from tests.stub.door import ask

pytestmark = pytest.mark.asyncio(loop_scope="module")

AGAIN = ["getExtraActivation", "checkExtraActivation"]
CLOSED = {Status.FINISHED, Status.CANCELLED, Status.EXPIRED}


async def closed(it: Stage, service: str = "wa") -> tuple[int, str]:
    """A number of getatext that was given back."""
    id, phone = await it.number(service, providerIds="getatext")
    assert (await ask(it, "setStatus", id=id, status=8)).text == "ACCESS_CANCEL"
    return id, phone


@pytest.mark.parametrize("action", AGAIN)
@pytest.mark.parametrize(
    ("id", "word"),
    [
        ("", "WRONG_ACTIVATION_ID"),
        ("12x", "WRONG_ACTIVATION_ID"),
        ("-1", "WRONG_ACTIVATION_ID"),
        ("999999", "NO_ACTIVATION"),
        ("2147483648", "NO_ACTIVATION"),
    ],
)
async def test_an_id_that_names_nothing(it: Stage, action: str, id: str, word: str):
    assert (await ask(it, action, activationId=id)).text == word


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("action", AGAIN)
async def test_what_nobody_can_sell_again_is_not_available(it: Stage, action: str, status: Status):
    """Its provider is gone, so a closed one is no better than an open one."""
    activation = await made(it, status)
    answer = await ask(it, action, activationId=activation.id)
    assert answer.text == "RENEW_ACTIVATION_NOT_AVAILABLE"
    assert ("still open" in answer.headers["x-reason"]) is (status not in CLOSED)


@pytest.mark.parametrize("spelling", ["id", "activationId"])
async def test_either_spelling_of_the_id_is_taken(it: Stage, spelling: str):
    id, phone = await closed(it)
    assert (await ask(it, "getExtraActivation", **{spelling: id})).text.endswith(f":{phone}")


async def test_the_new_activation_has_a_life_of_its_own(it: Stage):
    id, _ = await closed(it)
    words = (await ask(it, "getExtraActivation", activationId=id)).text
    again = words.split(":")[1]
    assert (await ask(it, "getStatus", id=id)).text == "STATUS_CANCEL"
    assert (await ask(it, "getStatus", id=again)).text == "STATUS_WAIT_CODE"
    assert (await ask(it, "getStatus", id=again, api_key=OTHER_KEY)).text == "NO_ACTIVATION"
    assert (await ask(it, "setStatus", id=again, status=8)).text == "ACCESS_CANCEL"


async def test_asking_for_the_price_buys_nothing(it: Stage):
    id, _ = await closed(it)
    before = len(it.getatext.rentals)
    for _ in range(3):
        assert (await ask(it, "checkExtraActivation", activationId=id)).text.startswith('{"status":"success","cost":')
    assert len(it.getatext.rentals) == before


async def test_one_more_service_needs_a_service(it: Stage):
    id, _ = await it.number("wa", providerIds="getatext")
    assert (await ask(it, "getAdditionalService", id=id)).text == "BAD_SERVICE"
    assert (await ask(it, "getAdditionalService", service="tg")).text == "WRONG_ACTIVATION_ID"


@pytest.mark.parametrize(
    ("client", "word"),
    [({"budget": '{amount: "0.60", per: total}'}, "NO_BALANCE"), ({"max_open": "1"}, "CHANNELS_LIMIT")],
)
async def test_the_clients_own_limits_hold_here_too(tmp_path: Path, client: dict[str, str], word: str):
    unlocked = Settings(sms_after=None, cancel_lock=0)
    async with stage(tmp_path, client=client, getatext=unlocked, getatext_extra="tier: premium", poll=60) as it:
        id, _ = await closed(it)
        first, _ = await it.number("wa", providerIds="getatext")
        assert (await ask(it, "getExtraActivation", activationId=id)).text == word
        assert (await ask(it, "getAdditionalService", id=first, service="tg")).text == word
