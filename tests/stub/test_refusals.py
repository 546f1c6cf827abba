"""Every word with which the stub says no, and that nothing is bought or told besides."""

from pathlib import Path

import pytest

from proxy.sandbox import Settings
from tests.stage import KEY, OTHER_KEY, Stage, stage
from tests.store.books import locked
from tests.stub.door import ask, knock

pytestmark = pytest.mark.asyncio(loop_scope="module")


def sold(it: Stage) -> int:
    """How many numbers were bought so far."""
    return len(it.getsms.rentals) + len(it.getatext.rentals)


# Keys


CLOSED_ACTIONS = [
    "getBalance",
    "getNumber",
    "getStatus",
    "setStatus",
    "getActiveActivations",
    "getPrices",
    "nonsense",
    "",
]


@pytest.mark.parametrize("action", CLOSED_ACTIONS)
@pytest.mark.parametrize("key", ["", "wrong", "TEST-KEY", f"{KEY}x", "%00", "\N{REPLACEMENT CHARACTER}"])
async def test_without_the_right_key_nothing_is_told(it: Stage, action: str, key: str):
    before = sold(it)
    assert (await ask(it, action, api_key=key, service="wa", id=1, status=8)).text == "BAD_KEY"
    assert sold(it) == before


@pytest.mark.parametrize(
    "query", ["", "action=getBalance", "apikey=test-key&action=getBalance", "api_key=&action=getBalance"]
)
async def test_a_request_without_a_key_is_refused(it: Stage, query: str):
    assert (await knock(it.house, query)).text == "BAD_KEY"


@pytest.mark.parametrize("action", ["getCountries", "getServicesList"])
async def test_two_lists_are_told_to_anybody(it: Stage, action: str):
    for query in (f"action={action}", f"action={action}&api_key=wrong", f"action={action}&api_key={KEY}"):
        answer = await knock(it.house, query)
        assert (answer.status, answer.text[:1]) == (200, "{")


async def test_a_header_is_no_key(it: Stage):
    reply = await it.web.get(it.url, params={"action": "getBalance"}, headers={"Authorization": f"Bearer {KEY}"})
    assert reply.text == "BAD_KEY"


# Actions and services


@pytest.mark.parametrize(
    "action", ["", "nonsense", "getbalance", "GETBALANCE", "getNumberV9", "__class__", "get Balance"]
)
async def test_a_word_that_is_no_action(it: Stage, action: str):
    assert (await ask(it, action)).text == "BAD_ACTION"


@pytest.mark.parametrize("action", ["getNumber", "getNumberV2"])
@pytest.mark.parametrize("service", ["", "nonsense", "w a", "wa,tg", "'; DROP TABLE ledger", "x" * 500])
async def test_a_word_that_is_no_service(it: Stage, action: str, service: str):
    before = sold(it)
    assert (await ask(it, action, service=service)).text == "BAD_SERVICE"
    assert sold(it) == before


async def test_a_list_of_prices_knows_services_too(it: Stage):
    assert (await ask(it, "getPrices", service="nonsense")).text == "BAD_SERVICE"
    assert (await ask(it, "getPrices", service="")).text.startswith('{"187"')


# Ids


@pytest.mark.parametrize("action", ["getStatus", "getStatusV2", "setStatus"])
@pytest.mark.parametrize(
    ("id", "word"),
    [
        *((id, "WRONG_ACTIVATION_ID") for id in ("", "abc", "-1", "1.5", "0x1", "1 2", "１", "null", "1;2")),
        *((id, "NO_ACTIVATION") for id in ("0", "999999", "2147483647", "2147483648", "9" * 18, "9" * 500)),
    ],
)
async def test_an_id_that_is_nobodys(it: Stage, action: str, id: str, word: str):
    assert (await ask(it, action, id=id, status=8)).text == word


@pytest.mark.parametrize(
    "params",
    [{"action": a} for a in ("getStatus", "getStatusV2")]
    + [{"action": "setStatus", "status": s} for s in (1, 3, 6, 8, -1)],
)
async def test_another_clients_id_is_nobodys(it: Stage, params: dict):
    id, _ = await it.number("wa")
    assert (await ask(it, api_key=OTHER_KEY, id=id, **params)).text == "NO_ACTIVATION"
    assert (await ask(it, "getStatus", id=id)).text == "STATUS_WAIT_CODE"
    assert str(id) not in (await ask(it, "getActiveActivations", api_key=OTHER_KEY)).text


async def test_an_id_counts_leading_zeros_for_nothing(it: Stage):
    id, _ = await it.number("wa")
    assert (await ask(it, "getStatus", id=f"000{id}")).text == "STATUS_WAIT_CODE"


@pytest.mark.parametrize("status", ["", "x", "7", "0", "2", "-8", "88888", "8.0", "8,6", "eight"])
async def test_a_status_that_is_none(it: Stage, status: str):
    id, _ = await it.number("wa")
    assert (await ask(it, "setStatus", id=id, status=status)).text == "BAD_STATUS"


# Prices and places


@pytest.mark.parametrize("spelling", ["maxPrice", "max_price"])
@pytest.mark.parametrize(
    "price", ["0", "0.5499", "x", "-1", "-0.01", "nan", "-inf", "1,5", "1e30", "1e1000000", "0x9", "$9"]
)
async def test_a_price_that_is_too_low_or_none_buys_nothing(it: Stage, spelling: str, price: str):
    before = sold(it)
    assert (await ask(it, "getNumber", service="wa", **{spelling: price})).text == "WRONG_MAX_PRICE:0.55"
    assert sold(it) == before


