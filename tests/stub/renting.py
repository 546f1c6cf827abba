"""Rents as a client of the stub has them: what was bought, what an action says, and the rent at the stand-in."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from proxy.sandbox.rents import Rent
from tests.stage import KEY, Stage, eventually

HOUR = 3600
WEEK = 168


@dataclass(frozen=True, slots=True)
class Rented:
    id: int
    phone: str
    ends_at: float


async def say(it: Stage, action: str, *, api_key: str = KEY, **params: Any) -> Any:
    """The value of the reply."""
    return (await it.reply(action, api_key=api_key, **params)).json()


async def word(it: Stage, action: str, *, api_key: str = KEY, **params: Any) -> str:
    """The word of a refusal, which stands in an object with status 200."""
    reply = await it.reply(action, api_key=api_key, **params)
    told = reply.json()
    assert (reply.status_code, told["status"], told.keys() - {"info"}) == (200, "error", {"status", "message"}), told
    return str(told["message"])


def rented(told: Any) -> Rented:
    """What a reply to getRentNumber or continueRentNumber says."""
    assert told["status"] == "success", told
    phone = told["phone"]
    assert (told.keys(), phone.keys()) == ({"status", "phone"}, {"id", "endDate", "number"})
    assert len(phone["number"]) == 11
    ends_at = datetime.strptime(phone["endDate"], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    return Rented(phone["id"], phone["number"], ends_at.timestamp())


async def rent(it: Stage, service: str = "wa", hours: int = WEEK, *, api_key: str = KEY, **params: Any) -> Rented:
    """Rent a number that must be had."""
    return rented(await say(it, "getRentNumber", api_key=api_key, service=service, rent_time=hours, **params))


async def deliver(it: Stage, phone: str, **words: str) -> None:
    """An SMS comes, and the gateway has it."""
    message = it.getatext.deliver(there(it, phone), **words)

    async def has_come() -> bool:
        return message.text in await texts(it, phone)

    await eventually(has_come)


async def texts(it: Stage, phone: str) -> list[str]:
    """The messages of the newest rent of this number, as the operator sees them; asking as its client hurries them."""
    row = next(row for row in await it.admin("activations") if row["phone"] == phone)
    await it.reply("getRentStatus", id=row["id"])
    return [message["text"] for message in row["messages"]]


def there(it: Stage, phone: str) -> Rent:
    """The rent as the provider has it."""
    return it.getatext.rent(phone)
