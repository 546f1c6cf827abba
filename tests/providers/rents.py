"""What the tests of getatext.com's rents share: a rent of each kind, and replies by path."""

import httpx

from proxy.errors import NotSent, OutcomeUnknown
from proxy.providers.base import ANY_SERVICE, Rental

from .helpers import replay, reply_bytes

DOCS = "getatext/documented"
NUMBER = "11234567890"
LONG = Rental("long-rentals/1", ANY_SERVICE, NUMBER)
SERVICE = Rental("service-long-rentals/1", "whatsapp", NUMBER)
RENTS = [LONG, SERVICE]
AWAY = [
    (httpx.ConnectError("down"), NotSent),
    (httpx.ReadError("reset"), OutcomeUnknown),
    (httpx.Response(502, content=b"<html>Bad gateway</html>"), OutcomeUnknown),
    (httpx.Response(200, content=b"<html>Hello</html>"), OutcomeUnknown),
    (httpx.Response(403, json={"errors": "Wrong Api Key or User is restricted"}), NotSent),
    (httpx.Response(503, json={"errors": "Service is under maintenance"}), NotSent),
]
"""Replies that say nothing of what was asked, where asking did not cost anything."""


def documented(*names: str) -> httpx.MockTransport:
    return replay(*(f"{DOCS}/{name}" for name in names))


def reply_of(name: str) -> httpx.Response:
    return httpx.Response(200, content=reply_bytes(f"{DOCS}/{name}"))


def by_path(**replies: httpx.Response | Exception) -> httpx.MockTransport:
    """Answer by the path, digits left out, in whatever order things are asked."""

    def handle(request: httpx.Request) -> httpx.Response:
        steps = request.url.path.removeprefix("/api/v1/").split("/")
        reply = replies["_".join(step.replace("-", "_") for step in steps if not step.isdigit())]
        if isinstance(reply, Exception):
            raise reply
        return reply

    return httpx.MockTransport(handle)
