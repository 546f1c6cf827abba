"""How attempts begin and end in the books, what each end writes into the ledger, and that an end stays."""

from dataclasses import replace
from pathlib import Path

import pytest

from proxy.domain.activation import Event, IllegalTransition, Status
from proxy.domain.attempt import Attempt, Outcome
from proxy.errors import OutcomeUnknown
from proxy.store.store import Store
from tests.fakes import FakeClock
from tests.store.books import PRICE, begun, bought, ledger, receipt, rows, sms

HOLD, RELEASE, CHARGE, REFUND = ((kind, PRICE) for kind in ("hold", "release", "charge", "refund"))
ENDS = {
    "refused": lambda tx, attempt: tx.refuse(attempt, "out of stock"),
    "unknown": lambda tx, attempt: tx.leave_unknown(attempt, "cut", "77"),
    "abandoned": lambda tx, attempt: tx.abandon(attempt, "too late"),
    "bought": lambda tx, attempt: tx.book(attempt, receipt()),
    "recovered": lambda tx, attempt: tx.book(attempt, receipt(), Outcome.RECOVERED),
}


async def end(store: Store, attempt: Attempt, how: str) -> object:
    return await store.write(lambda tx: ENDS[how](tx, attempt))


async def test_an_attempt_is_durable_with_its_hold_before_anybody_hears_of_it(store: Store, path: Path):
    attempt = await begun(store, provider="getatext", hold=PRICE)
    assert rows(path, "SELECT id, provider, outcome, hold, ended_at FROM attempts") == [
        (attempt.id, "getatext", "buying", PRICE, None)
    ]
    assert ledger(path) == [HOLD]


@pytest.mark.parametrize(
    ("how", "reason", "upstream_id", "entries"),
    [
        ("refused", "out of stock", "", [HOLD, RELEASE]),
        ("unknown", "cut", "77", [HOLD]),
        ("abandoned", "too late", "", [HOLD, RELEASE]),
        ("bought", "", "77", [HOLD, RELEASE, CHARGE]),
        ("recovered", "", "77", [HOLD, RELEASE, CHARGE]),
    ],
)
async def test_an_end_is_written_down_with_its_money(
    store: Store, path: Path, clock: FakeClock, how: str, reason: str, upstream_id: str, entries: list[tuple[str, int]]
):
    attempt = await begun(store)
    await clock.advance(5)
    await end(store, attempt, how)
    (row,) = rows(path, "SELECT outcome, reason, upstream_id, started_at, ended_at FROM attempts")
    assert row == (how, reason, upstream_id, attempt.started_at, attempt.started_at + 5)
    assert ledger(path) == entries


@pytest.mark.parametrize("first", ["refused", "abandoned", "bought"])
@pytest.mark.parametrize("second", ["refused", "unknown", "abandoned"])
async def test_what_is_settled_stays_settled(store: Store, path: Path, first: str, second: str):
    attempt = await begun(store)
    await end(store, attempt, first)
    before = rows(path, "SELECT * FROM attempts"), ledger(path)
    await end(store, attempt, second)
    assert (rows(path, "SELECT * FROM attempts"), ledger(path)) == before


@pytest.mark.parametrize("later", ["refused", "abandoned", "recovered"])
async def test_an_unknown_outcome_can_still_be_settled(store: Store, path: Path, later: str):
    attempt = await begun(store)
    await end(store, attempt, "unknown")
    assert await store.read.unknown_attempts() == [(attempt, "77")]
    await end(store, attempt, later)
    assert await store.read.unknown_attempts() == []
    assert rows(path, "SELECT outcome FROM attempts") == [(later,)]


async def test_an_attempt_that_bought_something_names_it(store: Store, path: Path):
    activation = await bought(store, "4711")
    assert rows(path, "SELECT outcome, upstream_id, activation_id FROM attempts") == [("bought", "4711", activation.id)]
    assert rows(path, "SELECT activation_id FROM ledger ORDER BY id") == [(None,), (activation.id,), (activation.id,)]


