"""Continuing a rent for its term once more: a purchase like any other, but of nothing new and from nobody else."""

import asyncio
from dataclasses import dataclass, field, replace

from proxy.domain.activation import Activation
from proxy.domain.attempt import Attempt
from proxy.domain.client import Client
from proxy.domain.money import Usd, print_usd
from proxy.domain.offer import Want
from proxy.errors import NoNumbers, NotSent, OutcomeUnknown, RentOver, WrongRentTime
from proxy.gateway import rentals, rents, spending, waiting
from proxy.gateway.deadline import Deadline
from proxy.gateway.gateway import Gateway
from proxy.gateway.upstream import Upstream
from proxy.providers.base import Reason, Refused, Renewed
from proxy.store.live import REDELIVERY_SECONDS
from proxy.store.transaction import Draft


async def price(gateway: Gateway, rent: Activation, hours: int | None) -> Usd:
    """What one term more costs at most. Raises RentOver, WrongRentTime for any other time than its own term."""
    if not rents.is_on(rent):
        raise RentOver(rent.status)
    if hours not in (None, rent.hours):
        raise WrongRentTime(f"it can be continued for {rent.hours} hours")
    await gateway.market.rents_known(gateway.market.config.deadline)
    upstream = gateway.market.upstream_of(rent)
    listed = upstream.term_price(rent.upstream_service, rent.country, rent.hours) if upstream else None
    return max(listed or 0, await gateway.store.read.dearest_term(rent))


async def renew(
    gateway: Gateway,
    client: Client,
    rent: Activation,
    hours: int | None,
    fingerprint: str,
    hung_up: asyncio.Future[None] | None,
) -> Activation:
    """The rent as it goes on, at the price of this term; or what the client was owed. Raises as `wait_for` does."""
    ceiling = await price(gateway, rent, hours)
    # That an answer arrived is written after it was sent: that write comes first, or the same term is given twice.
    await gateway.store.write(lambda tx: None)
    now, read = gateway.clock.now(), gateway.store.read
    if owed := await read.undelivered_renewal(rent.id, fingerprint, since=now - REDELIVERY_SECONDS):
        return replace(rent, price=owed)
    whose = (client.name, fingerprint)
    purchase = gateway.under_way.adopt(whose)
    if purchase is None:
        purchase = waiting.start(gateway, Renewal(gateway, client, rent, ceiling, fingerprint).run(), client.name)
    (renewed,) = await waiting.wait_for(gateway, whose, purchase, hung_up)
    return renewed


@dataclass(slots=True)
class Renewal:
    """One request for one term more."""

    gateway: Gateway
    client: Client
    rent: Activation
    ceiling: Usd
    fingerprint: str
    deadline: Deadline = field(init=False)

    async def run(self) -> list[Activation]:
        gateway = self.gateway
        if gateway.closing:
            raise NoNumbers("the gateway is stopping")
        if await gateway.store.read.renewal_is_unknown(self.rent.id):
            raise NoNumbers("whether an earlier request has continued it is not known yet")
        self.deadline = Deadline(gateway.clock, gateway.market.config.deadline)
        upstream = gateway.market.upstream_of(self.rent)
        if upstream is None:
            raise NoNumbers(f"{self.rent.provider} was taken out of routing.yaml")
        self._check_caps()
        (attempt,) = await spending.begin(gateway, [self._draft()], self.deadline)
        try:
            return [await self._spend(attempt, upstream)]
        finally:
            gateway.under_way.settled(self.client.name)

    def _check_caps(self) -> None:
        want = Want(self.rent.service, self.rent.country, hours=self.rent.hours)
        for cap in self.gateway.market.caps(self.client, want, self.rent.provider):
            if self.ceiling > cap:
                raise NoNumbers(f"{print_usd(self.ceiling)} is over the cap of {print_usd(cap)}")

    def _draft(self) -> Draft:
        rent = self.rent
        return Draft(
            client=self.client.name,
            service=rent.service,
            country=rent.country,
            provider=rent.provider,
            upstream_service=rent.upstream_service,
            hold=self.ceiling,
            lifetime=max(0, int(rent.expires_at - self.gateway.clock.now())),
            several_sms=rent.several_sms,
            fingerprint=self.fingerprint,
            budget=self.client.budget,
            hours=rent.hours,
            renews=rent.id,
        )

    async def _spend(self, attempt: Attempt, upstream: Upstream) -> Activation:
        """One request to the provider. Raises NoNumbers, RentOver."""
        try:
            answer = await upstream.renew(rentals.rental_of(self.rent), self.deadline.left)
        except NotSent as exc:
            await spending.refuse(self.gateway, [attempt], exc.reason)
            raise NoNumbers(exc.reason) from exc
        except OutcomeUnknown as exc:
            await spending.leave_unknown(self.gateway, [attempt], exc.reason)
            raise NoNumbers(f"outcome unknown ({exc.reason})") from exc
        if isinstance(answer, Refused):
            reason = answer.text or answer.reason
            await spending.refuse(self.gateway, [attempt], reason)
            if answer.reason is Reason.NUMBER_GONE:
                self.gateway.errands.start(rents.look(self.gateway, self.rent), f"end of rent {self.rent.id}")
                raise RentOver(reason)
            raise NoNumbers(reason)
        return await self._book(attempt, answer)

    async def _book(self, attempt: Attempt, answer: Renewed) -> Activation:
        paid = attempt.hold if answer.price is None else answer.price
        after = await spending.book(self.gateway, lambda tx: tx.extend(attempt, paid, answer.until))
        return replace(after, price=paid)
