"""Every way to spend money: what each purchasing action is asked with, and what one purchase of it costs.

Tests of all purchases are parametrised by the actions' declarations: an action that is new needs its line here.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from proxy.domain.money import DOLLAR, Usd, parse_usd
from proxy.sandbox import Settings
from proxy.stub.actions import ACTIONS
from tests.fakes import FakeClock
from tests.gateway.conftest import PREMIUM, pass_until
from tests.stage import Stage, stage
from tests.store.books import rows

Params = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Way:
    prepare: Callable[[Stage, int], Awaitable[list[Params]]]
    """Makes what has to be there before, and tells what so many purchases are asked with."""
    price: Usd
    hold: Usd
    """What is reserved before it is known what is paid."""
    attempts: int = 1
    """How many one purchase makes."""
    provider: str = "getsms"
    endpoint: str = "request"
    """What reaches the provider."""
    listed_by: str = "getActiveActivations"


async def any_number(it: Stage, many: int) -> list[Params]:
    return [{"service": "wa"}] * many


async def one_for_two_services(it: Stage, many: int) -> list[Params]:
    return [{"multiService": "wa,tg"}] * many


async def closed_ones(it: Stage, many: int) -> list[Params]:
    """Numbers whose time ran out, all paid back."""
    bought = await asyncio.gather(*(it.number("wa") for _ in range(many)))

    async def are_closed() -> bool:
        return not it.house.gateway.store.live.open

    await pass_until(it, are_closed, seconds=36_000, step=300)
    return [{"id": id} for id, _ in bought]


async def closed_ones_for_another_service(it: Stage, many: int) -> list[Params]:
    return [{**params, "service": "tg"} for params in await closed_ones(it, many)]


async def any_rent(it: Stage, many: int) -> list[Params]:
    return [{"service": "wa", "rent_time": 24}] * many


async def rents_that_go_on(it: Stage, many: int) -> list[Params]:
    (params,) = await any_rent(it, 1)
    rented = await asyncio.gather(*(it.reply("getRentNumber", **params) for _ in range(many)))
    return [{"id": reply.json()["phone"]["id"]} for reply in rented]


WA, TG, DAY = parse_usd("0.60"), parse_usd("1.40"), parse_usd("1.50")
RENTS: dict[str, Any] = {"provider": "getatext", "listed_by": "getRentList"}
WAYS = {
    "getNumber": Way(any_number, WA, WA),
    "getNumberV2": Way(any_number, WA, WA),
    # The stand-in adds a tenth to the price of each; three times the list price is reserved.
    "getMultiServiceNumber": Way(one_for_two_services, (WA + TG) * 11 // 10, (WA + TG) * 3, attempts=2),
    "getExtraActivation": Way(closed_ones, WA, WA),
    "getAdditionalService": Way(closed_ones_for_another_service, TG, TG),
    "getRentNumber": Way(any_rent, DAY, DAY, endpoint="service-long-rentals:rent", **RENTS),
    "continueRentNumber": Way(rents_that_go_on, DAY, DAY, endpoint="service-long-rentals/renew", **RENTS),
}
each_purchase = pytest.mark.parametrize("action", [name for name, action in ACTIONS.items() if action.buys])


@asynccontextmanager
async def shop(folder: Path, way: Way, **how: Any) -> AsyncIterator[Stage]:
    """A stage for one way of buying, at the one provider that sells so; nobody looks for SMS, time stands still."""
    settings = Settings(sms_after=None, joint_after=0, balance=10_000 * DOLLAR)
    settings.service_long_stock = 1000
    how = {"deadline": 60, "timeout": 30, "getsms": settings, "getatext": settings, "getatext_extra": PREMIUM} | how
    rules = f"- {{name: everything, providers: [{way.provider}]}}"
    async with stage(folder, rules=rules, poll=3600, clock=FakeClock(), **how) as it, crowd() as it.web:
        yield it


def crowd() -> httpx.AsyncClient:
    """Any number of clients at once, and none on a connection that the server is about to close."""
    return httpx.AsyncClient(limits=httpx.Limits(max_connections=None, max_keepalive_connections=0))


def has_bought(reply: httpx.Response) -> bool:
    """Replies to purchases carry what was paid."""
    return "X-Price" in reply.headers


def word_of(reply: httpx.Response) -> str:
    """The word of a refusal, which some actions say in an object."""
    return str(json.loads(reply.text)["message"]) if reply.text.startswith("{") else reply.text


def arrived(it: Stage, way: Way) -> int:
    """How many purchases have reached the provider."""
    return len(it.seen(getattr(it, way.provider), way.endpoint))


def newest(books: Path, way: Way) -> list[tuple[str, str | None, str | None]]:
    """Of the newest purchase in the books' file each attempt: outcome, and the activation's id and number."""
    return rows(
        books,
        "SELECT outcome, CAST(v.id AS TEXT), v.phone FROM attempts a LEFT JOIN activations v ON v.id = a.activation_id"
        " ORDER BY a.id DESC LIMIT ?",
        way.attempts,
    )
