"""SMS on their way to the account's webhook."""

import asyncio
import json
from contextlib import asynccontextmanager
from urllib.parse import parse_qs

import httpx
import pytest

from proxy.sandbox import Settings, sandbox_for


class Receiver:
    """Remembers what it was sent, and answers what it was told to, then 200."""

    def __init__(self, *answers):
        self.requests = []
        self._answers = list(answers)

    def __call__(self, request):
        self.requests.append(request)
        answer = self._answers.pop(0) if self._answers else 200
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer, headers={"location": "http://elsewhere/"} if answer == 302 else {})


@asynccontextmanager
async def running(kind, clock, receiver):
    async with httpx.AsyncClient(transport=httpx.MockTransport(receiver)) as http, asyncio.TaskGroup() as group:
        stand = sandbox_for(kind, clock, settings=Settings(webhook_url="http://gateway/hook"), http=http)
        task = group.create_task(stand.run(), name="sandbox")
        yield stand
        task.cancel()


def rent(stand, api_name):
    service = stand.account.services[api_name]
    return stand.account.rent(service, service.price, stand.account.fresh_number(), 900)


async def test_getsms_sends_a_form_when_the_sms_comes_in(clock):
    receiver = Receiver()
    async with running("getsms", clock, receiver) as stand:
        rental = rent(stand, "Google")
        await clock.advance(2)
        assert receiver.requests == []
        await clock.advance(1)
    [request] = receiver.requests
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    [message] = rental.messages
    assert {name: values[0] for name, values in parse_qs(request.content.decode()).items()} == {
        "event": "incoming_message",
        "id": "10000001",
        "timestamp": "1750000003",
        "date_time": "2025-06-15 11:06:43 EDT",
        "from": message.sender,
        "to": "1" + rental.number,
        "service": "Google",
        "reply": message.text,
        "pin": "G-" + message.code,
        "price": "1.00",
    }


async def test_getatext_sends_json_with_the_code_as_a_number(clock):
    receiver = Receiver()
    async with running("getatext", clock, receiver) as stand:
        rental = rent(stand, "whatsapp")
        stand.deliver(rental.id, code="012345")
        await clock.advance(0)
    [request] = receiver.requests
    assert json.loads(request.content) == {
        "id": 10_000_001,
        "code": 12345,
        "received_at": "2025-06-15 11:06:40",
        "number": rental.number,
        "service_name": "Whatsapp",
        "status": "active",
        "cost": "0.55",
    }


@pytest.mark.parametrize("failure", [500, 302, 404, httpx.ConnectError("nobody there")])
async def test_getsms_tries_again_after_ten_minutes_until_it_hears_200(clock, failure):
    receiver = Receiver(failure, failure)
    async with running("getsms", clock, receiver) as stand:
        rent(stand, "Amazon")
        await clock.advance(3)
        assert len(receiver.requests) == 1
        await clock.advance(599)
        assert len(receiver.requests) == 1
        await clock.advance(1)
        assert len(receiver.requests) == 2
        await clock.advance(24 * 3600)
    assert len(receiver.requests) == 3


@pytest.mark.parametrize(("kind", "service", "tries"), [("getsms", "Amazon", 6), ("getatext", "amazon", 1)])
async def test_a_webhook_is_given_up_in_the_end(clock, kind, service, tries):
    receiver = Receiver(*[500] * 10)
    async with running(kind, clock, receiver) as stand:
        rent(stand, service)
        await clock.advance(24 * 3600)
    assert len(receiver.requests) == tries


async def test_a_cancelled_rental_gets_no_sms_and_no_webhook(clock):
    receiver = Receiver()
    async with running("getsms", clock, receiver) as stand:
        stand.account.cancel(rent(stand, "Amazon"))
        await clock.advance(24 * 3600)
    assert receiver.requests == []


