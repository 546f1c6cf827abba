"""What the books keep of bids: one for equal requests, ten for a client; a number is won or given up, not both."""

import asyncio
import shutil
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from proxy.domain.activation import Event
from proxy.domain.attempt import Attempt, Outcome
from proxy.errors import NoBalance, NoNumbers
from proxy.store.bids import MOST, BidState
from proxy.store.reads import BIDS
from proxy.store.store import Store, open_store
from proxy.store.transaction import Transaction
from tests.fakes import FakeClock
from tests.store.books import PRICE, begun, bought, budget, draft, ledger, receipt, rows

MARKUP = 25


async def placed(store: Store, request: str = "a", **asked: object) -> Attempt:
    """A bid that the provider has taken, and calls like its request."""
    attempt = await begun(store, fingerprint=request, markup=MARKUP, **asked)

    def unit(tx: Transaction) -> None:
        tx.leave_unknown(attempt, "waits", request)
        tx.bids.name(attempt.id, request, attempt.hold)

    await store.write(unit)
    return attempt


async def state_of(store: Store, attempt: Attempt) -> str:
    (row,) = [row for row in await store.read.page(BIDS, {}, limit=1000) if row["id"] == attempt.id]
    return str(row["state"])


async def won(store: Store, attempt: Attempt, upstream_id: str = "77"):
    return await store.write(lambda tx: tx.book(attempt, receipt(upstream_id), Outcome.RECOVERED))


async def test_a_bid_is_an_attempt_with_its_hold(store: Store, path: Path):
    attempt = await begun(store, fingerprint="a", markup=MARKUP)
    assert await state_of(store, attempt) == "placing"
    assert ledger(path) == [("hold", PRICE)]
    bid = await store.read.open_bid("demo", "a")
    assert bid is not None
    assert (bid.attempt, bid.outcome, bid.upstream_id) == (attempt, Outcome.BUYING, "")
    assert (bid.markup, bid.price, bid.state) == (MARKUP, PRICE, BidState.OPEN)


async def test_a_purchase_is_no_bid(store: Store, path: Path):
    await bought(store)
    assert rows(path, "SELECT count(*) FROM bids") == [(0,)]


async def test_equal_requests_have_one_open_bid(store: Store, path: Path):
    attempt = await placed(store)
    with pytest.raises(NoNumbers, match="an equal bid is open"):
        await begun(store, fingerprint="a", markup=MARKUP)
    await begun(store, fingerprint="b", markup=MARKUP)
    await begun(store, client="other", fingerprint="a", markup=MARKUP)
    await store.write(lambda tx: tx.refuse(attempt, "withdrawn"))
    await begun(store, fingerprint="a", markup=MARKUP)
    assert len(ledger(path)) == 5


async def test_a_client_has_so_many_open_bids_and_no_more(store: Store):
    attempts = [await placed(store, f"request {number}") for number in range(MOST)]
    with pytest.raises(NoNumbers, match="10 bids are open"):
        await begun(store, fingerprint="one more", markup=MARKUP)
    await begun(store, client="other", fingerprint="one more", markup=MARKUP)
    await begun(store, fingerprint="a purchase")
    await won(store, attempts[3])
    await begun(store, fingerprint="one more", markup=MARKUP)


async def test_a_bid_that_does_not_fit_into_the_budget_leaves_no_trace(store: Store, path: Path):
    with pytest.raises(NoBalance):
        await begun(store, fingerprint="a", markup=MARKUP, budget=budget("0.49"))
    assert rows(path, "SELECT count(*) FROM bids") == [(0,)]
    assert ledger(path) == []


@pytest.mark.parametrize(
    ("end", "state"),
    [
        (lambda tx, attempt: tx.refuse(attempt, "gone"), "over"),
        (lambda tx, attempt: tx.abandon(attempt, "too late"), "over"),
        (lambda tx, attempt: tx.book(attempt, receipt("9")), "over"),
        (lambda tx, attempt: tx.book(attempt, receipt("9"), Outcome.RECOVERED), "won"),
        (lambda tx, attempt: tx.leave_unknown(attempt, "still"), "standing"),
    ],
)
@pytest.mark.parametrize("withdrawing", [False, True])
async def test_a_bid_ends_with_its_attempt(store: Store, end, state: str, withdrawing: bool):
    attempt = await placed(store)
    if withdrawing:
        assert await store.write(lambda tx: tx.bids.wish(attempt.id, "why"))
    await store.write(lambda tx: end(tx, attempt))
    expected = "withdrawing" if withdrawing and state == "standing" else state
    assert await state_of(store, attempt) == expected
    assert (await store.read.open_bid("demo", "a") is None) == (state != "standing")


async def test_what_is_to_be_withdrawn_wins_no_more(store: Store):
    attempt = await placed(store)
    assert await store.write(lambda tx: tx.bids.may_win(attempt.id, though_withdrawing=False))
    assert await store.write(lambda tx: tx.bids.wish(attempt.id, "first"))
    assert await store.write(lambda tx: tx.bids.wish(attempt.id, "second"))
    assert not await store.write(lambda tx: tx.bids.may_win(attempt.id, though_withdrawing=False))
    assert await store.write(lambda tx: tx.bids.may_win(attempt.id, though_withdrawing=True))
    bid = await store.read.open_bid("demo", "a")
    assert bid is not None
    assert bid.why == "first"


async def test_what_has_won_is_not_withdrawn(store: Store):
    attempt = await placed(store)
    await won(store, attempt)
    assert not await store.write(lambda tx: tx.bids.wish(attempt.id, "too late"))
    assert not await store.write(lambda tx: tx.bids.may_win(attempt.id, though_withdrawing=True))


