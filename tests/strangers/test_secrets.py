"""Promise 12: no secret is in anything that the gateway says, answers or writes, however the providers fail."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.process import free_port
from tests.stage import eventually
from tests.strangers.world import (
    ADMIN,
    GETATEXT_TOKEN,
    GETSMS_KEY,
    GETSMS_TOKEN,
    KEY,
    OTHER_KEY,
    ROUTING,
    STUB_KEY,
    STUB_TOKEN,
    WEBHOOK_SECRET,
    World,
    running,
    surroundings,
)

BAD_FILES = {
    "a space is missing": ("api_key: ", "api_key:"),
    "a space is too many": (json.dumps(KEY), json.dumps(KEY[:4] + " " + KEY[4:])),
    "no quotes": (json.dumps(ADMIN), ADMIN),
    "an open quote": (json.dumps(GETSMS_KEY), '"' + GETSMS_KEY),
    "an alias": (json.dumps(GETSMS_KEY), "*" + GETSMS_KEY),
    "a tag": (json.dumps(GETSMS_KEY), "!" + GETSMS_KEY),
    "a variable": (json.dumps(GETSMS_KEY), '"${' + GETSMS_KEY + '"'),
    "twice": (json.dumps(OTHER_KEY), json.dumps(KEY)),
    "tokens twice": (STUB_TOKEN, GETSMS_TOKEN),
    "in the address": ('"STUB-ADDRESS"', f'"http://{STUB_TOKEN}:x@localhost"'),
    "as the address": ('"STUB-ADDRESS"', json.dumps(STUB_KEY)),
    "as the webhook": ('"RECEIVER/sms?', json.dumps(WEBHOOK_SECRET)[:-1] + "?"),
    "no section": (f"{{token: {json.dumps(ADMIN)}}}", json.dumps(ADMIN)),
    "an unknown key": ("webhook_secret: ", "webhook_secrets: "),
    "a list": (f"api_key: {json.dumps(KEY)}", f"api_key: [{json.dumps(KEY)}]"),
}
MANNERS = {
    "a word": (200, "WRONG_KEY:ECHO"),
    "a known word": (200, "BAD_KEY:ECHO"),
    "a refusal of getsms": (200, '{"status": "error", "message": "ECHO"}'),
    "a success of getsms": (200, '{"status": "ok", "message": "ECHO"}'),
    "a refusal of getatext": (400, '{"status": "error", "errors": {"api_key": ["ECHO"]}, "message": "ECHO"}'),
    "a refused key": (401, '{"errors": "ECHO", "error": "ECHO", "detail": "ECHO"}'),
    "a list of refusals": (422, '{"status": "error", "message": {"key": ["ECHO"]}, "errors": ["ECHO", "ECHO"]}'),
    "a page": (403, "<html><title>ECHO</title>ECHO</html>"),
    "a traceback": (500, "Traceback: ECHO"),
    "maintenance": (503, '{"status": "maintenance", "message": "ECHO"}'),
    "half of an answer": (200, '{"status": "success", "id": 7, "number": "ECHO'),
    "an answer with everything in the wrong place": (
        200,
        '{"id": "ECHO", "number": "ECHO", "price": "ECHO", "status": "ECHO", "balance": "ECHO", "service": "ECHO"}',
    ),
}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with surroundings(tmp_path) as world:
        yield world


async def use(world: World) -> None:
    """Buy, get an SMS by each way, cancel, and fail to reach the client's server."""
    world.receiver.status = 500
    (first, phone), (second, other_phone) = [await world.number(name) for name in ("getsms", "getatext")]
    for name, number in (("getsms", phone), ("getatext", other_phone)):
        rental = next(rental for rental in world.sandboxes[name].rentals if number.endswith(rental.number[-10:]))
        world.sandboxes[name].deliver(rental.id, code="012345")
        for token in (GETSMS_TOKEN, GETATEXT_TOKEN, STUB_TOKEN):
            sms = {"event": "incoming_message", "id": rental.id, "pin": "012345"}
            for push in (sms, {"id": rental.id, "code": "1"}):
                await world.request("POST", f"/webhooks/{name}/{token}", data=push)
                await world.request("POST", f"/webhooks/{name}/{token}", json=push)
            await world.request("POST", f"/webhooks/{name}/{token}", content=b"rubbish")
    await world.request("POST", f"/webhooks/stub/{STUB_TOKEN}", json={"activationId": 1, "code": "1"})
    await eventually(lambda: len(world.receiver.posts) >= 2)
    for id in (first, second):
        await world.ask("getStatus", id=id)
        await world.ask("setStatus", id=id, status=6)
    await world.ask("setStatus", id=(await world.number("getatext"))[0], status=8)


