"""The providers' door: what comes in is stored once, whoever sends it how often and however early."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from proxy.sandbox import GetatextSandbox, GetsmsSandbox
from tests.fakes import FakeClock
from tests.gateway.conftest import pass_until
from tests.stage import Stage, eventually, stage

TOKENS = {"getsms": "token-of-getsms", "getatext": "token-of-getatext"}
each_provider = pytest.mark.parametrize("provider", TOKENS)


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Stage]:
    """With webhooks trusted, nobody looks for SMS by himself within the first five seconds."""
    extras = {f"{name}_extra": f"webhook_token: {token}" for name, token in TOKENS.items()}
    async with stage(tmp_path, **extras) as it:
        yield it


async def post(it: Stage, provider: str, token: str = "", **how: Any) -> httpx.Response:
    return await it.web.post(f"{it.root}/webhooks/{provider}/{token or TOKENS[provider]}", **how)


def webhook(sandbox: GetsmsSandbox | GetatextSandbox, rental: Any, code: str) -> dict[str, Any]:
    """What the provider would send now, as httpx wants it; the SMS stays unknown to the provider's own lists."""
    before = list(rental.messages), list(sandbox.account.inbox)
    how = dict(sandbox.webhook(rental, sandbox.deliver(rental.id, code=code)))
    rental.messages[:] = before[0]
    sandbox.account.inbox.clear()
    sandbox.account.inbox.extend(before[1])
    return how


async def message_rows(it: Stage) -> list[dict[str, Any]]:
    return [message for row in await it.admin("activations") for message in row["messages"]]


async def test_getsms_sends_a_form(it: Stage):
    id, phone = await it.number("wa", providerIds="getsms")
    reply = await post(it, "getsms", **webhook(it.getsms, it.rental(it.getsms, phone), "012345"))
    assert reply.status_code == 200
    assert await it.ask("getStatus", id=id) == "STATUS_OK:012345"
    (message,) = await message_rows(it)
    assert message["code"] == "012345"
    assert "012345" in message["text"]
    assert message["sender"]


async def test_a_code_sent_as_a_word_is_taken_as_it_is(it: Stage):
    id, phone = await it.number("wa", providerIds="getatext")
    rental = it.rental(it.getatext, phone)
    fields = webhook(it.getatext, rental, "012345")["json"] | {"code": "012345"}
    assert (await post(it, "getatext", json=fields)).status_code == 200
    assert await it.ask("getStatus", id=id) == "STATUS_OK:012345"


async def test_a_code_sent_as_a_number_is_looked_up(it: Stage):
    """Its leading zeros were lost on the way."""
    id, phone = await it.number("wa", providerIds="getatext")
    rental = it.rental(it.getatext, phone)
    it.getatext.deliver(rental.id, code="001234")
    how = it.getatext.webhook(rental, rental.messages[-1])
    assert how["json"]["code"] == 1234
    assert (await post(it, "getatext", **how)).status_code == 200
    assert await it.until("STATUS_OK", id=id, seconds=3) == "STATUS_OK:001234"
    # Once for the webhook, and perhaps before it when the provider turned out to have no list of new SMS.
    assert len(it.seen(it.getatext, "rental-status")) in (1, 2)


@each_provider
@pytest.mark.parametrize("form", ["data", "json"])
async def test_form_and_json_are_both_understood(it: Stage, provider: str, form: str):
    id, phone = await it.number("wa", providerIds=provider)
    sandbox = getattr(it, provider)
    (fields,) = webhook(sandbox, it.rental(sandbox, phone), "4711").values()
    fields = {name: "4711" if name == "code" else value for name, value in fields.items() if value is not None}
    assert (await post(it, provider, **{form: fields})).status_code == 200
    assert await it.ask("getStatus", id=id) == "STATUS_OK:4711"


@each_provider
async def test_promise_8_a_webhook_that_comes_n_times_is_one_message(it: Stage, provider: str):
    id, phone = await it.number("wa", providerIds=provider)
    sandbox = getattr(it, provider)
    rental = it.rental(sandbox, phone)
    how = dict(sandbox.webhook(rental, sandbox.deliver(rental.id, code="4711")))
    replies = await asyncio.gather(*(post(it, provider, **how) for _ in range(5)))
    assert {reply.status_code for reply in replies} == {200}
    await it.until("STATUS_OK:4711", id=id)
    await it.ask("setStatus", id=id, status=6)
    assert (await post(it, provider, **how)).status_code == 200  # late repetitions, too
    assert len(await message_rows(it)) == 1
    assert await it.ask("getStatus", id=id) == "STATUS_OK:4711"


