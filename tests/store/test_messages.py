"""No SMS is lost, stale or doubled, in whatever order it, its rental and its repetitions come."""

from pathlib import Path

import pytest

from proxy.domain.activation import Event, Status
from proxy.store.store import Store
from proxy.store.transaction import Incoming
from tests.fakes import FakeClock
from tests.store.books import begun, bought, receipt, rows, sms

FIRST = sms("111111", text="Your code: 111111", sent_at="2025-06-15 15:06:40")


async def receive(store: Store, *messages: Incoming):
    return [await store.write(lambda tx, it=message: tx.receive(it)) for message in messages]


async def test_a_code_reaches_its_activation(store: Store):
    activation = await bought(store)
    (after,) = await receive(store, FIRST)
    assert (after.id, after.status, after.code) == (activation.id, Status.RECEIVED, "111111")
    assert store.live.open[activation.id] == after


@pytest.mark.parametrize(
    ("second", "news"),
    [
        (FIRST, False),
        (sms("111111", text="Your code: 111111", sent_at="2025-06-15 15:06:40"), False),
        (sms("", text="Your code: 111111", sent_at="2025-06-15 15:06:40"), False),
        (sms("111111", text="Your code: 111111", sent_at="2025-06-15 15:06:41"), True),
        (sms("222222", text="Your code: 222222", sent_at="2025-06-15 15:06:40"), True),
        (sms("222222"), True),
    ],
)
async def test_the_same_rental_text_and_time_are_the_same_message(store: Store, second: Incoming, news: bool):
    activation = await bought(store)
    _, after = await receive(store, FIRST, second)
    assert (after is not None) is news
    assert len((await store.read.messages([activation.id]))[activation.id]) == 1 + news


@pytest.mark.parametrize(("second", "news"), [(sms("111111"), False), (sms("222222"), True)])
async def test_where_text_or_time_is_missing_the_code_tells_messages_apart(store: Store, second: Incoming, news: bool):
    await bought(store)
    _, after = await receive(store, sms("111111"), second)
    assert (after is not None) is news


async def test_equal_messages_of_other_rentals_are_other_messages(store: Store):
    first, second = await bought(store, "77"), await bought(store, "78")
    third = await bought(store, "77", provider="getatext")
    ends = await receive(store, sms("1", "77"), sms("1", "78"), sms("1", "77", provider="getatext"))
    assert [after.id for after in ends] == [first.id, second.id, third.id]


async def test_a_repetition_after_another_was_wanted_does_not_count_as_the_next(store: Store):
    activation = await bought(store)
    await receive(store, FIRST)
    await store.write(lambda tx: tx.advance(activation.id, Event.CLIENT_WANTS_ANOTHER))
    assert await receive(store, FIRST) == [None]
    assert store.live.open[activation.id].status is Status.WAITING_AGAIN


async def test_messages_that_come_before_their_rental_are_kept_and_joined(store: Store, path: Path):
    assert await receive(store, sms("111"), sms("222"), sms("999", "78"), sms("222")) == [None] * 4
    assert rows(path, "SELECT activation_id FROM messages") == [(None,)] * 3
    attempt = await begun(store)
    activation = await store.write(lambda tx: tx.book(attempt, receipt("77")))
    assert (activation.status, activation.code) == (Status.RECEIVED, "222")
    assert store.live.open == {activation.id: activation}
    codes = [message["code"] for message in (await store.read.messages([activation.id]))[activation.id]]
    assert codes == ["111", "222"]


async def test_an_early_message_is_not_news_when_it_comes_again(store: Store):
    await receive(store, FIRST)
    await bought(store)
    assert await receive(store, FIRST) == [None]


@pytest.mark.parametrize(
    ("events", "status", "code"),
    [
        ([Event.CLIENT_CANCELLED], Status.RECEIVED, "111111"),
        ([Event.TIME_RAN_OUT], Status.FINISHED, "111111"),
        ([Event.CANCEL_CONFIRMED], Status.CANCELLED, ""),
        ([Event.PROVIDER_ENDED], Status.EXPIRED, ""),
    ],
)
async def test_a_code_wins_against_all_but_an_end(store: Store, events: list[Event], status: Status, code: str):
    activation = await bought(store)
    for event in events:
        await store.write(lambda tx, it=event: tx.advance(activation.id, it))
    await receive(store, FIRST)
    after = await store.read.activation(activation.id)
    assert (after.status, after.code) == (status, code)
    assert len((await store.read.messages([activation.id]))[activation.id]) == 1


async def test_messages_are_listed_oldest_first_by_activation(store: Store, clock: FakeClock):
    first, second = await bought(store, "77"), await bought(store, "78")
    at = clock.now()
    for number, (rental, code) in enumerate([("77", "1"), ("78", "2"), ("77", "3")]):
        await receive(store, sms(code, rental, text=f"code {code}", sent_at=str(number)))
        await clock.advance(1)
    listed = await store.read.messages([first.id, second.id, 99])
    assert {id: [message["code"] for message in found] for id, found in listed.items()} == {
        first.id: ["1", "3"],
        second.id: ["2"],
        99: [],
    }
    assert listed[second.id] == [{"code": "2", "text": "code 2", "sender": "WhatsApp", "received_at": at + 1}]
    assert await store.read.messages([]) == {}
