"""An account at a pretended provider: its money, its rentals and the SMS that come in, all told by the clock.

What is going to happen (an SMS, the end of a rental) waits in one list ordered by time. `settle` lets everything happen
that is due, each at its own moment, so that nobody needs a timer to see the right state.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from heapq import heappop, heappush
from itertools import count, takewhile

from proxy.clock import Clock
from proxy.domain.money import Usd
from proxy.sandbox.messages import Message, Texts
from proxy.sandbox.numbers import ALL_AREAS, PhoneNumbers, exists
from proxy.sandbox.settings import Service, Settings


class Phase(StrEnum):
    OPEN = "open"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    """Its time ran out without an SMS: the money is given back."""
    FINISHED = "finished"
    """Its time ran out after an SMS, or the account said that it is done: the money is spent."""


REFUNDED = frozenset({Phase.CANCELLED, Phase.EXPIRED})


@dataclass(slots=True, eq=False)
class Rental:
    id: int
    service: Service
    number: str
    """Ten digits."""
    price: Usd
    rented_at: float
    ends_at: float
    carrier: str = ""
    state: str = ""
    """The US state, where the request named a place."""
    markup: int = 0
    """Per cent over the list price that the price contains, where a bid has won it (getsms)."""
    phase: Phase = Phase.OPEN
    messages: list[Message] = field(default_factory=list)
    """Those that came, oldest first."""
    viewed: bool = False
    """Whether the account has read its code."""


class Account:
    def __init__(self, clock: Clock, settings: Settings, plan: Callable[[Rental, Message], None]) -> None:
        """`plan` is told of every SMS when it is known that it will come: a webhook may have to be sent then."""
        self.clock = clock
        self.settings = settings
        self.balance = settings.balance
        self.services = {service.api_name: replace(service) for service in settings.services}
        self.rentals: dict[int, Rental] = {}
        self.inbox: deque[tuple[Rental, Message]] = deque(maxlen=settings.remember)
        """What came in on the whole account, oldest first."""
        self.rejected: set[str] = set()
        """Numbers that are never offered to this account again."""
        self.kept: set[str] = set()
        """Numbers that are rented for days, and to be had for nothing else meanwhile."""
        self.watchers: list[Callable[[float], None]] = []
        """Told of every moment at which something has happened, once it has."""
        self._plan = plan
        self._ids = count(settings.first_id)
        self._numbers = PhoneNumbers(settings.first_id, settings.seed)
        self._texts = Texts(settings.seed)
        self._coming: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._open_per_service: Counter[str] = Counter()
        self._open_numbers: defaultdict[str, set[str]] = defaultdict(set)
        self._completed: dict[tuple[str, str], Usd] = {}
        self._over: deque[Rental] = deque()

    # What there is

    @property
    def open_rentals(self) -> int:
        return self._open_per_service.total()

    def open_of(self, service: Service) -> int:
        return self._open_per_service[service.api_name]

    def stock(self, service: Service) -> int:
        return max(0, service.stock - self.open_of(service))

    def can_have(self, number: str) -> bool:
        gone = self.rejected, self.kept, self.settings.withdrawn
        return exists(number) and not any(number in numbers for numbers in gone)

    def in_use(self, number: str, service: Service | None = None) -> bool:
        """Whether an open rental has the number, for that service or for any."""
        names = self._open_numbers.get(number, set())
        return service.api_name in names if service else bool(names)

    def paid_before(self, number: str, service: Service) -> Usd | None:
        """What the last completed rental of this number for this service cost; None if there was none."""
        return self._completed.get((number, service.api_name))

    def fresh_number(self, areas: Sequence[str] = ALL_AREAS) -> str:
        while True:
            number = self._numbers.take(areas)
            if self.can_have(number) and not self.in_use(number):
                return number

    def came_in(self, since: float, rental: Rental | None = None) -> Iterator[tuple[Rental, Message]]:
        """On one rental or on the whole account, newest first."""
        all_of_it = ((rental, message) for message in reversed(rental.messages)) if rental else reversed(self.inbox)
        return takewhile(lambda came: came[1].at >= since, all_of_it)

    # What happens

    def settle(self) -> None:
        """Let everything happen that is due."""
        now = self.clock.now()
        while self._coming and self._coming[0][0] <= now:
            at, _, happen = heappop(self._coming)
            happen()
            for watcher in self.watchers:
                watcher(at)

    def later(self, at: float, happen: Callable[[], None] = lambda: None) -> None:
        """Let it happen when its time has come, and the watchers look then."""
        heappush(self._coming, (at, next(self._order), happen))

    def stir(self) -> None:
        """Something has changed that is not a matter of time."""
        self.later(self.clock.now())
        self.settle()

    def next_id(self) -> int:
        return next(self._ids)

    def rent(
        self, service: Service, price: Usd, number: str, lifetime: float, *, carrier: str = "", state: str = ""
    ) -> Rental:
        """Take the money and plan the SMS; whether it may be sold at all, the caller has seen to."""
        now = self.clock.now()
        rental = Rental(self.next_id(), service, number, price, now, now + lifetime, carrier, state)
        self.book(rental)
        self.settle()
        return rental

    def book(self, rental: Rental) -> None:
        """What `rent` does, for a rental that began at any moment; what is due of it happens when all is settled."""
        self.balance -= rental.price
        self.rentals[rental.id] = rental
        self._open_per_service[rental.service.api_name] += 1
        self._open_numbers[rental.number].add(rental.service.api_name)
        self.later(rental.ends_at, partial(self._run_out, rental))
        self._plan_messages(rental)

    def cancel(self, rental: Rental) -> None:
        self._end(rental, Phase.CANCELLED)
        self.stir()

    def complete(self, rental: Rental) -> None:
        self._end(rental, Phase.FINISHED)
        self.stir()

    def deliver(self, rental: Rental, *, code: str = "", text: str = "", sender: str = "") -> Message:
        """An SMS comes in now, whatever has become of the rental."""
        self.settle()
        message = self._texts.message(rental.service, self.clock.now(), code=code, text=text, sender=sender)
        self._plan(rental, message)
        self._arrive(rental, message)
        return message

    def _plan_messages(self, rental: Rental) -> None:
        after = self.settings.sms_after
        if after is None:
            return
        many = self.settings.sms_per_rental if rental.service.several_sms else 1
        for turn in range(many):
            at = rental.rented_at + after + turn * self.settings.sms_interval
            if at < rental.ends_at:
                message = self._texts.message(rental.service, at)
                self.later(at, partial(self._come_in_time, rental, message))
                self._plan(rental, message)

    def _come_in_time(self, rental: Rental, message: Message) -> None:
        if rental.phase is Phase.OPEN and (rental.service.several_sms or not rental.messages):
            self._arrive(rental, message)

    def _run_out(self, rental: Rental) -> None:
        if rental.phase is Phase.OPEN:
            self._end(rental, Phase.FINISHED if rental.messages else Phase.EXPIRED)

    def _arrive(self, rental: Rental, message: Message) -> None:
        rental.messages.append(message)
        self.inbox.append((rental, message))

    def _end(self, rental: Rental, phase: Phase) -> None:
        rental.phase = phase
        name = rental.service.api_name
        self._open_per_service[name] -= 1
        self._open_numbers[rental.number].discard(name)
        if not self._open_numbers[rental.number]:
            del self._open_numbers[rental.number]
        if phase in REFUNDED:
            self.balance += rental.price
        else:
            self._completed[(rental.number, name)] = rental.price
        self._over.append(rental)
        if len(self._over) > self.settings.remember:
            self._forget(self._over.popleft())

    def _forget(self, rental: Rental) -> None:
        del self.rentals[rental.id]
        self._completed.pop((rental.number, rental.service.api_name), None)
