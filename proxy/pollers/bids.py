"""Looking after the bids at one provider: a look at each in turn, and an end for those that nobody needs."""

import asyncio
from contextlib import suppress

from proxy.errors import ProviderError, StoreClosed
from proxy.gateway import bids, standing
from proxy.gateway.bidding import Desk
from proxy.gateway.gateway import Gateway
from proxy.pollers.codes import RELAXED
from proxy.pollers.looking import AT_ONCE
from proxy.store.bids import BidState, StandingBid

MOST_AT_ONCE = 100
"""Looks in one round; the others are first in the next."""
GRACE = 2.0
"""Seconds for a client that came for its number at the last moment."""


class Bids:
    """Sees to one provider's bids; `tend_round` is called again and again."""

    def __init__(self, gateway: Gateway, desk: Desk) -> None:
        self._gateway = gateway
        self._desk = desk
        self._started_at = gateway.clock.now()
        self._seen_at: dict[int, float] = {}
        """When each was looked at (monotonic)."""

    async def tend_round(self) -> None:
        """Makes no call while there is no bid."""
        known = await self._gateway.store.read.bids_at_work(self._desk.upstream.name)
        self._seen_at = {bid.id: self._seen_at.get(bid.id, float("-inf")) for bid in known}
        due = sorted(filter(self._is_due, known), key=lambda bid: self._seen_at[bid.id])
        waiting = iter(due[:MOST_AT_ONCE])

        async def worker() -> None:
            for bid in waiting:
                await self._see_to(bid)

        async with asyncio.TaskGroup() as group:
            for _ in range(min(AT_ONCE, len(due))):
                group.create_task(worker())

    def _is_due(self, bid: StandingBid) -> bool:
        """A bid that waits without complaint is looked at more rarely where webhooks tell of its luck."""
        if bid.state is not BidState.OPEN or self._why(bid):
            return True
        poll = self._desk.upstream.config.poll
        pause = max(RELAXED, RELAXED * poll) if self._desk.upstream.pushes_come else poll
        return self._gateway.clock.monotonic() - self._seen_at[bid.id] >= pause * 0.9

    def _why(self, bid: StandingBid) -> str:
        return bids.why_withdraw(self._gateway, bid, self._started_at)

    async def _see_to(self, bid: StandingBid) -> None:
        self._seen_at[bid.id] = self._gateway.clock.monotonic()
        with suppress(ProviderError, StoreClosed):  # then its turn comes again in the next round
            if bid.state is not BidState.WON:
                await standing.tend(self._gateway, self._desk, bid, self._why(bid))
            elif bid.settled_at and self._gateway.clock.now() - bid.settled_at > bids.PATIENT_SECONDS + GRACE:
                await standing.give_back(self._gateway, bid)
