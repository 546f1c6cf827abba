"""The house as it is put together: reconfigured while it works, and closed in order."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy import config as configuration
from proxy.app import consulting, running
from proxy.clock import SystemClock
from proxy.gateway.health import FAILURES
from tests.gateway.conftest import PREMIUM, RENT
from tests.stage import Stage, eventually, stage


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path, deadline=1, poll=0.1, getatext_extra=PREMIUM) as it:
        yield it


SHIPPED = (Path(__file__).parent.parent / "routing.yaml").read_text()


def shipped(folder: Path) -> configuration.Config:
    """What a newcomer starts with, its database in this folder."""
    return configuration.parse(SHIPPED.replace("proxy.db", str(folder / "proxy.db")), {})


def without(it: Stage, provider: str) -> configuration.Config:
    """The stage's configuration with one provider less."""
    text = re.sub(rf"  - name: {provider}\n(    .*\n)*", "", it.file)
    return configuration.parse(text, {})


def changed(it: Stage, old: str, new: str) -> configuration.Config:
    assert old in it.file
    return configuration.parse(it.file.replace(old, new), {})


async def test_a_provider_that_is_taken_out_is_asked_no_more(it: Stage):
    it.house.apply(without(it, "getatext"))
    await it.until("ACCESS_NUMBER", "getNumber", service="wa")
    assert [row["name"] for row in await it.admin("providers")] == ["getsms"]
    assert await it.outcomes() == [("getsms", "bought")]


async def test_a_provider_may_be_taken_out_while_a_purchase_is_on_its_way_to_it(it: Stage):
    it.getatext.set_service("whatsapp", stock=0)
    it.getatext.fault("slow", RENT, amount=0.3)
    buying = asyncio.create_task(it.ask("getNumber", service="wa"))
    await eventually(lambda: it.seen(it.getatext, RENT))
    it.house.apply(without(it, "getsms"))
    assert await buying == "NO_NUMBERS"
    assert "buying" not in [outcome for _, outcome in await it.outcomes()]
    kinds = [entry["kind"] for entry in await it.admin("ledger")]
    assert kinds.count("hold") == kinds.count("release")


async def test_a_purchase_at_a_provider_that_is_taken_out_still_ends(it: Stage):
    it.getatext.fault("slow", RENT, amount=0.3)
    buying = asyncio.create_task(it.number("wa"))
    await eventually(lambda: it.seen(it.getatext, RENT))
    it.house.apply(without(it, "getatext"))
    id, _ = await buying
    assert await it.ask("getStatus", id=id) == "STATUS_WAIT_CODE"
    assert await it.outcomes() == [("getatext", "bought")]


async def test_activations_of_a_provider_that_was_taken_out_wait_for_its_return(it: Stage):
    id, phone = await it.number("wa", providerIds="getsms")
    it.house.apply(without(it, "getsms"))
    assert await it.ask("getStatus", id=id) == "STATUS_WAIT_CODE"
    assert await it.ask("setStatus", id=id, status=8) == "ACCESS_CANCEL"  # a wish that is kept
    assert await it.ask("getStatus", id=id) == "STATUS_CANCEL"
    it.house.apply(it.config)
    await eventually(lambda: it.rental(it.getsms, phone).phase == "cancelled")


async def test_a_disabled_provider_sells_nothing_and_its_activations_go_on(it: Stage):
    id, phone = await it.number("wa", providerIds="getatext")
    it.house.apply(changed(it, PREMIUM, f"{PREMIUM}\n    enabled: false"))
    assert (await it.reply("getNumber", service="wa")).headers["X-Provider"] == "getsms"
    assert ("getatext", False, "switched off in routing.yaml") in await it.route("wa")
    it.getatext.deliver(it.rental(it.getatext, phone).id, code="012345")
    assert await it.until("STATUS_OK", id=id) == "STATUS_OK:012345"


async def test_what_did_not_change_keeps_what_is_known_of_it(it: Stage):
    async with it.stopped("getatext"):
        for _ in range(FAILURES):
            await it.number("wa")
        lists = len(it.seen(it.getsms, "list_services"))
        it.house.apply(changed(it, "other-key", "new-key"))
        assert not (await it.admin("providers"))[1]["usable"]
        await it.number("wa", api_key="new-key")
        assert len(it.seen(it.getsms, "list_services")) == lists


async def test_a_rate_is_not_refilled_by_reading_the_file_again(tmp_path: Path):
    async with stage(tmp_path, client={"rate": "3"}) as it:
        for _ in range(3):
            await it.ask("getBalance")
        assert await it.ask("getBalance") == "TOO_MANY_REQUESTS"
        it.house.apply(it.config)
        assert await it.ask("getBalance") == "TOO_MANY_REQUESTS"


async def test_a_new_price_cap_holds_at_once(it: Stage):
    it.house.apply(changed(it, "- name: everything", "- {name: everything, max_price: '0.57'}"))
    assert (await it.reply("getNumber", service="wa")).headers["X-Provider"] == "getatext"
    it.getatext.set_service("whatsapp", stock=0)
    assert await it.ask("getNumber", service="wa") == "NO_NUMBERS"


async def test_a_provider_that_was_taken_out_does_not_keep_the_house_from_closing(tmp_path: Path):
    async with stage(tmp_path, deadline=6) as it:
        it.house.apply(without(it, "getatext"))
        await it.number("wa")
        closing = asyncio.create_task(it.gateway.aclose())
        done, _ = await asyncio.wait([closing], timeout=3)
        await closing
        assert done


async def test_while_it_closes_nothing_new_is_bought(it: Stage):
    it.house.gateway.closing = True
    reply = await it.reply("getNumber", service="wa")
    assert (reply.text, reply.headers["X-Reason"]) == ("NO_NUMBERS", "the gateway is stopping")
    assert it.seen(it.getatext, RENT) == []


async def test_a_purchase_under_way_is_booked_before_the_house_closes(it: Stage):
    it.getatext.fault("slow", RENT, amount=0.3)
    buying = asyncio.create_task(it.ask("getNumber", service="wa"))
    await eventually(lambda: it.seen(it.getatext, RENT))
    await it.gateway.aclose()
    await asyncio.gather(buying, return_exceptions=True)
    await it.restart()
    assert await it.outcomes() == [("getatext", "bought")]


async def test_the_house_leaves_no_task_behind(tmp_path: Path):
    before = asyncio.all_tasks()
    async with running(shipped(tmp_path), SystemClock()) as house:
        await house.gateway.market.prices_known(5)
        assert len(asyncio.all_tasks()) > len(before)
    assert asyncio.all_tasks() == before


async def test_consulting_opens_no_books(tmp_path: Path):
    async with consulting(shipped(tmp_path), SystemClock()) as market:
        assert all(upstream.learnt_at for upstream in market.upstreams.values())
    assert not os.listdir(tmp_path)
