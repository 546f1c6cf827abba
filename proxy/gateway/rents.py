"""Rents: numbers for days instead of minutes. A rent is an activation with a term; what is said of those holds for it.

What differs stands here and in `renewal`: it may be let go before an SMS has come, it is cancelled now or not at all,
and it can be continued for its own term. It is bought like anything else, by `purchase`.
"""

from contextlib import suppress

from proxy.domain.activation import Activation, Event, Status
from proxy.errors import NoActivation, NoRent, ProviderAway, ProviderError, RentCannotBeCancelled, RentOver
from proxy.gateway import rentals
from proxy.gateway.gateway import Gateway
from proxy.providers.base import RentalState


async def find(gateway: Gateway, client: str, id: int) -> Activation:
    """The client's rent, open or closed. Raises NoRent, for a stranger's id too, and for what is no rent."""
    try:
        rent = await rentals.owned(gateway, client, id)
    except NoActivation as exc:
        raise NoRent from exc
    if not rent.hours:
        raise NoRent
    return rent


def of_client(gateway: Gateway, client: str) -> list[Activation]:
    """The client's rents that go on, oldest first."""
    return [rent for rent in gateway.store.live.of_client(client) if rent.hours and is_on(rent)]


def is_on(rent: Activation) -> bool:
    """Whether the client still has the number."""
    return rent.status in (Status.WAITING, Status.RECEIVED)


async def let_go(gateway: Gateway, rent: Activation) -> None:
    """The client has no more use for it. Nothing is given back; the provider must not renew it by itself."""
    _check_on(rent)
    after = await gateway.store.write(lambda tx: tx.advance_if_possible(rent.id, Event.CLIENT_LET_GO))
    gateway.errands.start(rentals.tell_finished(gateway, after), f"end of rent {rent.id}")


async def cancel(gateway: Gateway, rent: Activation) -> None:
    """Give the number and its price back, if the provider takes it now.

    No wish is kept as it is for a number for one time: the window may be over when the provider is back, and a rent
    that its client thinks cancelled would be paid for. Raises RentOver, RentCannotBeCancelled, ProviderAway.
    """
    _check_on(rent)
    if rent.status is not Status.WAITING:
        raise RentCannotBeCancelled("an SMS has come")
    after = await rentals.give_back(gateway, rent) or await _look_for_cancel(gateway, rent)
    if after.is_open:
        raise RentCannotBeCancelled("the provider does not take it back")
    if after.status is not Status.CANCELLED:
        raise RentOver(after.status)


async def look(gateway: Gateway, rent: Activation) -> None:
    """Book what the provider says of it now, its end too. Raises ProviderError."""
    if upstream := gateway.market.upstream_of(rent):
        found = await upstream.look(rentals.rental_of(rent), closely=True)
        await rentals.book_look(gateway, rent, found)


async def _look_for_cancel(gateway: Gateway, rent: Activation) -> Activation:
    """A cancel whose answer was lost was carried out if the rent is gone: before its time nothing else ends it.

    Raises ProviderAway if it goes on, or if nobody can tell.
    """
    upstream = gateway.market.upstream_of(rent)
    if upstream is not None and gateway.clock.now() < rent.expires_at:
        with suppress(ProviderError):
            found = await upstream.look(rentals.rental_of(rent), closely=True)
            if found.state is not RentalState.OPEN:
                upstream.money_moved = True
                return await gateway.store.write(lambda tx: tx.advance_if_possible(rent.id, Event.CANCEL_CONFIRMED))
    raise ProviderAway("the provider cannot be asked now")


def _check_on(rent: Activation) -> None:
    """Raises RentOver."""
    if not is_on(rent):
        raise RentOver(rent.status)