async def test_promise_8_an_old_webhook_again_does_not_bring_the_old_code_back(it: Stage):
    id, phone = await it.number("mm", providerIds="getatext")
    rental = it.rental(it.getatext, phone)
    for code in ("111111", "222222"):
        fields = webhook(it.getatext, rental, code)["json"] | {"code": code}
        await post(it, "getatext", json=fields)
        assert await it.ask("getStatus", id=id) == f"STATUS_OK:{code}"
    assert await it.ask("setStatus", id=id, status=3) == "ACCESS_RETRY_GET"
    await post(it, "getatext", json=fields | {"code": "111111"})
    await post(it, "getatext", json=fields)
    assert await it.ask("getStatus", id=id) == "STATUS_WAIT_RETRY:222222"


@pytest.mark.parametrize(("provider", "look"), [("getsms", "read_sms"), ("getatext", "rental-status")])
async def test_promise_8_the_same_sms_by_webhook_and_by_look_is_one_message(tmp_path: Path, provider: str, look: str):
    extra = {f"{provider}_extra": f"webhook_token: {TOKENS[provider]}"}
    async with stage(tmp_path, poll=1, clock=FakeClock(), **extra) as it:
        sandbox = getattr(it, provider)
        id, phone = await it.number("wa", providerIds=provider)
        rental = it.rental(sandbox, phone)
        sandbox.deliver(rental.id, code="012345")
        await post(it, provider, **sandbox.webhook(rental, rental.messages[-1]))
        await it.clock.advance(1)
        await it.until("STATUS_OK:012345", id=id, seconds=3)
        before = len(it.seen(sandbox, look))

        async def looked_twice() -> bool:
            return len(it.seen(sandbox, look)) >= before + 2

        await pass_until(it, looked_twice, seconds=120, step=5)
        assert len(await message_rows(it)) == 1


async def test_promise_8_a_webhook_earlier_than_its_row_is_kept_and_joined(it: Stage):
    it.getsms.fault("slow", "request", amount=0.5)
    buying = asyncio.create_task(it.number("wa", providerIds="getsms"))
    await eventually(lambda: it.getsms.rentals)
    (rental,) = it.getsms.rentals
    assert (await post(it, "getsms", **webhook(it.getsms, rental, "012345"))).status_code == 200
    id, _ = await buying
    assert await it.ask("getStatus", id=id) == "STATUS_OK:012345"


async def test_an_early_webhook_with_a_number_for_a_code_is_joined_soon(it: Stage):
    it.getatext.fault("slow", "rent-a-number", amount=0.5)
    buying = asyncio.create_task(it.number("wa", providerIds="getatext"))
    await eventually(lambda: it.getatext.rentals)
    (rental,) = it.getatext.rentals
    it.getatext.deliver(rental.id, code="001234")
    await post(it, "getatext", **it.getatext.webhook(rental, rental.messages[-1]))
    id, _ = await buying
    assert await it.until("STATUS_OK", id=id) == "STATUS_OK:001234"


@each_provider
async def test_a_webhook_of_an_unknown_rental_is_taken(it: Stage, provider: str):
    fields = {
        "getsms": {"data": {"event": "incoming_message", "id": "77", "reply": "code 4711", "pin": "4711"}},
        "getatext": {"json": {"id": 77, "code": "4711", "status": "active", "number": "2025550123"}},
    }[provider]
    assert (await post(it, provider, **fields)).status_code == 200
    assert await it.admin("activations") == []


async def test_an_event_of_no_interest_is_taken(it: Stage):
    assert (await post(it, "getsms", data={"event": "something_new", "id": "77"})).status_code == 200


async def test_a_foreign_rentals_webhook_reaches_no_other(it: Stage):
    """Two providers may have the same id for different rentals."""
    id, phone = await it.number("wa", providerIds="getsms")
    rental = it.rental(it.getsms, phone)
    await post(it, "getatext", json={"id": rental.id, "code": "4711", "status": "active"})
    assert await it.ask("getStatus", id=id) == "STATUS_WAIT_CODE"


