"""Stand-ins that misbehave on purpose, in process and over a real socket."""

import asyncio
import socket
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn

from proxy.sandbox import ConnectionCut, combined_app

REQUEST = {"cmd": "request", "user": "demo", "api_key": "demo", "service": "Google"}


@pytest.mark.parametrize("handled", [True, False])
@pytest.mark.parametrize(
    ("how", "status", "body"),
    [
        ({"kind": "status"}, 500, ""),
        ({"kind": "status", "status": 503, "body": '{"errors": "later"}'}, 503, '{"errors": "later"}'),
        ({"kind": "html"}, 200, "<!DOCTYPE html><html><body><h1>Just a moment...</h1></body></html>"),
        ({"kind": "html", "status": 502}, 502, "<!DOCTYPE html><html><body><h1>Just a moment...</h1></body></html>"),
        ({"kind": "empty"}, 200, ""),
    ],
)
async def test_another_answer_than_the_true_one(getsms, getsms_http, how, status, body, handled):
    getsms.fault(**how, handled=handled)
    answer = await getsms_http.post("/api_command.php", data=REQUEST)
    assert (answer.status_code, answer.text) == (status, body)
    assert len(getsms.rentals) == handled


async def test_half_a_body_is_half_of_the_true_one(getsms, getsms_http):
    getsms.fault("half")
    answer = await getsms_http.post("/api_command.php", data=REQUEST | {"cmd": "balance"})
    assert (answer.status_code, answer.text) == (200, '{"status":"ok","')


@pytest.mark.parametrize(("handled", "amount"), [(False, 0), (True, 0), (True, 20), (True, 150)])
async def test_a_cut_in_process_is_an_exception_of_the_http_client(getsms, getsms_http, handled, amount):
    getsms.fault("cut", handled=handled, amount=amount)
    with pytest.raises(ConnectionCut):
        await getsms_http.post("/api_command.php", data=REQUEST)
    assert len(getsms.rentals) == handled
    assert issubclass(ConnectionCut, httpx.ReadError)


async def test_a_cut_behind_the_last_byte_is_none(getsms, getsms_http):
    getsms.fault("cut", amount=10_000)
    assert (await getsms_http.post("/api_command.php", data=REQUEST)).json()["status"] == "ok"


@pytest.mark.parametrize("handled", [True, False])
async def test_a_hang_lasts_until_the_client_leaves(getsms, getsms_http, handled):
    getsms.fault("hang", handled=handled)
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(getsms_http.post("/api_command.php", data=REQUEST), name="asking")
        await getsms.clock.advance(3600)
        assert not asking.done()
        assert len(getsms.account.rentals) == handled
        asking.cancel()


@pytest.mark.parametrize("handled", [True, False])
async def test_a_slow_answer_takes_effect_before_or_after_the_wait(getsms, getsms_http, handled):
    getsms.fault("slow", amount=5, handled=handled)
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(getsms_http.post("/api_command.php", data=REQUEST), name="asking")
        await getsms.clock.advance(4)
        assert not asking.done()
        assert len(getsms.account.rentals) == handled
        await getsms.clock.advance(1)
        assert asking.result().json()["status"] == "ok"


async def test_a_fault_strikes_its_endpoint_so_many_times(getatext, getatext_http):
    getatext.fault("status", "balance", times=2)
    getatext.fault("status", "rental-status/completed", times=None, status=502)

    async def balance():
        return (await getatext_http.get("/api/v1/balance")).status_code

    async def complete():
        return (await getatext_http.post("/api/v1/rental-status/7/completed")).status_code

    assert (await getatext_http.get("/api/v1/prices-info")).status_code == 200
    assert [await balance() for _ in range(3)] == [500, 500, 200]
    assert [await complete() for _ in range(3)] == [502, 502, 502]
    getatext.clear_faults()
    assert await complete() == 404


WEEK = {"rental_time": "1w"}
DAY = {"service": "whatsapp", "period": "1d"}


