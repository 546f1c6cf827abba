"""One house for all tests of a module: its providers stand still, and nobody looks for SMS."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from proxy.sandbox import Settings
from tests.stage import Stage, stage


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def it(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    folder = tmp_path_factory.mktemp("house")
    unlocked = Settings(sms_after=None, cancel_lock=0)
    async with stage(folder, getatext=unlocked, getatext_extra="tier: premium", poll=60) as it:
        yield it
