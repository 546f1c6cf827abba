"""What every way of spending a client's money has in common: hold and attempt before it, the truth about it after."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from proxy.domain.attempt import Attempt
from proxy.errors import NoBalance, NoNumbers, StoreClosed
from proxy.gateway.deadline import Deadline
from proxy.gateway.gateway import Gateway
from proxy.store.transaction import Draft, Transaction

T = TypeVar("T")

BOOKING_PAUSE = 0.2
"""Between tries to book what is bought already, while the books cannot be written."""


async def begin(gateway: Gateway, drafts: Sequence[Draft], deadline: Deadline) -> list[Attempt]:
    """Book holds and attempts, all of one client; while other purchases of it hold the money that is left, wait.

    Whoever begins must call `under_way.settled` once. Raises NoBalance, ChannelsLimit, NoNumbers.
    """
    client, under_way = drafts[0].client, gateway.under_way
    while True:
        settlements = under_way.settlements
        try:
            attempts = await gateway.store.write(lambda tx: [tx.begin_attempt(draft) for draft in drafts])
        except StoreClosed as exc:
            raise NoNumbers(f"the books cannot be written: {exc}") from exc
        except NoBalance:
            if settlements == under_way.settlements:
                await _wait_for_money(gateway, client, deadline)
        else:
            under_way.held(client)
            return attempts


async def _wait_for_money(gateway: Gateway, client: str, deadline: Deadline) -> None:
    """Until another purchase of this client is settled. Raises NoBalance if there is none to wait for."""
    if not gateway.under_way.is_holding(client):
        raise NoBalance
    try:
        await gateway.under_way.wait_for_money(client, deadline.left)
    except TimeoutError:
        raise NoBalance from None


async def book(gateway: Gateway, unit: Callable[[Transaction], T]) -> T:
    """Money has moved: what happened must get into the books, however long they stay closed."""
    while True:
        try:
            return await gateway.store.write(unit)
        except StoreClosed:
            await gateway.clock.sleep(BOOKING_PAUSE)


async def refuse(gateway: Gateway, attempts: Sequence[Attempt], reason: str) -> None:
    """Nothing was bought, for certain."""

    def unit(tx: Transaction) -> None:
        for attempt in attempts:
            tx.refuse(attempt, reason)

    await book(gateway, unit)


async def leave_unknown(
    gateway: Gateway, attempts: Sequence[Attempt], reason: str, upstream_ids: Sequence[str] = ()
) -> None:
    """Perhaps bought; `upstream_ids` are what a half-understood answer named, if it named one for each attempt."""
    named = upstream_ids if len(upstream_ids) == len(attempts) else [""] * len(attempts)

    def unit(tx: Transaction) -> None:
        for attempt, upstream_id in zip(attempts, named, strict=True):
            tx.leave_unknown(attempt, reason, upstream_id)

    await book(gateway, unit)
