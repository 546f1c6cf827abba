"""getHistory: ranges, pages, and what an activation cost."""

from typing import Any

import pytest

from proxy.domain.activation import Status
from tests.stage import Stage
from tests.stub.activations import made
from tests.stub.door import ask

pytestmark = pytest.mark.asyncio(loop_scope="module")

MONTH = 30 * 86_400
COSTS = {Status.RECEIVED: 0.5, Status.WAITING_AGAIN: 0.5, Status.FINISHED: 0.5}
"""Nothing for all others: no code came."""


async def history(it: Stage, **params: object) -> list[dict[str, Any]]:
    return (await it.reply("getHistory", **params)).json()


@pytest.mark.parametrize("status", Status)
async def test_what_an_activation_cost_and_brought(it: Stage, status: Status):
    activation = await made(it, status)
    (entry,) = await history(it, limit=1)
    assert entry["id"] == str(activation.id)
    assert entry["cost"] == COSTS.get(status, 0)
    assert entry["sms"] == (["012345"] if status in COSTS else [])
    assert (entry["phone"], entry["currency"]) == (activation.phone, 840)


@pytest.mark.parametrize(("seconds", "refused"), [(0, False), (MONTH, False), (MONTH + 1, True), (-1, True)])
async def test_a_range_is_thirty_days_at_most(it: Stage, seconds: int, refused: bool):
    end = 1_750_000_000
    answer = await ask(it, "getHistory", start=end - seconds, end=end)
    assert (answer.text == "WRONG_DATE") is refused


@pytest.mark.parametrize(
    ("params", "most"),
    [({}, 50), ({"limit": 2}, 2), ({"size": 3}, 3), ({"limit": 1000}, 100), ({"limit": 0}, 1), ({"limit": "x"}, 1)],
)
async def test_a_page_has_its_bounds(it: Stage, params: dict[str, object], most: int):
    while len(await history(it, limit=100)) < 4:
        await made(it, Status.FINISHED)
    assert len(await history(it, **params)) == min(most, len(await history(it, limit=100)))


async def test_an_offset_beyond_the_end_is_an_empty_list(it: Stage):
    assert await history(it, offset=10**9) == []
