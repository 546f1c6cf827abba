"""How one provider's activations come to their end: their time runs out, or a wish to cancel waits for the provider."""

from proxy.domain.activation import Activation, Event, Status
from proxy.errors import ProviderError, StoreClosed
from proxy.gateway import rentals
from proxy.gateway.gateway import Gateway
from proxy.pollers.every import Schedule
from proxy.pollers.looking import each

GRACE = 3.0
"""Seconds after the end of a rental's time before it is asked how it ended."""
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 15.0
"""Seconds between tries to reach the provider: it hears of a cancellation soon after it is back."""
GIVE_UP = 86_400.0
"""Seconds after the end of its time at which an activation is closed without the provider's word."""
LAST_SMS = 3_600.0
"""Seconds for which a provider that cannot be reached is still asked for the last SMS of a number with a code."""
MOST_AT_ONCE = 200


class Endings:
    """Sees to one provider's activations; `end_round` is called again and again."""

    def __init__(self, gateway: Gateway, provider: str) -> None:
        self._gateway = gateway
        self._provider = provider
        self._schedule = Schedule()
        self._tries: dict[int, int] = {}
        gateway.store.live.watch(self._notice)

    def stop(self) -> None:
        self._gateway.store.live.unwatch(self._notice)

    def _notice(self, activation: Activation) -> None:
        if activation.provider != self._provider:
            return
        if not activation.is_open:
            self._schedule.drop(activation.id)
            self._tries.pop(activation.id, None)
        elif activation.status in (Status.CANCELLING, Status.ENDING):
            if activation.id not in self._tries:
                self._later(activation)
        else:
            self._schedule.put(activation.id, activation.expires_at + GRACE)

    def _later(self, activation: Activation) -> None:
        """Try again after a pause that grows."""
        tries = self._tries.get(activation.id, 0)
        self._tries[activation.id] = tries + 1
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(tries, 10))
        self._schedule.put(activation.id, self._gateway.clock.now() + pause)

    async def end_round(self) -> None:
        due = list(self._schedule.take(self._gateway.clock.now(), MOST_AT_ONCE))
        found = [self._gateway.store.live.open.get(id) for id in due]
        await each((activation for activation in found if activation is not None), self._see_to)
        for id in due:
            if id not in self._gateway.store.live.open:
                self._tries.pop(id, None)

    async def _see_to(self, activation: Activation) -> None:
        try:
            if activation.status is Status.CANCELLING:
                after = await rentals.give_back(self._gateway, activation) or activation
            else:
                after = await self._end(activation)
        except StoreClosed:
            self._later(activation)
            return
        is_up = self._gateway.clock.now() >= after.expires_at
        if after.is_open and (is_up or after.status is Status.CANCELLING):
            self._later(after)
        elif after.is_open:
            self._tries.pop(after.id, None)
            self._schedule.put(after.id, after.expires_at + GRACE)

    async def _end(self, activation: Activation) -> Activation:
        """Its time is up: book how the provider says it ended, or leave it ENDING until the provider says."""
        upstream = self._gateway.market.upstream_of(activation)
        try:
            if upstream is not None:
                look = await upstream.look(rentals.rental_of(activation), closely=True)
                activation = await rentals.book_look(self._gateway, activation, look, at_end=True)
        except ProviderError:
            # What waits for its first code becomes ENDING, and the provider is asked again. What has one already
            # would be finished at once: not before its last SMS was asked for.
            if activation.code and self._gateway.clock.now() < activation.expires_at + LAST_SMS:
                return activation
        if not activation.is_open:
            return activation
        late = self._gateway.clock.now() - activation.expires_at
        event = Event.PROVIDER_ENDED if late > GIVE_UP else Event.TIME_RAN_OUT
        return await self._gateway.store.write(lambda tx: tx.advance_if_possible(activation.id, event))
