"""The strings that a test may pull on a stand-in; over a port the same hang under `/_sandbox`."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proxy.clock import Clock
from proxy.domain.money import Usd
from proxy.sandbox.account import Account, Rental
from proxy.sandbox.faults import Fault, FaultKind, Faults
from proxy.sandbox.messages import Message
from proxy.sandbox.rents import Rent, Rents
from proxy.sandbox.settings import Service, Settings
from proxy.sandbox.webhooks import Webhooks


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it is remembered."""

    at: float
    method: str
    path: str
    endpoint: str
    """The name that faults are switched on by."""
    fields: Mapping[str, Any]
    credential: str
    fault: str
    """The fault that was applied to it; empty if none."""


class Steering:
    def __init__(self, clock: Clock, settings: Settings, webhooks: Webhooks) -> None:
        self.clock = clock
        self.settings = settings
        self.webhooks = webhooks
        self.account = Account(clock, settings, webhooks.plan)
        self.rent_book = Rents(self.account, webhooks.plan)
        self.faults = Faults()
        self.requests: deque[Seen] = deque(maxlen=settings.remember)
        """What the provider was asked, oldest first."""

    @property
    def rentals(self) -> list[Rental]:
        """All that were ever sold and are not forgotten, oldest first, as they stand now."""
        self.account.settle()
        return list(self.account.rentals.values())

    @property
    def rents(self) -> list[Rent]:
        """All that were ever rented for days, oldest first, as they stand now."""
        self.account.settle()
        return list(self.rent_book.sold)

    def rent(self, number: str, service: str = "") -> Rent:
        """The newest of this number, with its 1 or without, for this service or for any. KeyError: there is none."""
        for rent in reversed(self.rents):
            if rent.number == number[-10:] and service in ("", rent.service.api_name):
                return rent
        raise KeyError(number)

    def set_service(
        self,
        api_name: str,
        *,
        price: Usd | None = None,
        stock: int | None = None,
        available: bool | None = None,
    ) -> Service:
        """`stock`: so many can be bought from now on, and who bids comes first; with 0, none until it is set again.

        KeyError: no such service.
        """
        self.account.settle()
        service = self.account.services[api_name]
        if price is not None:
            service.price = price
        if stock is not None:
            service.stock = stock + self.account.open_of(service) if stock else 0
        if available is not None:
            service.available = available
        self.account.stir()
        return service

    def set_balance(self, balance: Usd) -> None:
        self.account.settle()
        self.account.balance = balance
        self.account.stir()

    def deliver(self, rental: int | Rent, *, code: str = "", text: str = "", sender: str = "") -> Message:
        """An SMS comes in now, whatever has become of the rental (its id) or the rent. KeyError: no such rental."""
        if isinstance(rental, Rent):
            return self.rent_book.deliver(rental, code=code, text=text, sender=sender)
        return self.account.deliver(self.account.rentals[rental], code=code, text=text, sender=sender)

    def push_again(self, rental_id: int) -> None:
        """Send the webhook of the rental's newest SMS once more. KeyError: no such rental; IndexError: no SMS yet."""
        self.account.settle()
        rental = self.account.rentals[rental_id]
        self.webhooks.plan(rental, rental.messages[-1])

    def fault(self, kind: FaultKind | str, endpoint: str = "", **how: Any) -> Fault:
        """Switch a fault on; `how` are the other fields of Fault."""
        fault = Fault(FaultKind(kind), endpoint, **how)
        self.faults.switched_on.append(fault)
        return fault

    def clear_faults(self) -> None:
        self.faults.switched_on.clear()
