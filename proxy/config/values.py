"""What routing.yaml says, as frozen values; nothing here knows YAML."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from proxy.domain.client import Client
from proxy.domain.money import Usd
from proxy.domain.routing import Rule


@dataclass(frozen=True, slots=True)
class Listen:
    host: str = "127.0.0.1"
    port: int = 8787
    """0: any free one."""


@dataclass(frozen=True, slots=True)
class KeyedClient:
    """A client and the key it shows; the key stays out of every repr."""

    api_key: str = field(repr=False)
    client: Client = field(repr=False)

    def __str__(self) -> str:
        return self.client.name


@dataclass(frozen=True, slots=True)
class ProviderConfig:
    """One account upstream."""

    name: str
    kind: str
    base_url: str
    """`sandbox`, or where the service lives, without a slash at the end."""
    user: str = ""
    api_key: str = field(default="", repr=False)
    tier: str = "standard"
    webhook_token: str = field(default="", repr=False)
    """Empty: no door for its webhooks."""
    currency_code: str = "USD"
    per_usd: Decimal = Decimal(1)
    """How much of that currency one dollar buys."""
    timeout: float = 10.0
    """Seconds for one call."""
    poll: float = 3.0
    """Seconds between looks for SMS."""
    enabled: bool = True
    max_price: Usd | None = None
    countries: tuple[int, ...] = ()
    """SMS-Activate's ids; empty: all that it sells."""


@dataclass(frozen=True, slots=True)
class Config:
    listen: Listen
    database: str
    admin_token: str = field(repr=False)
    """Empty: made at start and printed once."""
    country: int
    """When a client names none."""
    deadline: float
    """Seconds for a whole purchase."""
    clients: tuple[KeyedClient, ...]
    providers: tuple[ProviderConfig, ...]
    """In the order of the file."""
    rules: tuple[Rule, ...]
    services: Mapping[str, Mapping[str, str]]
    """Code -> (a provider's name, or a kind) -> own name: what is added to the built-in catalogue."""
