"""Promise 12: who has no key costs no SQL, no line in the log and no answer that tells anything."""

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.stub.actions import ACTIONS
from tests.fakes import FakeClock
from tests.stage import KEY, Stage, stage

KEYS = ("wrong", KEY[:-1], KEY + "0", KEY.upper(), "", "%00", "x" * 10_000, "%ff", "ключ")
TOKENS = ("wrong", "secret0", "%00", "..%2f..", "x" * 10_000, "ключ")
LISTS = ("activations", "attempts", "ledger", "webhooks", "providers", "explain")


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Stage]:
    """Its time stands still, so that nothing in it works by itself."""
    async with stage(tmp_path, clock=FakeClock(), getsms_extra="webhook_token: secret") as it:
        await it.number("wa")
        yield it


@pytest.fixture
async def statements(it: Stage) -> list[str]:
    """All SQL from here on."""
    found: list[str] = []
    store = it.house.gateway.store
    await store.read._connection.set_trace_callback(found.append)
    await store.write(lambda tx: tx._connection.set_trace_callback(found.append))
    found.clear()
    return found


async def test_a_wrong_key_costs_no_sql_and_no_line_in_the_log(
    it: Stage, statements: list[str], caplog: pytest.LogCaptureFixture
):
    guarded = ["getNumber", "getStatus", "noSuchAction", *(name for name in ACTIONS if not ACTIONS[name].open)]
    requests = len(it.getsms.requests) + len(it.getatext.requests)
    with caplog.at_level(logging.INFO):
        caplog.clear()
        for key, action in zip(KEYS, guarded, strict=False):  # so few that nobody has to wait for being refused
            reply = await it.web.get(f"{it.url}?action={action}&id=1&service=wa&api_key={key}")
            assert "BAD_KEY" in reply.text
            assert "x-reason" not in reply.headers
    assert statements == []
    assert [record for record in caplog.records if record.name.startswith("proxy")] == []
    assert len(it.getsms.requests) + len(it.getatext.requests) == requests


async def test_a_wrong_token_costs_no_sql_and_no_line_in_the_log(
    it: Stage, statements: list[str], caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.INFO):
        caplog.clear()
        for name in LISTS:
            reply = await it.web.get(f"{it.root}/admin/api/{name}", headers={"Authorization": "Bearer wrong"})
            assert reply.status_code == 401
        for token in TOKENS:
            for provider in ("getsms", "getatext", "nobody"):
                reply = await it.web.post(f"{it.root}/webhooks/{provider}/{token}", content=b"id=1")
                assert reply.status_code == 404
                assert reply.json() == {"error": "Not Found"}
    assert statements == []
    assert [record for record in caplog.records if record.name.startswith("proxy")] == []


async def test_however_often_it_is_asked_whether_it_is_ready_the_books_are_tried_once_in_a_while(
    it: Stage, statements: list[str]
):
    for _ in range(50):
        assert (await it.web.get(f"{it.root}/readyz")).status_code == 200
        assert (await it.web.get(f"{it.root}/healthz")).status_code == 200
    assert len([statement for statement in statements if statement.startswith("COMMIT")]) == 1
