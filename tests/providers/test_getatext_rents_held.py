"""getatext.com's rents while they go on: giving back, letting go, looking, and the lists of what is rented."""

import json

import httpx
import pytest

from proxy.clock import SystemClock
from proxy.errors import NotSent, OutcomeUnknown
from proxy.providers.base import ANY_SERVICE, Cancelled, Look, OpenRental, ProviderSettings, Rental, RentalState, Sms
from proxy.providers.getatext import Getatext
from proxy.providers.wire import Through

from .helpers import EXCHANGES, ManualClock, answering, getatext, in_turn, recorder
from .rents import AWAY, DOCS, LONG, NUMBER, RENTS, SERVICE, by_path, documented, reply_of

GONE = httpx.Response(404, json={"errors": "Service long rental not found"})
SPOKEN = {"message": "Your code is 123456", "sender": "8888", "received_at": "2026-04-19T12:39:32-04:00"}
SMS = Sms("123456", "Your code is 123456", "8888", "2026-04-19T12:39:32-04:00")


def heard(*rows) -> httpx.Response:
    return httpx.Response(200, json={"status": "success", "messages": list(rows), "errors": None})


def row(**fields):
    return {"id": 1, "number": "1234567890", "status": "Active"} | fields


def asked_closely(rental: Rental, messages: httpx.Response, *rows) -> httpx.MockTransport:
    """What a provider answers that has these messages of the rent, and these rents on its list."""
    name = rental.upstream_id.partition("/")[0].replace("-", "_")
    return by_path(**{f"{name}_messages": messages, name: httpx.Response(200, json={name: list(rows)})})


@pytest.mark.parametrize(
    ("exchange", "rental", "said"),
    [
        ("service_long_cancel", SERVICE, Cancelled.DONE),
        ("service_long_cancel_late", SERVICE, Cancelled.REFUSED),
        ("service_long_cancel_gone", SERVICE, Cancelled.REFUSED),
        ("long_cancel", LONG, Cancelled.DONE),
        ("long_cancel_flat", LONG, Cancelled.DONE),
        ("long_cancel_late", LONG, Cancelled.REFUSED),
    ],
)
async def test_a_cancellation_is_understood(exchange, rental, said):
    assert await getatext(documented(exchange)).cancel(rental, 5) is said


@pytest.mark.parametrize("rental", RENTS)
@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, {"status": "success", "message": "Cancelled.", "errors": None}, Cancelled.DONE),
        (400, {"errors": "Rentals can be cancelled in the first 20 minutes only"}, Cancelled.REFUSED),
        (200, {"status": "error", "errors": "Long rental cannot be cancelled"}, Cancelled.REFUSED),
        (
            400,
            {"errors": "Multiple active service long rentals found for this number."},
            Cancelled.REFUSED,
        ),
    ],
)
async def test_a_cancellation_in_words_that_are_not_documented_is_read_with_care(rental, status, body, said):
    assert await getatext(answering(status, body)).cancel(rental, 5) is said


@pytest.mark.parametrize("rental", RENTS)
@pytest.mark.parametrize(
    "body",
    [
        {"status": "success", "long_rental": {"id": 1, "status": "Active"}},
        {"status": "success", "long_rental": {"id": 2, "status": "Cancelled"}},
        {"id": 1, "status": "Expired"},
        {},
    ],
)
async def test_a_cancellation_that_may_not_have_happened_is_unknown(rental, body):
    with pytest.raises(OutcomeUnknown):
        await getatext(answering(200, body)).cancel(rental, 5)


@pytest.mark.parametrize(("exchange", "rental"), [("service_long_auto_renew", SERVICE), ("long_auto_renew", LONG)])
async def test_letting_go_switches_renewal_off_and_does_nothing_else(exchange, rental):
    await getatext(documented(exchange)).finish(rental, 5)


