"""/admin/api: the operator's JSON. Money is a string, a time is RFC 3339, lists come newest first."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from proxy.dashboard.guard import Guard
from proxy.domain.attempt import Outcome
from proxy.domain.money import Usd, parse_usd, print_usd
from proxy.domain.offer import Want
from proxy.errors import BadService
from proxy.gateway.explain import PLACES, route_as_json
from proxy.gateway.gateway import Gateway
from proxy.gateway.upstream import Upstream
from proxy.store.reads import ACTIVATIONS, ATTEMPTS, BIDS, DELIVERIES, LEDGER, Row, Table

DEFAULT_LIMIT, LARGEST_LIMIT = 100, 1000
MOST_SUSPECTS = 20
SHOWN_STATUS = {"cancelling": "cancelled", "ending": "expired"}
"""What the client was told, where the provider's word is still awaited."""
HIDDEN_STATUS = {shown: hidden for hidden, shown in SHOWN_STATUS.items()}
MONEY = frozenset({"price", "refunded", "hold", "amount"})
TIMES = frozenset({"created_at", "expires_at", "started_at", "ended_at", "received_at", "next_try_at", "at"})


def rfc3339(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def presentable(row: Row) -> Row:
    """A row of the books with its money and times as JSON has them."""
    return {name: _shown(name, value) for name, value in row.items()}


def _shown(name: str, value: Any) -> Any:
    if name in MONEY:
        return print_usd(value, PLACES)
    if name in TIMES and value:
        return rfc3339(value)
    # What stands before the slash tells kinds of rentals apart whose ids a provider counts separately.
    return value.rpartition("/")[2] if name == "upstream_id" else value


def routes(gateway: Gateway, guard: Guard) -> list[Route]:
    def door(
        answer: Callable[[Gateway, Mapping[str, str]], Awaitable[Any]],
    ) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            guard.check(request)
            return JSONResponse(await answer(gateway, request.query_params))

        return endpoint

    answers = {
        "activations": activations,
        "attempts": attempts,
        "ledger": ledger,
        "webhooks": webhooks,
        "bids": bids,
        "providers": providers,
        "explain": explain,
    }
    return [Route(f"/admin/api/{name}", door(answer), methods=["GET"]) for name, answer in answers.items()]


async def activations(gateway: Gateway, asked: Mapping[str, str]) -> list[Row]:
    rows = await _page(gateway, ACTIVATIONS, asked)
    messages = await gateway.store.read.messages([row["id"] for row in rows])
    return [
        {
            **{("cost" if name == "price" else name): value for name, value in presentable(row).items()},
            "status": SHOWN_STATUS.get(row["status"], row["status"]),
            "messages": [presentable(message) for message in messages[row["id"]]],
        }
        for row in rows
    ]


async def attempts(gateway: Gateway, asked: Mapping[str, str]) -> list[Row]:
    return [presentable(row) for row in await _page(gateway, ATTEMPTS, asked)]


async def ledger(gateway: Gateway, asked: Mapping[str, str]) -> list[Row]:
    return [presentable(row) for row in await _page(gateway, LEDGER, asked)]


async def webhooks(gateway: Gateway, asked: Mapping[str, str]) -> list[Row]:
    """What was sent, or is still to be sent, to clients' own webhooks."""
    return [presentable(row) for row in await _page(gateway, DELIVERIES, asked)]


async def bids(gateway: Gateway, asked: Mapping[str, str]) -> list[Row]:
    """Bids of clients: those that stand, and what became of the others."""
    last = gateway.market.bidding.asked
    return [
        {
            **presentable(row),
            "placed_at": rfc3339(row["placed_at"]),
            "asked_at": rfc3339(last[row["id"]].at if row["id"] in last else row["placed_at"]),
        }
        for row in await _page(gateway, BIDS, asked)
    ]


async def _page(gateway: Gateway, table: Table, asked: Mapping[str, str]) -> list[Row]:
    filters = {name: [value] for name, value in asked.items() if name in table.filters and value}
    if shown := asked.get("status"):
        filters["status"] = [shown, *([HIDDEN_STATUS[shown]] if shown in HIDDEN_STATUS else [])]
    limit = min(_whole(asked, "limit", DEFAULT_LIMIT), LARGEST_LIMIT)
    before = _whole(asked, "before", 0) or None
    return await gateway.store.read.page(table, filters, limit=limit, before=before)


def _whole(asked: Mapping[str, str], name: str, default: int) -> int:
    words = asked.get(name) or str(default)
    if not (words.isascii() and words.isdigit() and len(words) < 19):
        raise HTTPException(400, f"{name} is no whole number")
    return int(words)


async def providers(gateway: Gateway, asked: Mapping[str, str]) -> list[Row]:
    accounts = await gateway.store.read.accounts()
    return [
        await _provider(gateway, upstream, _drift(upstream, *accounts.get(upstream.name, (0, None))))
        for upstream in gateway.market.upstreams.values()
    ]


async def _provider(gateway: Gateway, upstream: Upstream, drift: Usd | None) -> Row:
    return {
        "name": upstream.name,
        "kind": upstream.config.kind,
        "usable": not upstream.trouble,
        "reason": upstream.trouble,
        "balance": None if upstream.balance is None else print_usd(upstream.balance, PLACES),
        "ledger_balance_drift": None if drift is None else print_usd(drift, PLACES),
        "drift_attempts": await _suspects(gateway, upstream.name, drift or 0),
        "open": gateway.store.live.count_at(upstream.name),
        "latency_ms": None if upstream.latency_ms is None else round(upstream.latency_ms, 1),
        "delivery_rate": upstream.delivery_rate,
    }


def _drift(upstream: Upstream, booked: Usd, opening: Usd | None) -> Usd | None:
    """How much more the provider's account holds than the books say; None while that is not known."""
    if opening is None or upstream.balance is None:
        return None
    return upstream.balance - (opening - booked)


async def _suspects(gateway: Gateway, provider: str, drift: Usd) -> list[int]:
    """Attempts that may have bought what the books do not know of, newest first; only money that is missing has any."""
    if drift >= 0:
        return []
    filters: dict[str, Sequence[str]] = {"provider": [provider], "outcome": [Outcome.UNKNOWN, Outcome.ABANDONED]}
    rows = await gateway.store.read.page(ATTEMPTS, filters, limit=MOST_SUSPECTS)
    return [row["id"] for row in rows]


async def explain(gateway: Gateway, asked: Mapping[str, str]) -> dict[str, Any]:
    client = gateway.market.client(asked.get("client", ""))
    if client is None:
        raise HTTPException(404, "there is no such client")
    try:
        service = gateway.market.find_service(asked.get("service", ""))
        max_price = parse_usd(asked["max_price"]) if asked.get("max_price") else None
    except BadService as exc:
        raise HTTPException(404, "no service has this code or name") from exc
    except ValueError as exc:
        raise HTTPException(400, "max_price is no amount of money") from exc
    country = _whole(asked, "country", gateway.market.config.country)
    want = Want(service, country if client.country is None else client.country, max_price)
    return route_as_json(gateway.market.route(client, want), want, client.name)
