"""The live view: what is open by every key, who is told of it, and purchases that wait for their client."""

from dataclasses import replace
from pathlib import Path

import pytest

from proxy.domain.activation import Activation, Event, Status
from proxy.store.live import REDELIVERY_SECONDS, Live
from proxy.store.store import open_store
from tests.fakes import FakeClock
from tests.store.books import bought

FINGERPRINT = "action=getNumber&service=wa"


def made(id: int = 1, **changes: object) -> Activation:
    activation = Activation(
        id=id,
        client="demo",
        service="wa",
        country=187,
        provider="getsms",
        upstream_id=str(id),
        upstream_service="WhatsApp",
        phone="12025550123",
        operator="",
        price=500_000,
        status=Status.WAITING,
        several_sms=False,
        code="",
        created_at=1000.0,
        expires_at=2200.0,
        attempt_id=id,
    )
    return replace(activation, **changes)


@pytest.fixture
def live() -> Live:
    return Live()


def test_what_is_open_is_found_by_client_and_by_provider_oldest_first(live: Live):
    first, second = made(1, provider="getatext"), made(2)
    third = made(3, client="other")
    for activation in (third, second, first):
        live.put(activation)
    assert live.of_client("demo") == [first, second]
    assert live.of_provider("getsms") == [second, third]
    assert live.of_client("nobody") == live.of_provider("nobody") == []
    assert (live.count_at("getsms"), live.count_at("nobody")) == (2, 0)


@pytest.mark.parametrize("status", Status)
def test_what_has_not_ended_is_kept(live: Live, status: Status):
    live.put(made())
    live.put(made(status=status))
    assert (1 in live.open) is made(status=status).is_open


def test_what_has_ended_leaves_nothing_behind(live: Live):
    empty = {name: str(value) for name, value in vars(live).items()}
    live.put(made(status=Status.FINISHED))
    live.put(made())
    live.put(made(status=Status.FINISHED))
    assert {name: str(value) for name, value in vars(live).items()} == empty


def test_a_watcher_is_told_of_what_is_there_and_of_what_changes(live: Live):
    seen: list[Activation] = []
    live.put(made(1))
    live.watch(seen.append)
    live.put(made(2))
    live.put(made(1, status=Status.RECEIVED))
    live.put(made(2, status=Status.CANCELLED))
    live.put(made(2, status=Status.CANCELLED))
    changes = [(1, Status.WAITING), (2, Status.WAITING), (1, Status.RECEIVED), (2, Status.CANCELLED)]
    assert [(it.id, it.status) for it in seen] == changes
    live.unwatch(seen.append)
    live.put(made(3))
    assert len(seen) == 4


def test_only_what_is_open_and_watched_is_hurried(live: Live):
    looks: list[tuple[int, bool]] = []
    live.put(made(1))
    live.put(made(2, provider="getatext"))
    live.put(made(3))
    live.put(made(3, status=Status.FINISHED))
    live.on_hurry("getsms", lambda id, now: looks.append((id, now)))
    for provider, upstream_id in [("getsms", "1"), ("getatext", "2"), ("getsms", "3"), ("getsms", "99"), ("x", "1")]:
        live.hurry(provider, upstream_id)
    live.is_asked_for(made(1))
    live.is_asked_for(made(2, provider="getatext"))
    assert looks == [(1, True), (1, False)]


# Purchases whose reply reached nobody


def test_an_undelivered_purchase_is_given_to_the_next_equal_request_once(live: Live):
    live.put(made(1))
    live.keep_for_redelivery(made(1), FINGERPRINT)
    assert live.redeliver("demo", "something else", 1001) == []
    assert live.redeliver("other", FINGERPRINT, 1001) == []
    assert live.redeliver("demo", FINGERPRINT, 1001) == [made(1)]
    assert live.redeliver("demo", FINGERPRINT, 1001) == []


def test_several_are_given_oldest_first_and_as_they_are_now(live: Live):
    for id in (1, 2, 3):
        live.put(made(id))
        live.keep_for_redelivery(made(id), FINGERPRINT)
    live.put(made(1, status=Status.CANCELLED))
    live.put(received := made(2, status=Status.RECEIVED, code="111"))
    assert live.redeliver("demo", FINGERPRINT, 1001) == [received]
    assert live.redeliver("demo", FINGERPRINT, 1001) == [made(3)]
    assert live.redeliver("demo", FINGERPRINT, 1001) == []


def test_what_was_bought_together_is_given_together_or_not_at_all(live: Live):
    for id in (1, 2, 3):
        live.put(made(id))
        live.keep_for_redelivery(made(id), FINGERPRINT)
    assert live.redeliver("demo", FINGERPRINT, 1001, 2) == [made(1), made(2)]
    assert live.redeliver("demo", FINGERPRINT, 1001, 2) == []


@pytest.mark.parametrize(("age", "given"), [(0, True), (REDELIVERY_SECONDS, True), (REDELIVERY_SECONDS + 0.1, False)])
def test_an_undelivered_purchase_waits_two_minutes(live: Live, age: float, given: bool):
    live.put(made())
    live.keep_for_redelivery(made(), FINGERPRINT)
    live.forget_old_redeliveries(1000 + age)
    assert bool(live.redeliver("demo", FINGERPRINT, 1000 + age)) is given


@pytest.mark.parametrize("status", [Status.CANCELLING, Status.ENDING])
def test_a_number_that_is_over_for_its_client_is_given_to_nobody(live: Live, status: Status):
    live.put(made())
    live.keep_for_redelivery(made(), FINGERPRINT)
    live.put(made(status=status))
    assert live.redeliver("demo", FINGERPRINT, 1001) == []


def test_what_nobody_came_back_for_is_forgotten(live: Live):
    for id, created_at in ((1, 1000.0), (2, 1100.0)):
        live.put(made(id, created_at=created_at))
        live.keep_for_redelivery(made(id, created_at=created_at), FINGERPRINT)
    live.forget_old_redeliveries(1150.0)
    assert live.redeliver("demo", FINGERPRINT, 1150.0)[0].id == 2
    live.forget_old_redeliveries(1300.0)
    assert not live._undelivered


@pytest.mark.parametrize(("delivered", "age", "given"), [(False, 100, True), (False, 121, False), (True, 100, False)])
async def test_an_undelivered_purchase_survives_a_restart(
    path: Path, clock: FakeClock, delivered: bool, age: float, given: bool
):
    async with open_store(str(path), clock) as store:
        activation = await bought(store, fingerprint=FINGERPRINT)
        if delivered:
            await store.write(lambda tx: tx.mark_delivered([activation.id]))
    await clock.advance(age)
    async with open_store(str(path), clock) as store:
        assert store.live.redeliver("demo", FINGERPRINT, clock.now()) == ([activation] if given else [])


async def test_a_number_on_its_way_back_is_given_to_nobody_after_a_restart(path: Path, clock: FakeClock):
    async with open_store(str(path), clock) as store:
        activation = await bought(store, fingerprint=FINGERPRINT)
        await store.write(lambda tx: tx.advance(activation.id, Event.CLIENT_CANCELLED))
    async with open_store(str(path), clock) as store:
        assert store.live.redeliver("demo", FINGERPRINT, clock.now()) == []
