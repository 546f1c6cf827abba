"""/metrics: what Prometheus is told. Each metric is declared once, here."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from proxy.dashboard.guard import Guard
from proxy.domain.money import DOLLAR
from proxy.gateway.gateway import Gateway


class Requests:
    """Counts the clients' requests by action."""

    def __init__(self, registry: CollectorRegistry) -> None:
        counter = Counter("sms_proxy_requests", "Requests of clients with a valid key.", ["action"], registry=registry)
        self._labels = counter.labels
        self._by_action: dict[str, Callable[[], None]] = {}

    def count(self, action: str) -> None:
        increase = self._by_action.get(action)
        if increase is None:
            increase = self._by_action[action] = self._labels(action).inc
        increase()


class Gauges(Collector):
    """What is so at the moment of asking."""

    def __init__(self, gateway: Gateway, tasks: Callable[[], int]) -> None:
        """`tasks` counts the loop's tasks."""
        self._gateway = gateway
        self._tasks = tasks

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("sms_proxy_open_activations", "Open activations.", len(self._gateway.store.live.open))
        yield GaugeMetricFamily("sms_proxy_webhooks_waiting", "SMS to push to clients.", self._gateway.store.deliveries)
        yield GaugeMetricFamily("sms_proxy_tasks", "Tasks of the loop, requests and errands among them.", self._tasks())
        closed = bool(self._gateway.store.writer.trouble)
        yield GaugeMetricFamily("sms_proxy_books_closed", "1 if the last write into the books failed.", float(closed))
        usable = GaugeMetricFamily("sms_proxy_provider_up", "1 if the provider is usable.", labels=["provider"])
        aside = GaugeMetricFamily("sms_proxy_provider_set_aside", "1 if it failed too often.", labels=["provider"])
        balance = GaugeMetricFamily("sms_proxy_provider_balance_usd", "The account's balance.", labels=["provider"])
        for upstream in self._gateway.market.upstreams.values():
            usable.add_metric([upstream.name], float(not upstream.trouble))
            aside.add_metric([upstream.name], float(bool(upstream.health.aside)))
            if upstream.balance is not None:
                balance.add_metric([upstream.name], upstream.balance / DOLLAR)
        yield from (usable, aside, balance)


def routes(registry: CollectorRegistry, guard: Guard | None) -> list[Route]:
    """`guard` is None where only this machine can ask."""

    async def metrics(request: Request) -> Response:
        if guard is not None:
            guard.check(request)
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return [Route("/metrics", metrics, methods=["GET"])]
