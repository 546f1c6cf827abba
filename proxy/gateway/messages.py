"""SMS coming in, from wherever: each is stored once, and its activation told."""

import re

from proxy.domain.activation import Activation
from proxy.gateway.gateway import Gateway
from proxy.gateway.settlement import settle_by_push
from proxy.gateway.upstream import Upstream
from proxy.providers.base import Push, Sms
from proxy.store.transaction import Incoming

LONGEST_TEXT = 4096
"""Characters; an SMS of many parts has 1,530."""


async def receive(gateway: Gateway, provider: str, upstream_id: str, sms: Sms) -> Activation | None:
    """Book a message of a rental, known or not yet known; the activation if that was news to it. Raises StoreClosed."""
    if not wire_code(sms):
        return None  # an SMS without a word in it says nothing
    incoming = Incoming(
        provider=provider,
        upstream_id=upstream_id,
        code=wire_code(sms),
        text=sms.text[:LONGEST_TEXT],
        sender=sms.sender[:64],
        sent_at=sms.received_at,
    )
    return await gateway.store.write(lambda tx: tx.receive(incoming))


def wire_code(sms: Sms) -> str:
    """The code as every client can read it: one line without a colon; the whole text where no code was recognised."""
    return re.sub(r"[\s:]+", " ", sms.code or sms.text).strip()[:256]


def _is_of_another_kind(gateway: Gateway, upstream: Upstream, push: Push) -> bool:
    """Whether the id is that of our rental by chance: a provider may count rents apart, and tell of both alike."""
    known = gateway.store.live.of_rental(upstream.name, push.upstream_id)
    return known is not None and bool(push.number) and push.number != known.phone


async def pushed(gateway: Gateway, upstream: Upstream, push: Push) -> None:
    """A provider's webhook: book its SMS, or look the rental up where the webhook alone is not to be trusted.

    A rental that nobody knows may be what an unknown purchase has bought.
    """
    upstream.pushes_come = True
    if _is_of_another_kind(gateway, upstream, push):
        return
    if push.sms is not None:
        await receive(gateway, upstream.name, push.upstream_id, push.sms)
    gateway.errands.start(settle_by_push(gateway, upstream, push), f"webhook of {upstream.name}")
    gateway.store.live.hurry(upstream.name, push.upstream_id)
