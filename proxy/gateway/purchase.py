"""Buying a number: the attempt is durable before the request leaves, and only a definite refusal moves on.

A purchase is an errand of its own: it goes on when the client hangs up, and the client's next equal request takes over
what it brings.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from proxy.domain.activation import Activation, Event, Status
from proxy.domain.attempt import Attempt
from proxy.domain.client import Client
from proxy.domain.money import Usd, print_usd
from proxy.domain.offer import Offer, Want
from proxy.domain.routing import OnUnknown, Route
from proxy.errors import ChannelsLimit, NoBalance, NoNumbers, NotSent, OutcomeUnknown, StoreClosed, WrongMaxPrice
from proxy.gateway.deadline import Deadline
from proxy.gateway.gateway import Gateway
from proxy.gateway.upstream import DEFAULT_LIFETIME, Upstream
from proxy.providers.base import Bought, Refused
from proxy.store.transaction import Draft, Receipt, Transaction

T = TypeVar("T")

STALE_SECONDS = 2.0
"""Prices older than this are asked for once more before a client is sent away."""
LAST_WORDS = 1.0
"""Seconds after the deadline for booking how it ended."""
BOOKING_PAUSE = 0.2
"""Between tries to book what is bought already, while the books cannot be written."""


class HungUp(Exception):
    """The client has gone; its purchase goes on."""


async def buy(
    gateway: Gateway, client: Client, want: Want, fingerprint: str, hung_up: asyncio.Future[None] | None
) -> Activation:
    """The activation for this request: one that the client was owed, or a new one.

    Raises what refuses it, or HungUp when `hung_up` was done first.
    """
    owed = gateway.store.live.redeliver(client.name, fingerprint, gateway.clock.now())
    if owed is not None:
        return owed
    whose = (client.name, fingerprint)
    purchase = gateway.under_way.adopt(whose)
    if purchase is None:
        errand = Purchase(gateway, client, want, fingerprint)
        purchase = gateway.errands.start(errand.run(), f"purchase for {client.name}")
    ends: list[asyncio.Future[Any]] = [purchase] if hung_up is None else [purchase, hung_up]
    seconds = gateway.market.config.deadline + LAST_WORDS
    await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    if purchase.done():
        return purchase.result()
    _abandon(gateway, whose, purchase)
    if hung_up is not None and hung_up.done():
        raise HungUp
    raise NoNumbers("the deadline is over; what may still be bought is for the next equal request")


def _abandon(gateway: Gateway, whose: tuple[str, str], purchase: asyncio.Future[Activation]) -> None:
    """Nobody waits for this purchase any more: keep what it brings for the client's next equal request."""

    def ended(purchase: asyncio.Future[Activation]) -> None:
        if gateway.under_way.forsaken(whose, purchase) and not purchase.cancelled() and purchase.exception() is None:
            gateway.store.live.keep_for_redelivery(purchase.result(), whose[1])

    gateway.under_way.orphan(whose, purchase)
    purchase.add_done_callback(ended)


