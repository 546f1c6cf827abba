"""Who may ask, and for how much."""

from dataclasses import dataclass, field
from enum import StrEnum

from proxy.domain.money import Usd


class Period(StrEnum):
    DAY = "day"
    MONTH = "month"
    TOTAL = "total"


@dataclass(frozen=True, slots=True)
class Budget:
    amount: Usd
    per: Period
    """Days and months are those of UTC."""


@dataclass(frozen=True, slots=True)
class Client:
    """A holder of an `api_key`; None means no limit."""

    name: str
    budget: Budget | None = None
    max_price: Usd | None = None
    max_open: int | None = None
    rate: int | None = None
    """Requests a second."""
    country: int | None = None
    """Replaces whatever country this client sends."""
    dialect: str = "sms-activate"
    webhook: str = ""
    webhook_secret: str = field(default="", repr=False)
    webhook_private: bool = False
