"""getsms's priority requests: bids that wait for a number, each alone or several together for the same one.

The highest bid is served first, of equal ones the earliest. A number is given only to who can pay for it, for who bids
together only when it is free for all of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf

from proxy.domain.money import Usd, scale
from proxy.sandbox.account import Account
from proxy.sandbox.settings import Service

LIFETIME = 30 * 60.0
"""Seconds after which a bid that has not won is deleted."""
LOWEST, HIGHEST = 10, 2000
"""Markups, per cent over the list price."""
STEP = 10


@dataclass(slots=True, eq=False)
class Bid:
    id: int
    service: Service
    markup: int
    price: Usd
    """Markup and all."""
    state: str
    placed_at: float
    withdrawn: bool = False


@dataclass(slots=True, eq=False)
class Party:
    """The bids that want one number together."""

    bids: list[Bid]
    areas: Sequence[str]
    opens_at: float
    """From then on a number in stock will do."""
    sure_at: float
    """From then on somebody gives a number up, whatever the stock."""

    @property
    def price(self) -> Usd:
        return sum(bid.price for bid in self.bids)

    @property
    def markup(self) -> int:
        return max(bid.markup for bid in self.bids)


class Bids:
    def __init__(self, account: Account, won: Callable[[Bid, str, float], None], wake: Callable[[float], None]) -> None:
        """`won` is told which number a bid has got and when; `wake` that something may happen at that time."""
        self._account = account
        self._won = won
        self._wake = wake
        self._parties: list[Party] = []
        self._known: dict[int, Bid] = {}
        account.watchers.append(self._give_what_there_is)

    @property
    def waiting(self) -> list[Bid]:
        return [bid for party in self._parties for bid in party.bids]

    def find(self, bid_id: int) -> Bid | None:
        """One that waits, or was withdrawn and is not deleted yet."""
        return self._known.get(bid_id)

    def recommended(self, service: Service) -> int:
        """The markup of the highest bidder: a step above all who wait for the service."""
        highest = max((bid.markup for bid in self.waiting if bid.service is service), default=0)
        return min(highest + STEP, HIGHEST)

    def place_alone(self, service: Service, markup: int, areas: Sequence[str], state: str) -> list[Bid]:
        now = self._account.clock.now()
        sure_at = _after(now, self._account.settings.bids_win_after)
        return self._place([(service, markup)], state, Party([], areas, now, sure_at))

    def place_together(self, services: Sequence[Service], areas: Sequence[str], state: str) -> list[Bid]:
        opens_at = _after(self._account.clock.now(), self._account.settings.joint_after)
        wishes = [(service, self.recommended(service)) for service in services]
        return self._place(wishes, state, Party([], areas, opens_at, inf))

    def withdraw(self, bid: Bid) -> None:
        bid.withdrawn = True
        self._leave(bid)
        self._account.stir()

    def _place(self, wishes: Sequence[tuple[Service, int]], state: str, party: Party) -> list[Bid]:
        account, now = self._account, self._account.clock.now()
        for service, markup in wishes:
            bid = Bid(account.next_id(), service, markup, price_with(service, markup), state, now)
            party.bids.append(bid)
            self._known[bid.id] = bid
            account.later(now + LIFETIME, partial(self._delete, bid))
        self._parties.append(party)
        for at in (party.opens_at, party.sure_at):
            if now <= at < inf:
                account.later(at)
                self._wake(at)
        return list(party.bids)

    def _give_what_there_is(self, at: float) -> None:
        for party in sorted(self._parties, key=lambda party: -party.markup):
            if self._can_have(party, at):
                number = self._account.fresh_number(party.areas)
                self._parties.remove(party)
                for bid in party.bids:
                    del self._known[bid.id]
                    self._won(bid, number, at)

    def _can_have(self, party: Party, at: float) -> bool:
        in_stock = at >= party.opens_at and all(self._account.stock(bid.service) for bid in party.bids)
        return bool(party.areas) and (in_stock or at >= party.sure_at) and self._account.balance >= party.price

    def _delete(self, bid: Bid) -> None:
        if self._known.pop(bid.id, None):
            self._leave(bid)

    def _leave(self, bid: Bid) -> None:
        for party in self._parties:
            if bid in party.bids:
                party.bids.remove(bid)
        self._parties = [party for party in self._parties if party.bids]


def price_with(service: Service, markup: int) -> Usd:
    return scale(service.price, 100 + markup)


def _after(now: float, seconds: float | None) -> float:
    return inf if seconds is None else now + seconds
