"""getatext.com's auctions: many numbers of one service at once, to whoever bids most for each."""

from collections.abc import Sequence
from decimal import Decimal

from proxy.domain.money import Usd, print_usd
from proxy.errors import OutcomeUnknown
from proxy.providers import getatext_forms as forms
from proxy.providers.base import Auction, Reason, Refused
from proxy.providers.getatext_line import Line
from proxy.providers.reading import id_of, price_of, text_of, whole_of


class Auctions:
    def __init__(self, line: Line) -> None:
        self._line = line

    async def open(self, timeout: float) -> Sequence[Auction]:
        answer = await self._line.ask("GET", "auctions", timeout)
        rows = forms.known(self._line.granted(answer).json, "auctions")
        if rows is None:
            raise self._line.nonsense(answer)
        return [
            Auction(
                id=id_of(row.get("id")),
                service=text_of(row.get("service_name")),
                current_bid=price_of(row.get("current_bid")),
                ends_at=text_of(row.get("end_time")),
                amount=whole_of(row.get("amount")) or 0,
            )
            for row in rows
        ]

    async def bid(self, id: str, amount: Usd, timeout: float) -> Usd | Refused:
        """The bid that stands then. What is neither a clear yes nor a clear no may have been taken."""
        auction_id = id_of(id)
        if not auction_id:
            return Refused(Reason.BAD_REQUEST, "no auction has such an id")
        body = {"bid_amount": Decimal(print_usd(amount))}
        answer = await self._line.ask("POST", f"auctions/{auction_id}/bid", timeout, body)
        if refused := self._line.refusal(answer):
            return refused
        fields = self._line.understood(answer)
        standing = price_of(fields.get("new_current_bid"))
        if self._line.problem(fields) or forms.status(fields) == "error" or standing is None:
            raise OutcomeUnknown(self._line.name, "an answer to a bid that does not say whether it stands")
        return standing
