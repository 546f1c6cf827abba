"""The operator's JSON: its shapes, its filters, its pages, and who may see it."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from proxy.sandbox import Settings
from tests.stage import ADMIN, KEY, OTHER_KEY, Stage, stage

MONEY = re.compile(r"-?[0-9]+\.[0-9]{4,6}")
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z")
ACTIVATION = {
    *("id", "client", "service", "country", "phone", "status", "provider", "upstream_id"),
    *("cost", "refunded", "created_at", "expires_at", "messages"),
}
ATTEMPT = {
    *("id", "client", "service", "provider", "outcome", "reason"),
    *("upstream_id", "activation_id", "started_at", "ended_at"),
}
LEDGER = {"id", "at", "client", "provider", "activation_id", "attempt_id", "kind", "amount"}
PROVIDER = {
    *("name", "kind", "usable", "reason", "balance", "ledger_balance_drift"),
    *("drift_attempts", "open", "latency_ms", "delivery_rate"),
}
LISTS = ("activations", "attempts", "ledger")


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path, poll=0.1, getatext=Settings(sms_after=None, cancel_lock=0)) as it:
        yield it


async def a_little_of_everything(it: Stage) -> dict[str, int]:
    """One activation waiting, one with a code, one finished, one cancelled; one refused and one unknown attempt."""
    ids = {}
    for status, provider in (("waiting", "getatext"), ("received", "getsms"), ("finished", "getsms")):
        ids[status], phone = await it.number("wa", providerIds=provider)
        if status != "waiting":
            it.getsms.deliver(it.rental(it.getsms, phone).id, code="012345", sender="22000")
            await it.until("STATUS_OK", id=ids[status])
    await it.ask("setStatus", id=ids["finished"], status=6)
    ids["cancelled"], _ = await it.number("tg", providerIds="getsms", api_key=OTHER_KEY)
    await it.ask("setStatus", id=ids["cancelled"], status=8, api_key=OTHER_KEY)
    it.getsms.set_service("Discord", stock=0)
    await it.ask("getNumber", service="ds", providerIds="getsms")
    it.getsms.fault("empty", "request")
    await it.ask("getNumber", service="wa", providerIds="getsms")
    return ids


async def raw(it: Stage, path: str, **headers: str) -> httpx.Response:
    return await it.web.get(f"{it.root}/admin/api/{path}", headers=headers)


async def test_activations_have_their_shape(it: Stage):
    ids = await a_little_of_everything(it)
    rows = await it.admin("activations")
    assert [row["id"] for row in rows] == sorted(ids.values(), reverse=True)
    for row in rows:
        assert row.keys() == ACTIVATION
        assert all(MONEY.fullmatch(row[name]) for name in ("cost", "refunded"))
        assert all(TIME.fullmatch(row[name]) for name in ("created_at", "expires_at"))
        assert row["country"] == 187
        assert re.fullmatch(r"1[0-9]{10}", row["phone"])
    assert {row["id"]: row["status"] for row in rows} == {id: status for status, id in ids.items()}
    received = next(row for row in rows if row["status"] == "received")
    (message,) = received["messages"]
    assert message.keys() == {"code", "text", "sender", "received_at"}
    assert (message["code"], message["sender"]) == ("012345", "22000")
    assert TIME.fullmatch(message["received_at"])
    assert received["upstream_id"] == str(it.rental(it.getsms, received["phone"]).id)
    assert (received["client"], received["service"], received["provider"]) == ("tester", "wa", "getsms")


async def test_attempts_have_their_shape(it: Stage):
    ids = await a_little_of_everything(it)
    rows = await it.admin("attempts")
    assert [row["outcome"] for row in rows] == ["unknown", "refused", "bought", "bought", "bought", "bought"]
    for row in rows:
        assert row.keys() >= ATTEMPT
        assert TIME.fullmatch(row["started_at"])
    unknown, refused, *bought = rows
    assert unknown["reason"]
    assert "No numbers available" in refused["reason"]
    assert refused["activation_id"] is None
    assert [row["activation_id"] for row in bought] == sorted(ids.values(), reverse=True)


async def test_the_ledger_has_its_shape(it: Stage):
    await a_little_of_everything(it)
    rows = await it.admin("ledger")
    for row in rows:
        assert row.keys() == LEDGER
        assert MONEY.fullmatch(row["amount"])
        assert TIME.fullmatch(row["at"])
        assert row["kind"] in {"hold", "release", "charge", "refund"}
    assert [row["id"] for row in rows] == sorted((row["id"] for row in rows), reverse=True)


async def test_providers_have_their_shape(it: Stage):
    await a_little_of_everything(it)
    rows = await it.admin("providers")
    assert [(row["name"], row["kind"]) for row in rows] == [("getsms", "getsms"), ("getatext", "getatext")]
    for row in rows:
        assert row.keys() == PROVIDER
        assert (row["usable"], row["reason"]) == (True, "")
        assert MONEY.fullmatch(row["balance"])
        assert row["latency_ms"] > 0
        assert row["drift_attempts"] == []
    assert [row["open"] for row in rows] == [1, 1]


async def test_explain_has_its_shape(it: Stage):
    shown = await it.admin("explain", service="wa", country=187, client="other", max_price="0.57")
    assert {name: shown[name] for name in ("service", "country", "client", "rule")} == {
        "service": "wa",
        "country": 187,
        "client": "other",
        "rule": "everything",
    }
    kept, dropped = shown["route"]
    assert (kept["provider"], kept["kept"], kept["price"], kept["stock"]) == ("getatext", True, "0.5500", 1200)
    assert (dropped["provider"], dropped["kept"]) == ("getsms", False)
    assert dropped["reason"] == "0.60 is over the request's cap of 0.57"


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"service": "WhatsApp"}, 200),
        ({"service": "whatsapp"}, 200),
        ({"service": "nothing at all"}, 404),
        ({}, 404),
        ({"service": "wa", "client": "nobody"}, 404),
        ({"service": "wa", "country": "x"}, 400),
        ({"service": "wa", "max_price": "x"}, 400),
    ],
)
async def test_explain_says_what_is_wrong_with_the_question(it: Stage, params: dict[str, str], status: int):
    headers = {"Authorization": f"Bearer {ADMIN}"}
    reply = await it.web.get(f"{it.root}/admin/api/explain", params=params, headers=headers)
    assert reply.status_code == status
    assert "error" in reply.json() or reply.json()["service"] == "wa"


@pytest.mark.parametrize("path", [*LISTS, "providers", "explain?service=wa"])
async def test_promise_12_nothing_is_shown_without_the_token(it: Stage, path: str):
    for headers in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer"},
        {"Authorization": ADMIN},
        {"Authorization": f"Basic {ADMIN}"},
        {"Authorization": f"Bearer {KEY}"},
        {"Authorization": "Bearer t\xf6ken"},
    ):
        encoded = {name: value.encode("latin-1") for name, value in headers.items()}
        reply = await it.web.get(f"{it.root}/admin/api/{path}", headers=encoded)
        assert reply.status_code == 401, headers
        assert reply.json().keys() == {"error"}
    assert (await raw(it, path, Authorization=f"bearer {ADMIN}")).status_code == 200


@pytest.mark.parametrize("path", LISTS)
async def test_lists_are_paged_newest_first(it: Stage, path: str):
    await a_little_of_everything(it)
    whole = await it.admin(path)
    assert len(whole) > 2
    pages: list[dict[str, Any]] = []
    while page := await it.admin(path, limit=2, **({"before": pages[-1]["id"]} if pages else {})):
        assert len(page) <= 2
        pages += page
    assert pages == whole


@pytest.mark.parametrize("path", LISTS)
async def test_unknown_parameters_are_ignored(it: Stage, path: str):
    await a_little_of_everything(it)
    assert await it.admin(path, colour="red", id="1", limit="", before="") == await it.admin(path)


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("params", ["limit=x", "limit=-1", "before=1.5", "limit=99999999999999999999", "before=%00"])
async def test_a_limit_that_is_no_number_is_refused(it: Stage, path: str, params: str):
    reply = await raw(it, f"{path}?{params}", Authorization=f"Bearer {ADMIN}")
    assert reply.status_code == 400


async def test_lists_can_be_narrowed(it: Stage):
    ids = await a_little_of_everything(it)
    for params, wanted in (
        ({"client": "other"}, {"cancelled"}),
        ({"provider": "getatext"}, {"waiting"}),
        ({"status": "received"}, {"received"}),
        ({"status": "cancelled"}, {"cancelled"}),
        ({"status": "expired"}, set()),
        ({"client": "tester", "provider": "getsms"}, {"received", "finished"}),
        ({"client": "nobody"}, set()),
        ({"client": "' OR 1=1 --"}, set()),
    ):
        assert {row["id"] for row in await it.admin("activations", **params)} == {ids[status] for status in wanted}
    for outcome, number in (("bought", 4), ("refused", 1), ("unknown", 1), ("buying", 0), ("recovered", 0)):
        assert len(await it.admin("attempts", outcome=outcome)) == number
    assert {row["client"] for row in await it.admin("ledger", client="other")} == {"other"}
    assert {row["kind"] for row in await it.admin("ledger", kind="refund")} == {"refund"}


async def test_the_delivery_rate_is_that_of_the_books(it: Stage):
    await a_little_of_everything(it)
    await it.restart()

    async def rates() -> list[float | None]:
        return [row["delivery_rate"] for row in await it.admin("providers")]

    getsms, getatext = await rates()
    assert getatext is None  # nothing has ended there
    assert getsms == pytest.approx(2 / 3)


async def test_promise_12_no_secret_stands_in_any_answer(it: Stage):
    await a_little_of_everything(it)
    for path in (*LISTS, "providers", "explain?service=wa"):
        words = (await raw(it, path, Authorization=f"Bearer {ADMIN}")).text
        assert KEY not in words
        assert ADMIN not in words
        assert "demo" not in words


@pytest.mark.parametrize("path", ["/", "/nothing", "/admin/api/nothing", "/stubs"])
async def test_what_there_is_not_is_404(it: Stage, path: str):
    headers = {"Authorization": f"Bearer {ADMIN}"}
    assert (await it.web.get(f"{it.root}{path}", headers=headers)).status_code == 404
