"""From whom a number is bought, and that `explain` says so beforehand."""

from pathlib import Path

from proxy.domain.money import parse_usd
from tests.fakes import FakeClock
from tests.stage import Stage, eventually, stage


async def provider_of(it: Stage, service: str = "wa", **params: object) -> str:
    reply = await it.reply("getNumber", service=service, **params)
    assert reply.text.startswith("ACCESS_NUMBER"), reply.text
    return reply.headers["X-Provider"]


async def test_the_cheapest_offer_is_bought(it: Stage):
    assert await it.route("wa") == [
        ("getatext", True, "1. by cheapest: 0.55, stock 1200"),
        ("getsms", True, "2. by cheapest: 0.60, stock 740"),
    ]
    assert await provider_of(it, "wa") == "getatext"
    assert await provider_of(it, "ds") == "getsms"  # there it is the other way round


async def test_the_reply_says_what_was_paid_and_to_whom(it: Stage):
    reply = await it.reply("getNumber", service="wa")
    assert (reply.headers["X-Price"], reply.headers["X-Provider"]) == ("0.55", "getatext")


async def test_when_the_cheapest_is_out_of_stock_the_next_is_bought(it: Stage):
    it.getatext.set_service("whatsapp", stock=0)
    assert await provider_of(it) == "getsms"
    assert await it.outcomes() == [("getatext", "refused"), ("getsms", "bought")]
    assert await it.route("wa") == [
        ("getsms", True, "1. by cheapest: 0.60, stock 739"),
        ("getatext", False, "out of stock"),
    ]


async def test_a_provider_known_to_be_out_of_stock_is_not_asked_again(it: Stage):
    it.getatext.set_service("whatsapp", stock=0)
    assert [await provider_of(it) for _ in range(3)] == ["getsms"] * 3
    assert len(it.seen(it.getatext, "rent-a-number-premium")) == 1


async def test_an_offer_over_the_requests_cap_is_not_bought(it: Stage):
    it.getatext.set_service("whatsapp", stock=0)
    await provider_of(it)
    assert await it.ask("getNumber", service="wa", maxPrice="0.5999") == "WRONG_MAX_PRICE:0.60"
    assert await it.route("wa", max_price="0.5999") == [
        ("getsms", False, "0.60 is over the request's cap of 0.5999"),
        ("getatext", False, "out of stock"),
    ]
    assert await provider_of(it, maxPrice="0.60") == "getsms"


async def test_the_cheapest_offer_is_named_when_only_the_cap_is_in_the_way(it: Stage):
    assert await it.ask("getNumber", service="wa", maxPrice="0.10") == "WRONG_MAX_PRICE:0.55"
    assert await it.admin("attempts") == []


async def test_a_maximum_that_is_no_price_buys_nothing(it: Stage):
    for words in ("-1", "abc", "NaN", "1e999"):
        assert await it.ask("getNumber", service="wa", maxPrice=words) == "WRONG_MAX_PRICE:0.55"
    assert await it.admin("attempts") == []


async def test_a_price_that_rose_since_the_list_is_not_paid_against_the_cap(it: Stage):
    it.getatext.set_service("whatsapp", price=parse_usd("0.90"))
    assert await provider_of(it, maxPrice="0.60") == "getsms"
    assert await it.outcomes() == [("getatext", "refused"), ("getsms", "bought")]
    assert (await it.route("wa"))[1][0] == "getatext"


async def test_when_a_provider_cannot_be_reached_the_next_is_bought(it: Stage):
    async with it.stopped("getatext"):
        assert [await provider_of(it) for _ in range(3)] == ["getsms"] * 3
        assert await it.outcomes() == [("getatext", "refused"), ("getsms", "bought")] * 3
        kept, dropped = await it.route("wa")
        assert kept[:2] == ("getsms", True)
        assert dropped[0] == "getatext"
        assert dropped[2].startswith("set aside for ")
        assert "no connection" in dropped[2]