@pytest.mark.parametrize("rental", RENTS)
@pytest.mark.parametrize(
    ("status", "text"),
    [
        (404, "Service long rental not found"),
        (400, "auto_renew is not presented on the request"),
        (422, "auto_renew must be a boolean"),
        (400, "Multiple active service long rentals found for this number."),
    ],
)
async def test_letting_go_of_what_cannot_be_switched_off_is_no_trouble(rental, status, text):
    await getatext(answering(status, {"errors": text})).finish(rental, 5)


@pytest.mark.parametrize("rental", RENTS)
@pytest.mark.parametrize("ask", ["cancel", "finish", "look"])
@pytest.mark.parametrize(("reply", "fault"), AWAY)
async def test_a_question_about_a_rent_without_a_right_answer_fails(rental, ask, reply, fault):
    with pytest.raises(fault):
        await getattr(getatext(in_turn(reply)), ask)(rental, 5)


async def test_another_sms_need_not_be_asked_for():
    assert await getatext(in_turn()).again(SERVICE, 5)


# Looking


async def test_the_messages_of_a_long_rental_are_read():
    look = await getatext(documented("long_messages")).look(LONG, 5)
    sms = Sms("", "This is a example message", "8888", "2025-07-28T12:39:32-04:00")
    assert look == Look(RentalState.OPEN, (sms,))


async def test_the_messages_of_a_service_are_asked_for_by_number_and_service():
    asked, transport = recorder(lambda: reply_of("service_long_messages"))
    look = await getatext(transport).look(SERVICE, 5)
    sms = Sms("123456", "Your Whatsapp code is 123456", "8888", "2026-04-19T12:39:32-04:00")
    assert look == Look(RentalState.OPEN, (sms,))
    (request,) = asked
    shown = {"method": request.method, "path": request.url.path, "query": dict(request.url.params)}
    assert shown == json.loads((EXCHANGES / DOCS / "service_long_messages.json").read_text())["request"]


@pytest.mark.parametrize("rental", RENTS)
@pytest.mark.parametrize(
    ("messages", "rows", "state", "seen"),
    [
        (heard(), [row()], RentalState.OPEN, ()),
        (heard(SPOKEN), [row()], RentalState.OPEN, (SMS,)),
        (heard(SPOKEN), [row(id=2), row(id="1", status="active")], RentalState.OPEN, (SMS,)),
        (heard(), [row(status="Cancelled")], RentalState.REFUNDED, ()),
        (heard(SPOKEN), [row(status="Cancelled")], RentalState.OVER, (SMS,)),
        (heard(), [row(status="Expired")], RentalState.OVER, ()),
        (heard(SPOKEN), [row(status="Completed")], RentalState.OVER, (SMS,)),
        (heard(), [row(status="A word that nobody knows")], RentalState.OPEN, ()),
        (heard(), [row(id=2)], RentalState.OPEN, ()),
        (GONE, [row()], RentalState.OPEN, ()),
        (GONE, [row(status="Cancelled")], RentalState.REFUNDED, ()),
        (GONE, [row(id=2)], RentalState.OVER, ()),
        (GONE, [], RentalState.OVER, ()),
    ],
)
async def test_a_close_look_tells_the_state_from_the_list(rental, messages, rows, state, seen):
    look = await getatext(asked_closely(rental, messages, *rows)).look(rental, 5, closely=True)
    assert (look.state, look.messages) == (state, seen)


@pytest.mark.parametrize("rental", RENTS)
async def test_a_rent_whose_messages_are_gone_is_looked_for_in_the_list_of_itself(rental):
    look = await getatext(asked_closely(rental, GONE, row(status="Cancelled"))).look(rental, 5)
    assert look == Look(RentalState.REFUNDED, (), NUMBER)


