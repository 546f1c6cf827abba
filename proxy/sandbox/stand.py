"""What both stand-ins share: a door that notes every request and applies the fault that is switched on for it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.datastructures import Headers

from proxy.clock import Clock
from proxy.domain.money import Usd, print_usd
from proxy.sandbox.account import Rental
from proxy.sandbox.control import control_app
from proxy.sandbox.faults import NEVER_HANDLED, Fault, FaultKind, Reply, cut, gone, instead
from proxy.sandbox.messages import Message
from proxy.sandbox.settings import Settings
from proxy.sandbox.steering import Seen, Steering
from proxy.sandbox.webhooks import Webhooks

LARGEST_BODY = 65_536


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request as it came in, before anybody understood it."""

    method: str
    path: str
    query: str
    headers: Headers
    body: bytes


class Stand(Steering, ABC):
    """A stand-in for one provider: an ASGI application and the account behind it."""

    kind: str
    webhook_waits: tuple[float, ...] = ()

    def __init__(self, clock: Clock, settings: Settings, http: httpx.AsyncClient | None = None) -> None:
        """`http` sends the webhooks, while `run` is running and `settings.webhook_url` is set."""
        webhooks = Webhooks(clock, settings, http, self.webhook, self.webhook_waits)
        super().__init__(clock, settings, webhooks)
        self._provider = self.provider_app()
        self._control = control_app(self)

    @abstractmethod
    def provider_app(self) -> Starlette:
        """The provider's own paths; a handler finds the parsed fields in `request.scope["fields"]`."""

    @abstractmethod
    def read(self, arrival: Arrival) -> tuple[str, dict[str, Any], str]:
        """The endpoint's name, the fields and the credential of a request."""

    @abstractmethod
    def webhook(self, rental: Rental, message: Message) -> Mapping[str, Any]:
        """What httpx is to send when an SMS came in."""

    async def run(self) -> None:
        """Send webhooks for ever. Everything else needs no task."""
        await self.webhooks.run(self.account.settle)

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._provider(scope, receive, send)
            return
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if path.startswith("/_sandbox/"):
            await self._control(scope, receive, send)
            return
        body = await _body(receive)
        if body is None:
            return
        headers = Headers(scope=scope)
        arrival = Arrival(scope["method"], path, scope["query_string"].decode("latin-1"), headers, body)
        endpoint, fields, credential = self.read(arrival)
        fault = self.faults.take(endpoint)
        self.requests.append(
            Seen(self.clock.now(), arrival.method, path, endpoint, fields, credential, fault.kind if fault else "")
        )
        scope = {**scope, "fields": fields}
        if fault is None:
            await self._provider(scope, receive, send)
        else:
            await self._misbehave(fault, scope, receive, send)

    async def _misbehave(self, fault: Fault, scope: Any, receive: Any, send: Any) -> None:
        slow = fault.kind is FaultKind.SLOW
        if slow and not fault.handled:
            await self.clock.sleep(fault.amount)
        true = await self._true_reply(scope, receive) if fault.handled or slow else NEVER_HANDLED
        if slow and fault.handled:
            await self.clock.sleep(fault.amount)
        match fault.kind:
            case FaultKind.HANG:
                await gone(receive)
            case FaultKind.CUT:
                await cut(true, int(fault.amount) if fault.handled else 0, receive, send)
            case _:
                await instead(fault, true).send(send)

    async def _true_reply(self, scope: Any, receive: Any) -> Reply:
        sent: list[Any] = []

        async def keep(message: Any) -> None:
            sent.append(message)

        await self._provider(scope, receive, keep)
        body = b"".join(message.get("body", b"") for message in sent[1:])
        return Reply(sent[0]["status"], tuple(sent[0]["headers"]), body)


def as_number(amount: Usd) -> float:
    """An amount as a JSON number: the shortest text that reads back as it, so nothing is lost."""
    return float(print_usd(amount))


async def _body(receive: Any) -> bytes | None:
    """The whole body, up to a size that no request here has; None: the client left before it was complete."""
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        if len(body) < LARGEST_BODY:
            body += message.get("body", b"")
        if not message.get("more_body", False):
            return body
