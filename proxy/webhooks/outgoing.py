"""The clients' webhooks: every SMS is sent on in SMS-Activate's own form, from a queue in the books.

What the books hold is sent at least once, and the messages of one activation in their order. Each client has a lane of
its own, so that a slow receiver delays nobody else; what the configuration says counts when a message is sent.
"""

import asyncio
import hashlib
import hmac
import json
import logging
import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx

from proxy.clock import Clock
from proxy.config import Config
from proxy.domain.client import Client
from proxy.errors import StoreClosed
from proxy.store.deliveries import Delivery
from proxy.store.store import Store
from proxy.webhooks.pinned import Pinned

log = logging.getLogger(__name__)

PAUSES = (20, 60, 180, 420, 960, 1920, 3640)
"""Seconds between the eight tries, two hours together."""
JITTER = 0.15
"""The part of a pause that is left to chance, so that what failed together is not tried together again."""
AT_ONCE = 4
"""Requests that one client's receiver has to bear, and as many threads that its name can hold up."""
SECONDS = 10.0
"""For one try, from the name to the status."""
CONNECT_SECONDS = 3.0
CLOSED_SECONDS = 5.0
"""Between tries to write down what was sent, while the books cannot be written."""


def receivers(config: Config) -> dict[str, str]:
    """The clients that have a webhook, and its address as it may be shown."""
    clients = (keyed.client for keyed in config.clients)
    return {client.name: shown(client.webhook) for client in clients if client.webhook}


def shown(url: str) -> str:
    """An address without its parameters, which may hold a secret."""
    return url.partition("#")[0].partition("?")[0]


def body_of(delivery: Delivery) -> bytes:
    """SMS-Activate's own webhooks: for an activation, and for a rent."""
    at = datetime.fromtimestamp(delivery.received_at, UTC).strftime("%Y-%m-%d %H:%M:%S")
    words: dict[str, Any] = {
        "activationId": delivery.activation_id,
        "service": delivery.service,
        "text": delivery.text,
        "code": delivery.code,
        "country": delivery.country,
        "receivedAt": at,
    }
    if delivery.is_rent:
        sms = {"phoneFrom": delivery.sender, "text": delivery.text or delivery.code, "date": at}
        words = {"rentId": str(delivery.activation_id), "sms": sms}
    return json.dumps(words, ensure_ascii=False, separators=(",", ":")).encode()


def address_of(client: Client, delivery: Delivery) -> str:
    """Where it goes: to the rent's own address, or to the client's; empty if there is neither."""
    return delivery.own_url or client.webhook


def request_for(client: Client, delivery: Delivery) -> httpx.Request:
    """The request by which this client learns of its message."""
    body = body_of(delivery)
    headers = {"Content-Type": "application/json", "User-Agent": "sms-proxy", "X-Delivery-Id": str(delivery.id)}
    if client.webhook_secret:
        signature = hmac.new(client.webhook_secret.encode(), body, hashlib.sha256).hexdigest()
        headers["X-Signature"] = f"sha256={signature}"
    timeout = httpx.Timeout(SECONDS, connect=CONNECT_SECONDS).as_dict()
    extensions = {"timeout": timeout, "private": client.webhook_private}
    return httpx.Request("POST", address_of(client, delivery), headers=headers, content=body, extensions=extensions)


class Courier:
    """Sends what waits. `client` finds the present configuration of a client by its name."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        client: Callable[[str], Client | None],
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        seconds: float = SECONDS,
    ) -> None:
        self._store = store
        self._clock = clock
        self._client = client
        self._transport = transport or Pinned()
        self._seconds = seconds
        self._chance = random.Random()

    async def run(self) -> None:
        """Deliver for ever: what waits in the books, and what comes."""
        lanes: dict[str, asyncio.Event] = {}
        names: asyncio.Queue[str] = asyncio.Queue()
        self._store.on_delivery = names.put_nowait
        for name in await self._store.read.awaited_deliveries():
            names.put_nowait(name)
        async with self._transport, asyncio.TaskGroup() as group:
            while True:
                name = await names.get()
                if name not in lanes:
                    lanes[name] = asyncio.Event()
                    group.create_task(self._lane(name, lanes[name]), name=f"webhooks to {name}")
                lanes[name].set()

    async def _lane(self, name: str, news: asyncio.Event) -> None:
        """One client's webhooks. `news`: something came, ended or became due."""
        under_way: set[int] = set()
        async with asyncio.TaskGroup() as group:
            while True:
                news.clear()
                now = self._clock.now()
                # What ends while the books are read may still be waiting in what is read: it is left to the next turn.
                before = under_way.copy()
                due = await self._store.read.due_deliveries(name, now, AT_ONCE + len(before))
                free = AT_ONCE - len(under_way)
                for delivery in [delivery for delivery in due if delivery.id not in before][:free]:
                    under_way.add(delivery.id)
                    group.create_task(self._carry(delivery, under_way, news), name=f"webhook {delivery.id}")
                next_at = await self._store.read.next_delivery_at(name, now)
                alarm = group.create_task(self._ring(news, next_at), name=f"next webhook to {name}")
                await news.wait()
                alarm.cancel()

    async def _ring(self, news: asyncio.Event, at: float | None) -> None:
        if at is not None:
            await self._clock.sleep(at - self._clock.now())
            news.set()

    async def _carry(self, delivery: Delivery, under_way: set[int], news: asyncio.Event) -> None:
        try:
            await self._deliver(delivery)
        finally:
            under_way.discard(delivery.id)
            news.set()

    async def _deliver(self, delivery: Delivery) -> None:
        """Try once, and write down how it went."""
        client = self._client(delivery.client)
        if client is None or not address_of(client, delivery):
            url, error, again_at = "", "the client has no webhook any more", None
        else:
            url, error = shown(address_of(client, delivery)), await self._send(client, delivery)
            again_at = self._again_at(delivery) if error else None
        if error and again_at is None:
            log.warning("a webhook to %s for activation %d failed: %s", delivery.client, delivery.activation_id, error)
        await self._note(delivery, url, error, again_at)

    async def _send(self, client: Client, delivery: Delivery) -> str:
        """What went wrong, in words without secrets; nothing if the receiver has it."""
        try:
            async with asyncio.timeout(self._seconds):
                response = await self._transport.handle_async_request(request_for(client, delivery))
                await response.aclose()
        except (TimeoutError, httpx.TimeoutException):
            return f"no answer within {self._seconds:g} s"
        except httpx.ConnectError as exc:
            return f"no connection: {exc}"[:200]
        except Exception as exc:  # a message that cannot be sent must not hold up those behind it
            return f"the exchange broke off ({type(exc).__name__})"
        return "" if response.is_success else f"HTTP {response.status_code}"

    def _again_at(self, delivery: Delivery) -> float | None:
        """When to try again after one try more in vain; None: it is given up."""
        if delivery.tries >= len(PAUSES):
            return None
        return self._clock.now() + PAUSES[delivery.tries] * (1 - JITTER * self._chance.random())

    async def _note(self, delivery: Delivery, url: str, error: str, again_at: float | None) -> None:
        """Not given up, for what is not written down would be sent again and again."""
        while True:
            try:
                return await self._store.write(lambda tx: tx.note_delivery(delivery, url, error, again_at))
            except StoreClosed:
                await self._clock.sleep(CLOSED_SECONDS)
