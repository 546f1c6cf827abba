"""The short form of scripts/soak: every kind of trouble at once for some seconds, and then everything must agree."""

from pathlib import Path

from tests.soak.plot import Terms, soak


async def test_after_trouble_of_every_kind_nothing_is_lost_doubled_or_left_behind(tmp_path: Path):
    terms = Terms(seconds=8, seed=1, people=2, every=1.0, reload=(1.0, 3.0), deaf=False)
    verdict = await soak(tmp_path, terms)
    assert not verdict.complaints
    assert verdict.done["getNumber: ACCESS_NUMBER"]
    assert verdict.done["getStatus: STATUS_OK"]