ELSEWHERE = (
    "getsms/wrong",
    "getsms/",
    "getsms",
    f"getsms/{TOKENS['getatext']}",
    f"getatext/{TOKENS['getsms']}",
    f"nobody/{TOKENS['getsms']}",
    f"getsms/{TOKENS['getsms']}/more",
    f"getsms/{TOKENS['getsms']}x",
    "getsms/%00",
    "getsms/%C3%A9",
    "/",
)


async def test_promise_12_a_wrong_token_is_404(it: Stage):
    for path in ELSEWHERE:
        reply = await it.web.post(f"{it.root}/webhooks/{path}", json={"id": 1, "code": "1"})
        assert reply.status_code == 404, path


async def test_promise_12_without_a_configured_token_there_is_no_door(tmp_path: Path):
    async with stage(tmp_path) as it:
        for token in ("", "None", "null", '""', "%20"):
            reply = await it.web.post(f"{it.root}/webhooks/getsms/{token}", data={"event": "incoming_message"})
            assert reply.status_code == 404


RUBBISH = (
    b"",
    b"rubbish",
    b"{",
    b"[]",
    b"null",
    b'"text"',
    b"\xff\xfe\x00",
    b'{"id": null, "code": "4711", "event": "incoming_message"}',
    b'{"id": {"a": 1}, "code": 4711, "event": "incoming_message"}',
    b'{"code": "4711"}',
    b"event=incoming_message",
    b"a=1&" * 500,
    b"[" * 60_000,
    b'{"id":' * 10_000,
    b"x" * 100_000,
)


@each_provider
async def test_rubbish_is_the_senders_fault(it: Stage, provider: str):
    for body in RUBBISH:
        reply = await post(it, provider, content=body)
        assert 400 <= reply.status_code < 500, body[:40]
    assert await it.admin("activations") == []


async def test_a_webhook_is_a_post(it: Stage):
    reply = await it.web.get(f"{it.root}/webhooks/getsms/{TOKENS['getsms']}")
    assert reply.status_code == 405


async def test_promise_8_without_any_webhook_the_code_comes_all_the_same(tmp_path: Path):
    async with stage(tmp_path, getatext_extra="webhook_token: never-used") as it:
        id, phone = await it.number("wa", providerIds="getatext")
        it.getatext.deliver(it.rental(it.getatext, phone).id, code="4711")
        assert await it.until("STATUS_OK", id=id) == "STATUS_OK:4711"


async def test_the_sandbox_sends_its_webhooks_to_this_door(it: Stage):
    it.getsms.settings.webhook_url = f"{it.root}/webhooks/getsms/{TOKENS['getsms']}"
    running = asyncio.create_task(it.getsms.run())
    id, phone = await it.number("wa", providerIds="getsms")
    it.getsms.deliver(it.rental(it.getsms, phone).id, code="012345")
    assert await it.until("STATUS_OK", id=id, seconds=3) == "STATUS_OK:012345"
    running.cancel()


async def test_promise_10_a_webhook_that_cannot_be_booked_is_asked_for_again(tmp_path: Path):
    """Anything but 200 makes the provider repeat it."""
    from tests.gateway.test_closed_books import locked

    async with stage(tmp_path, getsms_extra=f"webhook_token: {TOKENS['getsms']}") as it:
        id, phone = await it.number("wa", providerIds="getsms")
        how = webhook(it.getsms, it.rental(it.getsms, phone), "012345")
        with locked(it):
            assert (await post(it, "getsms", **how)).status_code == 503
        assert (await post(it, "getsms", **how)).status_code == 200
        assert await it.ask("getStatus", id=id) == "STATUS_OK:012345"


async def test_a_webhook_with_the_id_of_a_rental_but_another_number_is_not_its_own(it: Stage):
    """A provider may count its rents apart from what it rents for one time, and tell of both alike."""
    id, phone = await it.number("wa", providerIds="getatext")
    rental = it.rental(it.getatext, phone)
    fields = webhook(it.getatext, rental, "4711")["json"] | {"code": "4711", "number": "2125550199"}
    assert (await post(it, "getatext", json=fields)).status_code == 200
    it.getatext.deliver(rental.id, code="8150")
    assert await it.until("STATUS_OK", id=id) == "STATUS_OK:8150"
    assert len(await message_rows(it)) == 1
