"""Unknown purchases come to rest: looked up where their answer at least named the rental, or released by time."""

from proxy.domain.attempt import Attempt, Outcome
from proxy.errors import OutcomeUnknown, ProviderError
from proxy.gateway.gateway import Gateway
from proxy.providers.base import Look, Rental, RentalState
from proxy.store.transaction import Receipt

MARGIN = 60.0
"""Seconds beyond a rental's lifetime, for clocks that differ."""


async def settle_unknown(gateway: Gateway) -> None:
    """One look at every attempt whose outcome is unknown."""
    for attempt, upstream_id in await gateway.store.read.unknown_attempts():
        if upstream_id and await _look_up(gateway, attempt, upstream_id):
            continue
        if gateway.clock.now() > attempt.started_at + attempt.lifetime + MARGIN:
            await gateway.store.write(lambda tx, it=attempt: tx.abandon(it, "its lifetime ran out"))  # type: ignore[misc]


async def _look_up(gateway: Gateway, attempt: Attempt, upstream_id: str) -> bool:
    """Turn the attempt into an activation if the provider still has the rental; whether that worked."""
    upstream = gateway.market.upstreams.get(attempt.provider)
    if upstream is None:
        return False
    try:
        look = await upstream.look(Rental(upstream_id, attempt.upstream_service, ""), closely=True)
    except ProviderError:
        return False
    if not look.number or look.state is not RentalState.OPEN:
        return False
    return await _recover(gateway, attempt, upstream_id, look)


async def _recover(gateway: Gateway, attempt: Attempt, upstream_id: str, look: Look) -> bool:
    ends_at = attempt.started_at + attempt.lifetime
    receipt = Receipt(upstream_id, look.number, "", attempt.hold, ends_at)
    try:
        activation = await gateway.store.write(lambda tx: tx.book(attempt, receipt, Outcome.RECOVERED))
    except OutcomeUnknown:
        return False  # the rental belongs to another attempt
    gateway.store.live.keep_for_redelivery(activation, attempt.fingerprint)
    return True
