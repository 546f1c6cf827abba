"""What no key of routing.yaml can tell alone: what two of them must agree upon, and what stands there twice."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import yaml

from proxy.config.reading import Reading, line_of
from proxy.domain.routing import When

Nodes = Mapping[str, yaml.Node]
Values = Mapping[str, Any]

ONLY_FOR = {"tier": "getatext", "currency": "sms_activate"}
"""Keys that another kind would silently ignore."""


def check_client(reading: Reading, node: yaml.Node, nodes: Nodes, values: Values) -> None:
    owner = _know("client", None, reading, nodes, values)
    if "api_key" in values:
        reading.claim("api_key", values["api_key"], owner, nodes["api_key"])


def check_provider(reading: Reading, node: yaml.Node, nodes: Nodes, values: Values) -> None:
    kind, base_url = values.get("kind"), values.get("base_url")
    owner = _know("provider", kind, reading, nodes, values)
    if kind == "getsms" and values.get("user") == "":
        reading.complain(nodes.get("user", node), "user is missing: getsms needs the account's user name")
    if kind == "sms_activate" and base_url == "sandbox":
        reading.complain(nodes["base_url"], "base_url: kind sms_activate has no sandbox, it needs a service's address")
    elif base_url not in (None, "sandbox") and values.get("api_key") == "":
        reading.complain(nodes.get("api_key", node), "api_key is missing: only the sandbox does without")
    for key, only in ONLY_FOR.items():
        if key in nodes and kind not in (only, None):
            reading.complain(nodes[key], f"{key} is for kind {only} only")
    if values.get("webhook_token"):
        reading.claim("webhook_token", values["webhook_token"], owner, nodes["webhook_token"])


def check_currency(reading: Reading, node: yaml.Node, nodes: Nodes, values: Values) -> None:
    code, per_usd = values.get("code"), values.get("per_usd")
    if code == "USD" and per_usd not in (1, None):
        reading.complain(nodes["per_usd"], "per_usd: one dollar buys one dollar; which currency is meant by `code`?")
    if code not in ("USD", None) and "per_usd" not in nodes:
        reading.complain(node, 'per_usd is missing: how much of the currency does one dollar buy, such as "92.50"?')


def check_rule(reading: Reading, node: yaml.Node, nodes: Nodes, values: Values) -> None:
    if values.get("name"):
        reading.claim("name", ("rule", values["name"]), f"rule {values['name']!r}", nodes["name"])
    providers = values.get("providers", ())
    if len(set(providers)) < len(providers):
        reading.complain(nodes["providers"], "providers: one of them is named twice")
    kinds = reading.known.get("provider", {})
    chosen = {kinds[name] for name in providers or kinds}
    if values.get("bid") and not chosen & {"getsms", None}:
        reading.complain(nodes["bid"], "bid: only getsms takes bids, and this rule asks no provider of that kind")
    if "when" in values:
        _check_reachable(reading, node, values["when"])


def _know(what: str, about: Any, reading: Reading, nodes: Nodes, values: Values) -> str:
    """Let later keys speak of this one by its name, which nobody else may have; returns how to call it."""
    name = values.get("name")
    if name is None:
        return f"a {what}"
    owner = f"{what} {name!r}"
    reading.claim("name", (what, name), owner, nodes["name"])
    reading.known.setdefault(what, {}).setdefault(name, about)
    return owner


def _check_reachable(reading: Reading, node: yaml.Node, when: When) -> None:
    earlier = reading.known.setdefault("rule", {})
    for line, before in earlier.items():
        if _covers(before, when):
            reading.complain(node, f"this rule is never reached: the one on line {line} takes all of its requests")
            return
    earlier[str(line_of(node))] = when


def _covers(wide: When, narrow: When) -> bool:
    """Whether every request that fits `narrow` fits `wide`."""
    pairs = [(set(getattr(wide, f.name)), set(getattr(narrow, f.name))) for f in fields(When)]
    return all(not wanted or (given and given <= wanted) for wanted, given in pairs)
