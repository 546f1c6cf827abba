"""The stub without a socket: one request straight into the application, and the bytes that come back."""

import asyncio
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from proxy.stub.replies import REFUSALS
from tests.stage import KEY, Stage

PATH = "/stubs/handler_api.php"
FORM = "application/x-www-form-urlencoded"
_REFUSALS = "|".join(sorted({refusal.word for refusal in REFUSALS.values()} - {"WRONG_MAX_PRICE"}))
WORDS = re.compile(
    rf"({_REFUSALS}|WRONG_MAX_PRICE:\d+\.\d{{2,6}}"
    r"|ACCESS_BALANCE:-?\d+\.\d{2,6}|ACCESS_NUMBER:[1-9]\d{0,9}:\d{7,15}"
    r"|ADDITIONAL:[1-9]\d{0,9}:\d{7,15}|FULL_SMS:.+"
    r"|INVALID_ACTIVATION_ID|NO_CALL|BAD_DATA|CURRENCY_CHANGE_UNAVAILABLE"
    r"|ACCESS_(READY|RETRY_GET|ACTIVATION|CANCEL)"
    r"|STATUS_(WAIT_CODE|CANCEL|OK:[^:\r\n]+|WAIT_RETRY:[^:\r\n]+))"
)
"""Every plain reply that a client may see."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


async def knock(
    app: Any,
    query: str | bytes = b"",
    *,
    method: str = "GET",
    path: str = PATH,
    body: bytes = b"",
    content_type: str = FORM,
    chunks: tuple[bytes, ...] | None = None,
    broken: bool = False,
) -> Answer:
    """Send one request; `broken`: the connection ends before the body does."""
    answered = asyncio.Event()
    parts = list(chunks if chunks is not None else (body,))
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        if parts:
            part = parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(parts) or broken}
        if not broken:
            await answered.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query if isinstance(query, bytes) else query.encode(),
        "headers": [(b"content-type", content_type.encode())],
    }
    await app(scope, receive, send)
    answered.set()
    if not sent:
        return Answer(0, {}, b"")
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:]))


async def ask(it: Stage, action: str, *, api_key: str = KEY, **params: object) -> Answer:
    """What the house answers to an action."""
    return await knock(it.house, urlencode({"api_key": api_key, "action": action, **params}))
