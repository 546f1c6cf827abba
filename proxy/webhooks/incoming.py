"""The providers' door: a POST with the right token in its path is understood by the provider's own adapter."""

import hmac
import json
from collections.abc import Mapping
from decimal import Decimal
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from proxy.errors import StoreClosed
from proxy.gateway import messages
from proxy.gateway.gateway import Gateway
from proxy.gateway.upstream import Upstream

MOST_BYTES = 65_536
MOST_FIELDS = 100


def routes(gateway: Gateway) -> list[Route]:
    async def incoming(request: Request) -> Response:
        upstream = _provider_at_door(gateway, request.path_params["provider"], request.path_params["token"])
        try:
            push = upstream.read_push(_fields(await _body(request), request.headers.get("content-type", "")))
        except ValueError as exc:
            raise HTTPException(400, f"this is no webhook of {upstream.config.kind}: {exc}") from exc
        if push is not None:
            try:
                await messages.pushed(gateway, upstream, push)
            except StoreClosed as exc:
                raise HTTPException(503, "the books cannot be written now; send it again") from exc
        return JSONResponse({"status": "ok"})

    return [Route("/webhooks/{provider}/{token}", incoming, methods=["POST"])]


def _provider_at_door(gateway: Gateway, name: str, token: str) -> Upstream:
    """The provider with this token; whatever is wrong looks the same from outside."""
    upstream = gateway.market.upstreams.get(name)
    expected = upstream.config.webhook_token if upstream else ""
    if not upstream or not expected or not hmac.compare_digest(expected.encode(), token.encode()):
        raise HTTPException(404)
    return upstream


async def _body(request: Request) -> bytes:
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MOST_BYTES:
                raise HTTPException(413, "a webhook is smaller than this")
    except ClientDisconnect:
        raise HTTPException(400, "the request broke off") from None
    return body


def _fields(body: bytes, content_type: str) -> Mapping[str, object]:
    """A form or a JSON object, whatever the header says. Raises ValueError."""
    words = body.decode()
    if "json" in content_type or words.lstrip()[:1] in ("{", "["):
        try:
            fields = json.loads(words, parse_float=Decimal)
        except RecursionError:
            raise ValueError("nested too deep") from None
        if not isinstance(fields, dict):
            raise ValueError("not an object")
        return fields
    return dict(parse_qsl(words, keep_blank_values=True, max_num_fields=MOST_FIELDS))
