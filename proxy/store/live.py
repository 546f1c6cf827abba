"""What is open now, in memory: a view of the books that answers polls and that a restart rebuilds."""

from collections import deque
from collections.abc import Callable, Iterable

from proxy.domain.activation import SEEN_OPEN, Activation

REDELIVERY_SECONDS = 120
"""How long an undelivered purchase waits for the client's next equal request."""


class Live:
    """Every open activation by id, by rental and by client, and the purchases whose reply reached nobody."""

    def __init__(self) -> None:
        self.open: dict[int, Activation] = {}
        self._ids_by_client: dict[str, set[int]] = {}
        self._rentals: dict[str, dict[str, int]] = {}
        """By provider: its own ids, and ours."""
        self._hurriers: dict[str, Callable[[int, bool], None]] = {}
        self._watchers: list[Callable[[Activation], None]] = []
        self._undelivered: dict[tuple[str, str], deque[Activation]] = {}

    def watch(self, watcher: Callable[[Activation], None]) -> None:
        """Call `watcher` with every open activation, those that are there now first, and again whenever it changes."""
        self._watchers.append(watcher)
        for activation in self.open.values():
            watcher(activation)

    def unwatch(self, watcher: Callable[[Activation], None]) -> None:
        self._watchers.remove(watcher)

    def on_hurry(self, provider: str, look: Callable[[int, bool], None]) -> None:
        """Whom to tell that an activation at this provider is worth a look: now, or else as soon as is usual."""
        self._hurriers[provider] = look

    def hurry(self, provider: str, upstream_id: str) -> None:
        """Something happened to this rental: have it looked at, if it is one of ours."""
        id = self._rentals.get(provider, {}).get(upstream_id)
        if id is not None and provider in self._hurriers:
            self._hurriers[provider](id, True)

    def is_asked_for(self, activation: Activation) -> None:
        """A client wants to know what has come for it: it should not wait for a look longer than is usual."""
        if activation.provider in self._hurriers:
            self._hurriers[activation.provider](activation.id, False)

    def knows(self, provider: str, upstream_id: str) -> bool:
        """Whether this rental belongs to an open activation."""
        return upstream_id in self._rentals.get(provider, {})

    def of_rental(self, provider: str, upstream_id: str) -> Activation | None:
        """The open activation of this rental."""
        return self.open.get(self._rentals.get(provider, {}).get(upstream_id, 0))

    def put(self, activation: Activation) -> None:
        if activation.is_open:
            self.open[activation.id] = activation
            self._rentals.setdefault(activation.provider, {})[activation.upstream_id] = activation.id
            self._ids_by_client.setdefault(activation.client, set()).add(activation.id)
        elif not self._remove(activation):
            return
        for watcher in self._watchers:
            watcher(activation)

    def of_client(self, client: str) -> list[Activation]:
        """The client's open activations, oldest first."""
        return self._sorted(self._ids_by_client.get(client, ()))

    def of_provider(self, provider: str) -> list[Activation]:
        """What is open at a provider, oldest first."""
        return self._sorted(self._rentals.get(provider, {}).values())

    def count_at(self, provider: str) -> int:
        return len(self._rentals.get(provider, ()))

    def keep_for_redelivery(self, activation: Activation, fingerprint: str) -> None:
        self._undelivered.setdefault((activation.client, fingerprint), deque()).append(activation)

    def redeliver(self, client: str, fingerprint: str, now: float, wanted: int = 1) -> list[Activation]:
        """What this client bought with an equal request and never heard of: as many as `wanted`, or nothing."""
        waiting = self._undelivered.pop((client, fingerprint), deque())
        still = deque(a for kept in waiting if (a := self.open.get(kept.id)) and self._can_be_given(a, now))
        found = [still.popleft() for _ in range(wanted)] if len(still) >= wanted else []
        if still:
            self._undelivered[client, fingerprint] = still
        return found

    def _can_be_given(self, activation: Activation, now: float) -> bool:
        return activation.status in SEEN_OPEN and now - activation.created_at <= REDELIVERY_SECONDS

    def forget_old_redeliveries(self, now: float) -> None:
        """Drop those that nobody came back for, so that the list stays as short as two minutes are."""
        for key, waiting in list(self._undelivered.items()):
            while waiting and now - waiting[0].created_at > REDELIVERY_SECONDS:
                waiting.popleft()
            if not waiting:
                del self._undelivered[key]

    def _remove(self, activation: Activation) -> bool:
        """Whether it was there."""
        if self.open.pop(activation.id, None) is None:
            return False
        rentals, ids = self._rentals[activation.provider], self._ids_by_client[activation.client]
        rentals.pop(activation.upstream_id, None)
        ids.discard(activation.id)
        if not rentals:
            del self._rentals[activation.provider]
        if not ids:
            del self._ids_by_client[activation.client]
        return True

    def _sorted(self, ids: Iterable[int]) -> list[Activation]:
        return [self.open[id] for id in sorted(ids)]
