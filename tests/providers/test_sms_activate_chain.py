"""A gateway behind a gateway: the one in front buys from the other by the very protocol that both speak."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from proxy import config as configuration
from proxy.app import running
from proxy.gateway import rentals
from proxy.providers.base import Bought, Cancelled, Order, ProviderSettings, Reason, Rental, RentalState
from proxy.providers.sms_activate import SmsActivate
from proxy.providers.wire import Pool
from proxy.sandbox import Settings
from tests.stage import KEY, Stage, eventually, serving, stage

FRONT = """
database: {database}
admin: {{token: admin-token}}
defaults: {{country: 187, deadline: 5}}
clients: [{{name: tester, api_key: test-key}}{more_clients}]
providers:
  - name: behind
    kind: sms_activate
    base_url: {base_url}
    api_key: {key}
    currency: {currency}
    timeout: 2
    poll: 0.1
    webhook_token: secret
rules: [{{name: everything}}]
"""
DOLLARS = "{code: USD}"


@asynccontextmanager
async def in_front_of(
    behind: Stage, folder: Path, *, currency: str = DOLLARS, more_clients: str = ""
) -> AsyncIterator[Stage]:
    """A second gateway, with the first one for its only provider."""
    text = FRONT.format(
        database=folder / "front.db", base_url=behind.root, key=KEY, currency=currency, more_clients=more_clients
    )
    front = Stage(folder, behind.clock)
    front.web = behind.web
    config = configuration.parse(text, {})
    async with running(config, front.clock) as front.house, serving(front.house) as front.ports["gateway"]:
        front.root = front.ports["gateway"].address
        front.url = f"{front.root}/stubs/handler_api.php"
        await front.house.gateway.market.prices_known(10)
        yield front


@pytest.fixture
async def behind(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path, poll=0.1, getatext=Settings(sms_after=None, cancel_lock=0)) as it:
        yield it


@pytest.fixture
async def front(behind: Stage, tmp_path: Path) -> AsyncIterator[Stage]:
    async with in_front_of(behind, tmp_path) as it:
        yield it


async def ledgers(*stages: Stage) -> list[list[tuple[str, str]]]:
    """Kind and amount of every entry, newest first."""
    return [[(entry["kind"], entry["amount"]) for entry in await it.admin("ledger")] for it in stages]


async def test_a_number_is_bought_its_code_read_and_finished_through_both(behind: Stage, front: Stage):
    assert json.loads(await front.ask("getPrices", service="wa"))["187"]["wa"]["cost"] == 0.55
    bought = await front.reply("getNumber", service="wa")
    _, id, phone = bought.text.split(":")
    assert (bought.headers["X-Provider"], bought.headers["X-Price"]) == ("behind", "0.55")
    (rental,) = await behind.admin("activations")
    assert rental["phone"] == phone

    assert await front.ask("getStatus", id=id) == "STATUS_WAIT_CODE"
    behind.getatext.deliver(behind.rental(behind.getatext, phone).id, code="012345")
    assert await front.until("STATUS_OK", id=id) == "STATUS_OK:012345"
    assert await front.ask("setStatus", id=id, status=6) == "ACCESS_ACTIVATION"
    assert await front.ask("getStatus", id=id) == "STATUS_OK:012345"

    async def is_finished_behind() -> bool:
        (rental,) = await behind.admin("activations")
        return rental["status"] == "finished"

    await eventually(is_finished_behind)
    one_charge = [("charge", "0.5500"), ("release", "0.5500"), ("hold", "0.5500")]
    assert await ledgers(front, behind) == [one_charge, one_charge]


async def test_a_number_is_given_back_and_refunded_through_both(behind: Stage, front: Stage):
    id, _ = await front.number("wa")
    assert await front.ask("setStatus", id=id, status=8) == "ACCESS_CANCEL"
    assert await front.ask("getStatus", id=id) == "STATUS_CANCEL"
    given_back = [("refund", "0.5500"), ("charge", "0.5500"), ("release", "0.5500"), ("hold", "0.5500")]
    assert await ledgers(front, behind) == [given_back, given_back]


async def test_a_number_that_it_is_too_early_to_give_back_stays(tmp_path: Path):
    async with stage(tmp_path) as behind, in_front_of(behind, tmp_path) as front:
        id, _ = await front.number("wa")
        assert await front.ask("setStatus", id=id, status=8) == "EARLY_CANCEL_DENIED"
        assert await front.ask("getStatus", id=id) == "STATUS_WAIT_CODE"


async def test_what_the_one_behind_refuses_costs_nothing(behind: Stage, front: Stage):
    none_left = '{"status": "error", "message": "No numbers available, retry later"}'
    behind.getsms.fault("status", "request", status=200, body=none_left, times=None)
    behind.getatext.fault(
        "status", "rent-a-number", status=400, body='{"errors": "Service is out of stock"}', times=None
    )
    reply = await front.reply("getNumber", service="wa")
    assert (reply.text, reply.headers["X-Reason"].split(";")[0]) == ("NO_NUMBERS", "behind: NO_NUMBERS")
    assert {outcome for _, outcome in await front.outcomes()} == {"refused"}
    assert {kind for kind, _ in (await ledgers(front))[0]} == {"hold", "release"}


async def test_a_webhook_and_the_poll_bring_one_message(behind: Stage, front: Stage):
    id, phone = await front.number("wa")
    (rental,) = await behind.admin("activations")
    told = {"activationId": rental["id"], "service": "wa", "text": "Your code is 012345", "code": "012345"}
    assert (await front.web.post(f"{front.root}/webhooks/behind/secret", json=told)).status_code == 200
    assert await front.ask("getStatus", id=id) == "STATUS_OK:012345"

    behind.getatext.deliver(behind.rental(behind.getatext, phone).id, code="012345")
    await behind.until("STATUS_OK", id=rental["id"])
    gateway = front.house.gateway
    activation = gateway.store.live.open[id]
    look = await gateway.market.upstreams["behind"].look(rentals.rental_of(activation))
    await rentals.book_look(gateway, activation, look)
    (activation,) = await front.admin("activations")
    assert [message["text"] for message in activation["messages"]] == ["Your code is 012345"]


async def test_the_adapter_understands_all_that_the_gateway_answers(behind: Stage):
    settings = ProviderSettings(behind.root, KEY)
    provider = SmsActivate("behind", Pool(), behind.clock, settings)
    assert await provider.open_rentals(5) == []
    bought = await provider.buy(Order("wa", 187, 550_000), 5)
    assert isinstance(bought, Bought)
    assert (bought.price, bought.several_sms) == (550_000, False)

    rental = Rental(bought.upstream_id, "wa", bought.number)
    (opened,) = await provider.open_rentals(5)
    assert (opened.upstream_id, opened.service, opened.number) == (rental.upstream_id, "wa", rental.number)
    assert (opened.price, opened.country) == (550_000, 187)
    assert (await provider.look(rental, 5)).state is RentalState.OPEN
    assert await provider.again(rental, 5) is False
    assert await provider.cancel(rental, 5) is Cancelled.DONE
    assert await provider.cancel(rental, 5) is Cancelled.DONE
    assert (await provider.look(rental, 5)).state is RentalState.REFUNDED
    assert (await provider.look(replace(rental, upstream_id="999"), 5)).state is RentalState.UNKNOWN_ID

    refused = await provider.buy(Order("wa", 187, 100_000), 5)
    assert (refused.reason, refused.price) == (Reason.TOO_DEAR, 550_000)
    assert (await provider.buy(Order("nobodys", 187, 100_000), 5)).reason is Reason.NO_SUCH_SERVICE
    assert (await provider.buy(Order("wa", 0, 100_000), 5)).reason is Reason.OUT_OF_STOCK
    await provider.aclose()


async def test_the_account_behind_may_count_in_another_currency(behind: Stage, tmp_path: Path):
    async with in_front_of(behind, tmp_path, currency="{code: EUR, per_usd: '0.50'}") as front:
        assert json.loads(await front.ask("getPrices", service="wa"))["187"]["wa"]["cost"] == 1.1


async def test_many_purchases_at_once_are_as_many_numbers(behind: Stage, front: Stage):
    numbers = await asyncio.gather(*(front.number("ds", providerIds="behind") for _ in range(5)))
    assert len({phone for _, phone in numbers}) == 5
    assert len(await behind.admin("activations")) == 5
