"""Unknown purchases come to rest: found at the provider where it can tell, released by time where it cannot."""

from itertools import groupby

from proxy.domain.attempt import Attempt
from proxy.gateway.gateway import Gateway
from proxy.gateway.settlement import find_at

MARGIN = 60.0
"""Seconds beyond a rental's lifetime, for clocks that differ."""


async def settle_unknown(gateway: Gateway) -> None:
    """One look at every attempt whose outcome is unknown."""
    waiting = await gateway.store.read.unknown_attempts()
    for provider, found in groupby(sorted(waiting, key=lambda it: it[0].provider), key=lambda it: it[0].provider):
        unknown = list(found)
        upstream = gateway.market.upstreams.get(provider)
        settled = await find_at(gateway, upstream, unknown) if upstream is not None else set()
        for attempt, _ in unknown:
            if attempt.id not in settled and _is_over(gateway, attempt):
                await gateway.store.write(lambda tx, it=attempt: tx.abandon(it, "its lifetime ran out"))  # type: ignore[misc]


def _is_over(gateway: Gateway, attempt: Attempt) -> bool:
    return gateway.clock.now() > attempt.started_at + attempt.lifetime + MARGIN
