"""One configured provider at work: its adapter with the price list, the health and the balance that it is known by."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from proxy.catalog.matching import Matcher
from proxy.clock import Clock
from proxy.config import ProviderConfig
from proxy.domain.money import Usd, scale
from proxy.domain.offer import Offer, Want
from proxy.domain.routing import Candidate
from proxy.errors import NoTurn, OutcomeUnknown, ProviderError
from proxy.gateway.health import Health
from proxy.providers.base import (
    ANY_SERVICE,
    Auction,
    Auctioneer,
    Bought,
    Cancelled,
    Listing,
    Look,
    News,
    OpenRental,
    Order,
    Provider,
    Push,
    Reason,
    Refused,
    Renewed,
    Rental,
)

T = TypeVar("T")

NEVER = float("-inf")
DEFAULT_LIFETIME = 1200
"""Seconds; SMS-Activate's own 20 minutes, where a provider says nothing."""
OWN_FAULTS = frozenset({Reason.BAD_KEY, Reason.NO_MONEY, Reason.MAINTENANCE})
"""Refusals that say something about the provider's account, not about the request."""
PATIENCE = 20.0
"""Seconds for a call that is no purchase, with the wait for a turn where the provider limits them."""
SMOOTHING = 0.2
"""How much one call counts in the latency that is shown."""


def share(delivered: int, ended: int) -> float | None:
    """None without history."""
    return delivered / ended if ended else None


