"""Who is asking: keys by their digest, and how fast each client may ask."""

import hashlib
import hmac
import math
from collections.abc import Mapping, Sequence

from proxy.clock import Clock
from proxy.config import KeyedClient
from proxy.domain.client import Client
from proxy.errors import BadKey, TooManyRequests

STRANGER = Client("", rate=20)
"""Whoever asks without a key for what needs none; all of them share its rate."""


def digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


class Bucket:
    """Holds as many tokens as may be spent in one second, and fills at that rate."""

    __slots__ = ("_clock", "_filled_at", "_tokens", "rate")

    def __init__(self, rate: float, clock: Clock) -> None:
        self._clock = clock
        self.rate = rate
        self._tokens = rate
        self._filled_at = clock.monotonic()

    def take(self) -> None:
        """Raises TooManyRequests when there is no token left."""
        now = self._clock.monotonic()
        self._tokens = min(self.rate, self._tokens + (now - self._filled_at) * self.rate)
        self._filled_at = now
        if self._tokens < 1:
            raise TooManyRequests(max(1, math.ceil((1 - self._tokens) / self.rate)))
        self._tokens -= 1


class Access:
    """The door's list. Clear keys are not kept: a digest finds the client, and is compared in constant time."""

    def __init__(self, clients: Sequence[KeyedClient], clock: Clock, buckets: Mapping[str, Bucket] = {}) -> None:
        self._clients = {digest(keyed.api_key): keyed.client for keyed in clients}
        self._digests = {found: found for found in self._clients}
        self.buckets: dict[str, Bucket] = {}
        for client in (STRANGER, *self._clients.values()):
            if client.rate:
                # A bucket that is there already keeps its filling: a new configuration is no second start.
                bucket = self.buckets[client.name] = buckets.get(client.name) or Bucket(client.rate, clock)
                bucket.rate = client.rate

    def enter(self, key: str | None, *, open: bool = False) -> Client:
        """The client with this key, if it does not ask too fast. Raises BadKey, TooManyRequests."""
        client = self.find(key) if key else None
        if client is None:
            if not open:
                raise BadKey
            client = STRANGER
        if bucket := self.buckets.get(client.name):
            bucket.take()
        return client

    def find(self, key: str) -> Client | None:
        """The client with this key, however fast it asks."""
        asked = digest(key)
        known = self._digests.get(asked)
        return self._clients[known] if known is not None and hmac.compare_digest(known, asked) else None