async def test_nobody_left_is_no_numbers_with_the_reasons(it: Stage):
    it.getatext.set_service("whatsapp", stock=0)
    async with it.stopped("getsms"):
        reply = await it.reply("getNumber", service="wa")
    assert reply.text == "NO_NUMBERS"
    assert "getatext: Service is out of stock" in reply.headers["X-Reason"]
    assert "getsms: no connection" in reply.headers["X-Reason"]


async def test_stock_that_comes_back_is_noticed_when_somebody_asks(it: Stage):
    it.getatext.set_service("whatsapp", stock=0)
    it.getsms.set_service("WhatsApp", stock=0)
    assert await it.ask("getNumber", service="wa") == "NO_NUMBERS"
    it.getatext.set_service("whatsapp", stock=1)
    assert await it.until("ACCESS_NUMBER", "getNumber", service="wa")


async def test_stock_that_comes_back_is_noticed_in_the_background(tmp_path: Path):
    clock = FakeClock()
    async with stage(tmp_path, poll=30, clock=clock) as it:
        it.getatext.set_service("whatsapp", stock=0)
        assert await provider_of(it) == "getsms"
        it.getatext.set_service("whatsapp", stock=5)
        assert (await it.route("wa"))[0][0] == "getsms"
        await clock.advance(30)

        async def is_back() -> bool:
            return (await it.route("wa"))[0] == ("getatext", True, "1. by cheapest: 0.55, stock 5")

        assert await eventually(is_back)


async def test_a_request_may_choose_among_the_providers(it: Stage):
    assert await provider_of(it, providerIds="getsms") == "getsms"
    assert await provider_of(it, exceptProviderIds="getatext") == "getsms"
    assert await it.ask("getNumber", service="wa", providerIds="nobody") == "NO_NUMBERS"


async def test_the_operators_caps_hold_whatever_the_request_says(tmp_path: Path):
    rules = "- {name: thrifty, max_price: '0.50'}"
    async with stage(tmp_path, rules=rules) as it:
        assert await it.ask("getNumber", service="wa", maxPrice="5") == "NO_NUMBERS"
        assert (await it.route("wa"))[0][2] == "0.60 is over the rule's cap of 0.50"


async def test_a_clients_own_cap_holds(tmp_path: Path):
    async with stage(tmp_path, client={"max_price": "'0.58'"}) as it:
        it.getatext.set_service("whatsapp", stock=0)
        assert await it.ask("getNumber", service="wa") == "NO_NUMBERS"
        assert ("getsms", False, "0.60 is over the client's cap of 0.58") in await it.route("wa")


async def test_a_country_that_nobody_serves_has_no_numbers(it: Stage):
    reply = await it.reply("getNumber", service="wa", country=0)
    assert reply.text == "NO_NUMBERS"
    assert "does not sell wa in country 0" in reply.headers["X-Reason"]


async def test_the_operator_may_replace_the_country_that_a_tool_sends(tmp_path: Path):
    async with stage(tmp_path, client={"country": "187"}) as it:
        assert await provider_of(it, country=0) == "getatext"
        shown = await it.admin("explain", service="wa", country=0)
        assert shown["country"] == 187


async def test_a_client_may_be_given_country_0(tmp_path: Path):
    async with stage(tmp_path, client={"country": "0"}) as it:
        assert await it.ask("getNumber", service="wa", country=187) == "NO_NUMBERS"
        assert (await it.admin("explain", service="wa"))["country"] == 0


async def test_promise_12_a_client_has_as_many_open_activations_as_it_may(tmp_path: Path):
    async with stage(tmp_path, client={"max_open": "2"}) as it:
        first, _ = await it.number("wa", providerIds="getsms")
        await it.number("wa", providerIds="getsms")
        assert await it.ask("getNumber", service="wa") == "CHANNELS_LIMIT"
        assert len(await it.admin("attempts")) == 2
        assert await it.ask("setStatus", id=first, status=8) == "ACCESS_CANCEL"
        assert await it.ask("getNumber", service="wa", providerIds="getsms") != "CHANNELS_LIMIT"
