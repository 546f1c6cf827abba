"""getatext.com's auctions.

Where the documents are silent: `end_time` is New York's; the account may bid against itself; a bid that is no number is
refused with 422, a missing one with 400.
"""

from proxy.domain.money import print_usd
from proxy.sandbox.account import Account
from proxy.sandbox.auctions import Auction, Auctions
from proxy.sandbox.getatext_words import Answer, Asked, Handler, Refused
from proxy.sandbox.newyork import plain


class AuctionRoom:
    def __init__(self, account: Account, auctions: Auctions) -> None:
        self._account = account
        self._auctions = auctions

    @property
    def table(self) -> list[tuple[str, str, Handler]]:
        return [("GET", "auctions", self._list), ("POST", "auctions/{id:int}/bid", self._bid)]

    def _list(self, asked: Asked) -> Answer:
        return 200, {"status": "success", "auctions": [_line(auction) for auction in self._auctions.active]}

    def _bid(self, asked: Asked) -> Answer:
        auction = self._find(asked)
        asked.require("bid_amount")
        bid = asked.amount("bid_amount") or 0
        if bid <= auction.bid:
            raise Refused(400, "Your bid must be higher than the current bid")
        if self._account.balance < bid * auction.amount:
            raise Refused(400, "Insufficient funds for this bid")
        self._auctions.bid(auction, bid)
        return 200, {
            "status": "success",
            "message": "Bid placed successfully.",
            "new_current_bid": print_usd(bid),
        }

    def _find(self, asked: Asked) -> Auction:
        wanted = asked.id("id")
        for auction in self._auctions.active:
            if auction.id == wanted:
                return auction
        raise Refused(404, "Auction not found or is no longer active")


def _line(auction: Auction) -> dict[str, object]:
    return {
        "id": auction.id,
        "service_name": auction.service_name,
        "current_bid": print_usd(auction.bid),
        "end_time": plain(auction.ends_at),
        "amount": auction.amount,
    }
