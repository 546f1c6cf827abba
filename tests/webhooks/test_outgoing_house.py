"""Webhooks to clients in the whole gateway: from a provider's SMS to the client's server, and what is seen of it."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.process import serve
from tests.stage import OTHER_KEY, Stage, eventually, stage, surroundings
from tests.webhooks.receiver import Receiver

SHAPE = {"id", "client", "activation_id", "url", "tries", "state", "last_error", "next_try_at"}


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path, poll=0.1) as it:
        yield it


@pytest.fixture
async def receiver(it: Stage) -> AsyncIterator[Receiver]:
    receiver = Receiver(it.clock)
    await receiver.port.open()
    tell(it, receiver)
    it.house.apply(it.config)
    yield receiver
    receiver.port.close()


def tell(it: Stage, receiver: Receiver, **more: str) -> None:
    """Write the receiver into the configuration."""
    lines = {"webhook": receiver.url, "webhook_secret": "geheim", "webhook_private": "true", **more}
    it.routing["client"] = "\n    ".join(f"{key}: {value!r}" for key, value in lines.items()).replace("'true'", "true")


async def sms(it: Stage, code: str, **who: str) -> int:
    id, phone = await it.number("wa", providerIds="getsms", **who)
    it.getsms.deliver(it.rental(it.getsms, phone).id, code=code)
    assert await it.until("STATUS_OK", id=id, **who) == f"STATUS_OK:{code}"
    return id


async def listed(it: Stage, state: str, *, number: int = 1) -> list[dict[str, object]]:
    """Wait until so many webhooks were tried and are in this state."""

    async def there() -> list[dict[str, object]] | None:
        rows: list[dict[str, object]] = await it.admin("webhooks", state=state)
        found = [row for row in rows if row["tries"]]
        return found if len(found) == number else None

    return await eventually(there)


async def waiting(it: Stage) -> float:
    """What the metrics say is waiting."""
    families = text_string_to_metric_families((await it.web.get(f"{it.root}/metrics")).text)
    return next(family.samples[0].value for family in families if family.name == "sms_proxy_webhooks_waiting")


async def test_an_sms_reaches_the_clients_server(it: Stage, receiver: Receiver):
    id = await sms(it, "012345")
    await sms(it, "4711", api_key=OTHER_KEY)  # has no webhook
    (row,) = await listed(it, "delivered")
    assert row == {
        "id": 1,
        "client": "tester",
        "activation_id": id,
        "url": f"{receiver.port.address}/sms",
        "tries": 1,
        "state": "delivered",
        "last_error": "",
        "next_try_at": None,
    }
    (post,) = receiver.posts
    assert (post.told["activationId"], post.code, post.told["service"]) == (id, "012345", "wa")
    assert post.headers["x-signature"].startswith("sha256=")
    assert await waiting(it) == 0


async def test_the_operator_sees_what_waits_and_why(it: Stage, receiver: Receiver):
    receiver.status = 503
    ids = [await sms(it, "1"), await sms(it, "2")]
    rows = await listed(it, "waiting", number=2)
    assert [row["activation_id"] for row in rows] == ids[::-1]
    assert all(row.keys() == SHAPE for row in rows)
    assert str(rows[0]["next_try_at"]).endswith("Z")
    assert await waiting(it) == 2
    assert await it.admin("webhooks", client="other") == []
    assert await it.admin("webhooks", limit=1) == rows[:1]
    assert await it.admin("webhooks", before=rows[0]["id"]) == rows[1:]
    words = str(rows)
    assert "s3cret" not in words
    assert "geheim" not in words


async def test_what_waits_goes_on_after_a_restart_and_a_stop_does_not_wait_for_it(it: Stage, receiver: Receiver):
    receiver.open.clear()
    await sms(it, "012345")
    await eventually(lambda: receiver.posts)
    async with asyncio.timeout(5):
        await it.restart()
    receiver.open.set()
    await listed(it, "delivered")
    assert receiver.codes == ["012345"] * 2


async def test_a_webhook_that_is_taken_out_of_the_configuration_gets_nothing_any_more(it: Stage, receiver: Receiver):
    receiver.port.close()
    await sms(it, "012345")
    await listed(it, "waiting")
    it.routing["client"] = ""
    it.house.apply(it.config)
    await sms(it, "4711")
    assert len(await listed(it, "waiting")) == 1


async def test_private_addresses_are_not_called_unless_the_configuration_says_so(it: Stage, receiver: Receiver):
    tell(it, receiver, webhook_private="false")
    it.routing["client"] = it.routing["client"].replace("'false'", "false")
    it.house.apply(it.config)
    await sms(it, "012345")
    (row,) = await listed(it, "waiting")
    assert row["last_error"] == "no connection: 127.0.0.1 is not on the public internet"
    assert receiver.posts == []


async def test_promise_8_a_kill_forgets_no_webhook(tmp_path: Path):
    async with surroundings(tmp_path, poll=0.1) as it:
        receiver = Receiver(it.clock)
        await receiver.port.open()
        tell(it, receiver)
        receiver.open.clear()
        async with serve(it) as run:
            await sms(it, "012345")
            await run.kill()
        receiver.open.set()
        async with serve(it):
            await listed(it, "delivered")
        assert set(receiver.codes) == {"012345"}
        receiver.port.close()


async def rented(it: Stage, **asked: str) -> tuple[str, str]:
    """Id and number of a rent."""
    reply = json.loads(await it.ask("getRentNumber", service="wa", rent_time=24, **asked))
    return str(reply["phone"]["id"]), reply["phone"]["number"]


async def test_a_rent_tells_its_own_address_in_the_form_for_rents(it: Stage, receiver: Receiver):
    id, number = await rented(it, url=f"{receiver.port.address}/rent?token=s3cret")
    it.getatext.deliver(it.getatext.rent(number), code="012345", text="Your code is 012345", sender="22000")
    (row,) = await listed(it, "delivered")
    assert row["url"] == f"{receiver.port.address}/rent"
    (post,) = receiver.posts
    assert post.path == "/rent?token=s3cret"
    assert post.told["rentId"] == id
    assert post.told["sms"].keys() == {"phoneFrom", "text", "date"}
    assert (post.told["sms"]["phoneFrom"], post.told["sms"]["text"]) == ("22000", "Your code is 012345")
    assert post.headers["x-signature"].startswith("sha256=")


async def test_a_rent_without_an_address_tells_that_of_its_client(it: Stage, receiver: Receiver):
    id, number = await rented(it)
    it.getatext.deliver(it.getatext.rent(number), code="4711")
    await listed(it, "delivered")
    (post,) = receiver.posts
    assert (post.path, post.told["rentId"]) == ("/sms?token=s3cret", id)


async def test_a_rents_address_needs_no_webhook_of_the_client_and_may_be_private_only_if_that_is_allowed(it: Stage):
    receiver = Receiver(it.clock)
    await receiver.port.open()
    _, number = await rented(it, url=receiver.url)
    it.getatext.deliver(it.getatext.rent(number), code="4711")
    (row,) = await listed(it, "waiting")
    assert row["last_error"] == "no connection: 127.0.0.1 is not on the public internet"
    assert receiver.posts == []
    receiver.port.close()
