"""Which answers move a purchase on to the next provider: every one that says for certain that nothing was bought."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.gateway.conftest import RENT
from tests.stage import Stage, stage

GETATEXT = [
    (503, "Service is under maintenance"),
    (403, "Auth is not presented on the request"),
    (403, "Wrong Api Key or User is restricted"),
    (400, "Service is not presented on the request"),
    (400, "Wrong Carrier"),
    (404, "Service not found"),
    (400, "You have reached the maximum number of active rentals"),
    (400, "Service is out of stock"),
    (400, "Service is out of stock for selected carrier: at&t"),
    (400, "Service is out of stock for selected carrier and area codes"),
    (400, "Service is out of stock for selected area codes"),
    (400, "Service is not available"),
    (400, "Insufficient funds"),
    (400, "Insufficient funds for area code extra charge"),
    (400, "The price of the service exceeds the maximum price you are willing to pay, actual price is: 1.25"),
    (408, "Rental error, number is already taken. Please try again"),
    (429, "Rental error, number is already taken. Please try again"),
]
GETSMS = ["No numbers available, retry later", "Invalid service name WhatsApp", "Insufficient funds"]


@pytest.mark.parametrize(("status", "text"), GETATEXT)
async def test_a_documented_refusal_of_getatext_moves_on(it: Stage, status: int, text: str):
    it.getatext.fault("status", RENT, status=status, body=json.dumps({"errors": text}), handled=False)
    reply = await it.reply("getNumber", service="wa")
    assert reply.headers["X-Provider"] == "getsms"
    bought, refused = await it.admin("attempts")
    assert (refused["provider"], refused["outcome"], refused["reason"]) == ("getatext", "refused", text)
    assert bought["outcome"] == "bought"
    released = [entry["kind"] for entry in await it.admin("ledger", provider="getatext")]
    assert released == ["release", "hold"]


@pytest.mark.parametrize("text", GETSMS)
async def test_a_documented_refusal_of_getsms_moves_on(it: Stage, text: str):
    body = json.dumps({"status": "error", "message": text})
    it.getsms.fault("status", "request", status=200, body=body, handled=False)
    reply = await it.reply("getNumber", service="ds")
    assert reply.headers["X-Provider"] == "getatext"
    assert await it.outcomes() == [("getsms", "refused"), ("getatext", "bought")]


async def test_a_key_that_a_provider_refuses_is_no_fault_of_the_client(it: Stage):
    it.getatext.settings.api_key = it.getsms.settings.api_key = "another"
    reply = await it.reply("getNumber", service="wa")
    assert reply.text == "NO_NUMBERS"
    assert "getatext: Wrong Api Key" in reply.headers["X-Reason"]
    assert "getsms: Invalid user name or API key" in reply.headers["X-Reason"]
    assert "demo" not in reply.headers["X-Reason"]


async def test_an_empty_account_of_the_operator_is_no_numbers(it: Stage):
    it.getsms.set_balance(0)
    it.getatext.set_balance(0)
    assert await it.ask("getNumber", service="wa") == "NO_NUMBERS"
    assert await it.outcomes() == [("getatext", "refused"), ("getsms", "refused")]


async def test_promise_9_one_deadline_holds_for_a_whole_purchase(tmp_path: Path):
    rules = "- {name: everything, on_unknown: next}"
    async with stage(tmp_path, rules=rules, deadline=0.5, timeout=20) as it:
        it.getatext.fault("hang", "rent-a-number")
        async with asyncio.timeout(10):
            reply = await it.reply("getNumber", service="wa")
        assert reply.text == "NO_NUMBERS"
        assert reply.headers["X-Reason"].endswith("the deadline is over")
        assert await it.outcomes() == [("getatext", "unknown")]


async def test_promise_9_hanging_price_lists_delay_nobody_beyond_the_deadline(tmp_path: Path):
    async with stage(tmp_path, deadline=0.5, timeout=20) as it:
        it.getatext.fault("hang", "prices-info", times=None)
        it.getsms.fault("hang", "list_services", times=None)
        it.getatext.set_service("whatsapp", stock=0)
        it.getsms.set_service("WhatsApp", stock=0)
        async with asyncio.timeout(10):
            assert await it.ask("getNumber", service="wa") == "NO_NUMBERS"
