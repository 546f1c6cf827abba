"""What a client may spend: holds and refunds, periods, restarts, and other clients' money."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from proxy.domain.money import parse_usd
from tests.fakes import FakeClock
from tests.stage import KEY, OTHER_KEY, Stage, stage

ONLY_GETSMS = "- {name: everything, providers: [getsms]}"


async def words(it: Stage, **params: str) -> str:
    return (await it.ask("getNumber", service="wa", **params)).partition(":")[0]


async def test_promise_5_a_request_waits_while_others_hold_the_money_that_is_left(tmp_path: Path):
    budget = {"budget": "{amount: '0.60', per: day}"}
    async with stage(tmp_path, client=budget, rules=ONLY_GETSMS) as it:
        refusal = '{"status": "error", "message": "No numbers available, retry later"}'
        it.getsms.fault("status", "request", status=200, body=refusal, handled=False)
        assert Counter(await asyncio.gather(words(it), words(it))) == {"ACCESS_NUMBER": 1, "NO_NUMBERS": 1}


async def test_promise_5_the_ceiling_holds_over_every_door_at_once(tmp_path: Path):
    budget = {"budget": "{amount: '6.00', per: total}"}
    async with stage(tmp_path, client=budget, rules=ONLY_GETSMS) as it:
        actions = ("getNumber", "getNumberV2")
        replies = await asyncio.gather(*(it.ask(actions[turn % 2], service="wa") for turn in range(60)))
        assert sum(reply != "NO_BALANCE" for reply in replies) == 10
        spent = sum(parse_usd(row["cost"]) for row in await it.admin("activations"))
        assert spent == parse_usd("6.00")


async def test_a_refund_can_be_spent_again(tmp_path: Path):
    budget = {"budget": "{amount: '0.60', per: total}"}
    async with stage(tmp_path, client=budget, rules=ONLY_GETSMS) as it:
        id, _ = await it.number("wa")
        assert await words(it) == "NO_BALANCE"
        assert await it.ask("setStatus", id=id, status=8) == "ACCESS_CANCEL"
        assert await words(it) == "ACCESS_NUMBER"


async def test_a_cheaper_offer_is_taken_when_the_dearer_is_more_than_is_left(tmp_path: Path):
    budget = {"budget": "{amount: '0.58', per: total}"}
    rules = "- {name: backwards, order: listed, providers: [getsms, getatext]}"
    async with stage(tmp_path, client=budget, rules=rules) as it:
        assert (await it.reply("getNumber", service="wa")).headers["X-Provider"] == "getatext"


async def test_one_clients_spending_is_not_anothers(tmp_path: Path):
    budget = {"budget": "{amount: '0.60', per: total}"}
    async with stage(tmp_path, client=budget, rules=ONLY_GETSMS) as it:
        assert [await words(it, api_key=key) for key in (KEY, KEY, OTHER_KEY)] == [
            "ACCESS_NUMBER",
            "NO_BALANCE",
            "ACCESS_NUMBER",
        ]


@pytest.mark.parametrize("period", ["day", "month"])
async def test_a_new_period_brings_new_money(tmp_path: Path, period: str):
    clock = FakeClock(datetime(2025, 6, 30, 23, 59, 50, tzinfo=UTC).timestamp())
    budget = {"budget": f"{{amount: '0.60', per: {period}}}"}
    async with stage(tmp_path, client=budget, rules=ONLY_GETSMS, poll=3600, clock=clock) as it:
        await it.number("wa")
        assert await words(it) == "NO_BALANCE"
        await clock.advance(20)
        assert await words(it) == "ACCESS_NUMBER"


async def test_promise_5_the_ceiling_holds_across_a_restart(tmp_path: Path):
    budget = {"budget": "{amount: '0.60', per: total}"}
    async with stage(tmp_path, client=budget, rules=ONLY_GETSMS) as it:
        await it.number("wa")
        await it.restart()
        assert await words(it) == "NO_BALANCE"


async def test_the_balance_is_what_the_providers_hold_when_that_is_less(tmp_path: Path):
    async with stage(tmp_path, client={"budget": "{amount: '25', per: day}"}) as it:
        assert await it.ask("getBalance") == "ACCESS_BALANCE:25.00"
        assert await it.ask("getBalance", api_key=OTHER_KEY) == "ACCESS_BALANCE:1000.00"
