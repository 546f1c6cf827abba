"""What the gateway is measured against, and the provider behind: `python yardsticks.py NAME PORT PROVIDER_PORT`."""

import importlib
import itertools
import json
import sys
from contextlib import asynccontextmanager
from urllib.parse import parse_qs

import aiosqlite
import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

IDS = itertools.count(10_000_001)


def constant(provider_port: int):
    """A Starlette route that returns a constant."""

    async def status(request):
        return PlainTextResponse("STATUS_WAIT_CODE")

    return Starlette(routes=[Route("/stubs/handler_api.php", status)])


def bare(provider_port: int):
    """The gateway's libraries and nothing made of them."""
    for name in ("aiohttp", "aiosqlite", "click", "prometheus_client", "yaml", "yarl"):
        importlib.import_module(name)
    return constant(provider_port)


def plain_proxy(provider_port: int):
    """What is usually written: httpx as it comes, one aiosqlite commit for each purchase."""
    parts = {}

    @asynccontextmanager
    async def lifespan(app):
        async with httpx.AsyncClient() as http, aiosqlite.connect("plain.db") as db:
            await db.execute("PRAGMA journal_mode = WAL")
            await db.execute("PRAGMA synchronous = FULL")
            await db.execute("CREATE TABLE activations (id INTEGER PRIMARY KEY, upstream_id TEXT, phone TEXT)")
            parts.update(http=http, db=db)
            yield

    async def get_number(request):
        query = {"cmd": "request", "user": "demo", "api_key": "demo", "service": "WhatsApp"}
        reply = await parts["http"].get(f"http://127.0.0.1:{provider_port}/api_command.php", params=query)
        sold = reply.json()["message"][0]
        row = (sold["id"], sold["mdn"])
        cursor = await parts["db"].execute("INSERT INTO activations (upstream_id, phone) VALUES (?, ?)", row)
        await parts["db"].commit()
        return PlainTextResponse(f"ACCESS_NUMBER:{cursor.lastrowid}:{sold['mdn']}")

    return Starlette(routes=[Route("/stubs/handler_api.php", get_number)], lifespan=lifespan)


def provider(provider_port: int, price: str = "0.50"):
    """A getsms.online that has a number for everybody and answers at once."""

    async def app(scope, receive, send):
        body = scope["query_string"]
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        answer = ANSWERS[parse_qs(body.decode())["cmd"][0]](price)
        reply = json.dumps({"status": "ok", "message": answer}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(reply))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": reply})

    return app


def moody(provider_port: int):
    """Such a provider, cheaper, until `/mood?is=` says that it hangs or fails."""
    well, mood = provider(provider_port, "0.40"), "fine"

    async def app(scope, receive, send):
        nonlocal mood
        status = 200
        if scope["path"] == "/mood":
            mood = scope["query_string"].decode().removeprefix("is=")
        elif mood == "fine":
            return await well(scope, receive, send)
        elif mood == "hang":
            while (await receive())["type"] != "http.disconnect":
                pass
            return None
        else:
            status = 500
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    return app


def sell(price: str) -> list[dict]:
    id = next(IDS)
    sold = {"id": str(id), "mdn": f"1{id}555"[:11], "service": "WhatsApp", "status": "Reserved", "state": ""}
    return [sold | {"markup": 0, "price": float(price), "carrier": "TMobile", "till_expiration": 900}]


ANSWERS = {
    "request": sell,
    "balance": lambda price: "1000000.00",
    "list_services": lambda price: [{"name": "WhatsApp", "price": price, "otp_available": "1000000"}],
    "read_sms": lambda price: [],
    "reject": lambda price: "MDN has been rejected",
}
APPLICATIONS = {"constant": constant, "plain_proxy": plain_proxy, "provider": provider, "moody": moody, "bare": bare}


def main() -> None:
    name, port, provider_port = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    uvicorn.run(
        APPLICATIONS[name](provider_port),
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
        lifespan="on" if name == "plain_proxy" else "off",
    )


if __name__ == "__main__":
    main()
