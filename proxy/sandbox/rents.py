"""Numbers that an account has rented for days: one gets the SMS of every service, or of one service alone.

The ids of the two kinds count apart from each other, so that they collide. A number may be rented for several services
at once: whoever rents one for a service gets the first that other services have already, if there is one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count

from proxy.domain.money import Usd
from proxy.sandbox.account import Account, Phase, Rental
from proxy.sandbox.messages import Message, Texts
from proxy.sandbox.settings import Service

ANY = Service("", "full", 0, 0)
"""What a number is rented for that gets the SMS of every service."""
DAYS = {"1d": 1, "3d": 3, "7d": 7, "14d": 14, "30d": 30, "1w": 7, "2w": 14, "1m": 30}
DAY = 24 * 3600.0


@dataclass(slots=True, eq=False)
class Rent(Rental):
    """Its `price` is that of one period."""

    period: str = ""
    auto_renew: bool = False
    renewals: int = 0

    @property
    def paid(self) -> Usd:
        """For all its periods, less what was given back."""
        return 0 if self.phase is Phase.CANCELLED else self.price * (1 + self.renewals)


class Rents:
    def __init__(self, account: Account, plan: Callable[[Rental, Message], None]) -> None:
        """`plan` is told of every SMS when it is known that it will come, if the settings say so."""
        self.sold: list[Rent] = []
        """All that there ever were, oldest first."""
        self._account = account
        self._plan_webhook = plan
        self._texts = Texts(account.settings.seed + 1)
        self._turns = count()
        first = account.settings.first_rent_id
        self._ids = {True: count(first), False: count(first)}

    # What there is

    @property
    def for_any(self) -> list[Rent]:
        """Those that get the SMS of every service, whatever has become of them."""
        return [rent for rent in self.sold if rent.service is ANY]

    @property
    def open_for_one(self) -> list[Rent]:
        return [rent for rent in self.sold if rent.service is not ANY and rent.phase is Phase.OPEN]

    @property
    def stock_for_any(self) -> int:
        return max(0, self._account.settings.long_stock - sum(rent.phase is Phase.OPEN for rent in self.for_any))

    def number_for(self, service: Service, areas: Sequence[str]) -> str:
        """One that may be rented for this service; empty if there is none."""
        rented: dict[str, list[Service]] = {}
        for rent in self.open_for_one:
            rented.setdefault(rent.number, []).append(rent.service)
        for number, services in rented.items():
            if number[:3] in areas and service not in services:
                return number
        left = len(rented) < self._account.settings.service_long_stock
        return self._account.fresh_number(areas) if left and areas else ""

    # What happens

    def take(self, service: Service, period: str, price: Usd, number: str, *, auto_renew: bool) -> Rent:
        """Take the money and plan the SMS; whether it may be sold at all, the caller has seen to."""
        now, id = self._account.clock.now(), next(self._ids[service is ANY])
        rent = Rent(id, service, number, price, now, now, period=period, auto_renew=auto_renew)
        self.sold.append(rent)
        self._account.kept.add(number)
        self._begin_period(rent)
        self._plan_messages(rent)
        self._account.settle()
        return rent

    def renew(self, rent: Rent) -> None:
        rent.renewals += 1
        self._begin_period(rent)

    def cancel(self, rent: Rent) -> None:
        self._account.balance += rent.price
        self._end(rent, Phase.CANCELLED)

    def deliver(self, rent: Rent, *, code: str = "", text: str = "", sender: str = "") -> Message:
        """An SMS comes in now, whatever has become of the rent."""
        self._account.settle()
        now = self._account.clock.now()
        message = self._texts.message(self._writer(rent), now, code=code, text=text, sender=sender)
        self._tell(rent, message)
        rent.messages.append(message)
        return message

    def _begin_period(self, rent: Rent) -> None:
        self._account.balance -= rent.price
        rent.ends_at += DAYS[rent.period] * DAY
        self._account.later(rent.ends_at, partial(self._run_out, rent, rent.ends_at))

    def _run_out(self, rent: Rent, planned: float) -> None:
        if rent.phase is not Phase.OPEN or rent.ends_at > planned:
            return
        if rent.auto_renew and self._account.balance >= rent.price:
            self.renew(rent)
        else:
            self._end(rent, Phase.FINISHED)

    def _end(self, rent: Rent, phase: Phase) -> None:
        rent.phase = phase
        if not any(other.number == rent.number for other in self.open_for_one):
            self._account.kept.discard(rent.number)

    def _plan_messages(self, rent: Rent) -> None:
        settings = self._account.settings
        if settings.sms_after is None:
            return
        for turn in range(settings.sms_per_rental):
            at = rent.rented_at + settings.sms_after + turn * settings.sms_interval
            message = self._texts.message(self._writer(rent), at)
            self._account.later(at, partial(self._come_in_time, rent, message))
            self._tell(rent, message)

    def _come_in_time(self, rent: Rent, message: Message) -> None:
        if rent.phase is Phase.OPEN:
            rent.messages.append(message)

    def _writer(self, rent: Rent) -> Service:
        """Whose SMS it is: where any may come, each service in turn."""
        if rent.service is not ANY:
            return rent.service
        services = list(self._account.services.values())
        return services[next(self._turns) % len(services)]

    def _tell(self, rent: Rent, message: Message) -> None:
        if self._account.settings.rents_webhook:
            self._plan_webhook(rent, message)
