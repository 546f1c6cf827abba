"""Schemathesis against a whole gateway: it reads /openapi.json and drives every operation with what it makes up."""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from hypothesis import strategies as st
from schemathesis.engine import events, from_schema

from tests.stage import KEY

REAL = {
    "service": ["wa", "tg", "go", "WhatsApp", "ds", "full"],
    "rent_time": [4, 24, 72, 168, 336, 720],
    "hours": [4, 24, 168],
    "country": [187],
    "maxPrice": ["2.00", "1"],
    "id": list(range(1, 25)),
    "activationId": list(range(1, 25)),
}
"""Values that mean something here; made up ones hardly ever do."""
CHOOSY = {"number", "areas", "area_codes", "operator", "carrier", "providerIds", "exceptProviderIds", "phoneException"}
"""With all of these at once nothing is ever for sale."""
NOWHERE = "http://127.0.0.1:9/sms"
"""For every address at which something is to be told: nothing is sent to what was made up."""
DOES_NOT_HOLD = ("negative_data_rejection", "ignored_auth")
"""Checks of HTTP statuses: the protocol says everything with 200, and the word for it is in the schema."""


@schemathesis.deserializer("text/plain")
def words(context: Any, response: Any) -> str:
    """Without this, Schemathesis compares no plain reply with its pattern."""
    return response.content.decode()


@dataclass(slots=True)
class Found:
    """What came of it."""

    cases: int = 0
    answers: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """Operation -> the words that it answered with, or JSON."""
    failures: list[str] = field(default_factory=list)

    @property
    def words(self) -> Counter[str]:
        return sum(self.answers.values(), Counter())

    def __iadd__(self, other: "Found") -> "Found":
        self.cases += other.cases
        self.failures += other.failures
        for operation, words in other.answers.items():
            self.answers[operation] += words
        return self


def drive(root: str, *, examples: int, seed: int, coverage: bool) -> Found:
    """One run against the gateway at `root`; the phase `coverage`, of every boundary, takes the longest."""
    schema = schemathesis.openapi.from_url(f"{root}/openapi.json", config=_config(examples, seed, coverage))
    schema.hook(flatmap_query)
    schema.hook(flatmap_body)
    found = Found()
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            _note(found, event)
        elif isinstance(event, events.NonFatalError | events.FatalError):
            found.failures.append(str(event))
    return found


def flatmap_query(context: Any, query: Any) -> Any:
    return _less_choosy(query)


def flatmap_body(context: Any, body: Any) -> Any:
    return _less_choosy(body)


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    for params in (case.query, case.body):
        if isinstance(params, dict) and "url" in params:
            params["url"] = NOWHERE


def _less_choosy(params: Any) -> Any:
    """What was made up, or the same without what leaves nothing to buy."""
    if not isinstance(params, dict) or not CHOOSY & params.keys():
        return st.just(params)
    plain = {name: value for name, value in params.items() if name not in CHOOSY}
    return st.sampled_from([plain, plain, params])


def _config(examples: int, seed: int, coverage: bool) -> schemathesis.Config:
    return schemathesis.Config.from_dict(
        {
            "seed": seed,
            "generation": {"max-examples": examples, "with-security-parameters": False, "database": "none"},
            "phases": {"coverage": {"enabled": coverage}},
            "checks": {name: {"enabled": False} for name in DOES_NOT_HOLD},
            "auth": {"openapi": {"api_key": {"api_key": KEY}}},
            "dictionaries": {name: {"values": values} for name, values in REAL.items()},
            "parameters": {
                f"{place}.{name}": {"dictionary": name, "probability": 0.8}
                for place in ("query", "body")
                for name in REAL
            },
        }
    )


def _note(found: Found, event: events.ScenarioFinished) -> None:
    record = event.recorder
    found.cases += len(record.cases)
    for id, interaction in record.interactions.items():
        if interaction.response is not None and interaction.response.status_code != 405:
            found.answers[record.cases[id].value.operation.label][_word(interaction.response.content)] += 1
    for checks in record.checks.values():
        for check in checks:
            if check.failure_info is not None:
                failure = check.failure_info.failure
                found.failures.append(
                    f"{check.name}: {failure.title}\n{failure.message}\n{check.failure_info.code_sample}"
                )


def _word(said: bytes) -> str:
    """The first word of a plain reply; JSON, or the word of a refusal that is told in it."""
    if not said.startswith((b"{", b"[")):
        return said.decode().partition(":")[0]
    told = json.loads(said)
    return str(told.get("message", "JSON")) if isinstance(told, dict) else "JSON"
