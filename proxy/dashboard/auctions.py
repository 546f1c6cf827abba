"""/admin/api/auctions: what providers sell by auction, and the operator's bids."""

import json
from decimal import Decimal
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from proxy.dashboard.guard import Guard
from proxy.domain.money import Usd, parse_usd, print_usd
from proxy.errors import BidRefused, NoAuction, ProviderError
from proxy.gateway import auctions
from proxy.gateway.explain import PLACES
from proxy.gateway.market import Market

MOST_BYTES = 4096


def routes(market: Market, guard: Guard) -> list[Route]:
    async def listed(request: Request) -> Response:
        guard.check(request)
        lots, _ = await auctions.lots(market)
        return JSONResponse([lot_as_json(lot) for lot in lots])

    async def bid(request: Request) -> Response:
        guard.check(request)
        amount = _amount(await _body(request))
        provider = request.query_params.get("provider", "")
        try:
            standing = await auctions.bid(market, request.path_params["id"], amount, provider)
        except NoAuction as exc:
            raise HTTPException(404, str(exc)) from exc
        except BidRefused as exc:
            raise HTTPException(400, str(exc)) from exc
        except ProviderError as exc:
            raise HTTPException(502, f"whether the bid was taken is not known: {exc.reason}") from exc
        return JSONResponse({"status": "success", "new_current_bid": print_usd(standing, PLACES)})

    return [
        Route("/admin/api/auctions", listed, methods=["GET"]),
        Route("/admin/api/auctions/{id}/bid", bid, methods=["POST"]),
    ]


def lot_as_json(lot: auctions.Lot) -> dict[str, Any]:
    """The time is the provider's own, without a zone."""
    auction = lot.auction
    return {
        "id": auction.id,
        "provider": lot.provider,
        "service": auction.service,
        "current_bid": None if auction.current_bid is None else print_usd(auction.current_bid, PLACES),
        "amount": auction.amount,
        "end_time": auction.ends_at,
    }


async def _body(request: Request) -> Any:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise HTTPException(413, "a bid is smaller than this")
    try:
        return json.loads(body, parse_float=Decimal)
    except (ValueError, RecursionError) as exc:
        raise HTTPException(400, "the body is no JSON") from exc


def _amount(body: Any) -> Usd:
    """`bid_amount`, a string or a number."""
    asked = body.get("bid_amount") if isinstance(body, dict) else None
    try:
        return parse_usd(str(asked))
    except ValueError as exc:
        raise HTTPException(400, 'bid_amount is no amount of money such as "0.60"') from exc
