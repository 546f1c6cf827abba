"""How the replies of SMS-Activate's successors differ from its own: a table over the one set of declarations.

A client speaks the dialect that routing.yaml gives it. Whatever a dialect does not name stays as it is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from proxy import errors
from proxy.catalog.services import SERVICES
from proxy.domain.activation import Activation
from proxy.domain.money import parse_usd, print_usd
from proxy.stub.actions.common import USD_CODE, clock_time
from proxy.stub.replies import Reply, number, with_info

Shape = Callable[[Any], Any]
"""Turns the value of a reply into the form that the dialect wants."""


@dataclass(frozen=True, slots=True)
class Dialect:
    about: str
    tools: tuple[str, ...]
    """Which known tools want it."""
    shapes: Mapping[str, Shape] = field(default_factory=dict)
    """By action."""
    words: Mapping[str, str] = field(default_factory=dict)
    """Other words for refusals."""
    statuses: Mapping[str, int] = field(default_factory=dict)
    """HTTP statuses by refusal; whoever has some says refusals as JSON, except those that are not named here."""
    rent_statuses: Mapping[str, int] = field(default_factory=dict)
    """The same where everybody says them in JSON, before `statuses`."""
    purchases: Mapping[str, Callable[[Activation], Any]] = field(default_factory=dict)
    """What was bought in another form, by action."""
    synonyms: Mapping[str, tuple[str, Mapping[str, str]]] = field(default_factory=dict)
    """Words that only this dialect has: the action that is meant, and what it is asked with besides."""

    def translate(self, action: str, reply: Reply) -> Reply:
        """The reply as this dialect says it."""
        if reply.refused is not None:
            return self._refusal(reply)
        if reply.bought and action in self.purchases:
            return replace(reply, value=self.purchases[action](reply.bought[0]))
        shape = self.shapes.get(action)
        return reply if shape is None or reply.value is None else replace(reply, value=shape(reply.value))

    def _refusal(self, reply: Reply) -> Reply:
        assert reply.refused is not None
        word, colon, rest = reply.words.partition(":")
        status = (reply.value and self.rent_statuses.get(word)) or self.statuses.get(word)
        if status:
            told = {"title": word, "details": reply.meaning, **_with_info(reply.refused)}
            return replace(reply, value=told, status=status)
        words = self.words.get(word, word) + colon + rest
        return replace(reply, words=words, value=reply.value and reply.value | {"message": words})


def _with_info(error: BaseException) -> dict[str, Any]:
    """What HeroSMS tells with an error."""
    return {"info": {"minActivationTime": 120}} if isinstance(error, errors.EarlyCancel) else with_info(error)


def _costs_as_text(value: Any) -> Any:
    """Every `cost` and `activationCost` as text with two decimals, wherever it stands."""
    if isinstance(value, list):
        return [_costs_as_text(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: print_usd(parse_usd(str(item))) if key in ("cost", "activationCost") else _costs_as_text(item)
        for key, item in value.items()
    }


def _with_forwarding(value: dict[str, str]) -> dict[str, int]:
    """Counts as numbers, under `code_0`, of every service there is; `code_1`, numbers with forwarding, are none."""
    counts = {code: int(value.get(code, 0)) for code in {**SERVICES, **value}}
    return {f"{code}_{suffix}": count * (1 - suffix) for code, count in counts.items() for suffix in (0, 1)}


def _listed(key: str) -> Shape:
    """Only what stands under a key, and an empty list where it is missing."""
    return lambda value: value.get(key, [])


def _newest_code(activation: dict[str, Any]) -> dict[str, Any]:
    """One code as text instead of a list of them."""
    codes = activation["smsCode"]
    return activation | {"smsCode": codes[-1] if codes else None}


def _hero_activations(value: dict[str, Any]) -> dict[str, Any]:
    return {key: [_newest_code(one) for one in item] if isinstance(item, list) else item for key, item in value.items()}


def _hero_messages(value: dict[str, Any]) -> dict[str, Any]:
    return value | {"data": [message | {"id": str(message["id"])} for message in value["data"]]}


def _hero_number(bought: Activation) -> dict[str, Any]:
    """A rent, or a number once more, as HeroSMS tells of any number."""
    return {
        "activationId": bought.id,
        "phoneNumber": bought.phone,
        "activationCost": number(bought.price),
        "currency": USD_CODE,
        "countryCode": str(bought.country),
        "canGetAnotherSms": "1" if bought.several_sms else "0",
        "activationTime": clock_time(bought.created_at),
        "activationEndTime": clock_time(bought.expires_at),
        "activationOperator": bought.operator or "any",
    }


def _grizzly_activations(value: dict[str, Any]) -> list[dict[str, Any]]:
    """A bare list, and nothing in place of what there is not yet: its library reads null as the word."""
    listed = [_newest_code(activation) for activation in value.get("activeActivations", [])]
    return [{key: item for key, item in activation.items() if item is not None} for activation in listed]


PLAIN = Dialect("SMS-Activate's own words", ("smsactivate", "smsactivatepy", "aiosmsactivate", "pysmshub"))
DIALECTS: dict[str, Dialect] = {
    "sms-activate": PLAIN,
    "legacy": Dialect(
        "SMS-Activate before 2023: counts of every service under code_0 and code_1, costs as text",
        ("smsactivateru", "SMS-Activate's Java SDK", "older PHP classes"),
        shapes={
            "getNumbersStatus": _with_forwarding,
            "getPrices": _costs_as_text,
            "getPricesExtended": _costs_as_text,
            "getNumberV2": _costs_as_text,
            "getActiveActivations": _costs_as_text,
        },
    ),
    "herosms": Dialect(
        "HeroSMS: HTTP statuses and JSON for errors, services without an envelope, one code of an open activation",
        ("herosms",),
        shapes={
            "getServicesList": _listed("services"),
            "getActiveActivations": _hero_activations,
            "getAllSms": _hero_messages,
            "reactivationPrice": lambda value: {"data": {"price": value["cost"]}},
        },
        purchases={"getRentNumber": _hero_number, "reactivate": _hero_number},
        synonyms={
            "finishActivation": ("setStatus", {"status": "6"}),
            "cancelActivation": ("setStatus", {"status": "8"}),
            "reactivate": ("getExtraActivation", {}),
            "reactivationPrice": ("checkExtraActivation", {}),
        },
        # Its library answers any status from 400 on by buying once more. So what may follow a purchase stays plain
        # text with 200: NO_NUMBERS, as at HeroSMS, which an unknown outcome is called too, and ERROR_SQL.
        statuses={
            "BAD_KEY": 401,
            "NO_BALANCE": 402,
            "WRONG_MAX_PRICE": 400,
            "BAD_SERVICE": 400,
            "WRONG_ACTIVATION_ID": 400,
            "CHANNELS_LIMIT": 403,
            "BAD_ACTION": 404,
            "NO_ACTIVATION": 404,
            "BAD_STATUS": 409,
            "EARLY_CANCEL_DENIED": 409,
            "RENEW_ACTIVATION_NOT_AVAILABLE": 409,
            "TOO_MANY_REQUESTS": 429,
        },
        rent_statuses={"NO_NUMBERS": 404, "NO_ID_RENT": 404, "INVALID_TIME": 400, "CANT_CANCEL": 409},
    ),
    "grizzly": Dialect(
        "GrizzlySMS: open activations as a bare list, each with one code",
        ("grizzly-sms-client",),
        shapes={"getActiveActivations": _grizzly_activations},
    ),
    "smshub": Dialect(
        "SMSHub: its own word for an unknown service",
        ("Simple-SMSHub-API", "sms-hub-api"),
        words={"BAD_SERVICE": "WRONG_SERVICE"},
    ),
}
