"""The queue of webhooks: filled with the message itself, handed out in order, and counted exactly."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from proxy.clock import SystemClock
from proxy.domain.activation import Activation, Event, Status
from proxy.store.deliveries import Delivery
from proxy.store.reads import DELIVERIES
from proxy.store.schema import MIGRATIONS
from proxy.store.store import Store, open_store
from tests.fakes import FakeClock
from tests.store.books import begun, bought, receipt, rows, sms, then_fail

URL = "https://example.com/sms"


@pytest.fixture
async def store(store: Store) -> Store:
    store.writer.receivers = {"demo": URL}
    return store


async def got(store: Store, activation: Activation, *codes: str) -> None:
    for code in codes:
        await store.write(lambda tx, it=code: tx.receive(sms(it, activation.upstream_id)))


async def due(store: Store, clock: FakeClock, most: int = 10) -> list[Delivery]:
    return await store.read.due_deliveries("demo", clock.now(), most)


async def test_a_message_is_queued_with_all_that_is_told(store: Store, clock: FakeClock):
    activation = await bought(store)
    await store.write(lambda tx: tx.receive(sms("012345", text="Code: 012345")))
    assert await due(store, clock) == [
        Delivery(1, "demo", 0, activation.id, "wa", 187, "Code: 012345", "012345", clock.now(), "WhatsApp")
    ]


async def test_message_and_webhook_are_booked_together_or_not_at_all(store: Store, path: Path):
    activation = await bought(store)
    with pytest.raises(RuntimeError):
        await store.write(then_fail(lambda tx: tx.receive(sms("012345", activation.upstream_id))))
    assert rows(path, "SELECT * FROM messages") == rows(path, "SELECT * FROM deliveries") == []
    assert store.deliveries == 0


async def test_a_repeated_message_is_queued_once(store: Store, clock: FakeClock):
    await got(store, await bought(store), "012345", "012345")
    assert len(await due(store, clock)) == 1


async def test_messages_from_before_their_activation_are_queued_in_order(store: Store, clock: FakeClock):
    for code in "12":
        await store.write(lambda tx, it=code: tx.receive(sms(it, "77")))
    assert await due(store, clock) == []
    attempt = await begun(store)
    await store.write(lambda tx: tx.book(attempt, receipt("77")))
    assert [delivery.code for delivery in await due(store, clock)] == ["1"]
    assert store.deliveries == 2


@pytest.mark.parametrize(
    ("events", "status", "told"),
    [
        ([Event.CLIENT_CANCELLED], Status.RECEIVED, True),
        ([Event.TIME_RAN_OUT], Status.FINISHED, True),
        ([Event.CODE_ARRIVED, Event.CLIENT_FINISHED], Status.FINISHED, True),
        ([Event.CANCEL_CONFIRMED], Status.CANCELLED, False),
        ([Event.PROVIDER_REFUNDED], Status.EXPIRED, False),
    ],
)
async def test_what_was_refunded_is_not_told(store: Store, events: list[Event], status: Status, told: bool):
    activation = await bought(store)
    for event in events:
        await store.write(lambda tx, it=event: tx.advance(activation.id, it))
    await got(store, activation, "012345")
    after = await store.read.activation(activation.id)
    assert after is not None
    assert after.status is status
    assert store.deliveries == int(told)


async def test_only_the_oldest_message_of_an_activation_is_due(store: Store, clock: FakeClock):
    first, second = await bought(store, "1"), await bought(store, "2")
    await got(store, first, "11", "12")
    await got(store, second, "21")
    found = await due(store, clock)
    assert [delivery.code for delivery in found] == ["11", "21"]
    assert [delivery.code for delivery in await due(store, clock, most=1)] == ["11"]
    await store.write(lambda tx: tx.note_delivery(found[0], URL, "HTTP 500", clock.now() + 60))
    assert [delivery.code for delivery in await due(store, clock)] == ["21"]
    assert await store.read.next_delivery_at("demo", clock.now()) == clock.now() + 60
    await clock.advance(60)
    assert [(delivery.code, delivery.tries) for delivery in await due(store, clock)] == [("21", 0), ("11", 1)]
    await store.write(lambda tx: tx.note_delivery(found[0], URL, "", None))
    assert [delivery.code for delivery in await due(store, clock)] == ["12", "21"]


@pytest.mark.parametrize(
    ("url", "error", "pause", "row"),
    [
        ("https://new.example/", "", None, ("delivered", 1, "https://new.example/", "")),
        (URL, "HTTP 500", 20, ("waiting", 1, URL, "HTTP 500")),
        (URL, "HTTP 500", None, ("failed", 1, URL, "HTTP 500")),
        ("", "no webhook", None, ("failed", 0, URL, "no webhook")),
    ],
)
async def test_how_a_try_went_is_noted(store: Store, clock: FakeClock, url: str, error: str, pause: int | None, row):
    await got(store, await bought(store), "012345")
    again_at = pause and clock.now() + pause
    (delivery,) = await due(store, clock)
    await store.write(lambda tx: tx.note_delivery(delivery, url, error, again_at))
    (noted,) = await store.read.page(DELIVERIES, {}, limit=10)
    assert (noted["state"], noted["tries"], noted["url"], noted["last_error"]) == row
    assert noted["next_try_at"] == again_at
    assert store.deliveries == int(row[0] == "waiting")


async def test_what_is_over_stays_over(store: Store, clock: FakeClock):
    await got(store, await bought(store), "012345")
    (delivery,) = await due(store, clock)
    for error in ("", "HTTP 500", ""):
        await store.write(lambda tx, it=error: tx.note_delivery(delivery, URL, it, None))
    assert (await store.read.page(DELIVERIES, {}, limit=10))[0]["state"] == "delivered"
    assert store.deliveries == 0


async def test_whoever_delivers_hears_of_what_is_durable(store: Store):
    heard: list[str] = []
    store.on_delivery = heard.append
    await got(store, await bought(store, "1"), "11")
    await got(store, await bought(store, "2", client="other"), "21")
    with pytest.raises(RuntimeError):
        await store.write(then_fail(lambda tx: tx.receive(sms("12", "1"))))
    assert heard == ["demo"]


async def test_a_restart_knows_what_waits(path: Path, clock: FakeClock):
    async with open_store(str(path), clock) as store:
        store.writer.receivers = {"demo": URL, "other": URL}
        await got(store, await bought(store, "1"), "11", "12")
        await got(store, await bought(store, "2", client="other"), "21")
    async with open_store(str(path), clock) as store:
        assert await store.read.awaited_deliveries() == {"demo": 2, "other": 1}
        assert store.deliveries == 3


async def test_books_from_before_there_were_webhooks_are_brought_up_to_date(path: Path):
    with closing(sqlite3.connect(path)) as connection:
        for step in MIGRATIONS[:2]:
            connection.executescript(step)
        connection.execute("PRAGMA user_version = 2")
    async with open_store(str(path), SystemClock()) as store:
        store.writer.receivers = {"demo": URL}
        await got(store, await bought(store), "012345")
        assert store.deliveries == 1
