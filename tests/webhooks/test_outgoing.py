"""The clients' webhooks: what is told, in which order, how often, and what a bad receiver costs others."""

import asyncio
import hashlib
import hmac
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from proxy.domain.activation import Activation, Event
from proxy.domain.client import Client
from proxy.store.reads import DELIVERIES
from proxy.store.store import Store, open_store
from proxy.webhooks.outgoing import AT_ONCE, CLOSED_SECONDS, JITTER, PAUSES, Courier, shown
from tests.fakes import FakeClock
from tests.stage import eventually
from tests.store.books import begun, bought, locked, receipt, rows, sms
from tests.webhooks.receiver import Receiver

INSTANT = 0.001


class Office:
    """Books, one courier, and the clients' receivers."""

    def __init__(self, path: Path, clock: FakeClock) -> None:
        self.path = path
        self.clock = clock
        self.clients: dict[str, Client] = {}
        self.store: Store
        self._sold = 0

    def knows(self, client: Client) -> None:
        self.clients[client.name] = client
        self.store.writer.receivers = {name: shown(client.webhook) for name, client in self.clients.items()}

    async def sold(self, client: str = "demo") -> Activation:
        self._sold += 1
        return await bought(self.store, str(self._sold), client=client)

    async def got(self, activation: Activation, *codes: str) -> None:
        for code in codes:
            await self.store.write(lambda tx, it=code: tx.receive(sms(it, activation.upstream_id)))

    async def listed(self, **fits: str) -> list[dict[str, Any]]:
        """The webhooks as the operator sees them, oldest first."""
        page = await self.store.read.page(DELIVERIES, {name: [it] for name, it in fits.items()}, limit=1000)
        return page[::-1]

    async def until(self, state: str, *, tries: int = 1, number: int = 1) -> list[dict[str, Any]]:
        """Wait until so many are in this state after so many tries."""

        async def there() -> list[dict[str, Any]] | None:
            found = [row for row in await self.listed() if (row["state"], row["tries"]) == (state, tries)]
            return found if len(found) == number else None

        return await eventually(there)

    async def next_try(self, row: dict[str, Any]) -> None:
        """Let the time pass until this webhook is due again, and what sums of fractions lose."""
        await self.clock.advance(row["next_try_at"] - self.clock.now() + INSTANT)

    @asynccontextmanager
    async def opened(self, **how: Any) -> AsyncIterator[None]:
        async with open_store(str(self.path), self.clock) as self.store:
            for client in list(self.clients.values()):
                self.knows(client)
            courier = Courier(self.store, self.clock, lambda name: self.clients.get(name), **how)
            running = asyncio.create_task(courier.run())
            try:
                yield
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    office = Office(tmp_path / "books.db", FakeClock())
    async with office.opened():
        yield office


@asynccontextmanager
async def receiving(office: Office) -> AsyncIterator[Receiver]:
    receiver = Receiver(office.clock)
    await receiver.port.open()
    yield receiver
    receiver.open.set()
    receiver.port.close()


@pytest.fixture
async def receiver(office: Office) -> AsyncIterator[Receiver]:
    """Where the client demo is told."""
    async with receiving(office) as receiver:
        office.knows(receiver.client())
        yield receiver


@pytest.fixture
async def another(office: Office) -> AsyncIterator[Receiver]:
    """Where the client other is told."""
    async with receiving(office) as receiver:
        office.knows(receiver.client("other"))
        yield receiver


async def test_the_form_is_sms_activates_own(office: Office, receiver: Receiver):
    activation = await office.sold()
    text = sms("012345", activation.upstream_id, text="Ваш код: 012345")
    await office.store.write(lambda tx: tx.receive(text))
    await office.until("delivered")
    (post,) = receiver.posts
    assert post.told == {
        "activationId": activation.id,
        "service": "wa",
        "text": "Ваш код: 012345",
        "code": "012345",
        "country": 187,
        "receivedAt": "2025-06-15 15:06:40",
    }
    assert post.path == "/sms?token=s3cret"
    assert post.headers["content-type"] == "application/json"
    assert "x-signature" not in post.headers


async def test_a_secret_signs_the_very_bytes_that_are_sent(office: Office, receiver: Receiver):
    office.knows(receiver.client(webhook_secret="geheim"))
    await office.got(await office.sold(), "012345")
    await office.until("delivered")
    (post,) = receiver.posts
    expected = hmac.new(b"geheim", post.body, hashlib.sha256).hexdigest()
    assert post.headers["x-signature"] == f"sha256={expected}"


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_any_2xx_is_success(office: Office, receiver: Receiver, status: int):
    receiver.status = status
    await office.got(await office.sold(), "012345")
    (row,) = await office.until("delivered")
    assert (row["last_error"], row["next_try_at"]) == ("", None)
    assert office.store.deliveries == 0


