"""What becomes of an activation after it was bought: the client's decisions, and the provider's word on them."""

from proxy.domain.activation import TRANSITIONS, Activation, Event, IllegalTransition, Status
from proxy.errors import BadStatus, EarlyCancel, NoActivation, ProviderError
from proxy.gateway import messages
from proxy.gateway.gateway import Gateway
from proxy.providers.base import Cancelled, Look, Rental, RentalState

ENDINGS = {RentalState.REFUNDED: Event.PROVIDER_REFUNDED, RentalState.OVER: Event.PROVIDER_ENDED}
"""What the provider's word on a rental without a code means for its activation."""


def rental_of(activation: Activation) -> Rental:
    return Rental(activation.upstream_id, activation.upstream_service, activation.phone)


async def find(gateway: Gateway, client: str, id: int) -> Activation:
    """The client's activation, open or closed. Raises NoActivation, for a stranger's id and for that of a rent too."""
    activation = await owned(gateway, client, id)
    if activation.hours:
        raise NoActivation
    return activation


async def owned(gateway: Gateway, client: str, id: int) -> Activation:
    """The client's activation or rent, open or closed. Raises NoActivation, for a stranger's id too."""
    activation = gateway.store.live.open.get(id) or await gateway.store.read.activation(id)
    if activation is None or activation.client != client:
        raise NoActivation
    return activation


async def ask_again(gateway: Gateway, activation: Activation) -> None:
    """The client wants another SMS on the same number."""
    if not activation.several_sms:
        raise BadStatus("the service gives one SMS only")
    _check(activation, Event.CLIENT_WANTS_ANOTHER)
    upstream = gateway.market.upstream_of(activation)
    try:
        granted = upstream is None or await upstream.again(rental_of(activation))
    except ProviderError as exc:
        raise BadStatus(f"the provider cannot be asked for another SMS: {exc.reason}") from exc
    if not granted:
        raise BadStatus("the provider does not grant another SMS")
    await _advance(gateway, activation, Event.CLIENT_WANTS_ANOTHER)


async def finish(gateway: Gateway, activation: Activation) -> None:
    """The client has used the code. The provider is told in passing: nothing depends on its answer."""
    after = await _advance(gateway, activation, Event.CLIENT_FINISHED)
    if after is not activation:
        gateway.errands.start(tell_finished(gateway, after), f"finish of {after.id}")


async def tell_finished(gateway: Gateway, activation: Activation) -> None:
    """Let the provider know that the number is no longer needed. Raises ProviderError."""
    if upstream := gateway.market.upstream_of(activation):
        await upstream.finish(rental_of(activation))


async def cancel(gateway: Gateway, activation: Activation) -> None:
    """Give the number back: at once if the provider confirms it, else as a wish that is kept until it does.

    Raises EarlyCancel if the provider says so, BadStatus if a code came first.
    """
    _check(activation, Event.CLIENT_CANCELLED)
    if activation.status is not Status.WAITING:
        return
    after = await give_back(gateway, activation)
    if after is None:
        await _advance(gateway, activation, Event.CLIENT_CANCELLED)
    elif after.status is Status.WAITING:
        raise EarlyCancel
    elif after.code:
        raise BadStatus("a code came first")


async def give_back(gateway: Gateway, activation: Activation) -> Activation | None:
    """Ask the provider to cancel and book what it says: the activation after that, or None if it cannot be reached."""
    upstream = gateway.market.upstream_of(activation)
    if upstream is None:
        return None
    rental = rental_of(activation)
    try:
        answer = await upstream.cancel(rental)
        if answer is Cancelled.DONE:
            return await gateway.store.write(lambda tx: tx.advance_if_possible(activation.id, Event.CANCEL_CONFIRMED))
        if answer is Cancelled.TOO_EARLY:
            return activation
        look = await upstream.look(rental, closely=True)
        return await book_look(gateway, activation, look, at_end=gateway.clock.now() >= activation.expires_at)
    except ProviderError:
        return None


async def book_look(gateway: Gateway, activation: Activation, look: Look, *, at_end: bool = False) -> Activation:
    """Bring the activation up to what the provider says of its rental: messages first, then its end.

    `at_end`: its time is up, so that a provider which does not know the rental any more has ended it.
    """
    for sms in look.messages:
        if not sms.text and messages.wire_code(sms) == activation.code:
            continue  # a provider that tells of nothing but the code repeats it at every look
        await messages.receive(gateway, activation.provider, activation.upstream_id, sms)
    event = Event.PROVIDER_ENDED if at_end and look.state is RentalState.UNKNOWN_ID else ENDINGS.get(look.state)
    if event is None:
        return await owned(gateway, activation.client, activation.id)
    if upstream := gateway.market.upstream_of(activation):
        upstream.money_moved = True
    return await gateway.store.write(lambda tx: tx.advance_if_possible(activation.id, event))


def _check(activation: Activation, event: Event) -> None:
    """Raises BadStatus if the event cannot happen now."""
    if event not in TRANSITIONS[activation.status]:
        raise BadStatus(f"it is {activation.status}")


async def _advance(gateway: Gateway, activation: Activation, event: Event) -> Activation:
    _check(activation, event)
    if TRANSITIONS[activation.status][event] is activation.status:
        return activation
    try:
        return await gateway.store.write(lambda tx: tx.advance(activation.id, event))
    except IllegalTransition as exc:
        raise BadStatus(str(exc)) from exc
