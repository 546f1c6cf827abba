"""Promise 6: ledger, activations, the clients' balances and the providers' accounts tell one story, to the cent."""

import asyncio
import csv
import io
import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from proxy.domain.money import Usd, parse_usd, print_usd
from proxy.sandbox import GetatextSandbox, GetsmsSandbox, Settings
from tests.fakes import FakeClock
from tests.gateway.conftest import PREMIUM, RENT, pass_until, refunds
from tests.process import finished
from tests.promises.ways import has_bought
from tests.stage import KEY, OTHER_KEY, Stage, eventually, stage

BUDGET = parse_usd("40.00")
KEYS = {"tester": KEY, "other": OTHER_KEY}
BOOKED = {"hold": 0, "release": 0, "charge": 1, "refund": -1}
HELD = {"hold": 1, "release": -1, "charge": 0, "refund": 0}
Rows = list[dict[str, Any]]


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Stage]:
    """Time passes only when it is told to; at first both accounts agree with the books."""
    how = {
        "client": {"budget": f"{{amount: '{print_usd(BUDGET)}', per: total}}"},
        "getatext": Settings(sms_after=None, cancel_lock=0),
        "getatext_extra": f"{PREMIUM}\n    webhook_token: secret-token",
    }
    async with stage(tmp_path, poll=5, timeout=5, clock=FakeClock(), **how) as it:
        (tmp_path / "routing.yaml").write_text(it.file)
        await it.clock.advance(2)
        await eventually(lambda: drifts(it, "0.0000", "0.0000"))
        yield it


def sandboxes(it: Stage) -> dict[str, GetsmsSandbox | GetatextSandbox]:
    return {"getsms": it.getsms, "getatext": it.getatext}


async def drifts(it: Stage, *wanted: str) -> bool:
    """Whether the accounts' drifts are these, getsms's first."""
    return tuple(row["ledger_balance_drift"] for row in await it.admin("providers")) == wanted


async def a_busy_day(it: Stage) -> None:
    """All that can happen to money, to both clients and at both providers."""
    for provider, sandbox in sandboxes(it).items():
        for key in KEYS.values():
            (read, phone), (given_back, _), _ = await asyncio.gather(
                *(it.number("wa", api_key=key, providerIds=provider) for _ in range(3))
            )
            assert await it.ask("setStatus", id=given_back, status=8, api_key=key) == "ACCESS_CANCEL"
            sandbox.deliver(it.rental(sandbox, phone).id, code="4711")
            await pass_until(it, lambda id=read, key=key: has_code(it, id, key), seconds=120)
            assert await it.ask("setStatus", id=read, status=6, api_key=key) == "ACCESS_ACTIVATION"
    await cheaper_dearer_and_sold_out(it)
    await lost_answers(it)
    await a_wish_that_waits(it)


async def has_code(it: Stage, id: int, key: str) -> bool:
    return await it.ask("getStatus", id=id, api_key=key) == "STATUS_OK:4711"


async def cheaper_dearer_and_sold_out(it: Stage) -> None:
    it.getatext.set_service("discord", price=parse_usd("0.17"))
    assert (await it.reply("getNumber", service="ds", providerIds="getatext")).headers["X-Price"] == "0.17"
    it.getsms.set_service("Telegram", price=parse_usd("1.90"))  # taken, found too dear, and given back
    assert not has_bought(await it.reply("getNumber", service="tg", maxPrice="1.50", providerIds="getsms"))
    assert it.getsms.rentals[-1].price == parse_usd("1.90")
    it.getatext.set_service("whatsapp", stock=0)
    assert (await it.reply("getNumber", service="wa")).headers["X-Provider"] == "getsms"
    it.getatext.set_service("whatsapp", stock=1000)


async def lost_answers(it: Stage) -> None:
    """Two that bought something, two that did not."""
    for handled in (True, False):
        it.getsms.fault("cut", "request", handled=handled)
        assert await it.ask("getNumber", service="wa", providerIds="getsms", api_key=OTHER_KEY) == "NO_NUMBERS"
        it.getatext.fault("html", RENT, handled=handled)
        assert await it.ask("getNumber", service="ig", providerIds="getatext") == "NO_NUMBERS"


async def a_wish_that_waits(it: Stage) -> None:
    """A cancellation whose provider cannot be reached is paid back when it can be."""
    before = await refunds(it)
    id, _ = await it.number("wa", providerIds="getsms")
    async with it.stopped("getsms"):
        assert await it.ask("setStatus", id=id, status=8) == "ACCESS_CANCEL"
        assert await refunds(it) == before

    async def is_refunded() -> bool:
        return await refunds(it) == before + 1

    await pass_until(it, is_refunded, seconds=60)


async def export(it: Stage, what: str, form: str = "json") -> Rows:
    """What the command writes."""
    status, out, err = await finished(it.folder, "export", what, "--format", form)
    assert (status, err) == (0, "")
    return json.loads(out) if form == "json" else list(csv.DictReader(io.StringIO(out)))


def sums(ledger: Rows, signs: dict[str, int], by: str) -> dict[str, Usd]:
    found: Counter[str] = Counter()
    for entry in ledger:
        found[entry[by]] += signs[entry["kind"]] * parse_usd(entry["amount"])
    return dict(found)


