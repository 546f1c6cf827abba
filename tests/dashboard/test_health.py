"""What supervisors and Prometheus are told."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.fakes import FakeClock
from tests.gateway.conftest import PREMIUM, locked
from tests.stage import ADMIN, KEY, Stage, eventually, stage


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path) as it:
        yield it


async def status_of(it: Stage, path: str) -> int:
    return (await it.web.get(f"{it.root}{path}")).status_code


async def test_a_gateway_at_work_is_alive_and_ready(it: Stage):
    assert await status_of(it, "/healthz") == 200
    reply = await it.web.get(f"{it.root}/readyz")
    assert (reply.status_code, reply.json()) == (200, {"ready": True, "reasons": []})


async def test_promise_10_with_the_database_locked_it_is_alive_and_not_ready(it: Stage):
    with locked(it):
        assert await status_of(it, "/healthz") == 200
        assert await status_of(it, "/readyz") == 503

    async def is_ready() -> bool:
        return await status_of(it, "/readyz") == 200

    assert await eventually(is_ready)


async def test_without_a_usable_provider_it_is_not_ready(tmp_path: Path):
    clock = FakeClock()
    async with stage(tmp_path, poll=60, clock=clock, getatext_extra=PREMIUM) as it:
        async with it.stopped("getatext"):
            for _ in range(4):
                await it.number("wa")
            assert await status_of(it, "/readyz") == 200  # one is enough
            async with it.stopped("getsms"):
                for _ in range(4):
                    assert await it.ask("getNumber", service="wa") == "NO_NUMBERS"
                reply = await it.web.get(f"{it.root}/readyz")
                assert reply.json() == {"ready": False, "reasons": ["no provider is usable"]}
        await clock.advance(61)
        assert await status_of(it, "/readyz") == 200


async def test_prices_that_were_never_learnt_make_no_provider_usable(tmp_path: Path):
    async with stage(tmp_path) as it, it.stopped("getsms"), it.stopped("getatext"):
        await it.restart()
        assert await status_of(it, "/readyz") == 503
        assert await it.ask("getNumber", service="wa") == "NO_NUMBERS"


async def test_the_metrics_can_be_parsed(it: Stage):
    await it.number("wa")
    await it.ask("getBalance")
    await it.ask("getBalance", api_key="wrong")
    await it.ask("noSuchAction")
    reply = await it.web.get(f"{it.root}/metrics")
    assert reply.headers["content-type"].startswith("text/plain; version=")
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(reply.text)
        for sample in family.samples
    }
    assert samples["sms_proxy_open_activations",] == 1
    assert samples["sms_proxy_requests_total", "getNumber"] == 1
    assert samples["sms_proxy_requests_total", "getBalance"] == 1
    assert samples["sms_proxy_provider_up", "getsms"] == 1
    assert samples["sms_proxy_provider_balance_usd", "getsms"] == 500
    assert not [name for name in samples if "noSuchAction" in name]


async def test_promise_12_metrics_and_health_hold_no_secret(it: Stage):
    await it.number("wa")
    for path in ("/metrics", "/healthz", "/readyz"):
        words = (await it.web.get(f"{it.root}{path}")).text
        for secret in (KEY, ADMIN, "demo", "tester"):
            assert secret not in words
