"""Clients that leave before their number is there: it is kept for their next equal request."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from proxy.sandbox import GetatextSandbox
from tests.fakes import FakeClock
from tests.gateway.conftest import RENT
from tests.stage import KEY, OTHER_KEY, Stage, eventually, stage


@asynccontextmanager
async def leaving(it: Stage, *, method: str = "GET", **params: str) -> AsyncIterator[None]:
    """A client asks for a number; at the end it hangs up without having read anything."""
    address = urlsplit(it.url)
    query = urlencode({"api_key": KEY, "action": "getNumber", **params})
    _, writer = await asyncio.open_connection(address.hostname, address.port)
    if method == "GET":
        writer.write(f"GET {address.path}?{query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    else:
        head = f"POST {address.path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        writer.write(f"{head}Content-Length: {len(query)}\r\n\r\n{query}".encode())
    try:
        yield
    finally:
        writer.close()
        await writer.wait_closed()


async def asked(sandbox: GetatextSandbox, times: int = 1, endpoint: str = RENT) -> None:
    """Until so many purchases have reached the provider."""
    await eventually(lambda: sum(seen.endpoint == endpoint for seen in sandbox.requests) >= times)


async def bought(it: Stage, number: int = 1) -> None:
    """Until so many purchases are in the books."""

    async def are_there() -> bool:
        return len(await it.admin("activations")) >= number

    await eventually(are_there)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_promise_3_a_client_that_hung_up_is_given_its_number_when_it_asks_again(it: Stage, method: str):
    it.getatext.fault("slow", RENT, amount=0.2)
    async with leaving(it, method=method, service="wa", maxPrice="1"):
        await asked(it.getatext)
    await bought(it)
    active = await it.reply("getActiveActivations")
    (row,) = await it.admin("activations")
    assert [one["phoneNumber"] for one in active.json()["activeActivations"]] == [row["phone"]]

    reply = await it.reply("getNumber", maxPrice="1", service="wa")  # equal, order aside
    assert reply.text == f"ACCESS_NUMBER:{row['id']}:{row['phone']}"
    assert (reply.headers["X-Price"], reply.headers["X-Provider"]) == ("0.55", "getatext")
    assert len(it.seen(it.getatext, RENT)) == 1


async def test_promise_3_it_is_given_only_once(it: Stage):
    it.getatext.fault("slow", RENT, amount=0.2)
    async with leaving(it, service="wa"):
        await asked(it.getatext)
    await bought(it)
    first, _ = await it.number("wa")
    second, _ = await it.number("wa")
    assert first != second
    assert len(it.seen(it.getatext, RENT)) == 2


async def test_promise_3_an_equal_request_takes_over_a_purchase_that_is_under_way(it: Stage):
    it.getatext.fault("slow", RENT, amount=0.4)
    async with leaving(it, service="wa"):
        await asked(it.getatext)
    id, phone = await it.number("wa")
    (row,) = await it.admin("activations")
    assert (row["id"], row["phone"]) == (id, phone)
    assert len(it.seen(it.getatext, RENT)) == 1


async def test_promise_3_a_chain_of_clients_that_hang_up_makes_one_purchase(it: Stage):
    it.getatext.fault("slow", RENT, amount=0.4)
    for _ in range(3):
        async with leaving(it, service="wa"):
            await asked(it.getatext)
    await it.number("wa")
    assert len(it.seen(it.getatext, RENT)) == 1


@pytest.mark.parametrize(
    ("action", "params", "api_key"),
    [
        ("getNumber", {"service": "wa", "maxPrice": "2"}, KEY),
        ("getNumber", {"service": "tg"}, KEY),
        ("getNumberV2", {"service": "wa"}, KEY),
        ("getNumber", {"service": "wa"}, OTHER_KEY),
    ],
)
async def test_promise_3_an_unequal_request_is_not_given_it(it: Stage, action: str, params: dict, api_key: str):
    it.getatext.fault("slow", RENT, amount=0.2)
    async with leaving(it, service="wa"):
        await asked(it.getatext)
    await it.reply(action, api_key=api_key, **params)  # while the first is under way
    await bought(it, 2)
    await it.reply(action, api_key=api_key, **params)  # and when it is done
    phones = {row["phone"] for row in await it.admin("activations")}
    assert len(phones) == 3


async def test_promise_3_two_clients_that_wait_get_a_number_each(it: Stage):
    it.getatext.fault("slow", RENT, amount=0.2, times=2)
    (first, _), (second, _) = await asyncio.gather(it.number("wa"), it.number("wa"))
    assert first != second


async def test_promise_3_a_purchase_that_nobody_heard_of_survives_a_restart(it: Stage):
    it.getatext.fault("slow", RENT, amount=0.2)
    async with leaving(it, service="wa"):
        await asked(it.getatext)
    await bought(it)
    await it.restart()
    (row,) = await it.admin("activations")
    assert await it.ask("getNumber", service="wa") == f"ACCESS_NUMBER:{row['id']}:{row['phone']}"


async def test_promise_3_what_was_heard_of_is_not_given_again_after_a_restart(it: Stage):
    first, _ = await it.number("wa")
    await it.restart()
    second, _ = await it.number("wa")
    assert first != second


async def test_promise_3_after_two_minutes_nobody_is_waited_for(tmp_path: Path):
    clock = FakeClock()
    async with stage(tmp_path, poll=60, clock=clock) as it:
        it.getatext.fault("slow", "rent-a-number", amount=5)
        async with leaving(it, service="wa"):
            await asked(it.getatext, endpoint="rent-a-number")
        await clock.advance(5)
        await bought(it)
        await clock.advance(121)
        await it.number("wa")
        assert len(await it.admin("activations")) == 2


async def test_a_purchase_that_failed_after_the_client_left_is_simply_tried_anew(it: Stage):
    it.getatext.fault("slow", RENT, amount=0.2, handled=False)
    it.getatext.set_service("whatsapp", stock=0)
    it.getsms.set_service("WhatsApp", stock=0)
    async with leaving(it, service="wa"):
        await asked(it.getatext)
    it.getsms.set_service("WhatsApp", stock=1)
    assert await it.until("ACCESS_NUMBER", "getNumber", service="wa")
    assert len(await it.admin("activations")) == 1


async def test_a_client_that_hangs_up_on_a_poll_does_no_harm(it: Stage):
    id, _ = await it.number("wa")
    async with leaving(it, action="getStatus", id=str(id)):
        pass
    assert await it.ask("getStatus", id=id) == "STATUS_WAIT_CODE"
