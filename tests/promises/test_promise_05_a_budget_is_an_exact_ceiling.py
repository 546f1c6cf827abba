"""Promise 5: whatever the door, 200 at once with money for ten buy exactly ten; none is refused while money is left."""

import asyncio
from collections import Counter
from pathlib import Path

from proxy.domain.money import Usd, parse_usd, print_usd
from tests.gateway.conftest import PREMIUM, RENT
from tests.promises.ways import WAYS, Way, arrived, each_purchase, has_bought, shop, word_of
from tests.stage import OTHER_KEY, Stage, eventually, stage

CROWD = 200


async def give_money(it: Stage, amount: Usd) -> None:
    """From now on the client has this much, on top of what it has spent already."""
    rows = await it.admin("activations", limit=1000)
    spent = sum(parse_usd(row["cost"]) - parse_usd(row["refunded"]) for row in rows)
    it.routing["client"] = f"budget: {{amount: '{print_usd(spent + amount)}', per: total}}"
    it.house.apply(it.config)


def money_for_ten(way: Way) -> Usd:
    """The tenth purchase can still reserve what it may cost, an eleventh cannot."""
    return 9 * way.price + way.hold + min(way.price, way.hold) // 2


@each_purchase
async def test_200_at_once_with_money_for_ten_buy_exactly_ten(tmp_path: Path, action: str):
    way = WAYS[action]
    async with shop(tmp_path, way) as it:
        asked = await way.prepare(it, CROWD)
        account = getattr(it, way.provider).account
        before, balance = arrived(it, way), account.balance
        await give_money(it, money_for_ten(way))
        replies = await asyncio.gather(*(it.reply(action, **params) for params in asked))

        assert sum(map(has_bought, replies)) == 10
        assert {word_of(reply) for reply in replies if not has_bought(reply)} == {"NO_BALANCE"}
        assert arrived(it, way) - before == 10
        assert balance - account.balance == 10 * way.price
        left = print_usd(money_for_ten(way) - 10 * way.price, 2)
        assert await it.ask("getBalance") == f"ACCESS_BALANCE:{left}"


async def test_all_doors_at_once_share_the_one_ceiling(tmp_path: Path):
    way = WAYS["getNumber"]
    async with shop(tmp_path, way) as it:
        closed = await WAYS["getExtraActivation"].prepare(it, 40)
        doors = [
            *(("getExtraActivation", params) for params in closed),
            *(("getNumber", {"service": "wa"}) for _ in closed),
            *(("getNumberV2", {"service": "wa"}) for _ in closed),
        ]
        await give_money(it, money_for_ten(way))
        replies = await asyncio.gather(*(it.reply(action, **params) for action, params in doors))
        assert sum(map(has_bought, replies)) == 10
        assert {reply.text for reply in replies if not has_bought(reply)} == {"NO_BALANCE"}


async def test_nobody_is_refused_while_others_only_hold_the_money(tmp_path: Path):
    """It may come back, as it does here: then the next in line can have it."""
    way = WAYS["getNumber"]
    async with shop(tmp_path, way) as it:
        await give_money(it, way.price + parse_usd("0.10"))
        it.getsms.set_service("WhatsApp", stock=0)
        it.getsms.fault("slow", way.endpoint, amount=5, handled=False)
        first = asyncio.create_task(it.reply("getNumber", service="wa"))
        await eventually(lambda: arrived(it, way))
        second = asyncio.create_task(it.reply("getNumber", service="ds"))
        await eventually(lambda: it.house.gateway.under_way._settled or second.done())
        assert not second.done()
        await it.clock.advance(5)
        assert (await first).text == "NO_NUMBERS"
        assert has_bought(await second)


async def test_nobody_is_refused_while_refusals_give_money_back(tmp_path: Path):
    budget = {"budget": "{amount: '6.00', per: day}"}  # for ten at getsms, once getatext has refused
    async with stage(tmp_path, client=budget, deadline=60, timeout=30, getatext_extra=PREMIUM) as it:
        it.getatext.set_service("whatsapp", stock=0)
        it.getatext.fault("slow", RENT, amount=0.2, times=None)
        replies = await asyncio.gather(*(it.ask("getNumber", service="wa") for _ in range(CROWD)))
        assert Counter(reply.partition(":")[0] for reply in replies)["ACCESS_NUMBER"] == 10
        assert it.seen(it.getatext, RENT)
        assert len(it.getsms.rentals) == 10
        assert await it.ask("getBalance") == "ACCESS_BALANCE:0.00"


async def test_whose_money_is_gone_takes_nobody_elses(tmp_path: Path):
    way = WAYS["getNumber"]
    async with shop(tmp_path, way) as it:
        await give_money(it, money_for_ten(way))
        keys = ["test-key", OTHER_KEY] * 30
        replies = await asyncio.gather(*(it.reply("getNumber", service="wa", api_key=key) for key in keys))
        bought = Counter(key for key, reply in zip(keys, replies, strict=True) if has_bought(reply))
        assert bought == {"test-key": 10, OTHER_KEY: 30}
