"""How a rent, or its renewal, whose reply was lost turns out to have been bought: the provider's own list of rents.

Nothing is guessed. A rent is taken for an attempt's only if nobody else's attempt, and no rent that somebody has bought
there by hand, could be meant.
"""

from collections.abc import Sequence

from proxy.domain.attempt import Attempt, Outcome
from proxy.gateway.gateway import Gateway
from proxy.gateway.settlement import recover
from proxy.gateway.upstream import Upstream
from proxy.providers.base import OpenRental

SURE_SECONDS = 120.0
"""How long after a request the list surely shows what came of it: a rent, another end of one, or nothing."""


async def find_rents_at(gateway: Gateway, upstream: Upstream, attempts: Sequence[Attempt]) -> set[int]:
    """Read the provider's list of rents; the attempts that are settled by it. Raises ProviderError, StoreClosed."""
    listed = await upstream.open_rents()
    if listed is None:
        return set()
    settled = {attempt.id for attempt in attempts if attempt.renews and await _renewed(gateway, attempt, listed)}
    return settled | await _match(gateway, [attempt for attempt in attempts if not attempt.renews], listed)


async def _renewed(gateway: Gateway, attempt: Attempt, listed: Sequence[OpenRental]) -> bool:
    """Book the term if the rent ends at another time now; let the attempt go if it surely ends as before."""
    assert attempt.renews is not None
    rent = await gateway.store.read.activation(attempt.renews)
    found = next((one for one in listed if rent and one.upstream_id == rent.upstream_id), None)
    if rent is None or found is None or not (rent.until and found.until):
        return False
    if found.until != rent.until:
        await gateway.store.write(lambda tx: tx.extend(attempt, attempt.hold, found.until, Outcome.RECOVERED))
        return True
    return await _let_go(gateway, attempt, "the provider's list shows that it was not continued")


async def _let_go(gateway: Gateway, attempt: Attempt, reason: str) -> bool:
    """Nothing came of it, if the list is sure by now."""
    if gateway.clock.now() - attempt.started_at < SURE_SECONDS:
        return False
    await gateway.store.write(lambda tx: tx.abandon(attempt, reason))
    return True


async def _match(gateway: Gateway, attempts: Sequence[Attempt], listed: Sequence[OpenRental]) -> set[int]:
    """Rents that the books do not know must come from these attempts, if there are no more of them than attempts."""
    settled: set[int] = set()
    if not attempts:
        return settled
    provider = attempts[0].provider
    known = await gateway.store.read.rents_known(provider)
    under_way = await gateway.store.read.services_being_bought(provider)
    for service, hours in {(attempt.upstream_service, attempt.hours) for attempt in attempts}:
        mine = [attempt for attempt in attempts if (attempt.upstream_service, attempt.hours) == (service, hours)]
        unknown = [one for one in listed if one.upstream_id not in known]
        strays = [one for one in unknown if (one.service, one.hours) == (service, hours)]
        if not any(one.service in (service, "") and one.hours in (hours, 0) for one in unknown):
            reason = "the provider's list shows no such rent"
            settled |= {attempt.id for attempt in mine if await _let_go(gateway, attempt, reason)}
        if service in under_way or len({attempt.client for attempt in mine}) > 1 or len(strays) > len(mine):
            continue
        for attempt, stray in zip(mine, strays, strict=False):
            if await recover(gateway, attempt, stray.upstream_id, stray.number, stray.price, stray.until):
                settled.add(attempt.id)
    return settled
