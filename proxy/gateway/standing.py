"""What becomes of a bid that stands: it wins, it is over, or it is withdrawn.

Whoever looks may act: a poller, a webhook, or the client's next request. What keeps them apart is the books. A bid wins
only while nobody wants to withdraw it; the wish to withdraw is durable before the provider hears of it; and the money
is released when the provider has confirmed that there is no number.
"""

from contextlib import suppress
from dataclasses import replace

from proxy.domain.activation import Activation, Event, Status
from proxy.domain.attempt import Attempt, Outcome
from proxy.domain.money import Usd, print_usd
from proxy.errors import NoNumbers, OutcomeUnknown, ProviderError, StoreClosed
from proxy.gateway.bidding import Desk
from proxy.gateway.gateway import Gateway
from proxy.gateway.underway import Fingerprint
from proxy.gateway.upstream import DEFAULT_LIFETIME
from proxy.providers import bidding
from proxy.providers.base import Cancelled
from proxy.providers.bidding import BidLook
from proxy.store.bids import BidState, StandingBid
from proxy.store.transaction import Receipt, Transaction


def words(bid: StandingBid) -> str:
    """What a client is told of its bid."""
    what = f"a bid of {print_usd(bid.price)} at {bid.provider}"
    if bid.state is BidState.WITHDRAWING:
        return f"{what} is being withdrawn"
    if bid.upstream_id:
        return f"{what} stands"
    return f"{what} is being placed" if bid.outcome is Outcome.BUYING else f"{what}, whose outcome is unknown"


def name(tx: Transaction, attempt: Attempt, upstream_id: str, price: Usd | None) -> None:
    """The provider has taken the bid: it stands, or is to be withdrawn at once if it came to more than is held."""
    paid = attempt.hold if price is None else price
    tx.leave_unknown(attempt, f"a bid of {print_usd(paid)} waits for a number", upstream_id)
    tx.bids.name(attempt.id, upstream_id, paid)
    if paid > attempt.hold:
        tx.bids.wish(attempt.id, f"it came to {print_usd(paid)}, more than the {print_usd(attempt.hold)} allowed")


async def tend(gateway: Gateway, desk: Desk, bid: StandingBid, why: str = "") -> None:
    """One look at a bid, and whatever follows from it; `why` it is to be withdrawn if it still waits.

    Raises ProviderError, StoreClosed; then it is looked at again later.
    """
    if not bid.upstream_id:
        return
    if bid.state is BidState.WITHDRAWING:
        await _withdraw(gateway, desk, bid)
    elif bid.state is BidState.OPEN:
        look = await desk.look(bid)
        if look.state is bidding.BidState.WON:
            await _win(gateway, desk, bid, look)
        elif look.state is bidding.BidState.GONE:
            await _release(gateway, bid, "the provider has ended the bid")
        elif why:
            # Durable before the provider hears of it: what is given back there must not be booked here any more.
            wished = await gateway.store.write(lambda tx: tx.bids.wish(bid.id, why))
            if wished:
                await _withdraw(gateway, desk, replace(bid, state=BidState.WITHDRAWING, why=why))


async def withdraw_all(gateway: Gateway, desk: Desk, why: str) -> None:
    """Nobody will look after the bids at this provider any more."""
    for bid in await gateway.store.read.bids_at_work(desk.upstream.name):
        with suppress(ProviderError):
            await tend(gateway, desk, bid, why)


async def _withdraw(gateway: Gateway, desk: Desk, bid: StandingBid) -> None:
    answer = await desk.withdraw(bid)
    if answer is Cancelled.DONE:
        await _release(gateway, bid, f"withdrawn: {bid.why}")
    elif answer is Cancelled.REFUSED:
        look = await desk.look(bid)
        if look.state is bidding.BidState.GONE:
            await _release(gateway, bid, f"withdrawn: {bid.why}")
        elif look.state is bidding.BidState.WON:
            # It is paid for, and cannot be given back this way: the client gets it, or it goes back as a rental.
            await _win(gateway, desk, bid, look)


async def _release(gateway: Gateway, bid: StandingBid, reason: str) -> None:
    await gateway.store.write(lambda tx: tx.refuse(bid.attempt, reason))


async def _win(gateway: Gateway, desk: Desk, bid: StandingBid, look: BidLook) -> None:
    """Book the number, and keep it for the client's next equal request."""
    lifetime = DEFAULT_LIFETIME if look.lifetime is None else look.lifetime
    ends_at = gateway.clock.now() + lifetime
    receipt = Receipt(bid.upstream_id, look.number, look.operator, bid.price, ends_at)

    def unit(tx: Transaction) -> Activation | None:
        if not tx.bids.may_win(bid.id, though_withdrawing=bid.state is BidState.WITHDRAWING):
            return None
        activation = tx.book(bid.attempt, receipt, Outcome.RECOVERED)
        if bid.price > bid.attempt.hold and tx.bids.returned(bid.id):
            activation = tx.advance_if_possible(activation.id, Event.CLIENT_CANCELLED)
        return activation

    try:
        activation = await gateway.store.write(unit)
    except OutcomeUnknown:
        return  # somebody else has booked this rental
    if activation is not None:
        desk.upstream.money_moved = True
        gateway.store.live.keep_for_redelivery(activation, bid.attempt.fingerprint)


async def owed(gateway: Gateway, whose: Fingerprint, wanted: int = 1) -> list[Activation]:
    """What equal requests have brought and nobody heard of: as many as `wanted`, or nothing. Raises NoNumbers."""
    live = gateway.store.live
    found = live.redeliver(*whose, gateway.clock.now(), wanted)
    try:
        return await fetched(gateway, found) if found else []
    except NoNumbers:
        for activation in found:
            live.keep_for_redelivery(activation, whose[1])
        raise


async def fetched(gateway: Gateway, owed: list[Activation]) -> list[Activation]:
    """What of this may still be given to its client. A number that a bid has won is its own before it hears of it.

    Raises NoNumbers if that cannot be written down now.
    """
    states = await gateway.store.read.unfetched([activation.attempt_id for activation in owed])
    if not states:
        return owed
    won = {id for id, state in states.items() if state is BidState.WON}
    try:
        mine = await gateway.store.write(lambda tx: {id for id in won if tx.bids.fetched(id)})
    except StoreClosed as exc:
        raise NoNumbers(f"the books cannot be written: {exc}") from exc
    return [activation for activation in owed if activation.attempt_id in mine or activation.attempt_id not in states]


async def give_back(gateway: Gateway, bid: StandingBid) -> None:
    """Nobody came for the number that was won: it goes back unless an SMS came. Raises StoreClosed."""

    def unit(tx: Transaction) -> None:
        assert bid.activation_id is not None
        activation = tx.activation(bid.activation_id)
        assert activation is not None
        if activation.status is not Status.WAITING:
            tx.bids.fetched(bid.id)
        elif tx.bids.returned(bid.id):
            tx.advance(activation.id, Event.CLIENT_CANCELLED)

    await gateway.store.write(unit)
