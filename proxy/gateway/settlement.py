"""How a purchase with an unknown outcome turns out to have bought something: the provider names the rental.

Nothing is guessed. A rental is taken for an attempt's only if one client alone could own it; everything else is left
to time, or to the operator.
"""

from collections.abc import Sequence

from proxy.catalog.matching import normalise
from proxy.domain.attempt import Attempt, Outcome
from proxy.domain.money import Usd
from proxy.errors import OutcomeUnknown, ProviderError
from proxy.gateway import standing
from proxy.gateway.gateway import Gateway
from proxy.gateway.upstream import Upstream
from proxy.providers.base import OpenRental, Push, Rental, RentalState
from proxy.store.bids import StandingBid
from proxy.store.transaction import Receipt

Unknown = tuple[Attempt, str]
"""An attempt, and what its half-understood answer called the rental, if it said that much."""


async def find_at(gateway: Gateway, upstream: Upstream, unknown: Sequence[Unknown]) -> set[int]:
    """Ask the provider; the attempts that turned out to have bought something. Bids are looked after elsewhere."""
    settled = set()
    bids = {bid.id for bid in await gateway.store.read.bids_at_work(upstream.name)}
    unknown = [it for it in unknown if it[0].id not in bids]
    try:
        for attempt, upstream_id in unknown:
            if upstream_id and await _look_up(gateway, upstream, attempt, upstream_id):
                settled.add(attempt.id)
        unnamed = [attempt for attempt, upstream_id in unknown if not upstream_id]
        if unnamed and (rentals := await upstream.open_rentals()) is not None:
            settled |= await _match(gateway, unnamed, rentals)
    except ProviderError:
        pass  # it is asked again in the next round
    return settled


async def _look_up(gateway: Gateway, upstream: Upstream, attempt: Attempt, upstream_id: str) -> bool:
    """Turn the attempt into an activation if the provider still has the rental; whether that worked."""
    look = await upstream.look(Rental(upstream_id, attempt.upstream_service, ""), closely=True)
    if not look.number or look.state is not RentalState.OPEN:
        return False
    price = upstream.marked_up(attempt.upstream_service, attempt.country, look.markup)
    if look.markup and price is None:
        return False  # what it cost is known as soon as prices are
    return await recover(gateway, attempt, upstream_id, look.number, price)


async def _match(gateway: Gateway, attempts: Sequence[Attempt], rentals: Sequence[OpenRental]) -> set[int]:
    """Rentals that no activation knows must come from these attempts, where service and country say whose they are.

    Nothing is guessed: if several clients could own one, or a purchase of the same service is still under way, it is
    left to the next round or to the operator.
    """
    known = {activation.upstream_id for activation in gateway.store.live.of_provider(attempts[0].provider)}
    under_way = await gateway.store.read.services_being_bought(attempts[0].provider)
    settled = set()
    for service in {attempt.upstream_service for attempt in attempts} - under_way:
        mine = [attempt for attempt in attempts if attempt.upstream_service == service]
        if len({(attempt.client, attempt.country) for attempt in mine}) > 1:
            continue
        strays = [
            rental
            for rental in rentals
            if rental.service == service
            and rental.upstream_id not in known
            and rental.country in (None, mine[0].country)
        ]
        for attempt, rental in zip(mine, strays, strict=False):
            if await recover(gateway, attempt, rental.upstream_id, rental.number, rental.price):
                settled.add(attempt.id)
    return settled


async def recover(
    gateway: Gateway, attempt: Attempt, upstream_id: str, number: str, price: Usd | None, until: str = ""
) -> bool:
    """Turn the attempt into the activation of this rental; False if the rental belongs to another one."""
    ends_at = attempt.started_at + attempt.lifetime
    receipt = Receipt(upstream_id, number, "", attempt.hold if price is None else price, ends_at, until=until)
    try:
        activation = await gateway.store.write(lambda tx: tx.book(attempt, receipt, Outcome.RECOVERED))
    except OutcomeUnknown:
        return False  # the rental belongs to another attempt
    if upstream := gateway.market.upstream_of(activation):
        upstream.money_moved = True
    gateway.store.live.keep_for_redelivery(activation, attempt.fingerprint)
    return True


async def settle_by_push(gateway: Gateway, upstream: Upstream, push: Push) -> None:
    """A webhook names a rental that nobody knows: it settles the unknown attempt that only it can come from."""
    if gateway.store.live.knows(upstream.name, push.upstream_id):
        return
    if bid := await gateway.store.read.bid_named(upstream.name, push.upstream_id):
        await _look_at_bid(gateway, bid)
        return
    attempt = await _meant(gateway, upstream, push)
    if attempt is None:
        return
    if attempt.id in {bid.id for bid in await gateway.store.read.bids_at_work(upstream.name)}:
        await gateway.store.write(lambda tx: standing.name(tx, attempt, push.upstream_id, push.price))
        if bid := await gateway.store.read.bid_named(upstream.name, push.upstream_id):
            await _look_at_bid(gateway, bid)
        return
    number = push.number
    if not number:
        look = await upstream.look(Rental(push.upstream_id, attempt.upstream_service, ""), closely=True)
        number = look.number
    if number:
        await recover(gateway, attempt, push.upstream_id, number, push.price)


async def _meant(gateway: Gateway, upstream: Upstream, push: Push) -> Attempt | None:
    """The unknown attempt that the rental must come from; None if it is none, or more than one client's."""
    unknown = [it for it in await gateway.store.read.unknown_attempts() if it[0].provider == upstream.name]
    if named := next((attempt for attempt, upstream_id in unknown if upstream_id == push.upstream_id), None):
        return named
    attempts = [
        attempt for attempt, upstream_id in unknown if not (upstream_id or attempt.hours) and _is_for(push, attempt)
    ]
    under_way = await gateway.store.read.services_being_bought(upstream.name)
    if not attempts or len({attempt.client for attempt in attempts}) > 1 or attempts[0].upstream_service in under_way:
        return None
    bids = {bid.id for bid in await gateway.store.read.bids_at_work(upstream.name)}
    # One without an SMS is likelier to be about a bid.
    return min(attempts, key=lambda attempt: (attempt.id in bids) == bool(push.sms))


async def _look_at_bid(gateway: Gateway, bid: StandingBid) -> None:
    """Webhooks only hurry: whether it has won, the provider is asked."""
    if desk := gateway.market.bidding.desks.get(bid.provider):
        await standing.tend(gateway, desk, bid)


def _is_for(push: Push, attempt: Attempt) -> bool:
    """Webhooks name a service by its name for people; one that names none may be for any."""
    return not push.service or normalise(push.service) == normalise(attempt.upstream_service)
