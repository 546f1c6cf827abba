"""SMS on their way to the account's webhook URL, at the moment they come in."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from proxy.clock import Clock
from proxy.sandbox.account import Message, Rental
from proxy.sandbox.settings import Settings

Writer = Callable[[Rental, Message], Mapping[str, Any]]
"""Gives what httpx needs to send one webhook: `data=` or `json=`."""


class Webhooks:
    def __init__(
        self,
        clock: Clock,
        settings: Settings,
        http: httpx.AsyncClient | None,
        write: Writer,
        waits: tuple[float, ...],
    ) -> None:
        """`waits`: seconds before each further try while the answer is not 200. Without `http` nothing is sent."""
        self._clock = clock
        self._settings = settings
        self._http = http
        self._write = write
        self._waits = waits
        self._coming: asyncio.Queue[tuple[Rental, Message]] = asyncio.Queue()

    def plan(self, rental: Rental, message: Message) -> None:
        """Send it when its time has come, if it comes."""
        if self._http and self._settings.webhook_url:
            self._coming.put_nowait((rental, message))

    async def run(self, settle: Callable[[], None]) -> None:
        """Send for ever; `settle` lets the account catch up with the clock."""
        async with asyncio.TaskGroup() as group:
            while True:
                rental, message = await self._coming.get()
                group.create_task(self._send(rental, message, settle), name=f"webhook of rental {rental.id}")

    async def _send(self, rental: Rental, message: Message, settle: Callable[[], None]) -> None:
        while self._clock.now() < message.at:
            await self._clock.sleep(message.at - self._clock.now())
        settle()
        if message not in rental.messages:
            return
        for wait in (*self._waits, None):
            if await self._post(rental, message) or wait is None:
                return
            await self._clock.sleep(wait)

    async def _post(self, rental: Rental, message: Message) -> bool:
        if self._http is None or not self._settings.webhook_url:
            return True
        try:
            answer = await self._http.post(
                self._settings.webhook_url, follow_redirects=False, **self._write(rental, message)
            )
        except httpx.HTTPError:
            return False
        return answer.status_code == 200
