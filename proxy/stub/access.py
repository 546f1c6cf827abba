"""Who is asking: keys by their digest, how fast each client may ask, and how fast it is turned away."""

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

REFUSAL_SECONDS = 0.002
"""Between two refusals of one client when it asks on and on, or of all strangers together."""
AT_ONCE = 10
"""Refusals after a rest that nobody waits for."""
LONGEST_WAIT = 2.0


def digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()


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
        if not self.took():
            raise TooManyRequests(max(1, math.ceil((1 - self._tokens) / self.rate)))

    def took(self) -> bool:
        """Take a token if there is one."""
        now = self._clock.monotonic()
        self._tokens = min(self.rate, self._tokens + (now - self._filled_at) * self.rate)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Line:
    """Where the refused wait for their answers: a flood spends its time here, and not that of others."""

    __slots__ = ("_clock", "_next")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._next = -math.inf

    async def turn(self) -> None:
        now = self._clock.monotonic()
        earliest = now - AT_ONCE * REFUSAL_SECONDS
        self._next = min(max(self._next, earliest) + REFUSAL_SECONDS, now + LONGEST_WAIT)
        if self._next > now:
            await self._clock.sleep(self._next - now)


class Access:
    """The door's list. Clear keys are not kept: a digest finds the client, and is compared in constant time."""

    def __init__(self, clients: Sequence[KeyedClient], clock: Clock, buckets: Mapping[str, Bucket] = {}) -> None:
        self._clients = {digest(keyed.api_key.encode()): keyed.client for keyed in clients}
        self._digests = {found: found for found in self._clients}
        self.buckets: dict[str, Bucket] = {}
        self._lines: dict[str, Line] = {}
        for client in (STRANGER, *self._clients.values()):
            self._lines[client.name] = Line(clock)
            if client.rate:
                # A bucket that is there already keeps its filling: a new configuration is no second start.
                bucket = self.buckets[client.name] = buckets.get(client.name) or Bucket(client.rate, clock)
                bucket.rate = client.rate

    def enter(self, key: str | None, *, open: bool = False) -> Client:
        """The client with this key, if it does not ask too fast. Raises BadKey, TooManyRequests."""
        client = self.find(key.encode()) if key else None
        if client is None:
            if not open:
                raise BadKey
            client = STRANGER
        if bucket := self.buckets.get(client.name):
            bucket.take()
        return client

    def find(self, key: bytes) -> Client | None:
        """The client with this key, however fast it asks."""
        asked = digest(key)
        known = self._digests.get(asked)
        return self._clients[known] if known is not None and hmac.compare_digest(known, asked) else None

    async def turn_away(self, client: Client | None) -> None:
        """Wait for the turn to be refused; None: a stranger."""
        await self._lines[(client or STRANGER).name].turn()
