"""A client's side of bids: how one is placed when nobody has a number, and how it makes way when somebody has.

One request buys or bids, never both: who comes back and finds a number elsewhere gets it only once the bid is certainly
withdrawn.
"""

from contextlib import suppress

from proxy.domain.activation import Activation
from proxy.domain.attempt import Attempt, Outcome
from proxy.domain.client import Client
from proxy.domain.money import print_usd
from proxy.domain.offer import Want
from proxy.domain.routing import choose_rule
from proxy.errors import NoNumbers, NotSent, OutcomeUnknown, ProviderError, StoreClosed
from proxy.gateway import spending, standing
from proxy.gateway.bidding import Desk, Plan
from proxy.gateway.deadline import Deadline
from proxy.gateway.gateway import Gateway
from proxy.providers.base import Bought, Refused
from proxy.providers.bidding import Standing
from proxy.store.bids import BidState, StandingBid
from proxy.store.live import REDELIVERY_SECONDS
from proxy.store.transaction import Transaction

LONGEST = 35 * 60
"""Seconds after which a bid is withdrawn, whatever the provider says of it: its own limit is half an hour."""
PATIENT_SECONDS = REDELIVERY_SECONDS
"""How long a bid stands, and a number that it has won is kept, while nobody asks for it."""


async def standing_for(gateway: Gateway, client: Client, want: Want, fingerprint: str) -> StandingBid | None:
    """The open bid of an equal request, which is asked for once more by this."""
    bid = await gateway.store.read.open_bid(client.name, fingerprint)
    if bid is not None:
        gateway.market.bidding.ask(bid.id, want, gateway.clock.now())
    return bid


async def make_way(gateway: Gateway, bid: StandingBid) -> list[Activation]:
    """The bid is withdrawn because there is a number elsewhere; what it has won, should it have won meanwhile.

    Raises NoNumbers as long as neither is certain.
    """
    if not bid.upstream_id and bid.outcome is Outcome.UNKNOWN:
        return []  # a lost outcome like any other: settled by a webhook or by time, and no obstacle until then
    desk = gateway.market.bidding.desks.get(bid.provider)
    if bid.upstream_id and bid.state is BidState.OPEN and desk and not desk.upstream.health.aside:
        try:
            await standing.tend(gateway, desk, bid, "there is a number elsewhere")
        except (ProviderError, StoreClosed) as exc:
            raise NoNumbers(f"{standing.words(bid)} and cannot be withdrawn: {exc}") from exc
    whose = (bid.attempt.client, bid.attempt.fingerprint)
    if still := await gateway.store.read.open_bid(*whose):
        raise NoNumbers(standing.words(still))
    return await standing.owed(gateway, whose)


async def place(gateway: Gateway, attempt: Attempt, plan: Plan, want: Want, deadline: Deadline) -> Bought | str:
    """Make the bid that this attempt was begun for: what has become of it, or what was bought without waiting."""
    provider, desk = attempt.provider, gateway.market.bidding.desks.get(attempt.provider)
    if desk is None:
        await spending.refuse(gateway, [attempt], "it was taken out of routing.yaml")
        return f"{provider} was taken out of routing.yaml"
    gateway.market.bidding.ask(attempt.id, want, gateway.clock.now())
    try:
        answer = await desk.place(plan, want, deadline.left)
    except NotSent as exc:
        await spending.refuse(gateway, [attempt], exc.reason)
        return f"no bid at {provider}: {exc.reason}"
    except OutcomeUnknown as exc:
        await _leave_unknown(gateway, attempt, exc)
        return f"a bid of {print_usd(attempt.hold)} at {provider}, whose outcome is unknown ({exc.reason})"
    if isinstance(answer, Bought):
        return answer
    if isinstance(answer, Refused):
        reason = answer.text or answer.reason
        await spending.refuse(gateway, [attempt], reason)
        return f"no bid at {provider}: {reason}"
    return await _stand(gateway, desk, attempt, answer)


async def _leave_unknown(gateway: Gateway, attempt: Attempt, exc: OutcomeUnknown) -> None:
    """Perhaps placed. What the answer has named can be withdrawn, and is."""

    def unit(tx: Transaction) -> None:
        if exc.upstream_id:
            standing.name(tx, attempt, exc.upstream_id, None)
            tx.bids.wish(attempt.id, exc.reason)
        tx.leave_unknown(attempt, exc.reason, exc.upstream_id)

    await spending.book(gateway, unit)


async def _stand(gateway: Gateway, desk: Desk, attempt: Attempt, answer: Standing) -> str:
    """Book that the bid stands; one that came to more than is held goes at once."""
    await spending.book(gateway, lambda tx: standing.name(tx, attempt, answer.upstream_id, answer.price))
    bid = await gateway.store.read.open_bid(attempt.client, attempt.fingerprint)
    if bid is None:
        return "the bid has won or is over already"
    if bid.state is not BidState.WITHDRAWING:
        return standing.words(bid)
    with suppress(ProviderError, StoreClosed):  # then the poller goes on with it
        await standing.tend(gateway, desk, bid)
    return f"no bid at {attempt.provider}: {bid.why}"


def why_withdraw(gateway: Gateway, bid: StandingBid, since: float) -> str:
    """Why a bid should stand no longer; empty if it should. Nobody could ask before `since`."""
    market, attempt, now = gateway.market, bid.attempt, gateway.clock.now()
    asked = market.bidding.asked.get(bid.id)
    client = market.client(attempt.client)
    if client is None:
        return "its client was taken out of routing.yaml"
    if now - attempt.started_at > LONGEST:
        return "its time is over"
    if now - max(since, asked.at if asked else attempt.started_at) > PATIENT_SECONDS:
        return "nobody asked for it again"
    return _why_unwanted(gateway, bid, client, asked.want) if asked else ""


def _why_unwanted(gateway: Gateway, bid: StandingBid, client: Client, want: Want) -> str:
    """Whether the file still allows the bid, and whether there is a better way."""
    market, rule = gateway.market, choose_rule(gateway.market.config.rules, want, client.name)
    upstream = market.upstreams.get(bid.provider)
    if rule is None or rule.bid is None or (rule.providers and bid.provider not in rule.providers):
        return "no rule wants it any more"
    if upstream is None or not upstream.config.enabled:
        return "its provider is switched off"
    if bid.price > min((rule.bid.max_price, *market.caps(client, want, bid.provider))):
        return "it is over a cap now"
    for offer in market.route(client, want).kept:
        if offer.provider != bid.provider and offer.price <= bid.price:
            return f"{offer.provider} has a number for {print_usd(offer.price)}"
    return ""
