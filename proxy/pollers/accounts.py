"""What providers ask, deliver and hold: price lists, delivery rates and balances, kept fresh in the background."""

from proxy.errors import ProviderError
from proxy.gateway.gateway import Gateway
from proxy.gateway.market import Market
from proxy.gateway.upstream import Upstream
from proxy.store.reads import Reads

PRICE_SECONDS = 30.0
"""How old a price list may become."""
BALANCE_SECONDS = 60.0
"""How old a balance may become while no money moves."""
MOVED_SECONDS = 5.0
"""How soon a balance is asked for again after money moved."""


async def learn_delivery(read: Reads, market: Market) -> None:
    """Tell every provider's record how often its services brought a code of late."""
    delivery = await read.delivery()
    for upstream in market.upstreams.values():
        known = {service: counts for (provider, service), counts in delivery.items() if provider == upstream.name}
        if known != upstream.delivery:
            upstream.delivery = known
            upstream.version += 1


class Accounts:
    def __init__(self, gateway: Gateway, upstream: Upstream) -> None:
        self._gateway = gateway
        self._upstream = upstream
        self._balance_at = float("-inf")
        self._opened = False

    async def learn_prices(self) -> None:
        await self._upstream.learn(PRICE_SECONDS / 2)

    async def watch_balance(self) -> None:
        """Ask for the balance if money moved, or if it was not asked for in a while."""
        upstream, now = self._upstream, self._gateway.clock.monotonic()
        if now - self._balance_at < (MOVED_SECONDS if upstream.money_moved else BALANCE_SECONDS):
            return
        self._balance_at, upstream.money_moved = now, False
        try:
            await self._ask()
        except ProviderError:
            upstream.money_moved = True

    async def _ask(self) -> None:
        """The first balance during which no money moved is what all drift is measured from."""
        name, read, before = self._upstream.name, self._gateway.store.read, await self._booked()
        balance = await self._upstream.ask_balance()
        if self._opened or self._upstream.money_moved or await read.services_being_bought(name):
            return
        if await self._booked() == before:
            await self._gateway.store.write(lambda tx: tx.set_opening(name, balance + before))
            self._opened = True

    async def _booked(self) -> int:
        booked, _ = (await self._gateway.store.read.accounts()).get(self._upstream.name, (0, None))
        return booked
