"""Bugs put in on purpose, while a history is played: the proof that the judge would see them.

Here alone our own code is patched, because here its absence is what is tested.
"""

import itertools
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from proxy.domain.activation import Event
from proxy.domain.attempt import Entry, Outcome
from proxy.errors import NoActivation, OutcomeUnknown, ProviderError
from proxy.gateway import messages, rentals, spending, waiting
from proxy.gateway.purchase import Purchase
from proxy.gateway.upstream import Upstream
from proxy.store.live import Live
from proxy.store.transaction import Incoming, Transaction

Patch = tuple[Any, str, Any]
"""Owner, name, and what stands there instead."""


@dataclass(frozen=True, slots=True)
class Mutant:
    name: str
    patches: tuple[Patch, ...]
    since: int = 1
    """The seed of the first history in which it is looked for."""
    within: int = 100
    """Histories in which it must be found."""

    @property
    def seeds(self) -> range:
        return range(self.since, self.since + self.within)


@contextmanager
def put_in(mutant: Mutant) -> Iterator[None]:
    before = [(owner, name, vars(owner)[name]) for owner, name, _ in mutant.patches]
    try:
        for owner, name, wrong in mutant.patches:
            setattr(owner, name, wrong)
        yield
    finally:
        for owner, name, right in before:
            setattr(owner, name, right)


# Purchases


class Heard:
    """Stands for a provider that has answered already."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    async def buy(self, *asked: Any) -> Any:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


async def buy_then_write(self: Any, bundle: Any) -> Any:
    upstream = self.gateway.market.upstreams[bundle.provider]
    try:
        answer: Any = await upstream.buy(bundle.offers, self.wants, self.deadline.left)
    except ProviderError as exc:
        answer = exc
    drafts = [self._draft(want, offer) for want, offer in zip(self.wants, bundle.offers, strict=True)]
    attempts = await spending.begin(self.gateway, drafts, self.deadline)
    try:
        return await self._spend(attempts, bundle, Heard(answer))
    finally:
        self.gateway.under_way.settled(self.client.name)


_buy = Upstream.buy


async def buy_twice(self: Any, *asked: Any) -> Any:
    try:
        return await _buy(self, *asked)
    except OutcomeUnknown:
        return await _buy(self, *asked)


async def call_it_refused(gateway: Any, attempts: Any, reason: str, *named: Any) -> None:
    await spending.refuse(gateway, attempts, reason)


async def never_ordered(self: Any) -> list[Any]:
    return []


def forget_orphan(gateway: Any, whose: Any, purchase: Any) -> None:
    """Nobody waits for it, and nobody keeps what it brings."""


_redeliver = Live.redeliver


def keep_for_anybody(self: Any, activation: Any, fingerprint: str) -> None:
    self._undelivered.setdefault(("", fingerprint), deque()).append(activation)


def redeliver_to_anybody(self: Any, client: str, *asked: Any) -> Any:
    return _redeliver(self, "", *asked)


def note_nothing(self: Any, ids: Any) -> None:
    """That the client has its answer is forgotten."""


# Rentals


def with_local_id(activation: Any) -> Any:
    return replace(_rental_of(activation), upstream_id=str(activation.id))


_rental_of = rentals.rental_of
_give_back = rentals.give_back


async def refund_anyway(gateway: Any, activation: Any) -> Any:
    after = await _give_back(gateway, activation)
    if after is not None:
        return after
    return await gateway.store.write(lambda tx: tx.advance_if_possible(activation.id, Event.CANCEL_CONFIRMED))


async def find_whosever(gateway: Any, client: str, id: int) -> Any:
    activation = gateway.store.live.open.get(id) or await gateway.store.read.activation(id)
    if activation is None:
        raise NoActivation
    return activation


# Messages

_serial = itertools.count()


def without_zeros(sms: Any) -> str:
    return _wire_code(sms).lstrip("0")


_wire_code = messages.wire_code


def join_nothing(self: Any, activation: Any) -> Any:
    return activation


# Books

_refuse, _book, _refund = Transaction.refuse, Transaction.book, Transaction._refund


def refuse_and_keep_hold(self: Any, attempt: Any, reason: str) -> None:
    self._settle(attempt, Outcome.REFUSED, reason)


def book_and_release_twice(self: Any, attempt: Any, receipt: Any, outcome: Any = Outcome.BOUGHT) -> Any:
    activation = _book(self, attempt, receipt, outcome)
    self._post(attempt, Entry.RELEASE, attempt.hold, activation.id)
    return activation


def refund_each_time(self: Any, activation: Any) -> None:
    _refund(self, activation)
    self._sql("UPDATE activations SET refunded = 0 WHERE id = ?", (activation.id,))
    _refund(self, activation)


def afford_everything(self: Any, *asked: Any) -> bool:
    return True


def settle_nothing(self: Any) -> None:
    """What a crash has interrupted stays as it is."""


MUTANTS = (
    Mutant("buys first and writes later", ((Purchase, "_try", buy_then_write),)),
    Mutant("asks again after a timeout", ((Upstream, "buy", buy_twice),)),
    Mutant("takes an unknown outcome for a refusal", ((spending, "leave_unknown", call_it_refused),)),
    Mutant("forgets an idempotency key", ((Purchase, "_answered", never_ordered),)),
    Mutant("drops what was bought when the client hung up", ((waiting, "_abandon", forget_orphan),), since=70),
    Mutant(
        "gives one client what another has lost",
        ((Live, "keep_for_redelivery", keep_for_anybody), (Live, "redeliver", redeliver_to_anybody)),
    ),
    Mutant("does not note what was delivered", ((Transaction, "mark_delivered", note_nothing),)),
    Mutant("sends its own ids to the provider", ((rentals, "rental_of", with_local_id),)),
    Mutant("refunds a cancellation that nobody confirmed", ((rentals, "give_back", refund_anyway),)),
    Mutant("does not ask whose an activation is", ((rentals, "find", find_whosever),)),
    Mutant(
        "takes every copy of a message for a new one",
        ((Incoming, "identity", property(lambda sms: f"{next(_serial)}")),),
    ),
    Mutant("loses leading zeros", ((messages, "wire_code", without_zeros),)),
    Mutant(
        "loses an SMS that comes before the purchase is booked", ((Transaction, "_join_early_messages", join_nothing),)
    ),
    Mutant("keeps the hold of a refused purchase", ((Transaction, "refuse", refuse_and_keep_hold),)),
    Mutant("releases the hold of a purchase twice", ((Transaction, "book", book_and_release_twice),)),
    Mutant("refunds twice", ((Transaction, "_refund", refund_each_time),)),
    Mutant("does not look at the budget", ((Transaction, "affords", afford_everything),)),
    Mutant("leaves interrupted purchases as they were", ((Transaction, "settle_interrupted", settle_nothing),)),
)
