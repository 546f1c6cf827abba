"""Activations in any status, put into the books directly: nothing changes them but the test."""

from itertools import count

from proxy.domain.activation import Activation, Event, Status
from tests.stage import Stage
from tests.store.books import draft, receipt, sms

GONE = "gone"
"""A provider that is no longer in routing.yaml: nothing changes by itself, and nobody can be asked."""
WAYS: dict[Status, tuple[Event, ...]] = {
    Status.WAITING: (),
    Status.RECEIVED: (Event.CODE_ARRIVED,),
    Status.WAITING_AGAIN: (Event.CODE_ARRIVED, Event.CLIENT_WANTS_ANOTHER),
    Status.CANCELLING: (Event.CLIENT_CANCELLED,),
    Status.ENDING: (Event.TIME_RAN_OUT,),
    Status.FINISHED: (Event.CODE_ARRIVED, Event.CLIENT_FINISHED),
    Status.CANCELLED: (Event.CANCEL_CONFIRMED,),
    Status.EXPIRED: (Event.PROVIDER_ENDED,),
}
rentals = count(1)


async def made(it: Stage, status: Status, *, several: bool = True, text: str = "Your code: 012345") -> Activation:
    """An activation of the stage's client in this status."""
    rental = str(next(rentals))
    asked = draft("tester", provider=GONE, several_sms=several)
    store = it.house.gateway.store
    attempt = await store.write(lambda tx: tx.begin_attempt(asked))
    activation = await store.write(lambda tx: tx.book(attempt, receipt(rental)))
    for event in WAYS[status]:
        if event is Event.CODE_ARRIVED:
            message = sms("012345", rental, provider=GONE, text=text, sent_at="1")
            await store.write(lambda tx, it=message: tx.receive(it))
        else:
            await store.write(lambda tx, it=event: tx.advance(activation.id, it))
    return await store.write(lambda tx: tx.activation(activation.id))