@pytest.mark.parametrize("status", [300, 302, 307, 400, 404, 410, 500, 503])
async def test_everything_else_is_tried_again(office: Office, receiver: Receiver, status: int):
    receiver.status, receiver.headers = status, [(b"location", receiver.url.encode())]
    await office.got(await office.sold(), "012345")
    (row,) = await office.until("waiting")
    assert row["last_error"] == f"HTTP {status}"
    assert len(receiver.posts) == 1
    assert office.store.deliveries == 1
    receiver.status = 200
    await office.clock.advance(PAUSES[0])
    await office.until("delivered", tries=2)
    assert receiver.posts[0].body == receiver.posts[1].body
    assert receiver.posts[0].headers["x-delivery-id"] == receiver.posts[1].headers["x-delivery-id"]


async def test_after_eight_tries_in_two_hours_it_is_given_up_and_visible(office: Office, receiver: Receiver):
    receiver.status = 500
    await office.got(await office.sold(), "012345")
    for tries in range(1, len(PAUSES) + 1):
        (row,) = await office.until("waiting", tries=tries)
        await office.next_try(row)
    (row,) = await office.until("failed", tries=8)
    assert row["last_error"] == "HTTP 500"
    assert row["next_try_at"] is None
    assert office.store.deliveries == 0
    times = [post.at for post in receiver.posts]
    pauses = [after - before for before, after in pairwise(times)]
    assert all(most * (1 - JITTER) <= pause <= most + INSTANT for pause, most in zip(pauses, PAUSES, strict=True))
    assert sum(PAUSES) == 7200
    assert sorted(PAUSES) == list(PAUSES)


async def test_the_messages_of_one_activation_come_in_order(office: Office, receiver: Receiver):
    receiver.status = 500
    first, second = await office.sold(), await office.sold()
    await office.got(first, "11", "12", "13")
    await office.until("waiting")
    await office.got(second, "21")
    await office.until("waiting", number=2)
    assert sorted(receiver.codes) == ["11", "21"]
    receiver.status = 200
    await office.clock.advance(PAUSES[0])
    await office.until("delivered", tries=2, number=2)
    await office.until("delivered", number=2)
    assert [code for code in receiver.codes[2:] if code != "21"] == ["11", "12", "13"]


async def test_of_a_long_queue_everything_is_sent_once_and_in_order(office: Office, receiver: Receiver):
    receiver.open.clear()
    activations = [await office.sold() for _ in range(5)]
    codes = [str(code) for code in range(10, 30)]
    for activation in activations:
        await office.got(activation, *codes)
    receiver.open.set()
    await office.until("delivered", number=100)
    for activation in activations:
        assert [post.code for post in receiver.posts if post.told["activationId"] == activation.id] == codes


async def test_a_message_that_is_given_up_lets_the_next_one_through(office: Office, receiver: Receiver):
    receiver.status = 500
    await office.got(await office.sold(), "11", "12")
    for tries in range(1, len(PAUSES) + 1):
        (row,) = await office.until("waiting", tries=tries)
        await office.next_try(row)
    await office.until("failed", tries=8)
    await office.until("waiting")
    assert receiver.codes == ["11"] * 8 + ["12"]


async def test_a_receiver_that_hangs_delays_nobody_else_and_has_few_requests_to_bear(
    office: Office, receiver: Receiver, another: Receiver
):
    receiver.open.clear()
    for number in range(3 * AT_ONCE):
        await office.got(await office.sold(), str(number))
    await eventually(lambda: len(receiver.posts) == AT_ONCE)
    await office.got(await office.sold("other"), "4711")
    await eventually(lambda: another.codes == ["4711"])
    assert len(receiver.posts) == AT_ONCE
    receiver.open.set()
    await office.until("delivered", number=3 * AT_ONCE + 1)
    assert sorted(receiver.codes, key=int) == [str(number) for number in range(3 * AT_ONCE)]


async def test_whoever_does_not_answer_in_time_is_asked_again(tmp_path: Path):
    office = Office(tmp_path / "books.db", FakeClock())
    async with office.opened(seconds=0.2), receiving(office) as receiver:
        office.knows(receiver.client())
        receiver.open.clear()
        await office.got(await office.sold(), "012345")
        (row,) = await office.until("waiting")
        assert row["last_error"] == "no answer within 0.2 s"


async def test_where_nobody_listens_it_is_tried_again(office: Office, receiver: Receiver):
    receiver.port.close()
    await office.got(await office.sold(), "012345")
    (row,) = await office.until("waiting")
    assert row["last_error"].startswith("no connection: ")
    await receiver.port.open()
    await office.clock.advance(PAUSES[0])
    await office.until("delivered", tries=2)


