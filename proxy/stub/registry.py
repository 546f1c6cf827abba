"""One declaration for each action; dispatch, checks, documents and tests read it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from proxy.domain.activation import Activation
from proxy.domain.client import Client
from proxy.errors import ClientFault, GatewayError
from proxy.gateway.gateway import Gateway
from proxy.stub.replies import PLAIN, Manner, Reply

Query = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter: how it is spelled, how its text becomes a value, what stands for it when it is missing."""

    name: str
    read: Callable[[str], Any]
    help: str
    default: Any = None
    missing: type[ClientFault] | None = None
    """Raised when there is none; None: it may be left out."""
    aliases: tuple[str, ...] = ()
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
    """JSON schema of the text on the wire."""
    argument: str = ""
    """The handler's argument; empty: the same name."""
    names: str = ""
    """The kind of thing whose id it is, if it is one that replies name."""

    @property
    def spellings(self) -> tuple[str, ...]:
        return (self.name, *self.aliases)

    def value(self, query: Query) -> Any:
        """The value of the first spelling that is there and not empty. Raises what `read` raises, or `missing`."""
        for spelling in self.spellings:
            if words := query.get(spelling):
                return self.read(words)
        if self.missing is not None:
            raise self.missing
        return self.default


@dataclass(slots=True)
class Call:
    """One request of one client."""

    gateway: Gateway
    client: Client
    query: Query
    hung_up: asyncio.Future[None] | None = None
    """Done when nobody listens any more; only purchases watch it."""

    @property
    def fingerprint(self) -> str:
        """What equal requests of a client have in common: action and parameters, order aside."""
        rest = sorted((name, value) for name, value in self.query.items() if name != "api_key")
        return "&".join(f"{name}={value}" for name, value in rest)


Handler = Callable[..., Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Action:
    name: str
    handler: Handler
    params: tuple[Param, ...]
    refusals: tuple[type[GatewayError], ...]
    """What it may refuse with, besides what every action may."""
    example: str
    """A reply as it looks."""
    buys: bool
    """It spends money: it goes on when the client hangs up."""
    open: bool
    """No key is asked for."""
    section: str
    """Of the protocol's reference."""
    manner: Manner = PLAIN
    """How it says no."""
    at_once: Callable[[Activation], str] | None = None
    """What it answers while the activation that `id` names is open: words that depend on nothing else."""

    @property
    def summary(self) -> str:
        return (self.handler.__doc__ or "").partition("\n")[0]

    def run(self, call: Call) -> Awaitable[Reply]:
        """Read the parameters and start the handler. Raises what a parameter raises."""
        query = call.query
        return self.handler(call, **{p.argument or p.name: p.value(query) for p in self.params})


class Registry(dict[str, Action]):
    """The actions by name."""

    def action(
        self,
        name: str,
        *params: Param,
        example: str,
        section: str,
        refusals: tuple[type[GatewayError], ...] = (),
        buys: bool = False,
        open: bool = False,
        manner: Manner = PLAIN,
        at_once: Callable[[Activation], str] | None = None,
    ) -> Callable[[Handler], Handler]:
        """Declare the decorated function as the handler of an action."""

        def declare(handler: Handler) -> Handler:
            if name in self:
                raise ValueError(f"{name} is declared twice")
            self[name] = Action(name, handler, params, refusals, example, buys, open, section, manner, at_once)
            return handler

        return declare
