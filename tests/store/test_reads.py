"""Questions to the books: pages newest first and narrowed, sums, and how well services deliver."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from proxy.domain.activation import Event
from proxy.domain.client import Period
from proxy.store.reads import ACTIVATIONS, ATTEMPTS, LEDGER, TABLES, Table
from proxy.store.store import Store
from tests.fakes import FakeClock
from tests.store.books import PRICE, begun, bought, budget, sms

BOUGHT = [("demo", "getsms", "wa"), ("other", "getatext", "tg"), ("demo", "getatext", "wa"), ("demo", "getsms", "tg")]


@pytest.fixture
async def full(store: Store, clock: FakeClock) -> Store:
    """Four activations a minute apart, the first cancelled and the second with a code; then an attempt refused."""
    for number, (client, provider, service) in enumerate(BOUGHT, start=1):
        await bought(store, str(number), client=client, provider=provider, service=service)
        await clock.advance(60)
    await store.write(lambda tx: tx.advance(1, Event.CANCEL_CONFIRMED))
    await store.write(lambda tx: tx.receive(sms("111", "2", provider="getatext")))
    attempt = await begun(store, provider="getatext")
    await store.write(lambda tx: tx.refuse(attempt, "out of stock"))
    return store


async def ids(store: Store, table: Table, filters: Mapping[str, Sequence[str]] = {}, **more: Any) -> list[int]:
    return [row["id"] for row in await store.read.page(table, filters, **{"limit": 100, **more})]


@pytest.mark.parametrize(
    ("table", "filters", "found"),
    [
        (ACTIVATIONS, {}, [4, 3, 2, 1]),
        (ACTIVATIONS, {"client": ["demo"]}, [4, 3, 1]),
        (ACTIVATIONS, {"client": ["demo"], "provider": ["getatext"]}, [3]),
        (ACTIVATIONS, {"client": ["demo", "other"], "service": ["tg"]}, [4, 2]),
        (ACTIVATIONS, {"status": ["cancelled", "received"]}, [2, 1]),
        (ACTIVATIONS, {"status": ["no such status"]}, []),
        (ACTIVATIONS, {"phone": ["12025550123"]}, [4, 3, 2, 1]),
        (ACTIVATIONS, {"client": []}, []),
        (ACTIVATIONS, {"client": ["' OR 1 = 1 --"]}, []),
        (ACTIVATIONS, {"id = 1 --": ["1"], "outcome": ["bought"]}, [4, 3, 2, 1]),
        (ATTEMPTS, {"outcome": ["refused"]}, [5]),
        (ATTEMPTS, {"provider": ["getatext"]}, [5, 3, 2]),
        (LEDGER, {"kind": ["charge"]}, [12, 9, 6, 3]),
        (LEDGER, {"kind": ["refund"], "client": ["demo"]}, [13]),
    ],
)
async def test_a_page_is_narrowed_by_what_the_table_knows_and_by_nothing_else(
    full: Store, table: Table, filters: dict[str, list[str]], found: list[int]
):
    assert await ids(full, table, filters) == found


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
async def test_pages_put_together_are_the_whole_list(full: Store, table: Table):
    whole, pages, before = await ids(full, table), [], None
    while page := await ids(full, table, limit=2, before=before):
        assert len(page) <= 2
        pages += page
        before = page[-1]
    assert pages == whole
    assert whole == sorted(whole, reverse=True)


async def test_a_list_can_begin_at_a_time(full: Store, clock: FakeClock):
    start = clock.now() - 240
    assert await ids(full, ACTIVATIONS, since=start + 60) == [4, 3, 2]
    assert await ids(full, ACTIVATIONS, {"client": ["demo"]}, since=start + 61, before=4) == [3]
    assert await ids(full, LEDGER, since=clock.now()) == [15, 14, 13]


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
async def test_a_row_has_all_columns_of_its_table(full: Store, table: Table):
    for row in await full.read.page(table, {}, limit=100):
        assert tuple(row) == table.columns


async def test_a_row_says_what_happened(full: Store, clock: FakeClock):
    (row,) = await full.read.page(ACTIVATIONS, {"status": ["cancelled"]}, limit=1)
    assert row == {
        "id": 1,
        "client": "demo",
        "service": "wa",
        "country": 187,
        "phone": "12025550123",
        "status": "cancelled",
        "provider": "getsms",
        "upstream_id": "1",
        "price": PRICE,
        "refunded": PRICE,
        "created_at": clock.now() - 240,
        "expires_at": 1_750_001_200.0,
    }


async def test_one_activation_is_found_open_or_closed(full: Store):
    assert (await full.read.activation(1)).status == "cancelled"
    assert await full.read.activation(4) == full.live.open[4]
    assert await full.read.activation(5) is None


async def test_accounts_add_up_by_provider(full: Store):
    assert await full.read.accounts() == {"getsms": (PRICE, None), "getatext": (2 * PRICE, None)}


async def test_spending_adds_up_by_client(full: Store, clock: FakeClock):
    for per in Period:
        assert await full.read.spent("demo", budget(1, per), clock.now()) == 2 * PRICE
    assert await full.read.spent("nobody", budget(1), clock.now()) == 0


async def test_an_opening_balance_is_remembered_once(store: Store):
    await store.write(lambda tx: tx.set_opening("getsms", 100))
    await bought(store)
    await store.write(lambda tx: tx.set_opening("getsms", 999))
    await bought(store, provider="getatext")
    await store.write(lambda tx: tx.set_opening("getatext", 200))
    assert await store.read.accounts() == {"getsms": (PRICE, 100), "getatext": (PRICE, 200)}


async def test_delivery_counts_what_brought_a_code_among_what_ended(full: Store):
    assert await full.read.delivery() == {("getsms", "WhatsApp"): (0, 1), ("getatext", "WhatsApp"): (1, 1)}


@pytest.mark.parametrize(
    ("since", "until", "offset", "limit", "found"),
    [
        (-240, 0, 0, 100, [4, 3, 1]),
        (-240, 0, 1, 1, [3]),
        (-240, 0, 3, 100, []),
        (-120, 0, 0, 100, [4, 3]),
        (-240, -120, 0, 100, [3, 1]),
        (-239, -121, 0, 100, []),
    ],
)
async def test_what_a_client_bought_between_two_times(
    full: Store, clock: FakeClock, since: int, until: int, offset: int, limit: int, found: list[int]
):
    now = clock.now()
    bought_then = await full.read.bought_by("demo", since=now + since, until=now + until, offset=offset, limit=limit)
    assert [activation.id for activation in bought_then] == found
