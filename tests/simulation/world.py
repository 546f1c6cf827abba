"""The world of one history: what clients, providers and the machine do, and what is remembered to judge the gateway."""

import asyncio
import contextvars
import json
import logging
import random
import sqlite3
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from proxy.sandbox import Message as Sms
from proxy.sandbox import Rental
from tests.simulation.loop import SimClock, SimLoop
from tests.simulation.machine import Machine
from tests.simulation.network import Road, call
from tests.simulation.places import Memory, Request, Supplier, routing

NOON = 1_750_075_200.0
BEFORE_MIDNIGHT = NOON + 12 * 3600 - 90
AT_ONCE = 0.08
"""How often an SMS comes so soon that its webhook may overtake the answer to the purchase."""


class World:
    def __init__(self, loop: SimLoop, seed: int, folder: Path) -> None:
        self.loop = loop
        self.dice = random.Random(f"{seed} world")
        self.trace: list[str] = []
        self.complaints: list[str] = []
        self.requests: dict[int, Request] = {}
        self.memory: dict[int, Memory] = {}
        self.repriced = False
        """Whether some provider has changed a price: then what was paid may differ from what was quoted."""
        self.codes = 0
        """How many were made up so far."""
        self.under_way: dict[asyncio.Task[Any], None] = {}
        """What goes on whatever happens to the machine, oldest first."""
        epoch = BEFORE_MIDNIGHT if seed % 8 == 0 else NOON
        self._context = contextvars.copy_context()
        clock = SimClock(loop, epoch)
        self.suppliers = {name: Supplier(name, clock, self.wrong) for name in ("getsms", "getatext")}
        for supplier in self.suppliers.values():
            supplier.owner_of = self.client_of
        self._dice_of_roads = {name: random.Random(f"{seed} {name}") for name in self.suppliers}
        database = str(folder / "proxy.db")
        self.machine = Machine(loop, replace(routing(), database=database), epoch, self._road, seed)
        self.database = database
        self._books: sqlite3.Connection | None = None
        loop.set_exception_handler(self._unhandled)

    def _unhandled(self, loop: Any, what: dict[str, Any]) -> None:
        if not self.machine.complaints.is_deaf:
            self.wrong(f"{what.get('message')}: {what.get('exception')!r}")

    @property
    def now(self) -> float:
        return self.machine.epoch + self.loop.now

    def note(self, words: str) -> None:
        self.trace.append(f"{self.loop.now:9.3f} {words}")

    def wrong(self, words: str) -> None:
        """Something that must never be."""
        self.note(f"!! {words}")
        self.complaints.append(words)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Something that goes on whatever happens to the machine."""
        task = self.loop.create_task(work, context=self._context)
        self.under_way[task] = None
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self.under_way.pop(task, None)
        if not task.cancelled() and (error := task.exception()):
            self.wrong(f"{type(error).__name__}: {error}")

    def _road(self, name: str, clock: SimClock) -> Road:
        supplier = self.suppliers[name]

        dice = self._dice_of_roads[name]

        async def arrive(message: Any, request: int) -> Any:
            before = set(supplier.sales)
            answer = await supplier.arrive(message, request)
            for id in sorted(supplier.sales.keys() - before):
                self.note(f"   {name} sells {id} for request {request}")
                if dice.random() < AT_ONCE and (rental := supplier.stand.account.rentals.get(id)):
                    self.spawn(self.push(supplier, rental, self.sms(supplier, rental), 0.0))
            return answer

        return Road(clock, supplier.weather, dice, arrive, self.spawn)

    # Clients

    def client_of(self, request: int) -> str:
        return self.requests[request].client if request else ""

    async def ask(self, client: str, *, hang_up_after: float | None = None, **params: str) -> Request:
        request = Request(len(self.requests) + 1, client, params, self.now)
        self.requests[request.number] = request
        self.note(f"#{request.number} {client} {' '.join(f'{k}={v}' for k, v in params.items())}")
        house = self.machine.house
        if house is None:
            request.ended = self.now
            return request
        gone, noticed = asyncio.Event(), []
        query = urlencode({"api_key": f"key-of-{client}", **params})

        async def serve() -> Any:
            return await call(house, "GET", f"http://gateway/stubs/handler_api.php?{query}", gone=gone, late=noticed)

        if hang_up_after is not None:
            self.loop.call_later(hang_up_after, gone.set)
        answer = await self.machine.visit(serve(), request.number)
        request.ended = self.now
        if answer is None:
            request.is_lost = not noticed
            self.note(f"#{request.number} gets no answer")
        else:
            self._understand(request, answer)
        return request

    def _understand(self, request: Request, answer: Any) -> None:
        status, headers, body = answer
        request.words = body.decode()
        self.note(f"#{request.number} -> {request.words} {headers.get('x-reason', '')}")
        if status != 200 or request.words == "ERROR_SQL":
            self.wrong(f"request {request.number} was answered {status} {request.words}")
        if request.buys:
            request.told = told_by(request.words)
            for id in request.told:
                self.memory.setdefault(id, Memory())
        elif request.params["action"] == "getStatus":
            self._see_status(request)
        elif request.params["action"] == "setStatus":
            self._see_promise(request)

    def _see_status(self, request: Request) -> None:
        word, _, code = (request.words or "").partition(":")
        memory = self.memory.setdefault(int(request.params["id"]), Memory())
        if word == "STATUS_OK":
            over = self.rows("SELECT 1 FROM activations WHERE id = ? AND status = 'finished'", request.params["id"])
            if code in memory.stale and not over:
                self.wrong(f"activation {request.params['id']} showed {code} as new again")
            memory.shown.add(code)

    def _see_promise(self, request: Request) -> None:
        memory = self.memory.setdefault(int(request.params["id"]), Memory())
        word = request.words or ""
        if word == "ACCESS_RETRY_GET":
            memory.stale = frozenset(memory.shown)
        if word in ("ACCESS_ACTIVATION", "ACCESS_CANCEL"):
            memory.promise = word

    def owned(self, client: str) -> list[int]:
        """What the client was told that it owns, oldest first."""
        found = (r.told for r in self.requests.values() if r.client == client)
        return list(dict.fromkeys(id for told in found for id in told))

    # SMS

    def sms(self, supplier: Supplier, rental: Rental) -> Sms:
        """One comes in; every third code begins with a zero, none comes twice."""
        self.codes += 1
        lead = "0" if self.codes % 3 == 0 else str(self.dice.randint(1, 9))
        sms = supplier.stand.deliver(rental.id, code=f"{lead}{self.codes:05d}")
        self.note(f"   SMS {sms.code} for {rental.id} of {supplier.name}")
        return sms

    async def push(self, supplier: Supplier, rental: Rental, sms: Sms, after: float) -> None:
        await asyncio.sleep(after)
        house = self.machine.house
        if house is None:
            return
        path, body, headers = supplier.push(rental, sms)
        answer = await self.machine.visit(call(house, "POST", f"http://gateway{path}", body, headers))
        self.note(f"   webhook {sms.code} of {supplier.name} -> {answer and answer[0]}")
        if answer is not None and answer[0] != 200:
            self.wrong(f"a webhook of {supplier.name} was answered {answer[0]} {answer[2].decode()}")

    # The books

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        if self._books is None:
            self._books = sqlite3.connect(self.database, isolation_level=None)
        return self._books.execute(sql, values).fetchall()

    def close(self) -> None:
        if self._books is not None:
            self._books.close()
        logging.getLogger("proxy").removeHandler(self.machine.complaints)


def told_by(words: str) -> tuple[int, ...]:
    """The activations that the answer to a purchase names."""
    if words.startswith("ACCESS_NUMBER:"):
        return (int(words.split(":")[1]),)
    if words.startswith("{"):
        return (json.loads(words)["activationId"],)
    if words.startswith("["):
        return tuple(int(one["activation"]) for one in json.loads(words))
    return ()
