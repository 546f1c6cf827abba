"""The life of an activation as a graph: the promises about money and codes hold on every path through it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.domain.activation import (
    CLOSED,
    REFUNDING,
    SEEN_OPEN,
    TRANSITIONS,
    Activation,
    Event,
    IllegalTransition,
    Status,
    advance,
)

NEW = Activation(
    id=1,
    client="demo",
    service="wa",
    country=187,
    provider="getsms",
    upstream_id="77",
    upstream_service="WhatsApp",
    phone="12025550123",
    operator="",
    price=550_000,
    status=Status.WAITING,
    several_sms=True,
    code="",
    created_at=0.0,
    expires_at=1200.0,
    attempt_id=1,
)
REFUNDED = frozenset({Status.CANCELLED, Status.EXPIRED})

events = st.lists(st.tuples(st.sampled_from(Event), st.sampled_from(["111", "222", "333"])), max_size=30)


def reachable(start: Status) -> set[Status]:
    """Every status that some list of events leads to, `start` included."""
    found, unseen = {start}, [start]
    while unseen:
        new = set(TRANSITIONS[unseen.pop()].values()) - found
        found |= new
        unseen += new
    return found


def after_each(steps: list[tuple[Event, str]]) -> list[tuple[Activation, Event, Activation]]:
    """The story of an activation: before, event, after; what is illegal is left out, as it changes nothing."""
    story, now = [], NEW
    for event, code in steps:
        try:
            after = advance(now, event, code if event is Event.CODE_ARRIVED else "")
        except IllegalTransition:
            continue
        story.append((now, event, after))
        now = after
    return story


def test_every_status_has_a_row():
    assert set(TRANSITIONS) == set(Status)


def test_every_status_can_be_reached():
    assert reachable(Status.WAITING) == set(Status)


@pytest.mark.parametrize("status", Status)
def test_an_sms_can_arrive_at_any_time(status: Status):
    assert Event.CODE_ARRIVED in TRANSITIONS[status]


@pytest.mark.parametrize("status", sorted(CLOSED))
def test_an_end_is_an_end(status: Status):
    assert reachable(status) == {status}


@pytest.mark.parametrize("status", sorted(set(Status) - CLOSED))
def test_whatever_is_open_can_end(status: Status):
    assert reachable(status) & CLOSED
    assert {Event.PROVIDER_ENDED} <= TRANSITIONS[status].keys()


@pytest.mark.parametrize("status", [Status.RECEIVED, Status.WAITING_AGAIN, Status.FINISHED])
def test_a_delivered_code_is_never_refunded(status: Status):
    beyond = reachable(status)
    assert not beyond & REFUNDED
    assert not [later for later in beyond if TRANSITIONS[later].keys() & REFUNDING]


@pytest.mark.parametrize("status", sorted(set(Status) - CLOSED))
def test_money_comes_back_only_on_the_way_to_a_refunded_end(status: Status):
    assert {TRANSITIONS[status][event] for event in REFUNDING & TRANSITIONS[status].keys()} <= REFUNDED


@pytest.mark.parametrize("status", [Status.CANCELLING, Status.ENDING])
def test_a_promise_that_is_kept_open_is_over_for_the_client(status: Status):
    assert status not in SEEN_OPEN
    assert status not in CLOSED
    assert not TRANSITIONS[status].keys() & {Event.CLIENT_FINISHED, Event.CLIENT_WANTS_ANOTHER}


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ([], Status.WAITING, ""),
        ([("code_arrived", "1")], Status.RECEIVED, "1"),
        ([("code_arrived", "1"), ("code_arrived", "2")], Status.RECEIVED, "2"),
        ([("code_arrived", "1"), ("client_wants_another", "")], Status.WAITING_AGAIN, "1"),
        ([("code_arrived", "1"), ("client_wants_another", ""), ("code_arrived", "2")], Status.RECEIVED, "2"),
        ([("code_arrived", "1"), ("client_wants_another", ""), ("time_ran_out", "")], Status.FINISHED, "1"),
        ([("code_arrived", "1"), ("client_finished", ""), ("code_arrived", "2")], Status.FINISHED, "1"),
        ([("client_cancelled", ""), ("code_arrived", "1")], Status.RECEIVED, "1"),
        ([("client_cancelled", ""), ("cancel_confirmed", ""), ("code_arrived", "1")], Status.CANCELLED, ""),
        ([("cancel_confirmed", ""), ("client_cancelled", "")], Status.CANCELLED, ""),
        ([("time_ran_out", ""), ("code_arrived", "1")], Status.FINISHED, "1"),
        ([("time_ran_out", ""), ("provider_ended", ""), ("code_arrived", "1")], Status.EXPIRED, ""),
        ([("provider_refunded", "")], Status.EXPIRED, ""),
    ],
)
def test_a_story_and_its_end(path: list[tuple[str, str]], status: Status, code: str):
    now = NEW
    for event, arrived in path:
        now = advance(now, Event(event), arrived)
    assert (now.status, now.code) == (status, code)


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("event", Event)
def test_only_the_table_moves_an_activation(status: Status, event: Event):
    before = advance_to(status)
    if event in TRANSITIONS[status]:
        assert advance(before, event).status is TRANSITIONS[status][event]
    else:
        with pytest.raises(IllegalTransition, match=f"{event}.*{status}"):
            advance(before, event)


def advance_to(status: Status) -> Activation:
    """Some activation in this status, by the shortest way."""
    stories = [NEW]
    while (now := stories.pop(0)).status is not status:
        stories += [advance(now, event, "1" * (event is Event.CODE_ARRIVED)) for event in TRANSITIONS[now.status]]
    return now


@given(events)
def test_money_comes_back_at_most_once_and_never_after_a_code(steps: list[tuple[Event, str]]):
    story = after_each(steps)
    refunds = [before for before, event, _ in story if event in REFUNDING]
    assert len(refunds) <= 1
    assert not [before for before in refunds if before.code]


@given(events)
def test_a_code_is_never_forgotten_and_an_end_never_undone(steps: list[tuple[Event, str]]):
    for before, _, after in after_each(steps):
        assert after.code or not before.code
        assert before.is_open or after == before


@given(events)
def test_a_code_is_there_exactly_when_the_status_says_so_unless_a_rent_was_let_go(steps: list[tuple[Event, str]]):
    for _, _, after in after_each([step for step in steps if step[0] is not Event.CLIENT_LET_GO]):
        if after.status in (Status.RECEIVED, Status.WAITING_AGAIN, Status.FINISHED):
            assert after.code
        else:
            assert not after.code


@given(events)
def test_nothing_but_status_and_code_ever_changes(steps: list[tuple[Event, str]]):
    fixed = [name for name in Activation.__slots__ if name not in ("status", "code")]
    for _, _, after in after_each(steps):
        assert [getattr(after, name) for name in fixed] == [getattr(NEW, name) for name in fixed]
