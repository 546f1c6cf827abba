"""Which provider is asked first, and why: a pure function of the request, the rules and what is known of the offers.

`rank` drops what cannot serve the request and orders the rest; every offer keeps the reason for where it ended up,
which is what `explain` prints and what the client's `X-Reason` is made of.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from proxy.domain.money import Usd, print_usd
from proxy.domain.offer import Offer, Want


class Ordering(StrEnum):
    CHEAPEST = "cheapest"
    STOCK = "stock"
    DELIVERY = "delivery"
    LISTED = "listed"


class OnUnknown(StrEnum):
    """What to do when a purchase's outcome is not known."""

    FAIL = "fail"
    NEXT = "next"


@dataclass(frozen=True, slots=True)
class Bid:
    """A standing bid at getsms when nobody has stock."""

    markup: int
    """Per cent over the list price."""
    max_price: Usd


@dataclass(frozen=True, slots=True)
class When:
    """Which requests a rule is for; an empty tuple fits all."""

    service: tuple[str, ...] = ()
    country: tuple[int, ...] = ()
    client: tuple[str, ...] = ()
    operator: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    name: str
    when: When = field(default_factory=When)
    providers: tuple[str, ...] = ()
    """Empty: all, in the order of the file."""
    order: Ordering = Ordering.CHEAPEST
    max_price: Usd | None = None
    min_stock: int = 1
    on_unknown: OnUnknown = OnUnknown.FAIL
    bid: Bid | None = None

    def fits(self, want: Want, client: str) -> bool:
        when = self.when
        return (
            (not when.service or want.service in when.service)
            and (not when.country or want.country in when.country)
            and (not when.client or client in when.client)
            and (not when.operator or want.operator in when.operator)
        )


class Drop(StrEnum):
    """Why an offer is not in the route."""

    NOT_CHOSEN = "not chosen"
    CANNOT_SERVE = "cannot serve"
    NO_STOCK = "no stock"
    OVER_CAP = "over a cap of the operator"
    OVER_REQUEST = "over the request's own cap"
    SET_ASIDE = "set aside"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A provider before the rules look at it: its offer, or what keeps it from making one."""

    provider: str
    offer: Offer | None = None
    trouble: str = ""
    """Why there is no offer."""
    aside: str = ""
    """Why it is set aside just now; empty: it is not."""
    max_price: Usd | None = None
    """The operator's cap on this provider."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One line of a route."""

    provider: str
    offer: Offer | None
    dropped: Drop | None
    reason: str


@dataclass(frozen=True, slots=True)
class Route:
    rule: Rule | None
    legs: tuple[Leg, ...]
    """Kept ones first, in the order in which they are tried."""

    @property
    def kept(self) -> list[Offer]:
        return [leg.offer for leg in self.legs if leg.dropped is None and leg.offer is not None]

    @property
    def least_price(self) -> Usd | None:
        """What the cheapest offer costs that only the request's own cap keeps out; None if there is no such offer."""
        prices = [leg.offer.price for leg in self.legs if leg.dropped is Drop.OVER_REQUEST and leg.offer is not None]
        return min(prices, default=None)

    @property
    def why_empty(self) -> str:
        return "; ".join(f"{leg.provider}: {leg.reason}" for leg in self.legs) or "no rule chooses a provider"


def choose_rule(rules: Sequence[Rule], want: Want, client: str) -> Rule | None:
    """The first rule that fits decides."""
    return next((rule for rule in rules if rule.fits(want, client)), None)


def rank(want: Want, rule: Rule | None, candidates: Sequence[Candidate], client_cap: Usd | None = None) -> Route:
    """The route for a request; `candidates` stand in the order of the file."""
    if rule is None:
        return Route(None, tuple(Leg(c.provider, c.offer, Drop.NOT_CHOSEN, "no rule fits") for c in candidates))
    legs = [_leg(want, rule, candidate, client_cap) for candidate in candidates]
    if all(leg.dropped for leg in legs):
        # The last one is never set aside: a doubtful provider is better than none.
        legs = [
            replace(leg, dropped=None, reason=f"{leg.reason}, but the last one left")
            if leg.dropped is Drop.SET_ASIDE
            else leg
            for leg in legs
        ]
    kept = sorted((leg for leg in legs if leg.dropped is None), key=_order(rule, candidates))
    numbered = [replace(leg, reason=_praise(rule, place, leg)) for place, leg in enumerate(kept, start=1)]
    return Route(rule, (*numbered, *(leg for leg in legs if leg.dropped is not None)))


def _leg(want: Want, rule: Rule, candidate: Candidate, client_cap: Usd | None) -> Leg:
    """Ask the questions in the order in which their answers matter: could it, would it, should it, at what price."""
    name, offer = candidate.provider, candidate.offer
    if rule.providers and name not in rule.providers:
        return Leg(name, offer, Drop.NOT_CHOSEN, f"rule {rule.name} does not choose it")
    if (want.only and name not in want.only) or name in want.without:
        return Leg(name, offer, Drop.NOT_CHOSEN, "the request leaves it out")
    if offer is None:
        return Leg(name, None, Drop.CANNOT_SERVE, candidate.trouble)
    # A chosen number is in stock or not whatever the count says: only the provider knows.
    if offer.stock is not None and offer.stock < rule.min_stock and not want.number:
        reason = f"stock {offer.stock}, wanted at least {rule.min_stock}"
        return Leg(name, offer, Drop.NO_STOCK, "out of stock" if offer.stock == 0 else reason)
    for whose, cap in (("rule", rule.max_price), ("client", client_cap), ("provider", candidate.max_price)):
        if cap is not None and offer.price > cap:
            reason = f"{print_usd(offer.price)} is over the {whose}'s cap of {print_usd(cap)}"
            return Leg(name, offer, Drop.OVER_CAP, reason)
    if want.max_price is not None and offer.price > want.max_price:
        reason = f"{print_usd(offer.price)} is over the request's cap of {print_usd(want.max_price)}"
        return Leg(name, offer, Drop.OVER_REQUEST, reason)
    if candidate.aside:
        return Leg(name, offer, Drop.SET_ASIDE, candidate.aside)
    return Leg(name, offer, None, "")


def _order(rule: Rule, candidates: Sequence[Candidate]) -> Callable[[Leg], tuple[float, ...]]:
    """The sort key: what the rule says, then the price, then the order of the file."""
    listed = rule.providers or tuple(candidate.provider for candidate in candidates)

    def key(leg: Leg) -> tuple[float, ...]:
        offer = leg.offer
        assert offer is not None
        last: tuple[float, ...] = (offer.price, listed.index(leg.provider))
        match rule.order:
            case Ordering.LISTED:
                return (listed.index(leg.provider),)
            case Ordering.STOCK:
                return (-(offer.stock or 0), *last)
            case Ordering.DELIVERY:
                # Without history a provider gets its chance: it is taken for an even one.
                return (-(0.5 if offer.delivery is None else offer.delivery), *last)
            case _:
                return last

    return key


def _praise(rule: Rule, place: int, leg: Leg) -> str:
    offer = leg.offer
    assert offer is not None
    stock = "stock unknown" if offer.stock is None else f"stock {offer.stock}"
    surcharge = f" (list {print_usd(offer.list_price)})" if offer.price != offer.list_price else ""
    delivery = "" if offer.delivery is None else f", delivers {offer.delivery:.0%}"
    note = f"; {leg.reason}" if leg.reason else ""
    return f"{place}. by {rule.order}: {print_usd(offer.price)}{surcharge}, {stock}{delivery}{note}"
