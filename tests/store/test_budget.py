"""A budget is an exact ceiling: for the day, for the month, for ever; holds count until they are settled."""

import asyncio
from pathlib import Path

import pytest

from proxy.domain.activation import Event
from proxy.domain.attempt import Attempt
from proxy.domain.client import Budget, Period
from proxy.errors import ChannelsLimit, NoBalance
from proxy.store.store import Store
from proxy.store.transaction import first_day
from tests.fakes import FakeClock
from tests.store.books import PRICE, begun, bought, budget, draft, receipt, rows

DAY = 86_400.0
NOON = 1_750_075_200.0  # 2025-06-16, 12:00 UTC
TO_NOON = NOON - FakeClock().now()


async def test_of_200_at_once_with_money_for_ten_exactly_ten_begin(store: Store, path: Path):
    limit = budget(10 * 0.5)
    unit = draft(budget=limit)
    ends = await asyncio.gather(
        *(store.write(lambda tx: tx.begin_attempt(unit)) for _ in range(200)), return_exceptions=True
    )
    assert sum(isinstance(end, Attempt) for end in ends) == 10
    assert sum(isinstance(end, NoBalance) for end in ends) == 190
    assert rows(path, "SELECT count(*), sum(hold) FROM attempts") == [(10, limit.amount)]
    assert rows(path, "SELECT kind, count(*) FROM ledger GROUP BY kind") == [("hold", 10)]


async def test_the_last_millionth_may_be_spent_and_no_more(store: Store):
    limit = Budget(1_000_000, Period.TOTAL)
    await begun(store, hold=999_999, budget=limit)
    with pytest.raises(NoBalance):
        await begun(store, hold=2, budget=limit)
    await begun(store, hold=1, budget=limit)
    with pytest.raises(NoBalance):
        await begun(store, hold=1, budget=limit)


@pytest.mark.parametrize(("more", "afforded"), [(0, True), (500_000, True), (500_001, False)])
async def test_what_is_held_already_counts_in_what_can_be_afforded(store: Store, more: int, afforded: bool):
    await begun(store, budget=budget(1))
    assert await store.write(lambda tx: tx.affords("demo", budget(1), more)) is afforded
    assert await store.write(lambda tx: tx.affords("demo", None, more))


async def test_a_client_without_a_budget_spends_as_it_likes(store: Store):
    for _ in range(3):
        await begun(store, hold=1_000_000_000)


async def test_one_clients_money_is_not_anothers(store: Store):
    limit = budget("0.50")
    await begun(store, client="demo", budget=limit)
    await begun(store, client="other", budget=limit)
    with pytest.raises(NoBalance):
        await begun(store, client="demo", budget=limit)


async def test_money_comes_free_when_a_purchase_is_refused_or_given_up(store: Store):
    limit = budget("0.50")
    for settle in ("refuse", "abandon"):
        attempt = await begun(store, budget=limit)
        await store.write(lambda tx, it=attempt, how=settle: getattr(tx, how)(it, "why"))
    attempt = await begun(store, budget=limit)
    await store.write(lambda tx: tx.leave_unknown(attempt, "cut"))
    with pytest.raises(NoBalance):
        await begun(store, budget=limit)


async def test_what_was_bought_cheaper_than_feared_leaves_the_rest(store: Store):
    limit = budget("0.60")
    await bought(store, "1", price=100_000, hold=600_000, budget=limit)
    await begun(store, hold=500_000, budget=limit)
    with pytest.raises(NoBalance):
        await begun(store, hold=1, budget=limit)


async def test_a_refund_may_be_spent_again(store: Store):
    limit = budget("0.50")
    activation = await bought(store, budget=limit)
    await store.write(lambda tx: tx.advance(activation.id, Event.CANCEL_CONFIRMED))
    assert await store.read.spent("demo", limit, 0.0) == 0
    await begun(store, budget=limit)


@pytest.mark.parametrize(
    ("per", "days_later", "free_again"),
    [
        (Period.DAY, 0.0, False),
        (Period.DAY, 0.49, False),
        (Period.DAY, 0.5, True),
        (Period.MONTH, 1.0, False),
        (Period.MONTH, 14.4, False),
        (Period.MONTH, 14.5, True),
        (Period.TOTAL, 400.0, False),
    ],
)
async def test_a_budget_is_fresh_in_the_next_period(
    store: Store, clock: FakeClock, per: Period, days_later: float, free_again: bool
):
    limit = budget("0.50", per)
    await clock.advance(TO_NOON)
    await begun(store, budget=limit)
    await clock.advance(days_later * DAY)
    assert await store.read.spent("demo", limit, clock.now()) == (0 if free_again else PRICE)
    if free_again:
        await begun(store, budget=limit)
    else:
        with pytest.raises(NoBalance):
            await begun(store, budget=limit)


async def test_yesterdays_refund_is_not_todays_money(store: Store, clock: FakeClock):
    limit = budget("0.50", Period.DAY)
    activation = await bought(store, budget=limit)
    await clock.advance(DAY)
    await store.write(lambda tx: tx.advance(activation.id, Event.CANCEL_CONFIRMED))
    await begun(store, budget=limit)
    with pytest.raises(NoBalance):
        await begun(store, budget=limit)


async def test_a_purchase_over_midnight_belongs_to_the_day_on_which_it_began(store: Store, clock: FakeClock):
    limit = budget("0.50", Period.DAY)
    attempt = await begun(store, budget=limit)
    await clock.advance(DAY)
    await store.write(lambda tx: tx.book(attempt, receipt()))
    assert await store.read.spent("demo", limit, clock.now()) == 0
    assert await store.read.spent("demo", limit, clock.now() - DAY) == PRICE


@pytest.mark.parametrize(
    ("per", "first"), [(Period.DAY, "2025-06-16"), (Period.MONTH, "2025-06-01"), (Period.TOTAL, "")]
)
def test_a_period_begins_at_midnight_utc(per: Period, first: str):
    assert first_day(per, NOON) == first_day(per, NOON + 0.4999 * DAY) == first_day(per, NOON - 0.5 * DAY) == first


async def test_promise_12_a_client_has_exactly_as_many_open_activations_as_it_may(store: Store):
    """However many ask at once; what it sees as over makes room again."""
    outcomes = await asyncio.gather(*(bought_as(store, str(place)) for place in range(30)), return_exceptions=True)
    made = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
    assert len(made) == 10
    assert all(isinstance(outcome, ChannelsLimit) for outcome in outcomes if outcome not in made)
    await store.write(lambda tx: tx.advance(made[0].id, Event.CLIENT_CANCELLED))
    await bought_as(store, "one more")
    with pytest.raises(ChannelsLimit):
        await bought_as(store, "one too many")


async def bought_as(store: Store, upstream_id: str):
    return await bought(store, upstream_id, max_open=10)
