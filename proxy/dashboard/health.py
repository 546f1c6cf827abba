"""For supervisors: is it alive, and can it do its job. Nothing secret in either answer."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from proxy.errors import StoreClosed
from proxy.gateway.gateway import Gateway
from proxy.store.transaction import Transaction

CACHE_SECONDS = 1.0
"""How often the database is tried at most."""


def routes(gateway: Gateway) -> list[Route]:
    tried_at, trouble = float("-inf"), ""

    async def books_trouble() -> str:
        nonlocal tried_at, trouble
        if gateway.clock.monotonic() - tried_at >= CACHE_SECONDS:
            # Before the wait: whoever asks meanwhile, and be it ten thousand, hears of the try before.
            tried_at = gateway.clock.monotonic()
            try:
                await gateway.store.write(Transaction.probe)
                trouble = ""
            except StoreClosed as exc:
                trouble = f"the books cannot be written: {exc}"
        return trouble

    async def healthz(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(request: Request) -> Response:
        usable = [upstream.name for upstream in gateway.market.upstreams.values() if not upstream.trouble]
        reasons = [reason for reason in (await books_trouble(), "" if usable else "no provider is usable") if reason]
        return JSONResponse({"ready": not reasons, "reasons": reasons}, 503 if reasons else 200)

    return [Route("/healthz", healthz, methods=["GET"]), Route("/readyz", readyz, methods=["GET"])]