async def test_an_abandoned_attempt_still_names_the_rental_that_it_may_have_made(store: Store, path: Path):
    attempt = await begun(store)
    await end(store, attempt, "unknown")
    await end(store, attempt, "abandoned")
    assert rows(path, "SELECT upstream_id FROM attempts") == [("77",)]


async def test_what_was_really_paid_is_charged(store: Store, path: Path):
    activation = await bought(store, price=610_000, hold=PRICE)
    assert activation.price == 610_000
    assert ledger(path) == [HOLD, RELEASE, ("charge", 610_000)]
    assert await store.read.accounts() == {"getsms": (610_000, None)}


async def test_a_rental_that_was_sold_before_is_not_booked_again(store: Store, path: Path):
    await bought(store, "77")
    attempt = await begun(store)
    with pytest.raises(OutcomeUnknown, match="rental 77 was sold before"):
        await end(store, attempt, "bought")
    assert rows(path, "SELECT count(*) FROM activations") == [(1,)]
    assert ledger(path) == [HOLD, RELEASE, CHARGE, HOLD]


async def test_two_providers_may_use_the_same_id(store: Store):
    first = await bought(store, "77", provider="getsms")
    second = await bought(store, "77", provider="getatext")
    assert first.id != second.id
    assert await store.write(lambda tx: tx.rental("getatext", "77")) == second


async def test_a_refund_is_booked_once(store: Store, path: Path):
    activation = await bought(store)
    await store.write(lambda tx: tx.advance(activation.id, Event.CANCEL_CONFIRMED))
    for event in (Event.CANCEL_CONFIRMED, Event.PROVIDER_REFUNDED):
        with pytest.raises(IllegalTransition):
            await store.write(lambda tx, it=event: tx.advance(activation.id, it))
        await store.write(lambda tx, it=event: tx.advance_if_possible(activation.id, it))
    assert ledger(path) == [HOLD, RELEASE, CHARGE, REFUND]
    assert rows(path, "SELECT status, price, refunded FROM activations") == [("cancelled", PRICE, PRICE)]
    assert await store.read.accounts() == {"getsms": (0, None)}


@pytest.mark.parametrize(
    ("events", "refunded"),
    [
        ([Event.CLIENT_CANCELLED], False),
        ([Event.CLIENT_CANCELLED, Event.CANCEL_CONFIRMED], True),
        ([Event.CLIENT_CANCELLED, Event.PROVIDER_ENDED], False),
        ([Event.TIME_RAN_OUT], False),
        ([Event.TIME_RAN_OUT, Event.PROVIDER_REFUNDED], True),
        ([Event.TIME_RAN_OUT, Event.PROVIDER_ENDED], False),
        ([Event.PROVIDER_REFUNDED], True),
    ],
)
async def test_money_comes_back_only_on_the_providers_word(
    store: Store, path: Path, events: list[Event], refunded: bool
):
    activation = await bought(store)
    for event in events:
        await store.write(lambda tx, it=event: tx.advance(activation.id, it))
    assert (REFUND in ledger(path)) is refunded


async def test_a_cancellation_that_is_confirmed_after_a_code_gives_nothing_back(store: Store, path: Path):
    activation = await bought(store)
    await store.write(lambda tx: tx.advance(activation.id, Event.CLIENT_CANCELLED))
    await store.write(lambda tx: tx.receive(sms("123456")))
    after = await store.write(lambda tx: tx.advance_if_possible(activation.id, Event.CANCEL_CONFIRMED))
    assert (after.status, after.code) == (Status.RECEIVED, "123456")
    assert ledger(path) == [HOLD, RELEASE, CHARGE]


@pytest.mark.parametrize(
    ("offered", "sold", "several"),
    [(False, None, False), (True, None, True), (False, True, True), (True, False, False)],
)
async def test_what_was_sold_says_whether_there_are_several_sms(
    store: Store, offered: bool, sold: bool | None, several: bool
):
    attempt = await begun(store, several_sms=offered)
    paper = replace(receipt(), several_sms=sold)
    assert (await store.write(lambda tx: tx.book(attempt, paper))).several_sms is several
