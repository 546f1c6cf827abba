"""Prices as one client sees them: its own rules and caps count, and what is sold out is shown with none in stock."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from proxy.sandbox import Settings
from tests.stage import OTHER_KEY, Stage, stage
from tests.stub.door import ask

pytestmark = pytest.mark.asyncio(loop_scope="module")

RULES = """
- name: no getatext for Discord
  when: {service: ds}
  providers: [getsms]
- name: everything
"""
NESTED = ["getPrices", "getPricesExtended", "getPricesV2", "getPricesV3"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def it(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    folder = tmp_path_factory.mktemp("capped")
    client = {"max_price": '"0.57"', "country": "187"}
    async with stage(folder, client=client, rules=RULES, getatext=Settings(sms_after=None), poll=60) as it:
        yield it


async def told(it: Stage, action: str, **params: object) -> Any:
    return (await it.reply(action, **params)).json()


async def test_what_is_dearer_than_the_clients_cap_is_not_there(it: Stage):
    own = (await told(it, "getPrices"))["187"].keys()
    others = (await told(it, "getPrices", api_key=OTHER_KEY))["187"].keys()
    assert {"wa", "ds"} <= own < others
    assert "tg" in others - own


async def test_only_the_offers_below_the_cap_are_counted(it: Stage):
    assert list((await told(it, "getPricesV2", service="wa"))["187"]["wa"]) == ["0.55"]
    assert list((await told(it, "getPricesV2", service="wa", api_key=OTHER_KEY))["187"]["wa"]) == ["0.55", "0.60"]


async def test_a_rule_takes_a_provider_out_of_the_list(it: Stage):
    assert list((await told(it, "getPricesV3", service="ds"))["187"]["ds"]) == ["getsms"]
    assert (await ask(it, "getNumber", service="ds")).headers["x-provider"] == "getsms"


@pytest.mark.parametrize("action", NESTED)
@pytest.mark.parametrize("country", ["6", "any", ""])
async def test_who_has_a_country_of_its_own_sees_that_one_only(it: Stage, action: str, country: str):
    assert set(await told(it, action, country=country)) == {"187"}


async def test_the_price_is_what_the_purchase_costs(it: Stage):
    cost = (await told(it, "getPrices", service="wa"))["187"]["wa"]["cost"]
    answer = await ask(it, "getNumber", service="wa")
    assert float(answer.headers["x-price"]) == cost


async def test_the_numbers_of_providers_are_small_and_their_own(it: Stage):
    listed = (await told(it, "getPricesV3", service="wa", api_key=OTHER_KEY))["187"]["wa"]
    ids = {name: entry["provider_id"] for name, entry in listed.items()}
    assert ids == {"getsms": 1, "getatext": 2}
    for name, id in ids.items():
        for asked in (name, id):
            answer = await ask(it, "getNumber", api_key=OTHER_KEY, service="wa", providerIds=asked)
            assert answer.headers["x-provider"] == name


async def test_tops_of_all_services_are_the_tops_of_each(it: Stage):
    every = await told(it, "getTopCountriesByService")
    assert every["wa"] == await told(it, "getTopCountriesByService", service="wa")
    assert every == await told(it, "getTopCountriesByServiceRank")
    assert "freePriceMap" not in every["wa"]["0"]


async def test_free_prices_add_up_to_the_count(it: Stage):
    top = (await told(it, "getTopCountriesByService", service="wa", freePrice="1", api_key=OTHER_KEY))["0"]
    assert sum(top["freePriceMap"].values()) == top["count"]


async def test_what_is_sold_out_is_there_with_none_in_stock(tmp_path_factory: pytest.TempPathFactory):
    async with stage(tmp_path_factory.mktemp("empty"), poll=60) as it:
        it.getsms.set_service("WhatsApp", stock=0)
        it.getatext.set_service("whatsapp", stock=0)
        await it.restart()
        assert (await told(it, "getPrices", service="wa"))["187"]["wa"]["count"] == 0
        assert (await told(it, "getNumbersStatus"))["wa"] == "0"
        assert await told(it, "getPricesV3", service="wa") == {"187": {"wa": {}}}
