"""herosms asks again by itself, and with another action after any error: whatever it does, one number is bought."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from herosms import HeroSMSClient
from herosms.exceptions import APIError
from pydantic import ValidationError

from proxy.sandbox import Settings
from proxy.stub.dialects import DIALECTS
from tests.stage import KEY, Stage, stage

V2, V1 = "getNumberV2", "getNumber"


@asynccontextmanager
async def hero(
    folder: Path, timeout: float = 30, **client: str
) -> AsyncIterator[tuple[Stage, HeroSMSClient, list[str]]]:
    """A gateway, the library in front of it, and the actions that the library asks for."""
    asked: list[str] = []

    async def note(request: httpx.Request) -> None:
        asked.append(request.url.params["action"])

    async with (
        stage(folder, client={"dialect": "herosms", **client}, getatext=Settings(sms_after=None, cancel_lock=0)) as it,
        httpx.AsyncClient(timeout=timeout, event_hooks={"request": [note]}) as http,
    ):
        yield it, HeroSMSClient(KEY, base_url=it.url, retry_attempts=50, retry_wait=0.05, http_client=http), asked


def bought(it: Stage) -> int:
    return len(it.getatext.rentals) + len(it.getsms.rentals)


@pytest.mark.parametrize(
    ("client", "wish", "word"),
    [
        ({}, {"service": "no such service"}, "BAD_SERVICE"),
        ({}, {"max_price": 0.1}, "WRONG_MAX_PRICE"),
        ({"budget": '{amount: "0.10", per: total}'}, {}, "NO_BALANCE"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_refusal_is_asked_for_twice_and_buys_nothing(
    tmp_path: Path, client: dict[str, str], wish: dict[str, Any], word: str
):
    async with hero(tmp_path, **client) as (it, api, asked):
        with pytest.raises(APIError) as refused:
            await api.activations.create(**{"service": "wa", "country": 187, **wish})
        assert (refused.value.title, asked) == (word, [V2, V1])
        assert bought(it) == 0


async def test_a_full_house_is_asked_twice_and_gives_no_second_number(tmp_path: Path):
    async with hero(tmp_path, max_open="1") as (it, api, asked):
        await api.activations.create(service="wa", country=187)
        with pytest.raises(APIError) as refused:
            await api.activations.create(service="wa", country=187)
        assert (refused.value.title, asked) == ("CHANNELS_LIMIT", [V2, V2, V1])
        assert bought(it) == 1


@pytest.mark.parametrize("fault", ["cut", "status", "html", "half", "empty"])
async def test_an_unknown_outcome_is_not_asked_for_again(tmp_path: Path, fault: str):
    async with hero(tmp_path) as (it, api, asked):
        it.getatext.fault(fault, "rent-a-number")
        with pytest.raises(ValidationError, match="NO_NUMBERS"):
            await api.activations.create(service="wa", country=187)
        assert asked == [V2]
        assert bought(it) == 1
        assert await it.outcomes() == [("getatext", "unknown")]


async def test_whoever_loses_patience_is_given_the_same_number_when_it_asks_again(tmp_path: Path):
    async with hero(tmp_path, timeout=0.2) as (it, api, asked):
        it.getatext.fault("slow", "rent-a-number", amount=0.5)
        activation = await api.activations.create(service="wa", country=187)
        assert len(asked) > 1
        assert set(asked) == {V2}
        assert bought(it) == 1
        (row,) = await it.admin("activations")
        assert row["id"] == activation.id


def test_no_word_that_may_follow_a_purchase_has_a_status_of_its_own():
    assert not {"NO_NUMBERS", "ERROR_SQL"} & DIALECTS["herosms"].statuses.keys()