@pytest.mark.parametrize("rental", RENTS)
@pytest.mark.parametrize(
    ("listed", "fault"),
    [
        *AWAY,
        (httpx.Response(200, json={}), OutcomeUnknown),
        (httpx.Response(200, json=[{"number": NUMBER}]), OutcomeUnknown),
        (httpx.Response(200, json=["1"]), OutcomeUnknown),
        (httpx.Response(200, json={"status": "error", "data": []}), OutcomeUnknown),
        (httpx.Response(200, json={"errors": "Try again", "data": []}), OutcomeUnknown),
        (httpx.Response(403, json={"errors": "Service long rentals are not enabled for this account"}), NotSent),
    ],
)
async def test_no_rent_is_over_only_because_its_list_cannot_be_read(rental, listed, fault):
    with pytest.raises(fault):
        await getatext(in_turn(GONE, listed)).look(rental, 5)


@pytest.mark.parametrize("rental", RENTS)
@pytest.mark.parametrize("body", [{}, {"messages": "none"}, {"messages": ["hello"]}, {"errors": "?", "messages": []}])
async def test_messages_that_make_no_sense_are_no_answer(rental, body):
    with pytest.raises(OutcomeUnknown):
        await getatext(answering(200, body)).look(rental, 5)


@pytest.mark.parametrize(
    ("rental", "transport"),
    [
        (SERVICE, documented("service_long_list")),
        (LONG, documented("long_messages_gone", "long_list")),
    ],
)
async def test_a_rent_of_which_only_the_id_is_known_is_found_with_its_number(rental, transport):
    nameless = Rental(rental.upstream_id, rental.service, "")
    assert await getatext(transport).look(nameless, 5, closely=True) == Look(RentalState.OPEN, (), NUMBER)


async def test_looks_at_the_premium_tier_keep_to_its_limit():
    provider = getatext(answering(200, {"messages": []}), tier="premium", clock=ManualClock())
    for _ in range(200):
        await provider.look(SERVICE, 0.5)
    with pytest.raises(NotSent, match="no turn"):
        await provider.look(LONG, 0.5)


# The lists of what is rented

OPEN = [
    OpenRental(
        "service-long-rentals/1", "whatsapp", NUMBER, 5_000_000, "2026-04-19", "", 187, hours=168, until="2026-04-26"
    ),
    OpenRental("long-rentals/1", ANY_SERVICE, NUMBER, 10_550_000, "2025-07-01", "", 187, hours=168, until="2025-07-06"),
]


async def test_the_rents_of_both_kinds_are_listed_though_their_ids_collide():
    assert await getatext(documented("service_long_list", "long_list")).open_rents(5) == OPEN


async def test_an_account_without_rents_of_one_kind_has_those_of_the_other():
    not_enabled = httpx.Response(403, json={"errors": "Service long rentals are not enabled for this account"})
    provider = getatext(in_turn(not_enabled, reply_of("long_list")))
    assert await provider.open_rents(5) == OPEN[1:]
    assert await getatext(documented("service_long_list_empty", "long_list")).open_rents(5) == OPEN[1:]


@pytest.mark.parametrize(("reply", "fault"), AWAY)
async def test_half_of_the_lists_is_none(reply, fault):
    for replies in ((reply,), (reply_of("service_long_list"), reply)):
        with pytest.raises(fault):
            await getatext(in_turn(*replies)).open_rents(5)


async def test_only_rents_that_go_on_are_listed():
    rows = [row(), row(id=2, status="Cancelled"), row(id=3, status="Expired"), row(id=4, number=None)]
    empty = reply_of("service_long_list_empty")
    found = await getatext(in_turn(empty, httpx.Response(200, json=rows))).open_rents(5)
    assert [rental.upstream_id for rental in found] == ["long-rentals/1"]


async def test_the_country_of_a_rent_is_known_where_the_account_has_only_one():
    settings = ProviderSettings("https://getatext.test", "key", countries=(187, 12))
    transport = in_turn(reply_of("service_long_list"), reply_of("long_list"))
    provider = Getatext("getatext", Through(transport), SystemClock(), settings)
    assert {rental.country for rental in await provider.open_rents(5)} == {None}
