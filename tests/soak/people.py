"""The clients of a soak: each lives through one story after another, as tools do, and notes what it was told."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx

from tests.soak.town import Town

SERVICES = ("wa", "go", "tg", "ig", "ub", "ds", "fb", "mm")
BOUGHT = ("ACCESS_NUMBER:",)
NOT_SOLD = ("NO_NUMBERS", "NO_BALANCE", "CHANNELS_LIMIT", "TOO_MANY_REQUESTS")
STATUSES = ("STATUS_WAIT_CODE", "STATUS_WAIT_RETRY:", "STATUS_OK:", "STATUS_CANCEL", "TOO_MANY_REQUESTS")
DECIDED = (
    *("ACCESS_READY", "ACCESS_RETRY_GET", "ACCESS_ACTIVATION", "ACCESS_CANCEL"),
    *("BAD_STATUS", "EARLY_CANCEL_DENIED", "TOO_MANY_REQUESTS"),
)


@dataclass
class Person:
    """One of possibly several who use a client's key."""

    town: Town
    client: str
    chance: random.Random

    async def live(self, until: float) -> None:
        """Story after story until the loop's clock says so; a connection that is lost ends a story, not the life."""
        stories: list[tuple[Callable[[], Awaitable[None]], int]] = [
            (self.verify, 10),
            (self.hang_up, 2),
            (self.repeat, 2),
            (self.several_at_once, 1),
            (self.look_around, 2),
        ]
        while asyncio.get_running_loop().time() < until and self.town.run.ended is None:
            (story,) = self.chance.choices([story for story, _ in stories], [weight for _, weight in stories])
            self.town.count(story.__name__)
            try:
                await story()
            except (httpx.TransportError, OSError) as exc:
                self.town.wrong.append(f"{self.client} lost its connection: {exc!r}")
            await asyncio.sleep(self.chance.uniform(0, 0.3))

    # Stories

    async def verify(self) -> None:
        """Buy, poll, and then whatever people do."""
        id = await self._buy(self.chance.choice(SERVICES))
        if id is None:
            return
        has_code = await self._poll(id, self.chance.uniform(1, 6))
        match self.chance.random():
            case luck if luck < 0.1:
                return  # left to its time
            case luck if luck < 0.4 and has_code:
                if (await self._decide(id, 3)) == "ACCESS_RETRY_GET":
                    await self._poll(id, self.chance.uniform(1, 4))
        if has_code:
            await self.finish(id)
        else:
            await self.give_up(id)

    async def hang_up(self) -> None:
        """Ask, and be gone before the answer is there; then often ask the same again."""
        service = self.chance.choice(SERVICES)
        address = httpx.URL(self.town.root)
        _, writer = await asyncio.open_connection(address.host, address.port)
        query = f"api_key={self.client}-key&action=getNumber&service={service}"
        writer.write(f"GET /stubs/handler_api.php?{query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await asyncio.sleep(self.chance.uniform(0, 0.1))
        writer.transport.abort()
        if self.chance.random() < 0.7 and (id := await self._buy(service)) is not None:
            await self.give_up(id)

    async def repeat(self) -> None:
        """One order, asked for three times: there is one answer."""
        order = {"service": self.chance.choice(SERVICES), "orderId": f"order-{self.chance.getrandbits(64):x}"}
        replies = await asyncio.gather(*(self._ask("getNumber", NOT_SOLD + BOUGHT, **order) for _ in range(2)))
        last = await self._ask("getNumber", NOT_SOLD + BOUGHT, **order)
        bought = {words for words in (*replies, last) if words.startswith(BOUGHT)}
        if len(bought) > 1:
            self.town.wrong.append(f"one order had two answers: {bought}")
        for words in bought:
            await self.give_up(self._noted(words))

    async def several_at_once(self) -> None:
        """One number for two services."""
        services = ",".join(self.chance.sample(SERVICES, 2))
        reply = await self.town.ask(self.client, "getMultiServiceNumber", multiService=services)
        if not reply.text.startswith("["):
            return self._check(reply.text, NOT_SOLD, "getMultiServiceNumber")
        for line in reply.json():
            await self.give_up(self._noted(f"ACCESS_NUMBER:{line['activation']}:{line['phone']}"))

    async def look_around(self) -> None:
        """What tools ask between purchases, right and wrong."""
        for action in ("getBalance", "getPrices", "getNumbersStatus", "getActiveActivations", "getHistory"):
            await self.town.ask(self.client, action)
        await self._ask("getStatus", ("NO_ACTIVATION", "TOO_MANY_REQUESTS"), id=2_000_000_000)
        await self._ask("getStatus", ("WRONG_ACTIVATION_ID", "TOO_MANY_REQUESTS"), id="x")
        reply = await self.town.web.get(f"{self.town.root}/handler_api.php?action=getStatus&api_key=nobody", timeout=30)
        self._check(reply.text, ("BAD_KEY",), "a stranger's getStatus")

    # Steps

    async def finish(self, id: int) -> None:
        self.town.finished.add(id)
        await self._decide(id, 6)

    async def give_up(self, id: int) -> None:
        """Cancel, as soon as the provider allows it; a code that came first is used."""
        for _ in range(20):
            words = await self._decide(id, 8)
            if words == "ACCESS_CANCEL":
                return
            if words == "BAD_STATUS":
                return await self.finish(id)
            await asyncio.sleep(0.5)

    async def tidy(self) -> bool:
        """End whatever is open; whether nothing was."""
        reply = await self.town.ask(self.client, "getActiveActivations")
        for line in reply.json().get("activeActivations", ()):
            id = int(line["activationId"])
            self._same_phone(id, line["phoneNumber"])
            if line["smsCode"]:
                await self.finish(id)
            else:
                await self._decide(id, 8)
        return "activeActivations" not in reply.json()

    async def _buy(self, service: str) -> int | None:
        words = await self._ask("getNumber", NOT_SOLD + BOUGHT, service=service)
        return self._noted(words) if words.startswith(BOUGHT) else None

    async def _poll(self, id: int, seconds: float) -> bool:
        """Ask until there is a code or patience ends; whether there is one."""
        until = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < until:
            words = await self._ask("getStatus", STATUSES, id=id)
            if words.startswith("STATUS_OK:"):
                self._note_code(id, words.partition(":")[2])
                return True
            if words == "STATUS_CANCEL":
                return False
            await asyncio.sleep(self.chance.uniform(0.1, 0.5))
        return False

    async def _decide(self, id: int, status: int) -> str:
        return await self._ask("setStatus", DECIDED, id=id, status=status)

    async def _ask(self, action: str, expected: tuple[str, ...], **params: object) -> str:
        reply = await self.town.ask(self.client, action, **params)
        self._check(reply.text, expected, action)
        return reply.text

    def _check(self, words: str, expected: tuple[str, ...], what: str) -> None:
        self.town.count(f"{what}: {words.partition(':')[0][:30]}")
        if not words.startswith(expected):
            self.town.wrong.append(f"{what} of {self.client} was answered {words[:80]}")

    def _noted(self, words: str) -> int:
        _, id, phone = words.split(":")
        self._same_phone(int(id), phone)
        return int(id)

    def _same_phone(self, id: int, phone: str) -> None:
        if self.town.phones.setdefault(id, phone) != phone:
            self.town.wrong.append(f"activation {id} was {self.town.phones[id]} and became {phone}")

    def _note_code(self, id: int, code: str) -> None:
        seen = self.town.codes.setdefault(id, [])
        if not seen or seen[-1] != code:
            seen.append(code)
