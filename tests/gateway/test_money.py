"""Promise 6: charges less refunds are what the activations cost, and what the providers' balances say."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from proxy.domain.money import Usd, parse_usd, print_usd
from proxy.sandbox import GetatextSandbox, GetsmsSandbox, Settings
from tests.fakes import FakeClock
from tests.gateway.conftest import PREMIUM, RENT, pass_until
from tests.stage import OTHER_KEY, Stage, eventually, opened, stage, surroundings

SIGNS = {"hold": 0, "release": 0, "charge": 1, "refund": -1}


async def ledger_sums(it: Stage, column: str) -> Mapping[str, Usd]:
    sums: Counter[str] = Counter()
    for entry in await it.admin("ledger", limit=1000):
        sums[entry[column]] += SIGNS[entry["kind"]] * parse_usd(entry["amount"])
    return sums


async def activation_sums(it: Stage, column: str) -> Mapping[str, Usd]:
    sums: Counter[str] = Counter()
    for row in await it.admin("activations", limit=1000):
        sums[row[column]] += parse_usd(row["cost"]) - parse_usd(row["refunded"])
    return sums


async def held(it: Stage) -> Usd:
    entries = await it.admin("ledger", limit=1000)
    return sum(parse_usd(entry["amount"]) * {"hold": 1, "release": -1}.get(entry["kind"], 0) for entry in entries)


async def no_drift(it: Stage) -> bool:
    """Whether the balances were asked for since the money moved, and agree with the books."""
    rows: list[dict[str, Any]] = await it.admin("providers")
    sandboxes: dict[str, GetsmsSandbox | GetatextSandbox] = {"getsms": it.getsms, "getatext": it.getatext}
    return all(
        row["ledger_balance_drift"] == "0.0000" and parse_usd(row["balance"]) == sandboxes[row["name"]].account.balance
        for row in rows
    )


async def busy_life(it: Stage) -> None:
    """Numbers of both clients and providers that get codes, are given back, are refused."""
    phones = []
    for provider in ("getsms", "getatext"):
        for key in ("test-key", OTHER_KEY):
            bought = await asyncio.gather(*(it.number("wa", providerIds=provider, api_key=key) for _ in range(3)))
            (finished, phone), (cancelled, _), _ = bought
            phones.append((getattr(it, provider), phone, finished, key))
            assert await it.ask("setStatus", id=cancelled, status=8, api_key=key) == "ACCESS_CANCEL"
    for sandbox, phone, id, key in phones:
        sandbox.deliver(it.rental(sandbox, phone).id, code="4711")
        await it.clock.advance(2)
        await it.until("STATUS_OK", id=id, api_key=key)
        assert await it.ask("setStatus", id=id, status=6, api_key=key) == "ACCESS_ACTIVATION"
    it.getatext.set_service("whatsapp", stock=0)
    await it.number("wa")


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Stage]:
    """Time passes only when it is told to."""
    how = {"client": {"budget": "{amount: '25.00', per: total}"}, "getatext_extra": PREMIUM, "clock": FakeClock()}
    async with stage(tmp_path, poll=1, getatext=Settings(sms_after=None, cancel_lock=0), **how) as it:
        await it.clock.advance(2)
        yield it


async def test_promise_6_money_adds_up(it: Stage):
    await busy_life(it)
    for column in ("client", "provider"):
        assert await ledger_sums(it, column) == await activation_sums(it, column)
    assert await held(it) == 0
    taken = {sandbox.kind: sandbox.settings.balance - sandbox.account.balance for sandbox in (it.getsms, it.getatext)}
    assert await ledger_sums(it, "provider") == taken
    left = parse_usd("25.00") - (await ledger_sums(it, "client"))["tester"]
    assert await it.ask("getBalance") == f"ACCESS_BALANCE:{print_usd(left)}"
    await it.clock.advance(20)
    assert await eventually(lambda: no_drift(it))


async def test_what_was_really_paid_is_charged(it: Stage):
    it.getatext.set_service("whatsapp", price=parse_usd("0.41"))
    reply = await it.reply("getNumber", service="wa")
    assert reply.headers["X-Price"] == "0.41"
    amounts = {entry["kind"]: entry["amount"] for entry in await it.admin("ledger")}
    assert amounts == {"hold": "0.5500", "release": "0.5500", "charge": "0.4100"}


async def test_what_turned_out_dearer_than_a_cap_is_given_back_and_the_search_goes_on(it: Stage):
    it.getsms.set_service("Discord", price=parse_usd("0.90"))
    reply = await it.reply("getNumber", service="ds", maxPrice="0.50")
    assert (reply.headers["X-Provider"], reply.headers["X-Price"]) == ("getatext", "0.25")
    assert it.getsms.account.balance == it.getsms.settings.balance


async def test_promise_6_money_that_the_books_do_not_know_of_shows_as_drift(tmp_path: Path):
    clock = FakeClock()
    async with stage(tmp_path, clock=clock, poll=60, rules="- {name: everything, providers: [getatext]}") as it:
        await clock.advance(2)
        assert await eventually(lambda: no_drift(it))
        it.getatext.fault("cut", "rent-a-number")
        assert await it.ask("getNumber", service="wa") == "NO_NUMBERS"
        await clock.advance(20)

        async def drift() -> bool:
            rows = await it.admin("providers")
            return [row["ledger_balance_drift"] for row in rows] == ["0.0000", "-0.5500"]

        assert await eventually(drift)


async def test_drift_names_the_attempts_that_may_explain_it_newest_first(it: Stage):
    """Only what is missing is explained by a purchase; an account that holds more than the books say is not."""
    assert await eventually(lambda: no_drift(it))
    for kind in ("cut", "html"):
        it.getatext.fault(kind, RENT)
        assert await it.ask("getNumber", service="wa", providerIds="getatext") == "NO_NUMBERS"
    it.getsms.fault("cut", "request", handled=False)
    assert await it.ask("getNumber", service="wa", providerIds="getsms") == "NO_NUMBERS"
    await it.number("wa")
    it.getsms.set_balance(it.getsms.account.balance + 1_000_000)
    newest, older = [row["id"] for row in await it.admin("attempts", outcome="unknown", provider="getatext")]

    async def suspected() -> bool:
        getsms, getatext = await it.admin("providers")
        assert getsms["drift_attempts"] == []
        drifts = (getsms["ledger_balance_drift"], getatext["ledger_balance_drift"])
        return drifts == ("1.0000", "-1.1000") and getatext["drift_attempts"] == [newest, older]

    await it.clock.advance(20)
    await eventually(suspected)


async def test_an_attempt_that_was_given_up_still_explains_the_drift(it: Stage):
    assert await eventually(lambda: no_drift(it))
    it.getatext.fault("cut", RENT)
    assert await it.ask("getNumber", service="wa", providerIds="getatext") == "NO_NUMBERS"
    it.getatext.deliver(it.getatext.rentals[-1].id, code="4711")  # else its price comes back with its end

    async def is_given_up() -> bool:
        (attempt,) = await it.admin("attempts")
        return attempt["outcome"] == "abandoned"

    await pass_until(it, is_given_up, seconds=3600, step=20)

    async def is_suspected() -> bool:
        getatext = (await it.admin("providers"))[1]
        return (getatext["ledger_balance_drift"], len(getatext["drift_attempts"])) == ("-0.5500", 1)

    await it.clock.advance(60)
    await eventually(is_suspected)


async def test_the_attempts_that_may_explain_a_drift_are_not_without_end(it: Stage):
    assert await eventually(lambda: no_drift(it))
    it.getatext.fault("empty", RENT, times=None)
    for _ in range(25):
        await it.ask("getNumber", service="wa", providerIds="getatext")
    unknown = [row["id"] for row in await it.admin("attempts", outcome="unknown")]

    async def are_bounded() -> bool:
        return (await it.admin("providers"))[1]["drift_attempts"] == unknown[:20]

    await it.clock.advance(20)
    await eventually(are_bounded)


async def test_promise_6_the_balance_is_asked_again_within_20_seconds_after_money_moved(tmp_path: Path):
    clock = FakeClock()
    async with stage(tmp_path, clock=clock, poll=60) as it:
        await clock.advance(2)
        assert await eventually(lambda: no_drift(it))
        await it.number("wa")
        assert not await no_drift(it)
        await clock.advance(20)
        assert await eventually(lambda: no_drift(it))


async def test_promise_6_the_balance_is_asked_again_within_20_seconds_after_a_purchase_was_recovered(tmp_path: Path):
    clock = FakeClock()
    async with stage(tmp_path, clock=clock, poll=60, getsms_extra="webhook_token: secret-token") as it:
        await clock.advance(2)
        assert await eventually(lambda: no_drift(it))
        it.getsms.fault("cut", "request")
        assert await it.ask("getNumber", service="wa", providerIds="getsms") == "NO_NUMBERS"
        await clock.advance(20)

        async def is_told() -> bool:
            return (await it.admin("providers"))[0]["ledger_balance_drift"] == "-0.6000"

        await eventually(is_told)
        asked = len(it.seen(it.getsms, "balance"))

        (rental,) = it.getsms.rentals
        form = it.getsms.webhook(rental, it.getsms.deliver(rental.id, code="012345"))["data"]
        await it.web.post(f"{it.root}/webhooks/getsms/secret-token", data=form)

        async def is_recovered() -> bool:
            return await it.outcomes() == [("getsms", "recovered")]

        await eventually(is_recovered)
        await clock.advance(20)
        await eventually(lambda: len(it.seen(it.getsms, "balance")) > asked)


async def test_promise_6_a_purchase_under_way_is_no_part_of_what_drift_is_measured_from(tmp_path: Path):
    """The provider has taken its money, and the books do not know of it yet."""
    clock = FakeClock()
    async with surroundings(tmp_path, clock=clock, poll=60, timeout=20, deadline=60) as it, AsyncExitStack() as opening:
        it.getsms.fault("status", "balance")
        await opening.enter_async_context(opened(it))
        await eventually(lambda: it.house.gateway.market.upstreams["getsms"].balance_trouble)
        it.getsms.fault("slow", "request", amount=30)
        buying = asyncio.create_task(it.number("wa", providerIds="getsms"))
        await eventually(lambda: it.getsms.rentals)
        await clock.advance(10)

        async def is_told() -> bool:
            return (await it.admin("providers"))[0]["balance"] == "499.4000"

        await eventually(is_told)
        await clock.advance(30)
        await buying
        await pass_until(it, lambda: no_drift(it), seconds=3600, step=10)


async def test_promise_6_drift_starts_at_nothing_whatever_the_account_held_before(tmp_path: Path):
    async with stage(tmp_path, getatext_extra=PREMIUM) as it:
        assert await eventually(lambda: no_drift(it))
        await it.number("wa")
        it.getsms.set_balance(it.getsms.account.balance + 5_000_000)
        await it.restart()  # the opening is kept: what was paid in shows

        async def drift() -> bool:
            rows = await it.admin("providers")
            return [row["ledger_balance_drift"] for row in rows] == ["5.0000", "0.0000"]

        assert await eventually(drift)
        assert len(it.seen(it.getatext, RENT)) == 1
