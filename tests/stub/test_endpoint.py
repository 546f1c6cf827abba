"""The door itself: what is counted, what a mistake of ours looks like from outside, and requests that break off."""

import logging
from collections import Counter
from typing import Any

import pytest

from proxy.config import KeyedClient
from proxy.domain.client import Client
from proxy.stub.access import Access
from proxy.stub.endpoint import Endpoint
from tests.fakes import FakeClock
from tests.stub.door import knock

BROKEN: Any = None
"""A gateway that fails at whatever is asked of it."""


@pytest.fixture
def counted() -> Counter[str]:
    return Counter()


@pytest.fixture
def endpoint(counted: Counter[str]) -> Endpoint:
    clients = [KeyedClient("secret-key", Client("demo")), KeyedClient("slow-key", Client("slow", rate=1))]
    access = Access(clients, FakeClock())
    return Endpoint(BROKEN, access, lambda action: counted.update([action]))


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_mistake_of_ours_is_one_word_for_the_client_and_a_traceback_in_the_log(
    endpoint: Endpoint, caplog: pytest.LogCaptureFixture, method: str
):
    with caplog.at_level(logging.ERROR):
        answer = await knock(endpoint, "api_key=secret-key&action=getBalance", method=method)
    assert (answer.status, answer.text) == (200, "ERROR_SQL")
    assert "x-reason" not in answer.headers
    assert "Traceback" in caplog.text
    assert "secret-key" not in caplog.text


async def test_actions_are_counted_once_they_are_known_and_let_in(endpoint: Endpoint, counted: Counter[str]):
    for query in (
        "api_key=secret-key&action=getCountries",
        "action=getCountries",
        "api_key=secret-key&action=nonsense",
        "api_key=wrong&action=getBalance",
        "",
    ):
        await knock(endpoint, query)
    assert counted == {"getCountries": 2}


@pytest.mark.parametrize("chunks", [(b"",), (b"action=getCountries",), (b"action=", b"getCountries")])
async def test_a_request_that_breaks_off_is_answered_by_nothing_and_does_nothing(
    endpoint: Endpoint, counted: Counter[str], chunks: tuple[bytes, ...]
):
    answer = await knock(endpoint, "", method="POST", chunks=chunks, broken=True)
    assert (answer.status, answer.body) == (0, b"")
    assert not counted


async def test_who_asks_too_fast_is_told_in_http_and_others_are_not(endpoint: Endpoint):
    answers = [await knock(endpoint, "api_key=slow-key&action=getCountries") for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 429, 429]
    assert answers[1].text == "TOO_MANY_REQUESTS"
    assert answers[1].headers["retry-after"] == "1"
    assert (await knock(endpoint, "api_key=secret-key&action=getCountries")).status == 200