@dataclass(slots=True)
class Purchase:
    """One getNumber on its way along a route."""

    gateway: Gateway
    client: Client
    want: Want
    fingerprint: str
    deadline: Deadline = field(init=False)
    tried: set[tuple[str, Usd]] = field(default_factory=set)
    refusals: list[str] = field(default_factory=list)
    too_dear: list[str] = field(default_factory=list)
    """Offers that the client's budget does not cover."""

    async def run(self) -> Activation:
        gateway, name = self.gateway, self.client.name
        if gateway.closing:
            raise NoNumbers("the gateway is stopping")
        limit = self.client.max_open
        if limit is not None and gateway.store.live.count(name) + gateway.under_way.buying(name) >= limit:
            raise ChannelsLimit
        self.deadline = Deadline(gateway.clock, gateway.market.config.deadline)
        gateway.under_way.began(name)
        try:
            return await self._along_the_route()
        finally:
            gateway.under_way.ended(name)

    async def _along_the_route(self) -> Activation:
        """Try the offers in turn; when all fail, once more with fresh prices."""
        for at_most_old in (None, STALE_SECONDS):
            if at_most_old is None:
                await self.gateway.market.prices_known(self.deadline.left)
            else:
                await self._learn_prices(at_most_old)
            route = self.gateway.market.route(self.client, self.want)
            bought = await self._try_each(route)
            if bought is not None:
                return bought
        raise self._refusal(route)

    async def _learn_prices(self, at_most_old: float) -> None:
        await self.gateway.market.learn_prices(
            self.gateway.market.upstreams.values(), at_most_old=at_most_old, seconds=self.deadline.left
        )

    async def _try_each(self, route: Route) -> Activation | None:
        for offer in route.kept:
            if (offer.provider, offer.price) in self.tried:
                continue
            if not self.deadline:
                self.refusals.append("the deadline is over")
                return None
            self.tried.add((offer.provider, offer.price))
            try:
                bought = await self._try(offer)
            except NoBalance:
                self.too_dear.append(f"{offer.provider}: {print_usd(offer.price)} is more than the budget has left")
            except OutcomeUnknown as exc:
                self.refusals.append(f"{offer.provider}: outcome unknown ({exc.reason})")
                if route.rule is None or route.rule.on_unknown is OnUnknown.FAIL:
                    raise NoNumbers("; ".join(self.refusals)) from exc
            else:
                if bought is not None:
                    return bought
        return None

    async def _try(self, offer: Offer) -> Activation | None:
        """One attempt at one provider; None if it was definitely refused. Raises NoBalance, OutcomeUnknown."""
        upstream = self.gateway.market.upstreams[offer.provider]
        attempt = await self._begin(offer)
        try:
            return await self._spend(attempt, offer, upstream)
        finally:
            self.gateway.under_way.settled(self.client.name)

    async def _spend(self, attempt: Attempt, offer: Offer, upstream: Upstream) -> Activation | None:
        try:
            answer = await upstream.buy(offer, self.want, self.deadline.left)
        except NotSent as exc:
            await self._refused(attempt, exc.reason)
            return None
        except OutcomeUnknown as exc:
            reason, upstream_id = exc.reason, exc.upstream_id
            await self._write_until_done(lambda tx: tx.leave_unknown(attempt, reason, upstream_id))
            raise
        if isinstance(answer, Refused):
            await self._refused(attempt, answer.text or answer.reason)
            return None
        return await self._book(attempt, offer, upstream, answer)

    async def _begin(self, offer: Offer) -> Attempt:
        """Book hold and attempt; while other purchases of the client hold the money that is left, wait for them."""
        draft = Draft(
            client=self.client.name,
            service=self.want.service,
            country=self.want.country,
            provider=offer.provider,
            upstream_service=offer.service,
            hold=offer.price,
            lifetime=offer.lifetime or DEFAULT_LIFETIME,
            several_sms=offer.several_sms,
            fingerprint=self.fingerprint,
            budget=self.client.budget,
        )
        under_way = self.gateway.under_way
        while True:
            settlements = under_way.settlements
            try:
                attempt = await self.gateway.store.write(lambda tx: tx.begin_attempt(draft))
            except StoreClosed as exc:
                raise NoNumbers(f"the books cannot be written: {exc}") from exc
            except NoBalance:
                if settlements == under_way.settlements:
                    await self._wait_for_money()
            else:
                under_way.held(self.client.name)
                return attempt

    async def _wait_for_money(self) -> None:
        """Until another purchase of this client is settled. Raises NoBalance if there is none to wait for."""
        if not self.gateway.under_way.is_holding(self.client.name):
            raise NoBalance
        try:
            await self.gateway.under_way.wait_for_money(self.client.name, self.deadline.left)
        except TimeoutError:
            raise NoBalance from None

    async def _refused(self, attempt: Attempt, reason: str) -> None:
        self.refusals.append(f"{attempt.provider}: {reason}")
        await self._write_until_done(lambda tx: tx.refuse(attempt, reason))

    async def _book(self, attempt: Attempt, offer: Offer, upstream: Upstream, bought: Bought) -> Activation | None:
        """Book what was bought. What is dearer than any cap allows or not wanted goes back, and the search goes on."""
        price = offer.price if bought.price is None else bought.price
        lifetime = bought.lifetime or attempt.lifetime
        receipt = Receipt(
            bought.upstream_id, bought.number, bought.operator, price, self.gateway.clock.now() + lifetime
        )
        over_caps = price > offer.price and any(price > cap for cap in self._caps(upstream) if cap is not None)

        unwanted = bool(self.want.unwanted) and bought.number.startswith(self.want.unwanted)

        def unit(tx: Transaction) -> Activation:
            more = price - attempt.hold
            too_dear = over_caps or (more > 0 and not tx.affords(self.client.name, self.client.budget, more))
            activation = tx.book(attempt, receipt)
            goes_back = too_dear or unwanted
            return tx.advance_if_possible(activation.id, Event.CLIENT_CANCELLED) if goes_back else activation

        try:
            activation = await self._write_until_done(unit)
        except OutcomeUnknown as exc:
            reason, upstream_id = exc.reason, bought.upstream_id
            await self._write_until_done(lambda tx: tx.leave_unknown(attempt, reason, upstream_id))
            raise
        if activation.status is not Status.CANCELLING:
            return activation
        why = "its number is not wanted" if unwanted else f"it took {print_usd(price)}, more than allowed"
        self.refusals.append(f"{offer.provider}: {why}; given back")
        return None

    def _caps(self, upstream: Upstream) -> tuple[Usd | None, ...]:
        route = self.gateway.market.route(self.client, self.want)
        rule_cap = route.rule.max_price if route.rule else None
        return self.want.max_price, self.client.max_price, upstream.config.max_price, rule_cap

    async def _write_until_done(self, unit: Callable[[Transaction], T]) -> T:
        """Money has moved: what happened must get into the books, however long they stay closed."""
        while True:
            try:
                return await self.gateway.store.write(unit)
            except StoreClosed:
                await self.gateway.clock.sleep(BOOKING_PAUSE)

    def _refusal(self, route: Route) -> Exception:
        """Why there is no number, in the word that helps the client most."""
        if self.refusals:
            return NoNumbers("; ".join(self.refusals + self.too_dear))
        if self.too_dear:
            return NoBalance("; ".join(self.too_dear))
        if route.least_price is not None:
            return WrongMaxPrice(route.least_price)
        return NoNumbers(route.why_empty)
