"""A client waits for what is bought for it, as long as it listens and the deadline allows; the purchase goes on."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from proxy.domain.activation import Activation
from proxy.errors import NoNumbers
from proxy.gateway.gateway import Gateway
from proxy.gateway.underway import Fingerprint

LAST_WORDS = 1.0
"""Seconds after the deadline for booking how it ended."""

Bringing = asyncio.Future[list[Activation]]


class HungUp(Exception):
    """The client has gone; its purchase goes on."""


def start(gateway: Gateway, work: Coroutine[Any, Any, list[Activation]], client: str) -> Bringing:
    """Begin a purchase that outlives the one who asked for it."""
    return gateway.errands.start(work, f"purchase for {client}")


async def wait_for(
    gateway: Gateway, whose: Fingerprint, purchase: Bringing, hung_up: asyncio.Future[None] | None
) -> list[Activation]:
    """What the purchase brings. Raises what refuses it, or HungUp when `hung_up` was done first."""
    ends: list[asyncio.Future[Any]] = [purchase] if hung_up is None else [purchase, hung_up]
    seconds = gateway.market.config.deadline + LAST_WORDS
    await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    if purchase.done():
        return purchase.result()
    _abandon(gateway, whose, purchase)
    if hung_up is not None and hung_up.done():
        raise HungUp
    raise NoNumbers("the deadline is over; what may still be bought is for the next equal request")


def _abandon(gateway: Gateway, whose: Fingerprint, purchase: Bringing) -> None:
    """Nobody waits for this purchase any more: keep what it brings for the client's next equal request."""

    def ended(purchase: Bringing) -> None:
        if gateway.under_way.forsaken(whose, purchase) and not purchase.cancelled() and purchase.exception() is None:
            for activation in purchase.result():
                gateway.store.live.keep_for_redelivery(activation, whose[1])

    gateway.under_way.orphan(whose, purchase)
    purchase.add_done_callback(ended)
