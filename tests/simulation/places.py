"""Who takes part: the operator's file, the providers with what they sell, and what each client remembers."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import parse_qsl, urlencode

from proxy import config as configuration
from proxy.domain.money import DOLLAR, parse_usd
from proxy.providers.wire import Message
from proxy.sandbox import GetatextSandbox, GetsmsSandbox, Phase, Rental, Service, Settings, sandbox_for
from proxy.sandbox import Message as Sms
from tests.simulation.loop import SimClock
from tests.simulation.network import Reply, Weather, call

HOOK = "hook"
DEADLINE = 9.0
LIFETIME = 60
ROUTING = f"""
database: somewhere
admin: {{token: admin-token}}
defaults: {{country: 187, deadline: {DEADLINE}}}
clients:
  - {{name: ann, api_key: key-of-ann, budget: {{amount: "4.00", per: day}}}}
  - {{name: bob, api_key: key-of-bob, budget: {{amount: "3.00", per: total}}, max_open: 4}}
  - {{name: cat, api_key: key-of-cat}}
providers:
  - {{name: getsms, kind: getsms, base_url: "http://getsms", user: demo, api_key: demo, timeout: 3, poll: 8,
     webhook_token: {HOOK}-getsms}}
  - {{name: getatext, kind: getatext, base_url: "http://getatext", api_key: demo, timeout: 3, poll: 8,
     webhook_token: {HOOK}-getatext}}
rules:
  - {{name: bold, when: {{client: [bob]}}, on_unknown: next}}
  - {{name: everything}}
"""
CLIENTS = ("ann", "bob", "cat")
SERVICES = {"wa": ("WhatsApp", "whatsapp"), "tg": ("Telegram", "telegram"), "fb": ("Facebook", "facebook")}
SHELVES = {
    "getsms": (
        Service("WhatsApp", "WhatsApp", parse_usd("0.60"), 4),
        Service("Telegram", "Telegram", parse_usd("0.70"), 2),
        Service("Facebook", "Facebook", parse_usd("0.45"), 3),
    ),
    "getatext": (
        Service("Whatsapp", "whatsapp", parse_usd("0.55"), 3, ttl=1),
        Service("Telegram", "telegram", parse_usd("0.80"), 2, ttl=1),
        Service("Facebook", "facebook", parse_usd("0.40"), 3, ttl=1, several_sms=True),
    ),
}
PURSE = 100 * DOLLAR
GIVEN_BACK = frozenset({Phase.CANCELLED, Phase.EXPIRED})
"""Rentals whose money has returned."""


@cache
def routing() -> configuration.Config:
    return configuration.parse(ROUTING, {})


class Supplier:
    """A provider, which outlives every gateway: the stand-in, the weather before its door, and who caused each sale."""

    def __init__(self, kind: str, clock: SimClock, wrong: Callable[[str], None]) -> None:
        settings = Settings(
            services=SHELVES[kind],
            balance=PURSE,
            sms_after=None,
            cancel_lock=10.0,
            lifetime=LIFETIME,
            # The same small ids everywhere: what is mixed up meets somebody else's rental.
            first_id=1,
        )
        self.name = kind
        self.stand: GetsmsSandbox | GetatextSandbox = sandbox_for(kind, clock, settings=settings)
        self.weather = Weather()
        self.sales: dict[int, int] = {}
        """The request in whose name each rental, or bid that may become one, was sold."""
        self.owner_of: Callable[[int], str] = lambda request: ""
        self._wrong = wrong

    @property
    def rentals(self) -> list[Rental]:
        return self.stand.rentals

    async def arrive(self, message: Message, request: int) -> Reply:
        """A request of the gateway is carried out; `request` is the client's, in whose name it was sent."""
        self._check_id(message, request)
        answer = await call(self.stand.app, message.method, message.url, message.body, dict(message.headers))
        assert answer is not None
        for id in sorted(self._ids() - self.sales.keys()):
            self.sales[id] = request
        return answer

    def _ids(self) -> set[int]:
        waiting = self.stand.bids.waiting if isinstance(self.stand, GetsmsSandbox) else []
        return set(self.stand.account.rentals) | {bid.id for bid in waiting}

    def _check_id(self, message: Message, request: int) -> None:
        id = asked_id(message)
        if id is None:
            return
        if id not in self.sales:
            self._wrong(f"{self.name} was asked about {id}, which it never sold")
        elif request and self.sales[id] and self.owner_of(self.sales[id]) != self.owner_of(request):
            self._wrong(f"{self.owner_of(request)} had {self.name} asked about {id}, which is not theirs")

    def push(self, rental: Rental, sms: Sms) -> tuple[str, bytes, dict[str, str]]:
        """The webhook that tells of an SMS: path, body and headers."""
        body = self.stand.webhook(rental, sms)
        path = f"/webhooks/{self.name}/{HOOK}-{self.name}"
        if "json" in body:
            return path, json.dumps(body["json"]).encode(), {"content-type": "application/json"}
        return path, urlencode(body["data"]).encode(), {"content-type": "application/x-www-form-urlencoded"}


def asked_id(message: Message) -> int | None:
    """The rental that a request to a provider is about."""
    if message.headers.get("Content-Type") == "application/json":
        fields = json.loads(message.body)
        found = fields.get("id") or fields.get("rental_id")
    else:
        found = dict(parse_qsl(message.body.decode())).get("id")
    if "/rental-status/" in message.url:
        found = message.url.rpartition("/rental-status/")[2].partition("/")[0]
    return int(found) if found else None


@dataclass(slots=True, eq=False)
class Request:
    """What a client asked, and what it knows of the answer."""

    number: int
    client: str
    params: dict[str, str]
    started: float
    ended: float | None = None
    words: str | None = None
    """None: no answer came."""
    is_lost: bool = False
    """It ended, and the gateway knows that nobody got its answer."""
    told: tuple[int, ...] = ()
    """Activations that the answer gave to the client."""

    @property
    def buys(self) -> bool:
        return self.params["action"] in ("getNumber", "getNumberV2", "getMultiServiceNumber")

    @property
    def order(self) -> str:
        return self.params.get("orderId", "")

    def equals(self, other: "Request") -> bool:
        return (self.client, self.params) == (other.client, other.params)


@dataclass(slots=True)
class Memory:
    """What clients were told of one activation."""

    shown: set[str] = field(default_factory=set)
    """Codes."""
    stale: frozenset[str] = frozenset()
    """Codes that the client has seen before it asked for another."""
    promise: str = ""
    """What a setStatus was answered with that ends it."""
