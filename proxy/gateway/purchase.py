"""Buying a number, for one service or for several at once: the attempts are durable before the request leaves, and
only a definite refusal moves on.

A purchase is an errand of its own: it goes on when the client hangs up, and the client's next equal request takes over
what it brings.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

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
    StoreClosed,
    WrongMaxPrice,
)
from proxy.gateway.deadline import Deadline
from proxy.gateway.gateway import Gateway
from proxy.gateway.upstream import DEFAULT_LIFETIME, Upstream
from proxy.providers.base import Bought, Refused
from proxy.store.transaction import Draft, Receipt, Transaction

T = TypeVar("T")

STALE_SECONDS = 1.0
"""Prices older than this are asked for once more before a client is sent away."""
LAST_WORDS = 1.0
"""Seconds after the deadline for booking how it ended."""
BOOKING_PAUSE = 0.2
"""Between tries to book what is bought already, while the books cannot be written."""


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


class HungUp(Exception):
    """The client has gone; its purchase goes on."""


async def buy(
    gateway: Gateway,
    client: Client,
    wants: Sequence[Want],
    fingerprint: str,
    hung_up: asyncio.Future[None] | None,
    order_id: str = "",
) -> list[Activation]:
    """An activation for each want, all of one number: those that the client was owed, or new ones.

    `order_id` is an idempotency key: whatever was bought with it is the answer, for ever. Raises what refuses it, or
    HungUp when `hung_up` was done first.
    """
    # A key has its answer in the books; what was recovered later for the same request is not it.
    now = gateway.clock.now()
    owed = [] if order_id else gateway.store.live.redeliver(client.name, fingerprint, now, len(wants))
    if owed:
        return owed
    whose = (client.name, fingerprint)
    purchase = _ordered(gateway, client, fingerprint, order_id) or gateway.under_way.adopt(whose)
    if purchase is None:
        errand = Purchase(gateway, client, tuple(wants), fingerprint, order_id)
        purchase = gateway.errands.start(errand.run(), f"purchase for {client.name}")
        if order_id:
            gateway.under_way.ordered(client.name, order_id, fingerprint, purchase)
    ends: list[asyncio.Future[Any]] = [purchase] if hung_up is None else [purchase, hung_up]
    seconds = gateway.market.config.deadline + LAST_WORDS
    await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    if purchase.done():
        return purchase.result()
    _abandon(gateway, whose, purchase)
    if hung_up is not None and hung_up.done():
        raise HungUp
    raise NoNumbers("the deadline is over; what may still be bought is for the next equal request")


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


def _abandon(gateway: Gateway, whose: tuple[str, str], purchase: asyncio.Future[list[Activation]]) -> None:
    """Nobody waits for this purchase any more: keep what it brings for the client's next equal request."""

    def ended(purchase: asyncio.Future[list[Activation]]) -> None:
        if gateway.under_way.forsaken(whose, purchase) and not purchase.cancelled() and purchase.exception() is None:
            for activation in purchase.result():
                gateway.store.live.keep_for_redelivery(activation, whose[1])

    gateway.under_way.orphan(whose, purchase)
    purchase.add_done_callback(ended)


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
        if bought is None:
            raise NoNumbers("the outcome of this order is not known yet")
        return [bought]

    async def _along_the_route(self) -> list[Activation]:
        """Try the offers in turn; when all fail, once more with fresh prices."""
        market = self.gateway.market
        await market.prices_known(self.deadline.left)
        for is_last in (False, True):
            if is_last:
                every = market.upstreams.values()
                await market.learn_prices(every, at_most_old=STALE_SECONDS, seconds=self.deadline.left)
            routes = [market.route(self.client, want) for want in self.wants]
            bought = await self._try_each(self._bundles(routes), routes[0].rule)
            if bought:
                return bought
        raise self._refusal(routes)

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
            if (provider, price) in self.tried:
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
        attempts = await self._begin(bundle)
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
            await self._left_unknown(attempts, exc.reason, exc.upstream_id)
            raise
        if isinstance(answer, Refused):
            return await self._refused(attempts, answer.text or answer.reason)
        return await self._book(attempts, bundle, answer)

    async def _begin(self, bundle: Bundle) -> list[Attempt]:
        """Book holds and attempts; while other purchases of the client hold the money that is left, wait for them."""
        drafts = [self._draft(want, offer) for want, offer in zip(self.wants, bundle.offers, strict=True)]
        under_way = self.gateway.under_way
        while True:
            settlements = under_way.settlements
            try:
                attempts = await self.gateway.store.write(lambda tx: [tx.begin_attempt(draft) for draft in drafts])
            except StoreClosed as exc:
                raise NoNumbers(f"the books cannot be written: {exc}") from exc
            except NoBalance:
                if settlements == under_way.settlements:
                    await self._wait_for_money()
            else:
                under_way.held(self.client.name)
                return attempts

    def _draft(self, want: Want, offer: Offer) -> Draft:
        return Draft(
            client=self.client.name,
            service=want.service,
            country=want.country,
            provider=offer.provider,
            upstream_service=offer.service,
            hold=offer.price,
            lifetime=offer.lifetime or DEFAULT_LIFETIME,
            several_sms=offer.several_sms,
            fingerprint=self.fingerprint,
            budget=self.client.budget,
            order_id=self.order_id,
            max_open=self.client.max_open,
        )

    async def _wait_for_money(self) -> None:
        """Until another purchase of this client is settled. Raises NoBalance if there is none to wait for."""
        if not self.gateway.under_way.is_holding(self.client.name):
            raise NoBalance
        try:
            await self.gateway.under_way.wait_for_money(self.client.name, self.deadline.left)
        except TimeoutError:
            raise NoBalance from None

    async def _refused(self, attempts: list[Attempt], reason: str) -> list[Activation]:
        self.refusals.append(f"{attempts[0].provider}: {reason}")

        def unit(tx: Transaction) -> None:
            for attempt in attempts:
                tx.refuse(attempt, reason)

        await self._write_until_done(unit)
        return []

    async def _left_unknown(self, attempts: list[Attempt], reason: str, upstream_id: str) -> None:
        def unit(tx: Transaction) -> None:
            for attempt in attempts:
                tx.leave_unknown(attempt, reason, upstream_id)

        await self._write_until_done(unit)

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
            activations = await self._write_until_done(unit)
        except OutcomeUnknown as exc:
            await self._left_unknown(attempts, exc.reason, bought[0].upstream_id)
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
            if receipt.price > offer.price and any(receipt.price > cap for cap in self._caps(want, offer.provider)):
                return f"it took {print_usd(receipt.price)}, more than allowed"
        return ""

    def _caps(self, want: Want, provider: str) -> list[Usd]:
        rule = self.gateway.market.route(self.client, want).rule
        upstream = self.gateway.market.upstreams.get(provider)
        caps = (
            *(want.max_price, self.client.max_price),
            *(upstream.config.max_price if upstream else None, rule.max_price if rule else None),
        )
        return [cap for cap in caps if cap is not None]

    async def _write_until_done(self, unit: Callable[[Transaction], T]) -> T:
        """Money has moved: what happened must get into the books, however long they stay closed."""
        while True:
            try:
                return await self.gateway.store.write(unit)
            except StoreClosed:
                await self.gateway.clock.sleep(BOOKING_PAUSE)

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
    return Receipt(bought.upstream_id, bought.number, bought.operator, price, now + lifetime, bought.several_sms)
