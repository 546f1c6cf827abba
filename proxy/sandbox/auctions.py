"""Lots that go to the highest bidder when their time is up; the winner's money is taken then, if there is enough of it.

Nobody else bids unless a test lets somebody, and a bid keeps no money back. A won lot whose price the balance no longer
covers is lost.
"""

from dataclasses import dataclass
from functools import partial

from proxy.domain.money import Usd
from proxy.sandbox.account import Account


@dataclass(slots=True, eq=False)
class Auction:
    id: int
    service_name: str
    bid: Usd
    """The highest up to now, for one of the lot."""
    amount: int
    ends_at: float
    ours: bool = False
    """Whether the highest bid is this account's."""
    paid: Usd = 0


class Auctions:
    def __init__(self, account: Account) -> None:
        """The settings' lots, counted from 1; their time begins now."""
        now = account.clock.now()
        self._account = account
        self.all = [
            Auction(id, lot.service_name, lot.bid, lot.amount, now + lot.ends_after)
            for id, lot in enumerate(account.settings.auctions, 1)
        ]
        for auction in self.all:
            account.later(auction.ends_at, partial(self._end, auction))

    @property
    def active(self) -> list[Auction]:
        return [auction for auction in self.all if self._account.clock.now() < auction.ends_at]

    def bid(self, auction: Auction, bid: Usd) -> None:
        """Whether it is high enough and covered, the caller has seen to."""
        auction.bid, auction.ours = bid, True

    def outbid(self, auction_id: int, bid: Usd) -> None:
        """Somebody else bids."""
        auction = self.all[auction_id - 1]
        auction.bid, auction.ours = bid, False

    def _end(self, auction: Auction) -> None:
        price = auction.bid * auction.amount
        if auction.ours and self._account.balance >= price:
            auction.paid = price
            self._account.balance -= price