@pytest.mark.parametrize(
    ("method", "path", "body", "endpoint"),
    [
        ("GET", "long-rentals/prices", None, "long-rentals/prices"),
        ("GET", "long-rentals", None, "long-rentals"),
        ("POST", "long-rentals", WEEK, "long-rentals:rent"),
        ("POST", "long-rentals/1/update", {"action": "renew"}, "long-rentals/update"),
        ("GET", "long-rentals/1/messages", None, "long-rentals/messages"),
        ("GET", "service-long-rentals/prices", None, "service-long-rentals/prices"),
        ("GET", "service-long-rentals", None, "service-long-rentals"),
        ("POST", "service-long-rentals", DAY, "service-long-rentals:rent"),
        ("POST", "service-long-rentals/{number}/cancel", {}, "service-long-rentals/cancel"),
        ("POST", "service-long-rentals/{number}/auto-renew", {"auto_renew": True}, "service-long-rentals/auto-renew"),
        ("POST", "service-long-rentals/{number}/renew", {}, "service-long-rentals/renew"),
        ("GET", "service-long-rentals/{number}/messages", None, "service-long-rentals/messages"),
        ("GET", "auctions", None, "auctions"),
        ("POST", "auctions/1/bid", {"bid_amount": 0.6}, "auctions/bid"),
    ],
)
async def test_every_endpoint_of_rents_and_auctions_has_its_name(getatext, getatext_http, method, path, body, endpoint):
    await getatext_http.post("/api/v1/long-rentals", json=WEEK)
    await getatext_http.post("/api/v1/service-long-rentals", json=DAY)
    url = "/api/v1/" + path.format(number=getatext.rents[1].number)
    getatext.fault("status", endpoint, status=502, handled=False)
    statuses = [(await getatext_http.request(method, url, json=body)).status_code for _ in range(2)]
    assert (statuses[0], statuses[1] in (200, 201)) == (502, True)
    assert [seen.endpoint for seen in getatext.requests][2:] == [endpoint] * 2


@pytest.mark.parametrize("handled", [True, False])
@pytest.mark.parametrize(("path", "body"), [("long-rentals", WEEK), ("service-long-rentals", DAY)])
async def test_a_rent_whose_reply_is_cut_was_made_or_not(getatext, getatext_http, path, body, handled):
    getatext.fault("cut", f"{path}:rent", handled=handled, amount=20)
    with pytest.raises(ConnectionCut):
        await getatext_http.post(f"/api/v1/{path}", json=body)
    listed = (await getatext_http.get(f"/api/v1/{path}")).json()
    assert len(listed[path.replace("-", "_")]) == len(getatext.rents) == handled


@asynccontextmanager
async def served(app, http):
    """The address of a real server on a free port of this machine."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen()
        server = uvicorn.Server(uvicorn.Config(app, http=http, ws="none", log_config=None, log_level="warning"))
        async with asyncio.TaskGroup() as group:
            group.create_task(server.serve(sockets=[door]), name="server")
            try:
                yield f"http://127.0.0.1:{door.getsockname()[1]}"
            finally:
                server.should_exit = True


async def raw_reply(base_url):
    """Every byte that comes back for one purchase, until the server closes the connection."""
    host, port = base_url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    body = "&".join(f"{name}={value}" for name, value in REQUEST.items()).encode()
    writer.write(
        b"POST /getsms/api_command.php HTTP/1.1\r\nHost: sandbox\r\nConnection: close\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    )
    reply = await reader.read()
    writer.close()
    await writer.wait_closed()
    return reply


@pytest.mark.parametrize("http", ["h11", "httptools"])
async def test_a_cut_over_a_socket_comes_after_exactly_so_many_bytes(getsms, http, caplog):
    async with served(combined_app([getsms]), http) as base_url:
        getsms.fault("cut", amount=100_000)
        whole = await raw_reply(base_url)
        assert b'"status":"ok"' in whole
        for amount in (0, 1, 16, whole.index(b"\r\n\r\n"), whole.index(b"\r\n\r\n") + 4, len(whole) - 1, len(whole)):
            getsms.fault("cut", amount=amount)
            assert len(await raw_reply(base_url)) == amount
        getsms.fault("cut", handled=False)
        assert await raw_reply(base_url) == b""
        assert b'"status":"ok"' in await raw_reply(base_url)
    assert len(getsms.rentals) == 9
    assert caplog.records == []


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "cut"}, httpx.RemoteProtocolError),
        ({"kind": "cut", "amount": 140}, httpx.RemoteProtocolError),
        ({"kind": "hang"}, httpx.ReadTimeout),
    ],
)
async def test_a_client_notices_and_the_purchase_was_made(getsms, fault, error):
    async with served(combined_app([getsms]), "auto") as base_url, httpx.AsyncClient(timeout=0.2) as client:
        getsms.fault(**fault)
        with pytest.raises(error):
            await client.post(f"{base_url}/getsms/api_command.php", data=REQUEST)
    assert len(getsms.rentals) == 1
