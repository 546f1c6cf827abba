"""Whatever happens in whatever order: the sums equal the ledger, and the live view equals the books."""

import asyncio
import shutil
import tempfile
from collections import defaultdict
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from proxy.domain.activation import CLOSED, Activation, Event, IllegalTransition
from proxy.domain.attempt import BOOKS, SPENDS, Attempt, Entry, Outcome
from proxy.domain.client import Budget, Period
from proxy.errors import NoBalance, OutcomeUnknown
from proxy.store.store import Store, open_store
from proxy.store.transaction import day
from tests.fakes import FakeClock
from tests.store.books import draft, receipt, rows, sms, then_fail

LIMIT = Budget(40, Period.TOTAL)
prices = st.integers(0, 20)
clients = st.sampled_from(["demo", "other"])
providers = st.sampled_from(["getsms", "getatext"])
rental_ids = st.integers(1, 12).map(str)


class Books(RuleBasedStateMachine):
    """A random walk over everything that can be written."""

    attempts = Bundle("attempts")
    activations = Bundle("activations")

    @initialize()
    def open(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.path = self.folder / "books.db"
        self.clock = FakeClock()
        self.loop = asyncio.Runner()
        self.open_again()

    def open_again(self) -> None:
        self.stack = AsyncExitStack()
        entering = self.stack.enter_async_context(open_store(str(self.path), self.clock))
        self.store: Store = self.loop.run(entering)

    def teardown(self) -> None:
        self.loop.run(self.stack.aclose())
        self.loop.close()
        shutil.rmtree(self.folder)

    def write(self, unit):
        return self.loop.run(self.store.write(unit))

    # What can happen

    @rule(target=attempts, client=clients, provider=providers, hold=prices)
    def begin(self, client: str, provider: str, hold: int):
        unit = draft(client, hold, provider, budget=LIMIT if client == "demo" else None)
        try:
            return self.write(lambda tx: tx.begin_attempt(unit))
        except NoBalance:
            assert self.spent("demo") + hold > LIMIT.amount
            return multiple()

    @rule(attempt=attempts, how=st.sampled_from(["refuse", "abandon", "leave_unknown"]))
    def settle(self, attempt: Attempt, how: str) -> None:
        self.write(lambda tx: getattr(tx, how)(attempt, "why"))

    @rule(target=activations, attempt=consumes(attempts), rental=rental_ids, cheaper=st.integers(0, 20))
    def book(self, attempt: Attempt, rental: str, cheaper: int):
        paper = receipt(rental, max(0, attempt.hold - cheaper), self.clock.now() + 60)
        try:
            return self.write(lambda tx: tx.book(attempt, paper)).id
        except OutcomeUnknown:
            return multiple()

    @rule(id=activations, event=st.sampled_from(sorted(set(Event) - {Event.CODE_ARRIVED})))
    def happen(self, id: int, event: Event) -> None:
        before = self.write(lambda tx: tx.activation(id))
        try:
            self.write(lambda tx: tx.advance(id, event))
        except IllegalTransition:
            assert self.write(lambda tx: tx.advance_if_possible(id, event)) == before

    @rule(provider=providers, rental=rental_ids, code=st.sampled_from(["111", "222"]))
    def receive(self, provider: str, rental: str, code: str) -> None:
        self.write(lambda tx: tx.receive(sms(code, rental, provider=provider)))

    @rule(id=activations, hold=prices)
    def fail_halfway(self, id: int, hold: int) -> None:
        def unit(tx):
            tx.begin_attempt(draft("other", hold))
            tx.advance_if_possible(id, Event.CANCEL_CONFIRMED)

        with pytest.raises(RuntimeError, match="after the writes"):
            self.write(then_fail(unit))

    @rule(hours=st.integers(1, 30))
    def wait(self, hours: int) -> None:
        self.loop.run(self.clock.advance(hours * 3600))

    @rule()
    def reopen(self) -> None:
        self.loop.run(self.stack.aclose())
        self.open_again()
        assert rows(self.path, "SELECT count(*) FROM attempts WHERE outcome = 'buying'") == [(0,)]

    # What always holds

    def spent(self, client: str) -> int:
        return self.loop.run(self.store.read.spent(client, LIMIT, self.clock.now()))

    @invariant()
    def a_budget_is_never_exceeded(self) -> None:
        assert self.spent("demo") <= LIMIT.amount

    @invariant()
    def spending_is_the_sum_of_the_ledger(self) -> None:
        sums: dict[tuple[str, str], int] = defaultdict(int)
        sql = "SELECT l.client, a.started_at, kind, amount FROM ledger l JOIN attempts a ON a.id = attempt_id"
        for client, started_at, kind, amount in rows(self.path, sql):
            sums[client, day(started_at)] += SPENDS[Entry(kind)] * amount
        kept = {(client, on): amount for client, on, amount in rows(self.path, "SELECT * FROM spending")}
        assert kept == sums

    @invariant()
    def accounts_are_the_sum_of_the_ledger(self) -> None:
        sums: dict[str, int] = defaultdict(int)
        for provider, kind, amount in rows(self.path, "SELECT provider, kind, amount FROM ledger"):
            if BOOKS[Entry(kind)]:
                sums[provider] += BOOKS[Entry(kind)] * amount
        assert {name: booked for name, (booked, _) in self.loop.run(self.store.read.accounts()).items()} == sums

    @invariant()
    def a_hold_is_released_exactly_when_the_attempt_is_settled(self) -> None:
        sql = (
            "SELECT outcome, sum(kind = 'hold'), sum(kind = 'release'),"
            " sum(amount * ((kind = 'hold') - (kind = 'release')))"
            " FROM attempts a LEFT JOIN ledger l ON l.attempt_id = a.id GROUP BY a.id"
        )
        for outcome, holds, releases, left in rows(self.path, sql):
            settled = outcome not in (Outcome.BUYING, Outcome.UNKNOWN)
            assert (holds, releases) == (1, int(settled))
            assert left == 0 or not settled

    @invariant()
    def an_activation_is_charged_once_and_refunded_at_most_once(self) -> None:
        sql = (
            "SELECT a.id, price, refunded, status, code, sum((kind = 'charge') * amount), sum(kind = 'charge'),"
            " sum((kind = 'refund') * amount), sum(kind = 'refund')"
            " FROM activations a JOIN ledger l ON l.activation_id = a.id GROUP BY a.id"
        )
        for _, price, refunded, status, code, charge, charges, refund, refunds in rows(self.path, sql):
            assert (charge, charges) == (price, 1)
            assert refunds <= 1
            assert refunded == refund
            assert not refunds or (status in ("cancelled", "expired") and not code and refund == price)

    async def _open_now(self) -> dict[int, Activation]:
        return {it.id: it async for it, _, _ in self.store.read.open_activations()}

    @invariant()
    def the_live_view_is_what_the_books_say_is_open(self) -> None:
        live = self.store.live
        open_now = self.loop.run(self._open_now())
        assert live.open == open_now
        assert not {it.status for it in live.open.values()} & CLOSED
        for client in ("demo", "other"):
            own = [it for it in open_now.values() if it.client == client]
            assert live.of_client(client) == own
        for provider in ("getsms", "getatext"):
            there = [it for it in open_now.values() if it.provider == provider]
            assert live.of_provider(provider) == there
            assert live.count_at(provider) == len(there)

    @invariant()
    def every_message_belongs_to_the_activation_of_its_rental(self) -> None:
        sql = (
            "SELECT m.activation_id, a.id FROM messages m"
            " LEFT JOIN activations a ON (a.provider, a.upstream_id) = (m.provider, m.upstream_id)"
        )
        assert not [pair for pair in rows(self.path, sql) if pair[0] != pair[1]]


TestBooks = Books.TestCase
TestBooks.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
