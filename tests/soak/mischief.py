"""What happens to webhooks on their way: they come twice, late, or not at all."""

import asyncio
import random
from enum import StrEnum

import httpx


class Mood(StrEnum):
    FINE = "fine"
    DOUBLED = "doubled"
    LATE = "late"
    DROPPED = "dropped"


class Mischief(httpx.AsyncBaseTransport):
    """The network, in one mood or another."""

    def __init__(self, chance: random.Random) -> None:
        self.mood = Mood.FINE
        self._chance = chance
        self._network = httpx.AsyncHTTPTransport(limits=httpx.Limits(max_keepalive_connections=0))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        match self.mood:
            case Mood.DROPPED:
                return httpx.Response(200)
            case Mood.LATE:
                await asyncio.sleep(self._chance.uniform(0.5, 5))
            case Mood.DOUBLED:
                await (await self._network.handle_async_request(request)).aread()
        return await self._network.handle_async_request(request)

    async def aclose(self) -> None:
        await self._network.aclose()
