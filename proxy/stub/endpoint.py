"""The clients' door: bytes in, one action, bytes out. A bare ASGI callable: nine tenths of all traffic pass here."""

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, quote

from proxy.domain.client import Client
from proxy.errors import BadAction, BadKey, GatewayError, TooManyRequests
from proxy.gateway.gateway import Gateway
from proxy.gateway.waiting import HungUp
from proxy.stub.access import Access
from proxy.stub.actions import ACTIONS
from proxy.stub.dialects import DIALECTS
from proxy.stub.registry import Action, Call
from proxy.stub.replies import PLAIN, Reply, refuse

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

log = logging.getLogger(__name__)

PATHS = frozenset({"/stubs/handler_api.php", "/stubs/handler_api", "/handler_api.php", "/handler_api"})
ACTION_PATH = "/stubs/handler_api.php/"
"""Behind it may stand an action, for those who tell operations apart by their path."""
MOST_BYTES = 16_384
"""Of a query and of a body; the longest honest request has some hundreds."""
MOST_PARAMETERS = 64
METHODS = ("GET", "POST")
FORM = b"application/x-www-form-urlencoded"


class TooMuch(BadAction):
    """More than is read of one request."""

    def __init__(self, words: str, status: HTTPStatus) -> None:
        super().__init__(words)
        self.status = status


class Endpoint:
    def __init__(self, gateway: Gateway, access: Access, count: Callable[[str], None]) -> None:
        self.gateway = gateway
        self.access = access
        self.count = count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] in METHODS:
            reply = await self._reply(scope, receive)
        else:
            reply = Reply(status=405, extra=[(b"allow", b"GET, POST")])
        if reply is None:
            return
        headers, body = reply.encode()
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        if reply.bought:
            ids = [activation.id for activation in reply.bought]
            self.gateway.store.write_soon(lambda tx: tx.mark_delivered(ids))

    async def _reply(self, scope: Scope, receive: Receive) -> Reply | None:
        """None: the client hung up before there was one."""
        query: dict[str, str] = {}
        manner = PLAIN
        try:
            query = parse(await _words(scope, receive))
            call, action = self._enter(query)
            manner = action.manner
            reply = await (self._sell(action, call, receive) if action.buys else action.run(call))
            client: Client | None = call.client
        except HungUp:
            return None
        except Exception as exc:
            if not isinstance(exc, GatewayError):
                log.exception("a request failed")
            reply, client = refuse(exc, manner), self.access.find(query.get("api_key", "").encode())
            if isinstance(exc, TooMuch):
                reply.status = exc.status
            if isinstance(exc, BadKey | TooManyRequests):
                await self.access.turn_away(client)
        if reply is None or client is None:
            return reply
        return DIALECTS[client.dialect].translate(query.get("action", ""), reply)

    def _enter(self, query: dict[str, str]) -> tuple[Call, Action]:
        """Who asks, and for what. Raises BadKey, TooManyRequests, BadAction, in that order."""
        name = query.get("action", "")
        action = ACTIONS.get(name)
        client = self.access.enter(query.get("api_key"), open=action is not None and action.open)
        if action is None:
            name, more = DIALECTS[client.dialect].synonyms.get(name, ("", {}))
            action, query = ACTIONS.get(name), {**query, **more}
        if action is None:
            raise BadAction
        self.count(name)
        return Call(self.gateway, client, query), action

    async def _sell(self, action: Action, call: Call, receive: Receive) -> Reply | None:
        """A purchase goes on when the client hangs up; what it brings is kept for the client's next equal request."""
        call.hung_up = self.gateway.errands.start(_hang_up(receive), "the client's end")
        reply = await action.run(call)
        if not call.hung_up.done():
            return reply
        for activation in reply.bought:
            self.gateway.store.live.keep_for_redelivery(activation, call.fingerprint)
        return None


def parse(query: bytes) -> dict[str, str]:
    """Names and values, trimmed; of a name that comes twice the last value counts. Raises TooMuch."""
    if len(query) > 2 * MOST_BYTES:
        raise TooMuch("the request is too long", HTTPStatus.REQUEST_URI_TOO_LONG)
    if query.count(b"&") > MOST_PARAMETERS:
        raise TooMuch("the request has too many parameters", HTTPStatus.BAD_REQUEST)
    words = query.decode(errors="replace")
    if "%" not in words and "+" not in words:
        pairs = [(pair.partition("=")[0], pair.partition("=")[2]) for pair in words.split("&")]
    else:
        pairs = parse_qsl(words, keep_blank_values=True, errors="replace")
    if len(pairs) > MOST_PARAMETERS:
        raise TooMuch("the request has too many parameters", HTTPStatus.BAD_REQUEST)
    return {name.strip(): value.strip() for name, value in pairs if name or value}


async def _words(scope: Scope, receive: Receive) -> bytes:
    """Everything that is asked, as one query: the form of a POST and the action in a path count most."""
    query: bytes = scope["query_string"]
    if scope["method"] == "POST":
        query += b"&" + await _form(scope, receive)
    if scope["path"].startswith(ACTION_PATH):
        query += b"&action=" + quote(scope["path"].removeprefix(ACTION_PATH)).encode()
    return query


async def _form(scope: Scope, receive: Receive) -> bytes:
    """The form in the body; of any other kind of body nothing is taken. Raises HungUp for half a body."""
    kind = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise HungUp
        body += message.get("body", b"")
        if len(body) > MOST_BYTES:
            raise TooMuch("the request is too long", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        if not message.get("more_body"):
            return body if kind.partition(b";")[0].strip().lower() == FORM else b""


async def _hang_up(receive: Receive) -> None:
    """Returns when the connection is closed, or when the reply is out."""
    while (await receive())["type"] != "http.disconnect":
        pass