async def test_what_waits_survives_a_restart(tmp_path: Path):
    office = Office(tmp_path / "books.db", FakeClock())
    async with receiving(office) as receiver:
        office.clients["demo"] = receiver.client()
        async with office.opened():
            receiver.status = 500
            tried = await office.sold()
            await office.got(tried, "11", "12")
            await office.until("waiting")
            receiver.open.clear()
            await office.got(await office.sold(), "21")
            await eventually(lambda: len(receiver.posts) == 2)
        receiver.status = 200
        receiver.open.set()
        async with office.opened():
            assert office.store.deliveries == 3
            await office.until("delivered")
            assert receiver.codes == ["11", "21", "21"]
            await office.clock.advance(PAUSES[0])
            await office.until("delivered", tries=2)
            await office.until("delivered", number=2)
            assert receiver.codes == ["11", "21", "21", "11", "12"]


async def test_a_client_that_has_no_webhook_any_more_gets_none(office: Office, receiver: Receiver):
    receiver.status = 500
    await office.got(await office.sold(), "012345")
    await office.until("waiting")
    office.clients.clear()
    await office.clock.advance(PAUSES[0])
    (row,) = await office.until("failed")
    assert row["last_error"] == "the client has no webhook any more"
    assert row["url"] == shown(receiver.url)
    assert len(receiver.posts) == 1
    assert office.store.deliveries == 0


async def test_the_address_at_the_time_of_sending_counts(office: Office, receiver: Receiver, another: Receiver):
    receiver.status = 500
    await office.got(await office.sold(), "012345")
    await office.until("waiting")
    office.knows(another.client(webhook_secret="new"))
    await office.clock.advance(PAUSES[0])
    (row,) = await office.until("delivered", tries=2)
    assert row["url"] == shown(another.url)
    assert (len(receiver.posts), len(another.posts)) == (1, 1)
    assert "x-signature" in another.posts[0].headers


async def test_clients_without_a_webhook_and_refunded_activations_queue_nothing(office: Office, receiver: Receiver):
    await office.got(await office.sold("other"), "4711")
    cancelled = await office.sold()
    await office.store.write(lambda tx: tx.advance(cancelled.id, Event.CANCEL_CONFIRMED))
    await office.got(cancelled, "4711")
    assert await office.listed() == []


async def test_a_message_before_its_activation_is_told_once_it_is_bought(office: Office, receiver: Receiver):
    await office.store.write(lambda tx: tx.receive(sms("11", "early", text="one", sent_at="1")))
    await office.store.write(lambda tx: tx.receive(sms("12", "early", text="two", sent_at="2")))
    attempt = await begun(office.store)
    activation = await office.store.write(lambda tx: tx.book(attempt, receipt("early")))
    await office.until("delivered", number=2)
    assert [(post.told["activationId"], post.code) for post in receiver.posts] == [
        (activation.id, "11"),
        (activation.id, "12"),
    ]


async def test_what_could_not_be_written_down_is_not_sent_again(office: Office, receiver: Receiver):
    receiver.open.clear()
    await office.got(await office.sold(), "012345")
    await eventually(lambda: receiver.posts)
    with locked(office.path):
        receiver.open.set()
        await eventually(lambda: office.store.writer.trouble)
        await office.clock.advance(60)

    async def noted() -> list[dict[str, Any]]:
        await office.clock.advance(CLOSED_SECONDS)
        return await office.listed(state="delivered")

    await eventually(noted)
    assert len(receiver.posts) == 1


async def test_no_private_address_is_called_unless_that_is_allowed(office: Office, receiver: Receiver):
    port = receiver.url.split(":")[2]
    hosts = ("127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]")
    for host in hosts:
        office.knows(receiver.client(host, webhook=f"http://{host}:{port}", webhook_private=False))
        await office.got(await office.sold(host), "012345")
    refused = await office.until("waiting", number=len(hosts))
    for row in refused:
        host = row["client"].strip("[]")
        assert row["last_error"] == f"no connection: {host} is not on the public internet"
    assert receiver.posts == []


async def test_no_secret_is_written_down(office: Office, receiver: Receiver, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    office.knows(receiver.client(webhook_secret="geheim"))
    receiver.status = 500
    await office.got(await office.sold(), "012345")
    for tries in range(1, len(PAUSES) + 1):
        (row,) = await office.until("waiting", tries=tries)
        await office.next_try(row)
    await office.until("failed", tries=8)
    ours = [record.getMessage() for record in caplog.records if record.name != "uvicorn.access"]  # the receiver's
    logged = "\n".join(ours)
    assert "a webhook to demo for activation 1 failed: HTTP 500" in logged
    words = logged + str(rows(office.path, "SELECT * FROM deliveries"))
    assert "s3cret" not in words
    assert "geheim" not in words
