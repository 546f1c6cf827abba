"""What is pushed to the account's webhook URL, at the moment it happens."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from proxy.clock import Clock
from proxy.sandbox.account import Rental
from proxy.sandbox.messages import Message
from proxy.sandbox.settings import Settings

Body = Mapping[str, Any]
"""What httpx needs to send one webhook: `data=` or `json=`."""
Letter = Callable[[], Body | None]
"""Gives the body when its time has come; None: it has not happened after all."""


class Webhooks:
    def __init__(
        self,
        clock: Clock,
        settings: Settings,
        http: httpx.AsyncClient | None,
        write: Callable[[Rental, Message], Body],
        waits: tuple[float, ...],
    ) -> None:
        """`waits`: seconds before each further try while the answer is not 200. Without `http` nothing is sent."""
        self._clock = clock
        self._settings = settings
        self._http = http
        self._write = write
        self._waits = waits
        self._coming: asyncio.Queue[tuple[float, Letter]] = asyncio.Queue()

    def plan(self, rental: Rental, message: Message) -> None:
        """Send the SMS when its time has come, if it comes."""
        self.send_at(message.at, lambda: self._write(rental, message) if message in rental.messages else None)

    def wake(self, at: float) -> None:
        """Let the account catch up then: something may happen that is to be sent."""
        self.send_at(at, lambda: None)

    def send_at(self, at: float, letter: Letter) -> None:
        if self._http and self._settings.webhook_url:
            self._coming.put_nowait((at, letter))

    async def run(self, settle: Callable[[], None]) -> None:
        """Send for ever; `settle` lets the account catch up with the clock."""
        async with asyncio.TaskGroup() as group:
            while True:
                at, letter = await self._coming.get()
                group.create_task(self._send(at, letter, settle), name="webhook")

    async def _send(self, at: float, letter: Letter, settle: Callable[[], None]) -> None:
        while self._clock.now() < at:
            await self._clock.sleep(at - self._clock.now())
        settle()
        body = letter()
        if body is None:
            return
        for wait in (*self._waits, None):
            if await self._post(body) or wait is None:
                return
            await self._clock.sleep(wait)

    async def _post(self, body: Body) -> bool:
        if self._http is None or not self._settings.webhook_url:
            return True
        try:
            answer = await self._http.post(self._settings.webhook_url, follow_redirects=False, **body)
        except httpx.HTTPError:
            return False
        return answer.status_code == 200
