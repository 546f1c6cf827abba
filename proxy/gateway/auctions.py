"""The providers' auctions, for the operator: many numbers at once, to whoever bids most for each of them.

A bid is the operator's own money and no client's: it stands in no client's budget, and what is won shows as drift of
the provider's balance.
"""

from dataclasses import dataclass

from proxy.domain.money import Usd, print_usd
from proxy.errors import BidRefused, NoAuction, NotSent, ProviderError
from proxy.gateway.market import Market
from proxy.gateway.upstream import Upstream
from proxy.providers.base import Auction, Refused


@dataclass(frozen=True, slots=True)
class Lot:
    """One auction, and who holds it."""

    provider: str
    auction: Auction


async def lots(market: Market) -> tuple[list[Lot], dict[str, str]]:
    """What can be bid on now, and by provider why it cannot be asked."""
    found, troubles = [], {}
    for upstream in market.upstreams.values():
        if upstream.auctioneer is None or not upstream.config.enabled:
            continue
        try:
            found += [Lot(upstream.name, auction) for auction in await upstream.auctions()]
        except ProviderError as exc:
            troubles[upstream.name] = exc.reason
    return found, troubles


async def bid(market: Market, id: str, amount: Usd, provider: str = "") -> Usd:
    """Bid so much for each number of a lot; the bid that stands then.

    The operator's own limit is the provider's `max_price`. Raises NoAuction, BidRefused with the provider's words, and
    ProviderError if nobody knows whether the bid was taken: look at the list then, and do not simply bid again.
    """
    found, troubles = await lots(market)
    mine = [lot for lot in found if lot.auction.id == id and provider in ("", lot.provider)]
    if len(mine) > 1:
        raise NoAuction(f"{' and '.join(lot.provider for lot in mine)} have an auction {id}: say which provider")
    if not mine:
        doubts = "".join(f"; {name} cannot be asked: {why}" for name, why in troubles.items())
        raise NoAuction(f"no auction {id} can be bid on now{doubts}")
    upstream = market.upstreams[mine[0].provider]
    _check_limit(upstream, amount)
    try:
        answer = await upstream.bid(id, amount)
    except NotSent as exc:
        raise BidRefused(exc.reason) from exc
    if isinstance(answer, Refused):
        raise BidRefused(answer.text or answer.reason)
    return answer


def _check_limit(upstream: Upstream, amount: Usd) -> None:
    if amount <= 0:
        raise BidRefused("a bid is more than nothing")
    limit = upstream.config.max_price
    if limit is not None and amount > limit:
        raise BidRefused(f"{print_usd(amount)} is over the max_price of {upstream.name}, {print_usd(limit)}")
