"""Whether a bid is made, where and for how much; and what is known of bids in memory only."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from proxy.domain.money import Usd, print_usd, scale
from proxy.domain.offer import Offer, Want
from proxy.domain.routing import Drop, Leg, Route
from proxy.errors import OutcomeUnknown, ProviderError
from proxy.gateway.upstream import OWN_FAULTS, PATIENCE, Upstream
from proxy.providers.base import Bought, Cancelled, Refused, Rental
from proxy.providers.bidding import Bidder, BidLook, Standing
from proxy.store.bids import StandingBid

FORGET_SECONDS = 3600.0
"""No bid lives so long."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A bid as it would be made."""

    offer: Offer
    """What is bid for; its price is the bid's, markup and all."""
    markup: int
    trouble: str = ""
    """Why it must not be made; empty if it may."""


def plan(
    route: Route, want: Want, bidders: Collection[str], caps: Callable[[str], Sequence[Usd]], sold_out: Collection[str]
) -> Plan | None:
    """The bid that this route would end with if nobody had a number; None: there is none to make.

    `caps` tells what limits a price at a provider; `sold_out` are those that have just said so.
    """
    terms = route.rule.bid if route.rule else None
    if terms is None or want.number or want.hours or want.unwanted or (want.operator and want.keep_operator):
        return None
    plans = []
    for leg in route.legs:
        if leg.offer is None or leg.provider not in bidders or not _lacks_stock_alone(leg, sold_out):
            continue
        price = scale(leg.offer.list_price, 100 + terms.markup)
        cap = min((terms.max_price, *caps(leg.provider)))
        trouble = f"a bid of {print_usd(price)} is over the cap of {print_usd(cap)}" if price > cap else ""
        plans.append(Plan(replace(leg.offer, price=price), terms.markup, trouble))
    return min(plans, key=lambda plan: (bool(plan.trouble), plan.offer.price), default=None)


def _lacks_stock_alone(leg: Leg, sold_out: Collection[str]) -> bool:
    assert leg.offer is not None
    return leg.provider in sold_out or (leg.dropped is Drop.NO_STOCK and leg.offer.stock == 0)


def announced(route: Route, plan: Plan | None) -> Route:
    """A route without an offer, its reasons telling of the bid that it ends with."""
    if plan is None:
        return route
    words = plan.trouble or f"{print_usd(plan.offer.price)} is bid for the next number"
    legs = [
        replace(leg, reason=f"{leg.reason}, {words}") if leg.provider == plan.offer.provider else leg
        for leg in route.legs
    ]
    return replace(route, legs=tuple(legs))


@dataclass(frozen=True, slots=True)
class Desk:
    """Where one provider takes bids: the provider at work, and its adapter as a bidder."""

    upstream: Upstream
    bidder: Bidder

    async def place(self, plan: Plan, want: Want, seconds: float) -> Standing | Bought | Refused:
        """Spend money perhaps; what the answer says of the provider's health is kept. Raises as the adapter does."""
        upstream = self.upstream
        order = upstream.order(plan.offer, want, plan.offer.price)
        try:
            answer = await self.bidder.place_bid(order, plan.markup, seconds)
        except ProviderError as exc:
            upstream.health.failed(exc.reason)
            upstream.money_moved = upstream.money_moved or isinstance(exc, OutcomeUnknown)
            raise
        if isinstance(answer, Refused) and answer.reason in OWN_FAULTS:
            upstream.health.failed(answer.text or answer.reason)
        else:
            upstream.health.succeeded()
        upstream.money_moved = upstream.money_moved or isinstance(answer, Bought)
        return answer

    async def look(self, bid: StandingBid) -> BidLook:
        return await self.bidder.look_at_bid(bid.upstream_id, PATIENCE)

    async def withdraw(self, bid: StandingBid) -> Cancelled:
        """A number that it has won meanwhile goes back with it."""
        return await self.upstream.cancel(Rental(bid.upstream_id, bid.attempt.upstream_service, ""))


@dataclass(frozen=True, slots=True)
class Asked:
    """The last time that the client came for what a bid is for."""

    at: float
    want: Want


@dataclass(slots=True)
class Bidding:
    """Who takes bids, and who has asked for what they are for. After a start nobody has: then the start counts."""

    desks: Mapping[str, Desk] = field(default_factory=dict)
    """By the provider's name."""
    asked: dict[int, Asked] = field(default_factory=dict)
    """By the id of the bid's attempt."""

    def ask(self, id: int, want: Want, now: float) -> None:
        """The client still wants it. What nobody has asked for in a long time is forgotten."""
        self.asked[id] = Asked(now, want)
        for old in [id for id, asked in self.asked.items() if asked.at < now - FORGET_SECONDS]:
            del self.asked[old]