async def test_the_exact_price_is_enough(it: Stage):
    assert (await ask(it, "getNumberV2", service="wa", maxPrice="0.55")).text.startswith("{")


@pytest.mark.parametrize("country", ["6", "0", "1", "999999", "1234567", "abc", "-1", "1.5", "187x"])
async def test_a_country_that_nobody_serves_has_no_numbers(it: Stage, country: str):
    before = sold(it)
    answer = await ask(it, "getNumber", service="wa", country=country)
    assert answer.text == "NO_NUMBERS"
    assert answer.headers["x-reason"]
    assert sold(it) == before


@pytest.mark.parametrize("country", ["187", "any", "ANY", "", " 187 "])
async def test_a_country_that_is_served_or_left_open_has_some(it: Stage, country: str):
    assert (await ask(it, "getNumber", service="wa", country=country)).text.startswith("ACCESS_NUMBER")


@pytest.mark.parametrize(
    "params",
    [
        {"number": "123"},
        {"number": "2025550123"},
        {"number": "1202555012x"},
        {"areas": "12"},
        {"area_codes": "abc"},
        {"providerIds": "nobody"},
        {"exceptProviderIds": "getsms,getatext"},
    ],
)
async def test_what_cannot_be_had_is_no_numbers_with_the_reason(it: Stage, params: dict):
    before = sold(it)
    answer = await ask(it, "getNumber", service="wa", **params)
    assert answer.text == "NO_NUMBERS"
    assert answer.headers["x-reason"]
    assert sold(it) == before


async def test_a_reason_names_every_provider_of_the_route(it: Stage):
    answer = await ask(it, "getNumber", service="wa", country=6)
    assert answer.headers["x-reason"] == (
        "getsms: does not sell wa in country 6; getatext: does not sell wa in country 6"
    )


# Limits of one client


async def test_who_has_as_many_open_as_allowed_must_end_one_first(tmp_path: Path):
    unlocked = Settings(sms_after=None, cancel_lock=0)
    async with stage(tmp_path, client={"max_open": "2"}, getatext=unlocked, getatext_extra="tier: premium") as it:
        first, _ = await it.number("wa")
        await it.number("wa")
        assert (await ask(it, "getNumber", service="wa")).text == "CHANNELS_LIMIT"
        assert (await ask(it, "getNumber", api_key=OTHER_KEY, service="wa")).text.startswith("ACCESS_NUMBER")
        assert (await ask(it, "setStatus", id=first, status=8)).text == "ACCESS_CANCEL"
        assert (await ask(it, "getNumberV2", service="wa")).text.startswith("{")
        assert sold(it) == 4


async def test_who_has_spent_its_budget_has_no_balance(tmp_path: Path):
    budget = {"budget": '{amount: "0.60", per: total}'}
    async with stage(tmp_path, client=budget, poll=60) as it:
        assert (await ask(it, "getBalance")).text == "ACCESS_BALANCE:0.60"
        await it.number("wa")
        assert (await ask(it, "getBalance")).text == "ACCESS_BALANCE:0.05"
        answer = await ask(it, "getNumber", service="wa")
        assert answer.text == "NO_BALANCE"
        assert "more than the budget has left" in answer.headers["x-reason"]
        assert sold(it) == 1


async def test_a_clients_own_country_replaces_what_it_sends(tmp_path: Path):
    async with stage(tmp_path, client={"country": "187"}, poll=60) as it:
        for country in ("6", "any", ""):
            assert (await ask(it, "getNumber", service="ds", country=country)).text.startswith("ACCESS_NUMBER")
        assert set((await it.reply("getPrices", country=6)).json()) == {"187"}
        assert (await it.reply("getNumbersStatus", country=6)).json()["wa"]
        assert (await ask(it, "getNumber", api_key=OTHER_KEY, service="ds", country=6)).text == "NO_NUMBERS"


# Our own troubles


async def test_while_the_books_are_locked_nothing_is_bought_and_polls_are_answered(tmp_path: Path):
    async with stage(tmp_path, poll=60) as it:
        id, _ = await it.number("tw", providerIds="getatext")
        before = sold(it)
        with locked(tmp_path / "proxy.db"):
            assert (await ask(it, "getStatus", id=id)).text == "STATUS_WAIT_CODE"
            answer = await ask(it, "getNumber", service="wa")
            assert answer.text == "NO_NUMBERS"
            assert "the books cannot be written" in answer.headers["x-reason"]
            assert sold(it) == before
        assert (await ask(it, "getNumber", service="ds")).text.startswith("ACCESS_NUMBER")


async def test_a_decision_that_cannot_be_written_is_no_lack_of_numbers(tmp_path: Path):
    async with stage(tmp_path, poll=0.1) as it:
        id, phone = await it.number("wa", providerIds="getsms")
        it.getsms.deliver(it.rental(it.getsms, phone).id, code="111111")
        await it.until("STATUS_OK", id=id)
        with locked(tmp_path / "proxy.db"):
            assert (await ask(it, "setStatus", id=id, status=6)).text == "ERROR_SQL"
        assert (await ask(it, "setStatus", id=id, status=6)).text == "ACCESS_ACTIVATION"
