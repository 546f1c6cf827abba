"""Whatever any provider answers to a purchase, it becomes one of four things, and half a yes is never a no."""

import asyncio
import json

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.clock import SystemClock
from proxy.errors import NotSent, OutcomeUnknown
from proxy.providers import ADAPTERS
from proxy.providers.base import Bought, Order, Provider, ProviderSettings, Refused
from proxy.providers.wire import Through

from .helpers import answering, every_cut, in_turn, reply_bytes

GOOD = {
    "getsms": ("getsms/documented/request", 200),
    "getatext": ("getatext/documented/rent", 201),
    "sms_activate": ("sms_activate/documented/number_v2", 200),
}
ORDER = Order("whatsapp", 187, 2_000_000)

WORDS = st.sampled_from(
    [
        "id",
        "mdn",
        "number",
        "status",
        "message",
        "errors",
        "error",
        "price",
        "ok",
        "success",
        "Reserved",
        "Awaiting MDN",
        "activationId",
        "phoneNumber",
        "activationCost",
        "title",
        "NO_NUMBERS",
        "ERROR_SQL",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | WORDS | st.just("15302286946"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=4), inner, max_size=6),
    max_leaves=12,
)
ENVELOPES = st.fixed_dictionaries({"status": st.sampled_from(["ok", "error", "success"]), "message": VALUES})
SOLD = st.fixed_dictionaries({"activationId": VALUES, "phoneNumber": VALUES, "activationCost": VALUES})
PLAIN = st.lists(WORDS | st.just("ACCESS_NUMBER") | st.text(max_size=6), min_size=1, max_size=4).map(":".join)
BODIES = (
    st.binary(max_size=200)
    | (VALUES | ENVELOPES | SOLD).map(lambda value: json.dumps(value).encode())
    | PLAIN.map(lambda words: words.encode("utf-8", "replace"))
)
STATUSES = st.sampled_from([200, 201, 204, 302, 400, 403, 404, 408, 422, 429, 500, 502, 503])


def _outcome(kind: str, transport: httpx.AsyncBaseTransport) -> object:
    """What came of a purchase; only what a purchase may end in is let through."""
    provider = ADAPTERS[kind]("it", Through(transport), SystemClock(), ProviderSettings("https://it.test", "key"))
    try:
        return asyncio.run(provider.buy(ORDER, 5))
    except (NotSent, OutcomeUnknown) as exc:
        return exc


@pytest.mark.parametrize("kind", ADAPTERS)
@given(status=STATUSES, body=BODIES)
def test_any_answer_is_one_of_the_four_outcomes(kind, status, body):
    outcome = _outcome(kind, answering(status, body))
    assert isinstance(outcome, Bought | Refused | OutcomeUnknown)
    if isinstance(outcome, Bought):
        assert outcome.upstream_id
        assert outcome.number.isdecimal()
        assert len(outcome.number) >= 11


@pytest.mark.parametrize("kind", ADAPTERS)
def test_a_yes_cut_after_any_byte_is_unknown(kind):
    name, status = GOOD[kind]
    whole = reply_bytes(name)
    assert isinstance(_outcome(kind, answering(status, whole)), Bought)
    for cut in every_cut(whole):
        assert isinstance(_outcome(kind, answering(status, cut)), OutcomeUnknown)


@pytest.mark.parametrize("kind", ADAPTERS)
@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (httpx.ConnectError("refused"), NotSent),
        (httpx.ConnectTimeout("slow"), NotSent),
        (httpx.ReadTimeout("hung"), OutcomeUnknown),
        (httpx.ReadError("reset"), OutcomeUnknown),
        (httpx.RemoteProtocolError("no http"), OutcomeUnknown),
        (LookupError("a bug of an embedded provider"), OutcomeUnknown),
    ],
)
def test_a_fault_says_whether_anything_was_sent(kind, fault, outcome):
    assert isinstance(_outcome(kind, in_turn(fault)), outcome)


@pytest.mark.parametrize("kind", ADAPTERS)
def test_every_adapter_names_itself(kind):
    provider: Provider = ADAPTERS[kind]("mine", in_turn(), SystemClock(), ProviderSettings("https://it.test", "key"))
    assert (provider.name, provider.kind) == ("mine", kind)
    assert "key" not in repr(ProviderSettings("https://it.test", "key")).replace("api_key", "")
