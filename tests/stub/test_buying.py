"""What the stub makes of the parameters of a purchase: who is asked, for what, at which price."""

import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.stage import KEY, OTHER_KEY, Stage, stage
from tests.stub.door import ask, knock

pytestmark = pytest.mark.asyncio(loop_scope="module")

RENT = "rent-a-number-premium"


def last(it: Stage) -> Mapping[str, object]:
    """What getatext was asked for last."""
    return it.seen(it.getatext, RENT)[-1].fields


@pytest.mark.parametrize("service", ["wa", "WA", " wa ", "whatsapp", "WhatsApp", "WHATSAPP"])
async def test_a_service_has_its_code_and_its_names_in_any_case(it: Stage, service: str):
    assert (await ask(it, "getNumber", service=service)).text.startswith("ACCESS_NUMBER")
    assert last(it)["service"] == "whatsapp"


@pytest.mark.parametrize(
    ("params", "providers"),
    [
        ({}, ["getatext"]),
        ({"providerIds": "getsms"}, ["getsms"]),
        ({"providerIds": "getsms,getatext"}, ["getatext"]),
        ({"providerIds": " getsms , "}, ["getsms"]),
        ({"providerIds": "null"}, ["getatext"]),
        ({"exceptProviderIds": "getatext"}, ["getsms"]),
        ({"exceptProviderIds": "getatext,getsms"}, []),
        ({"providerIds": "getsms", "exceptProviderIds": "getsms"}, []),
    ],
)
async def test_a_request_may_choose_among_the_providers(it: Stage, params: dict[str, str], providers: list[str]):
    answer = await ask(it, "getNumber", service="wa", **params)
    assert [answer.headers["x-provider"]] == providers if providers else answer.text == "NO_NUMBERS"


async def test_a_chosen_number_is_the_one_that_is_bought(it: Stage):
    id, phone = await it.number("wa", providerIds="getsms")
    assert (await ask(it, "setStatus", id=id, status=8)).text == "ACCESS_CANCEL"
    other = phone[:-4] + f"{(int(phone[-4:]) + 7) % 10_000:04d}"
    assert (await ask(it, "getNumber", service="tg", number=other, providerIds="getsms")).text.endswith(f":{other}")
    assert (await ask(it, "getNumber", service="tg", number=other, providerIds="getsms")).text == "NO_NUMBERS"


RARE = [{"area_codes": "555", "lock_area_code": "1"}, {"areas": "555"}, {"areas": "555,556"}]


@pytest.mark.parametrize("rare", RARE)
async def test_who_asks_for_a_rare_place_does_not_empty_the_shelf_for_others(tmp_path: Path, rare: dict[str, str]):
    async with stage(tmp_path, poll=60) as it:
        assert (await ask(it, "getNumber", service="wa", providerIds="getsms", **rare)).text == "NO_NUMBERS"
        assert (await ask(it, "getNumber", service="wa", providerIds="getsms")).text.startswith("ACCESS_NUMBER")


async def test_equal_requests_are_equal_however_they_are_written(tmp_path: Path):
    """One that was bought for a client that had gone is owed to it, whatever its next request looks like."""
    params = {"action": "getNumber", "service": "wa", "maxPrice": "2", "api_key": KEY}
    query = urlencode(params)
    ways = {
        "the other way round": {"query": urlencode(dict(reversed(params.items())))},
        "as a form": {"method": "POST", "body": query.encode()},
        "as a post without a form": {"query": query, "method": "POST"},
        "half and half": {
            "query": "action=getNumber&service=wa",
            "method": "POST",
            "body": f"maxPrice=2&api_key={KEY}".encode(),
        },
        "with an ampersand too many": {"query": f"{query}&"},
        "encoded": {"query": query.replace("wa", "%77%61")},
        "padded": {"query": query.replace("wa", "+wa+")},
    }
    async with stage(tmp_path, poll=60, getatext_extra="tier: premium") as it:
        live = it.house.gateway.store.live
        for way in ways.values():
            bought = await knock(it.house, query)
            id = int(bought.text.split(":")[1])
            live.keep_for_redelivery(live.open[id], "&".join(sorted(query.replace(f"&api_key={KEY}", "").split("&"))))
            assert (await knock(it.house, **way)).text == bought.text


# The same number again


async def test_a_closed_number_is_bought_again_for_the_same_service(it: Stage):
    id, phone = await it.number("wa", providerIds="getatext")
    for action in ("checkExtraActivation", "getExtraActivation"):
        assert (await ask(it, action, activationId=id)).text == "RENEW_ACTIVATION_NOT_AVAILABLE"
    assert (await ask(it, "setStatus", id=id, status=8)).text == "ACCESS_CANCEL"
    checked = json.loads((await ask(it, "checkExtraActivation", activationId=id)).text)
    assert checked == {"status": "success", "cost": 0.55, "service": "wa", "phone": int(phone), "country": 187}
    again = await ask(it, "getExtraActivation", id=id)
    assert again.text == f"ACCESS_NUMBER:{id + 1}:{phone}"
    assert (again.headers["x-price"], again.headers["x-provider"]) == ("0.55", "getatext")
    assert (await ask(it, "getExtraActivation", id=id)).text == "RENEW_ACTIVATION_NOT_AVAILABLE"


async def test_one_more_service_is_bought_on_the_same_number(it: Stage):
    id, phone = await it.number("wa", providerIds="getatext")
    assert (await ask(it, "getAdditionalService", id=id, service="tg")).text == f"ADDITIONAL:{id + 1}:{phone}"
    assert (await ask(it, "getAdditionalService", id=id, service="tg")).text == "WRONG_ADDITIONAL_SERVICE"
    assert (await ask(it, "getAdditionalService", id=id, service="nonsense")).text == "BAD_SERVICE"


@pytest.mark.parametrize("action", ["checkExtraActivation", "getExtraActivation", "getAdditionalService"])
async def test_a_strangers_number_is_not_bought_again(it: Stage, action: str):
    id, _ = await it.number("wa")
    before = len(it.getsms.rentals) + len(it.getatext.rentals)
    assert (await ask(it, action, api_key=OTHER_KEY, id=id, service="tg")).text == "NO_ACTIVATION"
    assert (await ask(it, action, id="abc", service="tg")).text == "WRONG_ACTIVATION_ID"
    assert len(it.getsms.rentals) + len(it.getatext.rentals) == before


# Numbers that are not wanted


async def test_a_number_with_an_unwanted_prefix_is_given_back_and_the_search_goes_on(it: Stage):
    its_next = {rental.number[:3] for rental in it.getsms.rentals} | {
        rental.number[:3] for rental in it.getatext.rentals
    }
    unwanted = ",".join(f"1{area}" for area in sorted(its_next))
    answer = await ask(it, "getNumber", service="ig", phoneException=unwanted)
    if answer.text.startswith("ACCESS_NUMBER"):
        assert answer.text.split(":")[2][:4] not in unwanted.split(",")
    else:
        assert answer.text == "NO_NUMBERS"
        assert "its number is not wanted; given back" in answer.headers["x-reason"]


@pytest.mark.parametrize("words", ["12", "12345678901", "abc", "1 202", ",".join(["1202"] * 21)])
async def test_prefixes_that_are_none_buy_nothing(it: Stage, words: str):
    before = len(it.getsms.rentals) + len(it.getatext.rentals)
    assert (await ask(it, "getNumber", service="wa", phoneException=words)).text == "WRONG_EXCEPTION_PHONE"
    assert len(it.getsms.rentals) + len(it.getatext.rentals) == before
