"""Looking for SMS at one provider, with as few calls as can be.

A provider with a list of the account's newest SMS is asked for that one list, however many activations are open; a
rental is looked at by itself only if the list has news for it, if the list may have run over, and rarely to be sure. A
provider without such a list is asked rental by rental: often while a rental is young, less often later.
"""

from collections.abc import Iterable

from proxy.domain.activation import Activation, Status
from proxy.errors import ProviderError, StoreClosed
from proxy.gateway import rentals
from proxy.gateway.gateway import Gateway
from proxy.gateway.upstream import Upstream
from proxy.pollers.every import Schedule
from proxy.pollers.looking import each
from proxy.providers.base import News

LIST_LENGTH = 3
"""A list of newest SMS that is this long may have run over."""
TO_BE_SURE = 60.0
"""Seconds between looks at a rental that the list of newest SMS is trusted with, and at a rent."""
LOOKS_PER_SECOND = 100
ROUNDS_PER_POLL = 8
"""Rounds in the time between two looks at the same thing: so that no look waits long for its round."""
YOUNG, MIDDLING = 120.0, 300.0
"""Ages in seconds: most SMS come to the young, hardly any after that."""
RELAXED = 5.0
"""How much longer the pauses are while the provider's webhooks are known to come; at least so many seconds."""

AWAITING = frozenset({Status.WAITING, Status.WAITING_AGAIN, Status.CANCELLING})


class Codes:
    """Looks for SMS at one provider; `look_round` is called again and again."""

    def __init__(self, gateway: Gateway, upstream: Upstream) -> None:
        self._gateway = gateway
        self._upstream = upstream
        self._schedule = Schedule()
        self._open_by_number: dict[str, tuple[int, ...]] = {}
        self._known_news: set[News] = set()
        self._lists_newest = True
        self._listed_at = float("-inf")
        gateway.store.live.watch(self._notice)
        # What was open before the start may have had its SMS meanwhile, and a list of the newest need not show it.
        self._schedule.all_due(gateway.clock.monotonic())
        gateway.store.live.on_hurry(upstream.name, self._hurry)

    def stop(self) -> None:
        self._gateway.store.live.unwatch(self._notice)

    def _hurry(self, id: int, now: bool) -> None:
        pause = 0.0 if now else self._upstream.config.poll
        self._schedule.bring_forward(id, self._gateway.clock.monotonic() + pause)

    def _notice(self, activation: Activation) -> None:
        """Called with every open activation of any provider, and when it ends."""
        if activation.provider != self._upstream.name:
            return
        if not activation.is_open:
            self._forget(activation)
        elif activation.id not in self._schedule:
            others = self._of_number(activation)
            self._open_by_number[activation.phone] = (*others, activation.id)
            # Its SMS may have been on the list before the purchase was booked.
            is_early = any(news.number == activation.phone for news in self._known_news)
            due = self._gateway.clock.monotonic() if is_early else self._next(activation)
            self._schedule.put(activation.id, due)

    @property
    def _poll(self) -> float:
        poll = self._upstream.config.poll
        return max(RELAXED, RELAXED * poll) if self._upstream.pushes_come else poll

    def _next(self, activation: Activation) -> float:
        """When to look at it again; rarely at a rent that is not young, unless its client asks."""
        age = self._gateway.clock.now() - activation.created_at
        if activation.hours and age >= YOUNG:
            return self._gateway.clock.monotonic() + max(TO_BE_SURE, self._poll)
        pause = self._poll * (1 if age < YOUNG else 2 if age < MIDDLING else 4)
        if activation.status not in AWAITING:
            pause *= 4
        if self._lists_newest:
            pause = max(pause, TO_BE_SURE)
        return self._gateway.clock.monotonic() + pause

    async def look_round(self) -> None:
        """One round of looks; makes no call while nothing is open."""
        if not self._gateway.store.live.count_at(self._upstream.name):
            return
        now = self._gateway.clock.monotonic()
        if self._lists_newest and now - self._listed_at >= self._poll * 0.9:
            self._listed_at = now
            await self._read_list(now)
        most = max(1, int(LOOKS_PER_SECOND * self._upstream.config.poll / ROUNDS_PER_POLL))
        due = [self._gateway.store.live.open.get(id) for id in self._schedule.take(now, most)]
        await each((activation for activation in due if activation is not None), self._look)

    async def _read_list(self, now: float) -> None:
        """Ask for the newest SMS of the account, and make due whatever they are for."""
        try:
            news = await self._upstream.newest()
        except ProviderError:
            return
        if news is None:
            self._lists_newest = False
            self._schedule.all_due(now)
            return
        known = self._known_news
        self._known_news = set(news)
        if len(news) >= LIST_LENGTH and not known.intersection(news):
            self._schedule.all_due(now)
        for item in news:
            if item not in known:
                self._make_due(self._open_by_number.get(item.number, ()), now)

    def _make_due(self, ids: Iterable[int], now: float) -> None:
        for id in ids:
            self._schedule.bring_forward(id, now)

    async def _look(self, activation: Activation) -> None:
        """Look at one rental and book what came; whatever happens it is looked at again as long as it is open."""
        try:
            # A rent may end long before its time, and its messages can be read all the same.
            look = await self._upstream.look(rentals.rental_of(activation), closely=activation.hours > 0)
            after = await rentals.book_look(self._gateway, activation, look)
        except (ProviderError, StoreClosed):
            # There may be news that could not be read or kept: not as late as the next look would otherwise be.
            self._again(activation, self._gateway.clock.monotonic() + self._poll)
            return
        if after.code != activation.code:
            self._upstream.pushes_come = False  # a webhook would have been faster
        self._again(activation, self._next(after))

    def _again(self, activation: Activation, at: float) -> None:
        if activation.id in self._gateway.store.live.open:
            self._schedule.put(activation.id, at)

    def _forget(self, activation: Activation) -> None:
        self._schedule.drop(activation.id)
        others = self._of_number(activation)
        if others:
            self._open_by_number[activation.phone] = others
        else:
            self._open_by_number.pop(activation.phone, None)

    def _of_number(self, activation: Activation) -> tuple[int, ...]:
        """The other open activations of its number."""
        return tuple(id for id in self._open_by_number.get(activation.phone, ()) if id != activation.id)
