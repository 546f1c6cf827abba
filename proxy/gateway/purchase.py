"""Buying a number, for one service or for several at once: the attempts are durable before the request leaves, and
only a definite refusal moves on.

A purchase is an errand of its own: it goes on when the client hangs up, and the client's next equal request takes over
what it brings.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from proxy.domain.activation import Activation, Event, Status
from proxy.domain.attempt import Attempt
from proxy.domain.client import Client
from proxy.domain.money import Usd, print_usd
from proxy.domain.offer import Offer, Want
from proxy.domain.routing import OnUnknown, Route, Rule
from proxy.errors import (
    NoBalance,
    NoNumbers,
    NotSent,
    OrderExists,
    OutcomeUnknown,
    WrongMaxPrice,
)
from proxy.gateway import bids, spending, standing, waiting
from proxy.gateway.bidding import Plan
from proxy.gateway.deadline import Deadline
from proxy.gateway.gateway import Gateway
from proxy.gateway.upstream import DEFAULT_LIFETIME, Upstream
from proxy.providers.base import Bought, Reason, Refused
from proxy.store.bids import StandingBid
from proxy.store.transaction import Draft, Receipt, Transaction

STALE_SECONDS = 1.0
"""Prices older than this are asked for once more before a client is sent away."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """Offers of one provider that are bought with one request, one for each want."""

    offers: tuple[Offer, ...]

    @property
    def provider(self) -> str:
        return self.offers[0].provider

    @property
    def price(self) -> Usd:
        return sum(offer.price for offer in self.offers)


async def buy(
    gateway: Gateway,
    client: Client,
    wants: Sequence[Want],
    fingerprint: str,
    hung_up: asyncio.Future[None] | None,
    order_id: str = "",
) -> list[Activation]:
    """An activation for each want, all of one number: those that the client was owed, or new ones.

    `order_id` is an idempotency key: whatever was bought with it is the answer, for ever. Raises as `wait_for` does.
    """
    whose = (client.name, fingerprint)
    # A key has its answer in the books; what was recovered later for the same request is not it.
    if not order_id and (owed := await standing.owed(gateway, whose, len(wants))):
        return owed
    purchase = _ordered(gateway, client, fingerprint, order_id) or gateway.under_way.adopt(whose)
    if purchase is None:
        purchase = waiting.start(
            gateway, Purchase(gateway, client, tuple(wants), fingerprint, order_id).run(), client.name
        )
        if order_id:
            gateway.under_way.ordered(client.name, order_id, fingerprint, purchase)
    return await waiting.wait_for(gateway, whose, purchase, hung_up)


async def buy_one(
    gateway: Gateway,
    client: Client,
    want: Want,
    fingerprint: str,
    hung_up: asyncio.Future[None] | None,
    order_id: str = "",
) -> Activation:
    """As `buy`, for one service."""
    (bought,) = await buy(gateway, client, [want], fingerprint, hung_up, order_id)
    return bought


def _ordered(
    gateway: Gateway, client: Client, fingerprint: str, order_id: str
) -> asyncio.Future[list[Activation]] | None:
    """The twin of this request that is under way. Raises OrderExists if the key is in use for another one."""
    under_way = gateway.under_way.order(client.name, order_id) if order_id else None
    if under_way is None:
        return None
    if under_way[0] != fingerprint:
        raise OrderExists
    return under_way[1]


@dataclass(slots=True)
class Purchase:
    """One request for a number on its way along a route."""

    gateway: Gateway
    client: Client
    wants: tuple[Want, ...]
    fingerprint: str
    order_id: str = ""
    deadline: Deadline = field(init=False)
    tried: set[tuple[str, Usd]] = field(default_factory=set)
    refusals: list[str] = field(default_factory=list)
    too_dear: list[str] = field(default_factory=list)
    """Offers that the client's budget does not cover."""
    sold_out: set[str] = field(default_factory=set)
    """Providers that have just said that they have no number."""
    unsure_of: set[str] = field(default_factory=set)
    """Providers at which something may have been bought: this request goes there no more."""
    bid: StandingBid | None = None
    """What stands for an equal request, and is not out of the way yet."""

    async def run(self) -> list[Activation]:
        gateway = self.gateway
        if self.order_id and (ordered := await self._answered()):
            return ordered
        if gateway.closing:
            raise NoNumbers("the gateway is stopping")
        self.deadline = Deadline(gateway.clock, gateway.market.config.deadline)
        return await self._along_the_route()

    async def _answered(self) -> list[Activation]:
        """What was bought with this idempotency key before; nothing if the key is free. Raises OrderExists."""
        read = self.gateway.store.read
        order = await read.order(self.client.name, self.order_id)
        if order is None:
            return []
        fingerprint, id = order
        if fingerprint != self.fingerprint:
            raise OrderExists
        bought = None if id is None else await read.activation(id)
        if bought is not None and (fetched := await standing.fetched(self.gateway, [bought])):
            return fetched
        self.bid = await bids.standing_for(self.gateway, self.client, self.wants[0], self.fingerprint)
        if self.bid is None or not self.bid.upstream_id:
            raise NoNumbers("the outcome of this order is not known yet")
        return []

    async def _along_the_route(self) -> list[Activation]:
        """Try the offers in turn; when all fail, once more with fresh prices."""
        market = self.gateway.market
        for is_last in (False, True):
            await self._learn(again=is_last)
            routes = [market.route(self.client, want) for want in self.wants]
            bundles = self._bundles(routes)
            bought = await self._meet_bid(routes[0].rule, bundles)
            bought = bought or await self._try_each([] if self.bid else bundles, routes[0].rule)
            if bought:
                return bought
        return await self._bid_or_refuse(routes)

    async def _meet_bid(self, rule: Rule | None, bundles: list[Bundle]) -> list[Activation]:
        """A bid that stands for an equal request makes way for what can be bought elsewhere, unless it has won."""
        if self.bid is None and rule is not None and rule.bid is not None:
            self.bid = await bids.standing_for(self.gateway, self.client, self.wants[0], self.fingerprint)
        # What its own provider has goes to those who bid: if that is so, the bid wins.
        if self.bid is None or all(bundle.provider == self.bid.provider for bundle in bundles):
            return []
        won = await bids.make_way(self.gateway, self.bid)
        self.bid = None
        return won

    async def _learn(self, *, again: bool) -> None:
        """Know the prices that the request is about; `again`: as they are just now."""
        market = self.gateway.market
        if self.wants[0].hours:
            await market.rents_known(self.deadline.left)
        if again:
            every = market.upstreams.values()
            await market.learn_prices(every, at_most_old=STALE_SECONDS, seconds=self.deadline.left)
        else:
            await market.prices_known(self.deadline.left)

    def _bundles(self, routes: list[Route]) -> list[Bundle]:
        """What can be bought in one request, in the order in which it is tried: several services cheapest first."""
        if len(routes) == 1:
            return [Bundle((offer,)) for offer in routes[0].kept]
        offers = [{offer.provider: offer for offer in route.kept} for route in routes]
        bundles = []
        for provider in set.intersection(*(set(kept) for kept in offers)):
            priced = self.gateway.market.upstreams[provider].joint([kept[provider] for kept in offers])
            if priced is not None:
                bundles.append(Bundle(tuple(priced)))
        return sorted(bundles, key=lambda bundle: bundle.price)

    async def _try_each(self, bundles: list[Bundle], rule: Rule | None) -> list[Activation]:
        """What the first that sells brings; empty if none does."""
        for bundle in bundles:
            provider, price = bundle.provider, bundle.price
            if (provider, price) in self.tried or provider in self.unsure_of:
                continue
            if not self.deadline:
                self.refusals.append("the deadline is over")
                break
            self.tried.add((provider, price))
            try:
                bought = await self._try(bundle)
            except NoBalance:
                self.too_dear.append(f"{provider}: {print_usd(price)} is more than the budget has left")
            except OutcomeUnknown as exc:
                self.unsure_of.add(provider)
                self.refusals.append(f"{provider}: outcome unknown ({exc.reason})")
                if rule is None or rule.on_unknown is OnUnknown.FAIL:
                    raise NoNumbers("; ".join(self.refusals)) from exc
            else:
                if bought:
                    return bought
        return []

    async def _try(self, bundle: Bundle) -> list[Activation]:
        """One request to one provider; nothing if it was definitely refused. Raises NoBalance, OutcomeUnknown."""
        upstream = self.gateway.market.upstreams.get(bundle.provider)
        if upstream is None:
            self.refusals.append(f"{bundle.provider}: it was taken out of routing.yaml")
            return []
        drafts = [self._draft(want, offer) for want, offer in zip(self.wants, bundle.offers, strict=True)]
        attempts = await spending.begin(self.gateway, drafts, self.deadline)
        try:
            return await self._spend(attempts, bundle, upstream)
        finally:
            self.gateway.under_way.settled(self.client.name)

    async def _spend(self, attempts: list[Attempt], bundle: Bundle, upstream: Upstream) -> list[Activation]:
        try:
            answer = await upstream.buy(bundle.offers, self.wants, self.deadline.left)
        except NotSent as exc:
            return await self._refused(attempts, exc.reason)
        except OutcomeUnknown as exc:
            await spending.leave_unknown(self.gateway, attempts, exc.reason, exc.upstream_ids)
            raise
        if isinstance(answer, Refused):
            if answer.reason is Reason.OUT_OF_STOCK:
                self.sold_out.add(bundle.provider)
            return await self._refused(attempts, answer.text or answer.reason)
        return await self._book(attempts, bundle, answer)

    def _draft(self, want: Want, offer: Offer) -> Draft:
        return Draft(
            client=self.client.name,
            service=want.service,
            country=want.country,
            provider=offer.provider,
            upstream_service=offer.service,
            hold=offer.price,
            lifetime=offer.lifetime or offer.hours * 3600 or DEFAULT_LIFETIME,
            several_sms=offer.several_sms,
            fingerprint=self.fingerprint,
            budget=self.client.budget,
            order_id=self.order_id,
            max_open=self.client.max_open,
            hours=offer.hours,
            url=want.url,
        )

    async def _refused(self, attempts: list[Attempt], reason: str) -> list[Activation]:
        self.refusals.append(f"{attempts[0].provider}: {reason}")
        await spending.refuse(self.gateway, attempts, reason)
        return []

    async def _book(self, attempts: list[Attempt], bundle: Bundle, bought: Sequence[Bought]) -> list[Activation]:
        """Book what was bought. What is dearer than any cap allows or not wanted goes back, and the search goes on."""
        now = self.gateway.clock.now()
        receipts = [_receipt(one, attempt, now) for attempt, one in zip(attempts, bought, strict=True)]
        trouble = self._trouble(bundle, receipts)
        more = sum(receipt.price for receipt in receipts) - bundle.price

        def unit(tx: Transaction) -> list[Activation]:
            short = more > 0 and not tx.affords(self.client.name, self.client.budget, more)
            booked = [tx.book(*each) for each in zip(attempts, receipts, strict=True)]
            if not (trouble or short):
                return booked
            return [tx.advance_if_possible(activation.id, Event.CLIENT_CANCELLED) for activation in booked]

        try:
            activations = await spending.book(self.gateway, unit)
        except OutcomeUnknown as exc:
            names = [one.upstream_id for one in bought]
            await spending.leave_unknown(self.gateway, attempts, exc.reason, names)
            raise
        if all(activation.status is not Status.CANCELLING for activation in activations):
            return activations
        self.refusals.append(f"{bundle.provider}: {trouble or 'it took more than the budget has left'}; given back")
        return []

    def _trouble(self, bundle: Bundle, receipts: list[Receipt]) -> str:
        """Why what was bought must go back; empty if it need not."""
        for want, offer, receipt in zip(self.wants, bundle.offers, receipts, strict=True):
            if want.unwanted and receipt.phone.startswith(want.unwanted):
                return "its number is not wanted"
            caps = self.gateway.market.caps(self.client, want, offer.provider)
            if receipt.price > offer.price and any(receipt.price > cap for cap in caps):
                return f"it took {print_usd(receipt.price)}, more than allowed"
        return ""

    async def _bid_or_refuse(self, routes: list[Route]) -> list[Activation]:
        """Nobody sells: bid, if the rule says so and nothing but stock is in the way. Raises what refuses it all."""
        refusal, plan = self._refusal(routes), None
        if self.bid is not None:
            raise NoNumbers(f"{standing.words(self.bid)}; {refusal}")
        if isinstance(refusal, NoNumbers) and len(routes) == 1 and not self.too_dear:
            plan = self.gateway.market.plan_bid(self.client, self.wants[0], routes[0], self.sold_out)
        if plan is None or self.unsure_of or self.gateway.closing or not self.deadline:
            raise refusal
        if plan.trouble:
            raise NoNumbers(f"{plan.trouble}; {refusal}")
        return await self._bid(plan, refusal)

    async def _bid(self, plan: Plan, refusal: Exception) -> list[Activation]:
        """Place the bid; what there was after all. Raises NoNumbers, ChannelsLimit."""
        (want,) = self.wants
        draft = self._draft(want, plan.offer)
        draft = replace(draft, markup=plan.markup, lifetime=bids.LONGEST + draft.lifetime)
        try:
            (attempt,) = await spending.begin(self.gateway, [draft], self.deadline)
        except NoBalance as exc:
            covered = f"the budget does not cover a bid of {print_usd(draft.hold)}"
            raise NoNumbers(f"{covered}; {refusal}") from exc
        except NoNumbers as exc:
            raise NoNumbers(f"{exc}; {refusal}") from exc
        try:
            answer = await bids.place(self.gateway, attempt, plan, want, self.deadline)
            if isinstance(answer, str):
                raise NoNumbers(f"{answer}; {refusal}")
            answer = replace(answer, lifetime=answer.lifetime or plan.offer.lifetime or DEFAULT_LIFETIME)
            if bought := await self._book([attempt], Bundle((plan.offer,)), [answer]):
                return bought
        except OutcomeUnknown as exc:
            raise NoNumbers(str(exc)) from exc
        finally:
            self.gateway.under_way.settled(self.client.name)
        raise NoNumbers("; ".join(self.refusals))

    def _refusal(self, routes: list[Route]) -> Exception:
        """Why there is no number, in the word that helps the client most."""
        if self.refusals:
            return NoNumbers("; ".join(self.refusals + self.too_dear))
        if self.too_dear:
            return NoBalance("; ".join(self.too_dear))
        least = routes[0].least_price if len(routes) == 1 else None
        if least is not None:
            return WrongMaxPrice(least)
        whys = [route.why_empty for route in routes if not route.kept]
        return NoNumbers("; ".join(whys) or "nobody sells these services together")


def _receipt(bought: Bought, attempt: Attempt, now: float) -> Receipt:
    price = attempt.hold if bought.price is None else bought.price
    lifetime = bought.lifetime or attempt.lifetime
    ends_at = now + lifetime
    return Receipt(bought.upstream_id, bought.number, bought.operator, price, ends_at, bought.several_sms, bought.until)
