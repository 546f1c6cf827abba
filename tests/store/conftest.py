"""Books in a file of their own, and a clock that stands still."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.store.store import Store, open_store
from tests.fakes import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "books.db"


@pytest.fixture
async def store(path: Path, clock: FakeClock) -> AsyncIterator[Store]:
    async with open_store(str(path), clock) as store:
        yield store