@pytest.mark.parametrize(("first", "second"), [("fetched", "returned"), ("returned", "fetched")])
async def test_a_number_is_fetched_or_given_back(store: Store, first: str, second: str):
    attempt = await placed(store)
    await won(store, attempt)
    assert await store.read.unfetched([attempt.id]) == {attempt.id: BidState.WON}
    assert await store.write(lambda tx: getattr(tx.bids, first)(attempt.id))
    assert not await store.write(lambda tx: getattr(tx.bids, second)(attempt.id))
    assert not await store.write(lambda tx: getattr(tx.bids, first)(attempt.id))


async def test_an_order_is_free_again_once_what_its_bid_won_is_given_back(store: Store):
    attempt = await placed(store, order_id="key")
    assert await store.read.order("demo", "key") == ("a", None)
    activation = await won(store, attempt)
    assert await store.read.order("demo", "key") == ("a", activation.id)
    await store.write(lambda tx: tx.bids.returned(attempt.id))
    assert await store.read.order("demo", "key") == ("a", activation.id)
    await store.write(lambda tx: tx.advance(activation.id, Event.CANCEL_CONFIRMED))
    assert await store.read.order("demo", "key") is None


async def test_a_bid_is_found_by_the_providers_name_for_it(store: Store):
    attempt = await placed(store, "77")
    assert (await store.read.bid_named("getsms", "77")).id == attempt.id
    assert await store.read.bid_named("getatext", "77") is None
    assert await store.read.bid_named("getsms", "") is None


async def test_a_bid_stands_through_a_restart(path: Path, clock: FakeClock):
    async with open_store(str(path), clock) as store:
        standing = await placed(store, "a")
        cut_off = await begun(store, fingerprint="b", markup=MARKUP)
    async with open_store(str(path), clock) as store:
        assert await state_of(store, standing) == "standing"
        assert await state_of(store, cut_off) == "unknown"
        assert [bid.id for bid in await store.read.bids_at_work("getsms")] == [standing.id, cut_off.id]
        assert await store.read.bids_at_work("getatext") == []


class Bidders(RuleBasedStateMachine):
    """A random walk of two clients with two requests each; the budget covers three bids."""

    bids = Bundle("bids")

    @initialize()
    def open(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.loop, self.stack = asyncio.Runner(), AsyncExitStack()
        self.path = self.folder / "books.db"
        opening = self.stack.enter_async_context(open_store(str(self.path), FakeClock()))
        self.store: Store = self.loop.run(opening)
        self.names = 0

    def teardown(self) -> None:
        self.loop.run(self.stack.aclose())
        self.loop.close()
        shutil.rmtree(self.folder)

    def write(self, unit):
        return self.loop.run(self.store.write(unit))

    @rule(target=bids, client=st.sampled_from(["demo", "other"]), request=st.sampled_from(["a", "b"]))
    def begin(self, client: str, request: str):
        unit = draft(client, fingerprint=request, markup=MARKUP, budget=budget("1.50"))
        try:
            return self.write(lambda tx: tx.begin_attempt(unit))
        except NoNumbers:
            assert self.loop.run(self.store.read.open_bid(client, request))
        except NoBalance:
            assert self.loop.run(self.store.read.spent(client, budget("1.50"), 1_750_000_000.0)) > 2 * PRICE
        return multiple()

    @rule(attempt=bids, cheaper=st.integers(0, PRICE))
    def stand(self, attempt: Attempt, cheaper: int) -> None:
        self.names += 1

        def unit(tx: Transaction) -> None:
            tx.leave_unknown(attempt, "waits", str(self.names))
            tx.bids.name(attempt.id, str(self.names), attempt.hold - cheaper)

        self.write(unit)

    @rule(attempt=bids)
    def wish(self, attempt: Attempt) -> None:
        self.write(lambda tx: tx.bids.wish(attempt.id, "why"))

    @rule(attempt=consumes(bids))
    def release(self, attempt: Attempt) -> None:
        self.write(lambda tx: tx.refuse(attempt, "withdrawn"))

    @rule(attempt=bids, forced=st.booleans())
    def win(self, attempt: Attempt, forced: bool) -> None:
        def unit(tx: Transaction) -> None:
            if tx.bids.may_win(attempt.id, though_withdrawing=forced):
                tx.book(attempt, receipt(f"of {attempt.id}", attempt.hold), Outcome.RECOVERED)

        self.write(unit)

    @rule(attempt=bids, how=st.sampled_from(["fetched", "returned"]))
    def end(self, attempt: Attempt, how: str) -> None:
        self.write(lambda tx: getattr(tx.bids, how)(attempt.id))

    @invariant()
    def a_bid_is_open_exactly_while_its_money_is_held(self) -> None:
        sql = (
            "SELECT b.state, sum((kind = 'hold') - (kind = 'release')), sum(kind = 'charge'), count(DISTINCT t.id)"
            " FROM bids b JOIN ledger l ON l.attempt_id = b.attempt_id"
            " LEFT JOIN activations t ON t.attempt_id = b.attempt_id GROUP BY b.attempt_id"
        )
        for state, held, charged, activations in rows(self.path, sql):
            assert held == (state in ("open", "withdrawing"))
            assert charged == activations
            assert charged or state not in ("won", "returned")

    @invariant()
    def equal_requests_have_one_open_bid(self) -> None:
        sql = "SELECT max(n) FROM (SELECT count(*) AS n FROM bids WHERE state IN ('open', 'withdrawing')"
        ((most,),) = rows(self.path, f"{sql} GROUP BY client, fingerprint)")
        assert most in (None, 1)


TestBidders = Bidders.TestCase
TestBidders.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