async def test_promise_12_no_secret_is_in_anything_when_all_is_well(world: World):
    async with running(world) as run:
        await use(world)
        await world.everything()
        for what in ("activations", "attempts", "ledger"):
            for form in ("csv", "json"):
                await world.command("export", what, "--format", form)
        for command in (["explain", "wa", "--json"], ["prices"], ["services"], ["check"], ["check", "--live"]):
            await world.command(*command)
        await world.command("backup", "copy.db")
        names = {path.name for path in world.folder.iterdir()}
        assert {"proxy.db", "proxy.db-wal", "proxy.db-shm", "copy.db"} <= names
        assert world.leaks() == {}
        run.terminate()
        assert await run.end() == 0
    assert world.leaks() == {}


async def test_promise_12_no_secret_is_in_anything_when_providers_quote_what_they_were_sent(world: World):
    async with running(world):
        await use(world)
        open_ids = [(await world.number(name))[0] for name in ("getsms", "getatext")]
        for manner, (status, saying) in MANNERS.items():
            for name, mirror in world.mirrors.items():
                mirror.saying, mirror.status, mirror.asked = saying, status, 0
                await world.ask("getNumber", service="wa", providerIds=name)
                assert mirror.asked, f"{name} was not asked to buy"
            for id in open_ids:
                await world.ask("setStatus", id=id, status=8)
            await world.admin()
            assert world.leaks() == {}, manner
        await world.everything()
        for command in (["check", "--live"], ["explain", "wa"], ["prices"]):
            await world.command(*command)
        assert world.leaks() == {}


async def test_promise_12_no_secret_is_in_anything_when_nobody_can_be_reached(world: World):
    world.receiver.port.close()
    closed = f"http://127.0.0.1:{free_port()}"
    for address in (closed, "http://nobody.invalid", "https://127.0.0.1:1"):
        world.addresses |= {f"{name.upper()}-ADDRESS": address for name in world.mirrors}
        async with running(world):
            await world.everything()
            for command in (["check", "--live"], ["explain", "wa"], ["prices"]):
                await world.command(*command)
        assert world.leaks() == {}, address


async def test_promise_12_no_secret_is_in_what_is_said_of_a_bad_file(world: World):
    async with running(world) as run:
        for name, (old, new) in BAD_FILES.items():
            assert old in ROUTING, name
            (world.folder / "routing.yaml").write_text(ROUTING.replace(old, new))
            before = run.complained.count("is not taken")
            run.hang_up()
            await eventually(lambda before=before: run.complained.count("is not taken") > before)
            assert world.leaks() == {}, name
        for command in (["check"], ["serve", "--port", "0"]):
            await world.command(*command)
        assert world.leaks() == {}


async def test_promise_12_no_secret_is_said_by_the_embedded_sandbox(world: World):
    world.addresses |= {"GETSMS-ADDRESS": "sandbox", "GETATEXT-ADDRESS": "sandbox"}
    async with running(world):
        id, _ = await world.number("getatext")

        async def arrived() -> bool:
            return (await world.ask("getStatus", id=id)).startswith("STATUS_OK")

        assert await eventually(arrived, seconds=20)
        await world.everything()
    assert world.leaks() == {}