async def test_a_webhook_can_be_repeated(clock):
    receiver = Receiver()
    async with running("getatext", clock, receiver) as stand:
        rental = rent(stand, "amazon")
        await clock.advance(3)
        stand.push_again(rental.id)
        await clock.advance(0)
    assert len({request.content for request in receiver.requests}) == 1
    assert len(receiver.requests) == 2


@pytest.mark.parametrize(
    ("body", "path", "name"),
    [
        ({"rental_time": "1w"}, "long-rentals", ""),
        ({"service": "whatsapp", "period": "1d"}, "service-long-rentals", "Whatsapp"),
    ],
)
@pytest.mark.parametrize("wanted", [True, False])
async def test_sms_of_rents_are_pushed_only_where_it_is_wished_for(clock, wanted, body, path, name):
    receiver = Receiver()
    async with running("getatext", clock, receiver) as stand:
        stand.settings.rents_webhook = wanted
        headers, transport = {"Auth": "demo"}, httpx.ASGITransport(stand.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://getatext", headers=headers) as http:
            await http.post(f"/api/v1/{path}", json=body)
        await clock.advance(3)
        [rent] = stand.rents
        stand.deliver(rent, code="4711")
        await clock.advance(0)
    pushed = [json.loads(request.content) for request in receiver.requests]
    assert [(one["id"], one["number"], one["service_name"]) for one in pushed] == [(1, rent.number, name)] * 2 * wanted
    assert [one["code"] for one in pushed][1:] == [4711] * wanted


def events(receiver):
    """What was pushed, in the order it came, each field once."""
    forms = [parse_qs(request.content.decode()) for request in receiver.requests]
    return [{name: values[0] for name, values in form.items()} for form in forms]


async def ask(stand, **fields):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(stand.app), base_url="http://getsms") as http:
        answer = await http.post(
            "/api_command.php", data={"cmd": "request", "user": "demo", "api_key": "demo"} | fields
        )
    return answer.json()["message"]


async def test_a_bid_that_wins_is_told_of_before_its_sms(clock):
    receiver = Receiver()
    async with running("getsms", clock, receiver) as stand:
        stand.set_service("Yahoo", stock=0)
        [bid] = await ask(stand, service="Yahoo", markup="20")
        await clock.advance(60)
        assert receiver.requests == []
        stand.set_service("Yahoo", stock=1)
        await clock.advance(0)
        [rental] = stand.rentals
        assert events(receiver) == [
            {
                "event": "priority_request",
                "status": "ok",
                "id": bid["id"],
                "mdn": "1" + rental.number,
                "service": "Yahoo",
                "price": "0.18",
            }
        ]
        await clock.advance(3)
    assert [event["event"] for event in events(receiver)] == ["priority_request", "incoming_message"]


@pytest.mark.parametrize(
    ("settings", "fields", "services"),
    [
        ({"joint_after": 5.0}, {"service": "Yahoo,Amazon"}, ["Amazon", "Yahoo"]),
        ({"bids_win_after": 5.0}, {"service": "Google", "markup": "10"}, ["Google"]),
    ],
)
async def test_a_win_is_told_of_though_nobody_looks(clock, settings, fields, services):
    receiver = Receiver(500)
    async with running("getsms", clock, receiver) as stand:
        stand.set_service("Google", stock=0)
        stand.settings.sms_after = None
        for name, value in settings.items():
            setattr(stand.settings, name, value)
        await ask(stand, **fields)
        await clock.advance(4.9)
        assert receiver.requests == []
        await clock.advance(0.1)
        told = events(receiver)
        assert [event["service"] for event in told] == services
        assert len({event["mdn"] for event in told}) == 1
        await clock.advance(600)
    assert events(receiver)[len(services) :] == told[:1]


async def test_a_bid_that_is_withdrawn_is_not_told_of(clock):
    receiver = Receiver()
    async with running("getsms", clock, receiver) as stand:
        for line in await ask(stand, service="Yahoo,Amazon"):
            await ask(stand, cmd="reject", id=line["id"])
        await clock.advance(24 * 3600)
    assert receiver.requests == []
