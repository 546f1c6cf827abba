"""What Prometheus is told when something is wrong."""

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from proxy.gateway.health import FAILURES
from tests.gateway.conftest import locked
from tests.stage import Stage, stage


async def samples(it: Stage) -> dict[tuple[str, ...], float]:
    """By name and labels."""
    families = text_string_to_metric_families((await it.web.get(f"{it.root}/metrics")).text)
    return {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}


async def test_a_provider_that_was_set_aside_is_told_from_one_that_is_switched_off(tmp_path: Path):
    async with stage(tmp_path, getsms_extra="enabled: false") as it, it.stopped("getatext"):
        for _ in range(FAILURES):
            await it.ask("getNumber", service="wa")
        found = await samples(it)
    assert [found["sms_proxy_provider_up", name] for name in ("getsms", "getatext")] == [0, 0]
    assert [found["sms_proxy_provider_set_aside", name] for name in ("getsms", "getatext")] == [0, 1]


async def test_promise_10_books_that_cannot_be_written_are_told_as_long_as_it_is_so(tmp_path: Path):
    async with stage(tmp_path) as it:
        assert (await samples(it))["sms_proxy_books_closed",] == 0
        with locked(it):
            await it.ask("getNumber", service="wa")
            assert (await samples(it))["sms_proxy_books_closed",] == 1
        await it.number("wa")
        assert (await samples(it))["sms_proxy_books_closed",] == 0