class Upstream:
    """What the use cases and pollers ask instead of the bare adapter."""

    def __init__(
        self,
        config: ProviderConfig,
        provider: Provider,
        services: Mapping[str, Mapping[str, str]],
        clock: Clock,
        jitter: random.Random,
    ) -> None:
        self.config = config
        self.name = config.name
        self._provider = provider
        self._services = services
        self._clock = clock
        self._listings: dict[tuple[str, int], Listing] = {}
        self._rents: dict[tuple[str, int], tuple[Listing, ...]] = {}
        """By its service and country: the terms that are sold, shortest first."""
        self._learning = asyncio.Lock()
        self.names = Matcher(config.kind, config.name, services, ())
        self.health = Health(clock, jitter)
        self.version = 0
        """Grows whenever something changes that offers are made of."""
        self.learnt_at: float | None = None
        self.tried_at = NEVER
        """When its prices were last asked for (monotonic)."""
        self.rents_tried_at = NEVER
        """When the prices of its rents were last asked for (monotonic); nobody does until a client wants one."""
        self.price_trouble = ""
        self.rents_trouble = ""
        self.balance: Usd | None = None
        self.balance_trouble = ""
        self.money_moved = True
        """The balance is worth asking for again."""
        self.latency_ms: float | None = None
        self.delivery: Mapping[str, tuple[int, int]] = {}
        """By its service: how many recent activations brought a code, of how many."""
        self.pushes_come = bool(config.webhook_token)
        """Its webhooks are believed to arrive, so that looking for SMS is only to be sure."""

    # Prices

    @property
    def listings(self) -> Iterable[Listing]:
        return self._listings.values()

    async def learn(self, at_most_old: float = 0.0) -> None:
        """Ask for the price list, unless it was asked for within so many seconds; never raises."""
        async with self._learning:
            if self._clock.monotonic() - self.tried_at < at_most_old:
                return
            try:
                listings = await self._ask(self._provider.listings)
            except ProviderError as exc:
                self.price_trouble = exc.reason
                self.health.failed(exc.reason)
            else:
                self._keep({(listing.service, listing.country): listing for listing in listings})
                self.price_trouble, self.learnt_at = "", self._clock.now()
            self.tried_at = self._clock.monotonic()

    def _keep(self, listings: dict[tuple[str, int], Listing]) -> None:
        if listings.keys() != self._listings.keys():
            names = [(listing.service, listing.title) for listing in listings.values()]
            self.names = Matcher(self.config.kind, self.name, self._services, names)
        self._listings = listings
        self.version += 1

    @property
    def rents(self) -> Iterable[Listing]:
        return (listing for terms in self._rents.values() for listing in terms)

    async def learn_rents(self, at_most_old: float) -> None:
        """Ask for the prices of rents, unless they were asked for within so many seconds; never raises."""
        async with self._learning:
            if self._clock.monotonic() - self.rents_tried_at < at_most_old:
                return
            try:
                listings = await self._ask(self._provider.rent_listings)
            except ProviderError as exc:
                self.rents_trouble = exc.reason
            else:
                self.rents_trouble = ""
                self._rents = {}
                for listing in sorted(listings, key=lambda listing: listing.hours):
                    key = listing.service, listing.country
                    self._rents[key] = (*self._rents.get(key, ()), listing)
            self.rents_tried_at = self._clock.monotonic()

    def candidate(self, want: Want) -> Candidate:
        """What this provider has to offer for a request, from memory."""
        offer, trouble = self._offer(want)
        return Candidate(self.name, offer, trouble, self.health.aside, self.config.max_price)

    def _offer(self, want: Want) -> tuple[Offer | None, str]:
        if not self.config.enabled:
            return None, "switched off in routing.yaml"
        if self.learnt_at is None:
            return None, f"its prices are not known: {self.price_trouble or 'not asked yet'}"
        own_name = self.own_name(want)
        if own_name is None:
            return None, f"does not sell {want.service}"
        listing = self._listing(own_name, want)
        if listing is None:
            return None, self._why_not(want)
        quote = self._provider.quote(listing, self.order(listing, want, listing.price))
        if isinstance(quote, Refused):
            return None, quote.text or quote.reason
        return (
            Offer(
                provider=self.name,
                service=listing.service,
                country=want.country,
                price=quote,
                list_price=listing.price,
                stock=listing.stock,
                learnt_at=self.learnt_at,
                lifetime=listing.lifetime,
                several_sms=listing.several_sms,
                delivery=share(*self.delivery.get(own_name, (0, 0))),
                hours=listing.hours,
            ),
            "",
        )

    def term_price(self, own_name: str, country: int, hours: int) -> Usd | None:
        """What is asked for a rent of exactly this term; None if it is not sold."""
        terms = self._rents.get((own_name, country), ())
        return next((listing.price for listing in terms if listing.hours == hours), None)

    def own_name(self, want: Want) -> str | None:
        """What this provider calls the service that is wanted."""
        return ANY_SERVICE if want.hours and want.service == ANY_SERVICE else self.names.find(want.service)

    def _listing(self, own_name: str, want: Want) -> Listing | None:
        """The line of the price list that serves a request: of rents the shortest that is long enough."""
        if not want.hours:
            return self._listings.get((own_name, want.country))
        terms = self._rents.get((own_name, want.country), ())
        return next((listing for listing in terms if listing.hours >= want.hours), None)

    def _why_not(self, want: Want) -> str:
        if not want.hours:
            return f"does not sell {want.service} in country {want.country}"
        return self.rents_trouble or f"rents no {want.service} in country {want.country} for {want.hours} hours"

    def order(self, listing: Listing | Offer, want: Want, limit: Usd) -> Order:
        return Order(
            service=listing.service,
            country=want.country,
            price_limit=limit,
            carrier=want.operator,
            keep_carrier=want.keep_operator,
            area_codes=want.area_codes,
            lock_area_codes=want.lock_area_codes,
            number=want.number,
            renews=want.renews,
            renewed_price=want.renewed_price,
            hours=listing.hours,
        )

    # Purchases

    def joint(self, offers: Sequence[Offer]) -> list[Offer] | None:
        """The offers at what they can cost as one purchase; None if they cannot be bought together."""
        listings = [self._listings.get((offer.service, offer.country)) for offer in offers]
        prices = self._provider.quote_together([listing for listing in listings if listing is not None])
        if prices is None or len(prices) != len(offers):
            return None
        return [replace(offer, price=price) for offer, price in zip(offers, prices, strict=True)]

    def marked_up(self, service: str, country: int, markup: int | None) -> Usd | None:
        """What so many per cent over the listed price come to; None if there are none, or it is not known."""
        listing = self._listings.get((service, country))
        return scale(listing.price, 100 + markup) if listing and markup else None

    async def buy(self, offers: Sequence[Offer], wants: Sequence[Want], timeout: float) -> Sequence[Bought] | Refused:
        """Spend money; what the answer teaches about price, stock and health is kept. Raises as the adapter does."""
        orders = [self.order(offer, want, offer.price) for offer, want in zip(offers, wants, strict=True)]
        answer = await self._spend(self._sell(orders, timeout))
        if len(offers) == 1:
            self._learn_from(answer if isinstance(answer, Refused) else answer[0], offers[0], wants[0])
        return answer

    async def renew(self, rental: Rental, timeout: float) -> Renewed | Refused:
        """Spend money: the rent's term once more. Raises as the adapter does."""
        return await self._spend(self._provider.renew(rental, timeout))

    async def _spend(self, call: Awaitable[T | Refused]) -> T | Refused:
        """What a call that costs money says about the provider's health is kept."""
        try:
            answer = await self._timed(call)
        except ProviderError as exc:
            if not isinstance(exc, NoTurn):
                self.health.failed(exc.reason)
            self.money_moved = self.money_moved or isinstance(exc, OutcomeUnknown)
            raise
        if isinstance(answer, Refused) and answer.reason in OWN_FAULTS:
            self.health.failed(answer.text or answer.reason)
        else:
            self.health.succeeded()
        self.money_moved = self.money_moved or not isinstance(answer, Refused)
        return answer

    async def _sell(self, orders: Sequence[Order], timeout: float) -> Sequence[Bought] | Refused:
        if len(orders) > 1:
            return await self._provider.buy_together(orders, timeout)
        answer = await self._provider.buy(orders[0], timeout)
        return answer if isinstance(answer, Refused) else [answer]

    def _learn_from(self, answer: Bought | Refused, offer: Offer, want: Want) -> None:
        """Correct the price list by what was just heard, until it is asked for again."""
        listing = self._listings.get((offer.service, offer.country))
        if listing is None or want.number or want.hours:
            return
        plain = not (want.operator or want.area_codes)
        match answer:
            case Refused(Reason.OUT_OF_STOCK) if plain:
                listing = replace(listing, stock=0)
            case Refused(Reason.TOO_DEAR, price=Usd() as price) if plain:
                listing = replace(listing, price=price)
            case Bought(price=Usd() as price) if plain:
                listing = replace(listing, price=price, stock=listing.stock and max(0, listing.stock - 1))
            case Bought():
                listing = replace(listing, stock=listing.stock and max(0, listing.stock - 1))
        self._listings[offer.service, offer.country] = listing
        self.version += 1

    # Rentals

    async def cancel(self, rental: Rental) -> Cancelled:
        answer = await self._ask(lambda seconds: self._provider.cancel(rental, seconds))
        self.money_moved = self.money_moved or answer is Cancelled.DONE
        return answer

    async def finish(self, rental: Rental) -> None:
        await self._ask(lambda seconds: self._provider.finish(rental, seconds))

    async def again(self, rental: Rental) -> bool:
        """Ask for another SMS on the same number; whether the provider grants it."""
        return await self._ask(lambda seconds: self._provider.again(rental, seconds))

    async def look(self, rental: Rental, *, closely: bool = False) -> Look:
        return await self._ask(lambda seconds: self._provider.look(rental, seconds, closely=closely))

    async def open_rentals(self) -> Sequence[OpenRental] | None:
        """What the account has open; None: the provider has no such list."""
        return await self._ask(self._provider.open_rentals)

    async def open_rents(self) -> Sequence[OpenRental] | None:
        """The rents that the account has; None: the provider has no such list."""
        return await self._ask(self._provider.open_rents)

    @property
    def auctioneer(self) -> Auctioneer | None:
        """None: it sells nothing by auction."""
        return self._provider if isinstance(self._provider, Auctioneer) else None

    async def auctions(self) -> Sequence[Auction]:
        """Those that can be bid on now; nothing where there are none."""
        return await self._ask(self.auctioneer.auctions) if self.auctioneer else ()

    async def bid(self, id: str, amount: Usd) -> Usd | Refused:
        """Spend the operator's money: so much for each number of the lot. Raises as the adapter does."""
        if self.auctioneer is None:
            return Refused(Reason.BAD_REQUEST, "there are no auctions")
        return await self._spend(self.auctioneer.bid(id, amount, PATIENCE))

    async def newest(self) -> list[News] | None:
        news = await self._ask(self._provider.newest)
        return None if news is None else list(news)

    async def ask_balance(self) -> Usd:
        """Ask the provider for the account's balance and keep it."""
        try:
            self.balance = await self._ask(self._provider.balance)
        except ProviderError as exc:
            self.balance_trouble = exc.reason
            raise
        self.balance_trouble = ""
        return self.balance

    @property
    def carriers(self) -> tuple[str, ...]:
        """That an order can name; empty: none, or nobody knows which."""
        return self._provider.carriers

    def read_push(self, fields: Mapping[str, object]) -> Push | None:
        """Understand a webhook. Raises ValueError for rubbish."""
        return self._provider.read_push(fields)

    @property
    def delivery_rate(self) -> float | None:
        """Over all its services."""
        return share(*(sum(column) for column in zip((0, 0), *self.delivery.values(), strict=True)))

    # Calls

    async def _ask(self, call: Callable[[float], Awaitable[T]]) -> T:
        return await self._timed(call(PATIENCE))

    async def _timed(self, call: Awaitable[T]) -> T:
        begun = self._clock.monotonic()
        try:
            return await call
        finally:
            took = 1000 * (self._clock.monotonic() - begun)
            before = took if self.latency_ms is None else self.latency_ms
            self.latency_ms = before + SMOOTHING * (took - before)

    @property
    def trouble(self) -> str:
        """Why it cannot be used just now; empty if it can."""
        if not self.config.enabled:
            return "switched off in routing.yaml"
        return self.health.aside or (self.price_trouble if self.learnt_at is None else "")

    async def aclose(self) -> None:
        await self._provider.aclose()