def costs(activations: Rows, by: str) -> dict[str, Usd]:
    found: Counter[str] = Counter()
    for row in activations:
        found[row[by]] += parse_usd(row["price"]) - parse_usd(row["refunded"])
    return dict(found)


def holds(attempts: Rows, by: str) -> dict[str, Usd]:
    found: Counter[str] = Counter()
    for row in attempts:
        found[row[by]] += parse_usd(row["hold"]) if row["outcome"] == "unknown" else 0
    return dict(found)


def lost(it: Stage, activations: Rows, provider: str) -> Usd:
    """What the provider keeps for rentals that the books do not know."""
    known = {row["upstream_id"] for row in activations if row["provider"] == provider}
    kept = [rental for rental in sandboxes(it)[provider].rentals if rental.phase in ("open", "finished")]
    return sum(rental.price for rental in kept if str(rental.id) not in known)


async def test_the_exported_ledger_reconciles_with_everything(it: Stage):
    await a_busy_day(it)
    ledger, activations, attempts = [await export(it, what) for what in ("ledger", "activations", "attempts")]
    in_words = [{name: "" if value is None else str(value) for name, value in row.items()} for row in ledger]
    assert await export(it, "ledger", "csv") == in_words
    assert {row["outcome"] for row in attempts} == {"bought", "refused", "unknown"}
    assert {row["kind"] for row in ledger} == {"hold", "release", "charge", "refund"}

    for by in ("client", "provider"):
        assert sums(ledger, BOOKED, by) == costs(activations, by)
        assert sums(ledger, HELD, by) == holds(attempts, by)

    spent = sums(ledger, BOOKED, "client")["tester"] + sums(ledger, HELD, "client")["tester"]
    assert await it.ask("getBalance") == f"ACCESS_BALANCE:{print_usd(BUDGET - spent, 2)}"

    for provider, sandbox in sandboxes(it).items():
        taken = sandbox.settings.balance - sandbox.account.balance
        assert taken == sums(ledger, BOOKED, "provider")[provider] + lost(it, activations, provider)
        assert lost(it, activations, provider) > 0

    await it.clock.advance(20)
    shown = [print_usd(-lost(it, activations, provider), 4) for provider in sandboxes(it)]
    await eventually(lambda: drifts(it, *shown))
    together = sum(sandbox.account.balance for sandbox in sandboxes(it).values())
    assert await it.ask("getBalance", api_key=OTHER_KEY) == f"ACCESS_BALANCE:{print_usd(together, 2)}"


@pytest.mark.parametrize(("provider", "endpoint"), [("getsms", "reject"), ("getatext", "cancel-rental-premium")])
async def test_a_refund_is_booked_once_however_many_ask_for_it_at_once(it: Stage, provider: str, endpoint: str):
    id, _ = await it.number("wa", providerIds=provider)
    sandbox = sandboxes(it)[provider]
    sandbox.fault("slow", endpoint, amount=1, times=None)
    asking = asyncio.gather(*(it.ask("setStatus", id=id, status=8) for _ in range(10)))
    await eventually(lambda: len(it.seen(sandbox, endpoint)) == 10)
    await it.clock.advance(1)
    assert set(await asking) == {"ACCESS_CANCEL"}
    kinds = Counter(entry["kind"] for entry in await it.admin("ledger"))
    assert kinds == {"hold": 1, "release": 1, "charge": 1, "refund": 1}


async def test_a_refund_is_booked_once_and_only_when_the_provider_has_confirmed_it(it: Stage):
    """Although the wish is repeated, the provider says so again and again, and the gateway starts anew."""
    id, phone = await it.number("wa", providerIds="getatext")
    rental = it.rental(it.getatext, phone)
    it.getatext.fault("hang", "cancel-rental-premium", handled=False)
    assert await it.ask("setStatus", id=id, status=8) == "ACCESS_CANCEL"  # nobody has confirmed that
    assert await refunds(it) == 0
    it.getatext.account.cancel(rental)
    webhook = {"id": rental.id, "code": None, "number": phone, "service_name": "Whatsapp", "status": "cancelled"}

    async def is_refunded() -> bool:
        return await refunds(it) > 0

    for _ in range(2):
        for _ in range(3):
            await it.web.post(f"{it.root}/webhooks/getatext/secret-token", json=webhook)
            replies = await asyncio.gather(*(it.ask("setStatus", id=id, status=8) for _ in range(5)))
            assert set(replies) == {"ACCESS_CANCEL"}
        await pass_until(it, is_refunded, seconds=120)
        await it.restart()
    await it.clock.advance(400)
    assert await it.ask("getStatus", id=id) == "STATUS_CANCEL"
    kinds = Counter(entry["kind"] for entry in await it.admin("ledger"))
    assert kinds == {"hold": 1, "release": 1, "charge": 1, "refund": 1}


@pytest.mark.parametrize("provider", ["getsms", "getatext"])
async def test_a_provider_that_takes_more_than_it_says_is_found_out(it: Stage, provider: str):
    sandbox = sandboxes(it)[provider]
    for _ in range(3):
        await it.number("wa", providerIds=provider)
        sandbox.set_balance(sandbox.account.balance - parse_usd("0.0123"))
    await it.clock.advance(20)
    wanted = {"getsms": "0.0000", "getatext": "0.0000"} | {provider: "-0.0369"}
    await eventually(lambda: drifts(it, *wanted.values()))
