"""How getatext.com's replies read: whatever comes, a reader answers in our words or says that there is nothing."""

import asyncio
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import NotSent, OutcomeUnknown
from proxy.providers import getatext_forms as forms
from proxy.providers.base import Bought, Cancelled, Look, Order, Refused, Renewed, RentalState
from proxy.providers.wire import parse_json

from .helpers import answering, getatext
from .rents import LONG, SERVICE

WORDS = st.sampled_from(
    [
        "id",
        "status",
        "success",
        "Active",
        "Cancelled",
        "errors",
        "null",
        "number",
        "1234567890",
        "messages",
        "message",
        "received_at",
        "rented_at",
        "end_time",
        "cost",
        "price",
        "prices",
        "period",
        "7d",
        "1 Week",
        "2026-04-19T12:39:32-04:00",
        "long_rental",
        "long_rentals",
        "service_long_rentals",
        "service_long_rental",
        "service_long_rental_prices",
        "api_name",
        "auctions",
        "new_current_bid",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=4), inner, max_size=8),
    max_leaves=15,
)
STATUSES = st.sampled_from([200, 201, 302, 400, 403, 404, 408, 422, 429, 500, 503])
CALLS = {
    "buy a week": (lambda it: it.buy(Order("whatsapp", 187, 1, hours=168), 5), Bought | Refused),
    "buy a week of everything": (lambda it: it.buy(Order("full", 187, 1, hours=168), 5), Bought | Refused),
    "renew a service": (lambda it: it.renew(SERVICE, 5), Renewed | Refused),
    "renew": (lambda it: it.renew(LONG, 5), Renewed | Refused),
    "cancel a service": (lambda it: it.cancel(SERVICE, 5), Cancelled),
    "cancel": (lambda it: it.cancel(LONG, 5), Cancelled),
    "let go": (lambda it: it.finish(SERVICE, 5), None),
    "look at a service": (lambda it: it.look(SERVICE, 5, closely=True), Look),
    "look": (lambda it: it.look(LONG, 5), Look),
    "list": (lambda it: it.open_rents(5), list),
    "price": (lambda it: it.rent_listings(5), list),
    "auctions": (lambda it: it.auctions(5), list),
    "bid": (lambda it: it.bid("1", 1, 5), int | Refused),
}


@pytest.mark.parametrize("call", CALLS)
@given(status=STATUSES, value=VALUES)
def test_any_answer_becomes_one_of_our_words_or_is_no_answer(call, status, value):
    ask, result = CALLS[call]

    async def outcome():
        try:
            return await ask(getatext(answering(status, json.dumps(value).encode())))
        except (NotSent, OutcomeUnknown):
            return None

    said = asyncio.run(outcome())
    assert said is None or isinstance(said, result or ())
    if isinstance(said, Look):
        assert said.state is not RentalState.UNKNOWN_ID


@given(VALUES)
def test_no_reader_stumbles(value):
    found = parse_json(json.dumps(value).encode())
    forms.lines(found, "messages")
    forms.known(found, "long_rentals")
    forms.rent_messages(found)
    forms.hours_of(found)
    assert all(hours > 0 and price >= 0 for hours, price in forms.terms(found).items())


@pytest.mark.parametrize(
    ("term", "hours"),
    [
        ("1d", 24),
        ("3d", 72),
        ("7d", 168),
        ("14d", 336),
        ("30d", 720),
        ("1w", 168),
        ("2w", 336),
        ("1m", 720),
        ("1y", 8760),
        ("1 Day", 24),
        ("7 Days", 168),
        ("30 days", 720),
        ("1 Week", 168),
        ("2 Weeks", 336),
        ("1 Month", 720),
        ("7", 0),
        (7, 0),
        ("0d", 0),
        ("15 minutes", 0),
        ("a week", 0),
        ("", 0),
        (None, 0),
    ],
)
def test_a_term_is_read_as_it_is_sold_and_as_it_is_listed(term, hours):
    assert forms.hours_of(term) == hours


@pytest.mark.parametrize(
    "found",
    [
        {"7d": "5.00", "30d": 15},
        [{"period": "7d", "cost": "5.00"}, {"period": "30 Days", "price": 15}],
        {"1 Week": {"cost": "5.00"}, "1m": {"price": "15"}, "1 hour": "1", "2w": None},
    ],
)
def test_prices_of_terms_are_read_in_every_form(found):
    assert forms.terms(found) == {168: 5_000_000, 720: 15_000_000}


START = datetime(2026, 1, 1, tzinfo=UTC)
STAMPS = st.builds(
    lambda seconds, hours: (START + timedelta(seconds=seconds)).astimezone(timezone(timedelta(hours=hours))),
    st.integers(0, 20_000),
    st.sampled_from([0, -4, 5]),
)


@given(st.lists(STAMPS, max_size=8), st.sampled_from(["received_at", "date", "rented_at"]))
def test_messages_come_oldest_first_whatever_their_zones(times, name):
    rows = [{"message": f"Your code is {1000 + i}", name: time.isoformat()} for i, time in enumerate(times)]
    messages = forms.rent_messages({"messages": rows})
    assert [datetime.fromisoformat(sms.received_at) for sms in messages] == sorted(times)
    assert {sms.code for sms in messages} == {str(1000 + i) for i in range(len(times))}


@given(st.lists(st.integers(0, 3), max_size=8).map(sorted), st.booleans())
def test_messages_of_one_second_keep_the_order_of_the_others(seconds, newest_first):
    texts = [f"{second} {place}" for place, second in enumerate(seconds)]
    rows = [{"message": text, "date": f"2026-01-01 00:00:0{text[0]}"} for text in texts]
    if newest_first and len(set(seconds)) > 1:
        rows = rows[::-1]
    assert [sms.text for sms in forms.rent_messages(rows)] == texts


def test_messages_without_a_time_stay_as_they_came():
    rows = [{"message": "b", "date": "2026-01-02"}, {"message": "a", "date": "2026-01-01"}, {"message": "c"}]
    assert [sms.text for sms in forms.rent_messages(rows)] == ["b", "a", "c"]


def test_a_message_is_stamped_by_the_first_time_that_it_names():
    (sms,) = forms.rent_messages([{"message": "1234", "rented_at": "c", "date": "b", "received_at": "a", "sender": 88}])
    assert (sms.received_at, sms.sender) == ("a", "88")
