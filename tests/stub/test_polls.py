"""The short way of a poll and the long one: the same answer to whatever is asked, or none on the short way."""

from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from proxy.stub.actions import ACTIONS
from proxy.stub.endpoint import PATHS
from tests.stage import KEY, OTHER_KEY, Stage, stage
from tests.stub.door import PATH, Answer, knock

pytestmark = pytest.mark.asyncio(loop_scope="module")

AT_ONCE = [name for name, action in ACTIONS.items() if action.at_once is not None]
NOBODYS = 2_000_000_000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def it(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """With a number in every status that a client can see, one of another client, and a rent."""
    async with stage(tmp_path_factory.mktemp("house"), poll=0.05, getatext_extra="tier: premium") as it:
        ids = [(await it.number("ig", providerIds="getsms"))[0] for _ in range(5)]
        it.ids = {"waiting": ids[0]}
        await it.ask("setStatus", id=ids[1], status=8)
        for id, status in ((ids[2], None), (ids[3], 3), (ids[4], 6)):
            it.getsms.deliver(int((await row_of(it, id))["upstream_id"]), code="012345")
            await it.until("STATUS_OK", id=id)
            if status is not None:
                await it.ask("setStatus", id=id, status=status)
        theirs, _ = await it.number("wa", api_key=OTHER_KEY)
        await it.ask("getRentNumber", service="wa", rent_time=24)
        it.ids = [*range(1, 9), theirs, NOBODYS]
        yield it


async def row_of(it: Stage, id: int):
    return next(row for row in await it.admin("activations") if row["id"] == id)


def read(reply: bytes) -> Answer:
    """The bytes of a reply, taken apart."""
    head, _, body = reply.partition(b"\r\n\r\n")
    status, *headers = head.decode().split("\r\n")
    assert status == "HTTP/1.1 200 OK"
    fields = dict(header.split(": ", 1) for header in headers)
    assert int(fields["content-length"]) == len(body)
    return Answer(200, fields, body)


names = st.sampled_from(["api_key", "action", "id", "activationId", "ref", "", "Id", "action ", "%69d"])
values = (
    st.sampled_from([KEY, OTHER_KEY, "wrong", "", *AT_ONCE, "getStatusV2", "setStatus", "getStatus ", "getstatus"])
    | st.sampled_from(["0", "01", "1.0", "-1", "+1", "²", "a" * 600, quote("ü"), "é", "\t1", "99999999999", "1%20"])
    | st.integers(0, 12).map(str)
)
pairs = st.tuples(names, values).map("=".join)
queries = st.lists(pairs | st.sampled_from(["action", "&", "=", "id==1"]), max_size=10).map("&".join)
honest = st.permutations([("api_key", KEY), ("action", "getStatus"), ("id", "{id}"), ("x", "1")]).map(
    lambda fields: "&".join(f"{name}={value}" for name, value in fields)
)
many = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@many
@given(queries | honest, st.integers(0, 9), st.sampled_from(sorted(PATHS)) | st.just("/healthz"))
@example(f"api_key={KEY}&action=getStatus&id=1&id=3", 0, PATH)
@example(f"api_key={KEY}&action=getStatus&id=3&id=", 0, PATH)
@example(f"api_key={KEY}&action=getStatus&id=&activationId=3", 0, PATH)
async def test_what_is_answered_at_once_is_answered_the_same_the_long_way(it: Stage, query: str, which: int, path: str):
    query = query.replace("{id}", str(it.ids[which]))
    short = it.house.polls.answer(f"{path}?{query}".encode())
    if short is not None:
        assert path in PATHS
        assert read(short) == await knock(it.house, query, path=path)


@pytest.mark.parametrize("action", AT_ONCE)
async def test_a_plain_poll_of_an_open_activation_is_answered_at_once_and_of_nothing_else(it: Stage, action: str):
    opened = {row["id"] for row in await it.admin("activations", client="tester", limit=100)} & set(it.ids)
    shown = {id for id in it.ids if it.house.polls.answer(f"{PATH}?api_key={KEY}&action={action}&id={id}".encode())}
    live = it.house.gateway.store.live.open
    assert shown == {id for id in opened if id in live and not live[id].hours}
    assert len(shown) >= 3


async def test_a_poll_is_counted_and_its_rate_is_watched_on_both_ways(tmp_path):
    async with stage(tmp_path, client={"rate": "5"}, poll=60) as it:
        id, _ = await it.number("wa")
        target = f"{PATH}?api_key={KEY}&action=getStatus&id={id}".encode()
        answered = [it.house.polls.answer(target) for _ in range(10)]
        assert 0 < len([reply for reply in answered if reply]) <= 5
        assert (await knock(it.house, target.partition(b"?")[2])).status == 429
        counted = (await it.web.get(f"{it.root}/metrics")).text
        polls = len([reply for reply in answered if reply])
        assert f'sms_proxy_requests_total{{action="getStatus"}} {polls}.0' in counted
