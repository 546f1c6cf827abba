"""What may happen next in a history: each step is one choice of the dice."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from proxy.domain.money import parse_usd
from proxy.sandbox import Phase, Rental
from tests.simulation.places import CLIENTS, SERVICES, SHELVES, Supplier
from tests.simulation.world import World

Step = Callable[[World], Awaitable[None]]
AT_MOST = 30.0
"""Seconds that a step is waited for; it goes on afterwards."""
BUYERS = (*CLIENTS, "bob")
"""Whose purchases go on after an unknown outcome buys more than the others."""
PAUSES = (0.0, 0.0, 0.05, 0.5, 3.0, 12.0, 40.0)


@dataclass(frozen=True, slots=True)
class Chance:
    weight: int
    step: Step


async def set_out(world: World, errand: Awaitable[object]) -> None:
    """Start it; sometimes go on at once, sometimes wait for it."""
    task = world.spawn(_wrapped(errand))
    if world.dice.random() < 0.6:
        await asyncio.wait([task], timeout=AT_MOST)


async def _wrapped(errand: Awaitable[object]) -> None:
    await errand


def wish(world: World) -> dict[str, str]:
    """The parameters of some purchase."""
    dice = world.dice
    if dice.random() < 0.15:
        return {"action": "getMultiServiceNumber", "multiService": ",".join(dice.sample(sorted(SERVICES), 2))}
    params = {
        "action": dice.choice(("getNumber", "getNumber", "getNumberV2")),
        "service": dice.choice(("wa", "tg", "fb", "fb")),
    }
    if dice.random() < 0.25:
        params["maxPrice"] = dice.choice(("0.10", "0.52", "0.60", "2"))
    if dice.random() < 0.3:
        params["orderId"] = f"order-{dice.randint(1, 2)}"
    return params


async def buy(world: World) -> None:
    hang_up = world.dice.choice((0.0, 0.02, 0.2, 1.0, 4.0)) if world.dice.random() < 0.25 else None
    await set_out(world, world.ask(world.dice.choice(BUYERS), hang_up_after=hang_up, **wish(world)))


async def buy_again(world: World) -> None:
    """The equal request of an earlier one, most likely of one that got no answer."""
    earlier = [request for request in world.requests.values() if request.buys]
    if not earlier:
        return
    lost = [request for request in earlier if request.words is None]
    request = world.dice.choice(lost if lost and world.dice.random() < 0.6 else earlier[-4:])
    await set_out(world, world.ask(request.client, **request.params))


def some_id(world: World) -> tuple[str, int] | None:
    """A client and one of its activations, most likely one that has something to tell."""
    client = world.dice.choice(CLIENTS)
    ids = world.owned(client)
    if told := [id for id in ids if world.memory[id].shown and not world.memory[id].promise]:
        ids += told * 3
    return (client, world.dice.choice(ids[-6:])) if ids else None


async def poll(world: World) -> None:
    """A client asks after all that it has."""
    client = world.dice.choice(CLIENTS)
    for id in world.owned(client)[-4:]:
        await set_out(world, world.ask(client, action="getStatus", id=str(id)))


async def snoop(world: World) -> None:
    """A client asks after what is not its own."""
    if found := some_id(world):
        stranger = world.dice.choice([client for client in CLIENTS if client != found[0]])
        asked: dict[str, str] = world.dice.choice(
            ({"action": "getStatus"}, {"action": "getAllSms"}, {"action": "setStatus", "status": "8"})
        )
        request = await world.ask(stranger, id=str(found[1]), **asked)
        if request.words not in ("NO_ACTIVATION", None):
            world.wrong(f"{stranger} got {request.words} for activation {found[1]} of {found[0]}")


async def decide(world: World) -> None:
    if found := some_id(world):
        has_code = world.memory[found[1]].shown
        status = world.dice.choice(("3", "3", "3", "6", "8") if has_code else ("1", "3", "6", "8", "8", "8", "8", "8"))
        await set_out(world, world.ask(found[0], action="setStatus", id=str(found[1]), status=status))


async def bring_sms(world: World) -> None:
    """An SMS comes in, is pushed any number of times, or not at all."""
    dice = world.dice
    open_ones = [
        (supplier, rental)
        for supplier in world.suppliers.values()
        for rental in supplier.rentals
        if rental.phase is Phase.OPEN and len(rental.messages) < 3
    ]
    if not open_ones:
        return
    supplier, rental = dice.choice(open_ones)
    sms = world.sms(supplier, rental)
    for _ in range(dice.choice((0, 0, 1, 1, 2, 3))):
        world.spawn(world.push(supplier, rental, sms, dice.choice((0.0, 0.0, 0.3, 20.0))))
    if dice.random() < 0.6:
        await set_out(world, react(world, supplier, rental, dice.choice((0.1, 9.0, 20.0))))


async def react(world: World, supplier: Supplier, rental: Rental, after: float) -> None:
    """The owner of a number looks for its SMS, and decides."""
    await asyncio.sleep(after)
    known = world.rows(
        "SELECT id FROM activations WHERE upstream_id = ? AND provider = ?", str(rental.id), supplier.name
    )
    client = world.client_of(supplier.sales[rental.id])
    if not known or known[0][0] not in world.owned(client):
        return
    id = str(known[0][0])
    await world.ask(client, action="getStatus", id=id)
    for status in world.dice.choice(((), ("3",), ("3",), ("6",), ("8",))):
        await world.ask(client, action="setStatus", id=id, status=status)
        await world.ask(client, action="getStatus", id=id)


async def change_weather(world: World) -> None:
    supplier = world.suppliers[world.dice.choice(sorted(world.suppliers))]
    supplier.weather.is_dead = world.dice.random() < 0.2
    supplier.weather.trouble = world.dice.choice((0.0, 0.2, 0.5, 0.9))
    world.note(f"   {supplier.name}: {supplier.weather}")


async def change_shelf(world: World) -> None:
    """A price or a stock changes at a provider."""
    name = world.dice.choice(sorted(SHELVES))
    service = world.dice.choice(SHELVES[name]).api_name
    if world.dice.random() < 0.5:
        price = world.dice.choice(("0.50", "0.65", "0.90"))
        world.repriced = True
        world.suppliers[name].stand.set_service(service, price=parse_usd(price))
        world.note(f"   {name} asks {price} for {service}")
    else:
        stock = world.dice.choice((0, 1, 3))
        world.suppliers[name].stand.set_service(service, stock=stock)
        world.note(f"   {name} has {stock} of {service}")


async def let_time_pass(world: World) -> None:
    await asyncio.sleep(world.dice.choice(PAUSES))


async def restart(world: World) -> None:
    world.note("   the gateway stops in order")
    await world.machine.stop()
    await _come_back(world)


async def crash(world: World) -> None:
    """In the middle of whatever is going on."""
    for _ in range(world.dice.choice((0, 1, 1, 2))):
        step = world.dice.choice((buy, buy, buy_again, decide, bring_sms))
        await asyncio.wait([world.spawn(step(world))], timeout=0)
    is_durable = world.dice.random() < 0.5
    await world.machine.crash(world.dice.choice((0, 3, 10, 20, 40, 80)), is_durable=is_durable)
    world.note(f"   the gateway has crashed, what it wrote last is {'kept' if is_durable else 'lost'}")
    await _come_back(world)


async def _come_back(world: World) -> None:
    await asyncio.sleep(world.dice.choice((0.0, 0.0, 5.0, 30.0)))
    await world.machine.start()
    world.note("   the gateway is back")
    buying = world.rows("SELECT id FROM attempts WHERE outcome = 'buying' AND started_at < ?", world.now)
    if buying:
        world.wrong(f"after a start attempts are still buying: {buying}")


CHANCES = (
    Chance(26, buy),
    Chance(10, buy_again),
    Chance(10, poll),
    Chance(3, snoop),
    Chance(13, decide),
    Chance(16, bring_sms),
    Chance(8, change_weather),
    Chance(4, change_shelf),
    Chance(6, let_time_pass),
    Chance(2, restart),
    Chance(6, crash),
)


async def one_step(world: World) -> None:
    chance = world.dice.choices(CHANCES, [chance.weight for chance in CHANCES])[0]
    await chance.step(world)
    await asyncio.sleep(world.dice.choice(PAUSES[:5]))
