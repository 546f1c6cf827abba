"""Unknown purchases come to rest: found at the provider where it can tell, released by time where it cannot."""

from collections.abc import Sequence
from itertools import groupby

from proxy.domain.attempt import Attempt
from proxy.errors import ProviderError
from proxy.gateway.gateway import Gateway
from proxy.gateway.rent_settlement import find_rents_at
from proxy.gateway.settlement import Unknown, find_at
from proxy.gateway.upstream import Upstream

MARGIN = 60.0
"""Seconds beyond a rental's lifetime, for clocks that differ."""


async def settle_unknown(gateway: Gateway) -> None:
    """One look at every attempt whose outcome is unknown."""
    waiting = await gateway.store.read.unknown_attempts()
    for provider, found in groupby(sorted(waiting, key=lambda it: it[0].provider), key=lambda it: it[0].provider):
        unknown = list(found)
        upstream = gateway.market.upstreams.get(provider)
        settled = await _find(gateway, upstream, unknown) if upstream is not None else set()
        for attempt, _ in unknown:
            if attempt.id not in settled and _is_over(gateway, attempt):
                await gateway.store.write(lambda tx, it=attempt: tx.abandon(it, "its lifetime ran out"))  # type: ignore[misc]


async def _find(gateway: Gateway, upstream: Upstream, unknown: Sequence[Unknown]) -> set[int]:
    """Ask the provider after each kind of what may have been bought."""
    rents = [attempt for attempt, _ in unknown if attempt.hours]
    one_time = [it for it in unknown if not it[0].hours]
    settled = await find_at(gateway, upstream, one_time) if one_time else set()
    try:
        return settled | (await find_rents_at(gateway, upstream, rents) if rents else set())
    except ProviderError:
        return settled  # it is asked again in the next round


def _is_over(gateway: Gateway, attempt: Attempt) -> bool:
    return gateway.clock.now() > attempt.started_at + attempt.lifetime + MARGIN
