"""What every use case works with, put together once by the composition root."""

from dataclasses import dataclass, field

from proxy.clock import Clock
from proxy.domain.client import Client
from proxy.domain.money import Usd
from proxy.gateway.errands import Errands
from proxy.gateway.market import Market
from proxy.gateway.prices import Tables
from proxy.gateway.underway import UnderWay
from proxy.store.store import Store


@dataclass(slots=True)
class Gateway:
    clock: Clock
    errands: Errands
    store: Store
    market: Market
    under_way: UnderWay = field(default_factory=UnderWay)
    price_tables: Tables = field(default_factory=Tables)
    closing: bool = False
    """About to stop: no purchases any more."""

    async def spendable(self, client: Client) -> Usd:
        """What the client may still spend: the smaller of its budget and what the providers' accounts hold together."""
        together = await self.market.money()
        if client.budget is None:
            return together
        spent = await self.store.read.spent(client.name, client.budget, self.clock.now())
        return max(0, min(client.budget.amount - spent, together))
