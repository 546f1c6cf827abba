"""What has ended leaves nothing behind with those that looked after it."""

from pathlib import Path

from proxy.sandbox import Settings
from tests.stage import stage

KEPT = ("_schedule", "_open_by_number", "_tries")
"""What the pollers hold of single activations."""


async def test_finished_and_cancelled_activations_are_forgotten(tmp_path: Path):
    soon = Settings(sms_after=0.05)
    async with stage(tmp_path, poll=0.1, getatext=soon, getsms=soon) as it:
        for provider in ("getsms", "getatext"):
            id, _ = await it.number("wa", providerIds=provider)
            await it.until("STATUS_OK", id=id)
            assert await it.ask("setStatus", id=id, status=6) == "ACCESS_ACTIVATION"
        it.getsms.settings.sms_after = None
        id, _ = await it.number("wa", providerIds="getsms")
        assert await it.ask("setStatus", id=id, status=8) == "ACCESS_CANCEL"
        pollers = [vars(watcher.__self__) for watcher in it.house.gateway.store.live._watchers]
        assert len(pollers) == 4
        assert not [name for poller in pollers for name in KEPT if poller.get(name)]
