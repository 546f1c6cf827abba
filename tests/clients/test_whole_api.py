"""Libraries that others wrote, unmodified: every public method of each, in front of the gateway in its dialect."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from proxy.sandbox import Settings
from proxy.stub.dialects import DIALECTS
from tests.clients.libraries import LIBRARIES
from tests.clients.rows import CODE, SERVICE, Before, Library, Number, Raises, Row
from tests.stage import Stage, stage
from tests.stub import renting

pytestmark = pytest.mark.asyncio(loop_scope="module")
each_library = pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.title)


@asynccontextmanager
async def house(folder: Path, library: Library) -> AsyncIterator[tuple[Stage, Any]]:
    """A gateway in the dialect that a library wants, and the library in front of it."""
    async with (
        stage(
            folder,
            client={"dialect": library.dialect},
            poll=0.05,
            getsms=Settings(sms_after=None, joint_after=0),
            getatext=Settings(sms_after=None, cancel_lock=0),
            getatext_extra="tier: premium",
        ) as it,
        library.connect(it) as api,
    ):
        yield it, api


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house_of(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Callable[[Library], Awaitable[Any]]]:
    """One house for all rows of a library, opened for the first of them."""
    opened: dict[Library, Any] = {}
    async with AsyncExitStack() as houses:

        async def find(library: Library) -> Any:
            if library not in opened:
                opened[library] = await houses.enter_async_context(house(tmp_path_factory.mktemp("house"), library))
            return opened[library]

        yield find


async def number(it: Stage, before: Before) -> Number:
    """A number to which that much has happened."""
    if before is Before.NOTHING:
        return Number()
    if before in (Before.RENTED, Before.RENT_RECEIVED, Before.RENT_OVER):
        return await rent(it, before)
    id, phone = await it.number(SERVICE)
    if before in (Before.RECEIVED, Before.FINISHED):
        it.getatext.deliver(it.rental(it.getatext, phone).id, code=CODE)
        await it.until("STATUS_OK", id=id)
    if before is Before.FINISHED:
        assert await it.ask("setStatus", id=id, status=6) == "ACCESS_ACTIVATION"
    if before is Before.CANCELLED:
        assert await it.ask("setStatus", id=id, status=8) == "ACCESS_CANCEL"
    return Number(id, phone)


async def rent(it: Stage, before: Before) -> Number:
    """A rent to which that much has happened."""
    got = await renting.rent(it, SERVICE)
    if before is Before.RENT_RECEIVED:
        await renting.deliver(it, got.phone, code=CODE)
    if before is Before.RENT_OVER:
        await renting.say(it, "setRentStatus", id=got.id, status=1)
    return Number(got.id, got.phone)


async def call(library: Library, row: Row, api: Any, it: Number) -> Any:
    if library.blocking:
        return await asyncio.to_thread(row.call, api, it)
    answer = row.call(api, it)
    return await answer if inspect.isawaitable(answer) else answer


@pytest.mark.parametrize(
    ("library", "row"),
    [pytest.param(library, row, id=f"{library.title}-{row.method}") for library in LIBRARIES for row in library.rows],
)
async def test_a_method_brings_what_it_should(house_of: Callable[[Library], Any], library: Library, row: Row):
    it, api = await house_of(library)
    about = await number(it, row.before)
    if isinstance(row.wanted, Raises):
        expected = pytest.warns if issubclass(row.wanted.kind, Warning) else pytest.raises
        with expected(row.wanted.kind, match=row.wanted.match):
            await call(library, row, api, about)
    else:
        assert await call(library, row, api, about) == row.wanted


@each_library
async def test_every_public_method_stands_in_the_table(library: Library):
    assert {row.method for row in library.rows} == set(library.methods())


@each_library
async def test_the_table_is_about_the_version_that_is_installed(library: Library):
    assert version(library.package) == library.version


@each_library
async def test_a_dialect_names_the_libraries_that_want_it(library: Library):
    assert library.package in DIALECTS[library.dialect].tools
