"""orderId: one purchase, and every repeat gets the first answer again, byte for byte."""

import asyncio
from pathlib import Path

import pytest

from tests.stage import Stage, stage

RENT = "rent-a-number"
ACTIONS = ("getNumber", "getNumberV2")


@pytest.fixture
async def it(tmp_path: Path):
    async with stage(tmp_path) as it:
        yield it


def sold(it: Stage) -> int:
    return len(it.getatext.rentals) + len(it.getsms.rentals)


@pytest.mark.parametrize("action", ACTIONS)
async def test_a_repeat_gets_the_first_answer_byte_for_byte(it: Stage, action: str):
    first = await it.reply(action, service="wa", orderId="a-1")
    again = await it.reply(action, service="wa", orderId="a-1")
    assert (first.content, first.headers["X-Price"]) == (again.content, again.headers["X-Price"])
    assert sold(it) == 1


async def test_the_answer_stays_after_the_activation_has_ended_and_after_a_restart(it: Stage):
    first = await it.ask("getNumber", service="wa", orderId="a-1")
    id, phone = int(first.split(":")[1]), first.split(":")[2]
    it.getatext.deliver(it.rental(it.getatext, phone).id, code="123456")
    await it.until("STATUS_OK", id=id)
    assert await it.ask("setStatus", id=id, status=6) == "ACCESS_ACTIVATION"
    assert await it.ask("getNumber", service="wa", orderId="a-1") == first
    assert sold(it) == 1


async def test_the_key_of_another_request_is_taken(it: Stage):
    await it.number("wa", orderId="a-1")
    assert await it.ask("getNumber", service="tg", orderId="a-1") == "ORDER_ALREADY_EXISTS"
    assert await it.ask("getNumberV2", service="wa", orderId="a-1") == "ORDER_ALREADY_EXISTS"
    assert sold(it) == 1


async def test_a_key_belongs_to_one_client(it: Stage):
    first = await it.ask("getNumber", service="wa", orderId="a-1")
    assert await it.ask("getNumber", service="wa", orderId="a-1", api_key="other-key") != first
    assert sold(it) == 2


async def test_twins_at_the_same_time_get_one_number(it: Stage):
    answers = await asyncio.gather(*(it.ask("getNumber", service="wa", orderId="a-1") for _ in range(20)))
    assert len(set(answers)) == 1
    assert sold(it) == 1


async def test_after_a_definite_refusal_the_key_is_free_again(it: Stage):
    it.getatext.set_service("whatsapp", stock=0)
    it.getsms.set_service("WhatsApp", stock=0)
    assert await it.ask("getNumber", service="wa", orderId="a-1") == "NO_NUMBERS"
    it.getatext.set_service("whatsapp", stock=5)
    await it.until("ACCESS_NUMBER", "getNumber", service="wa", orderId="a-1")


async def test_after_an_unknown_outcome_the_key_is_not_free(it: Stage):
    it.getatext.fault("cut", RENT, times=1, handled=True)
    assert await it.ask("getNumber", service="wa", orderId="a-1") == "NO_NUMBERS"
    reply = await it.reply("getNumber", service="wa", orderId="a-1")
    assert (reply.text, "not known" in reply.headers["X-Reason"]) == ("NO_NUMBERS", True)
    assert sold(it) == 1
