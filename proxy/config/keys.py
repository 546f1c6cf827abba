"""Everything that may stand in routing.yaml, declared once: the key, how it is read, its default, what it means.

The reader, the check for unknown keys and the documentation all read these tables.
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import yaml

from proxy.config import readers as read
from proxy.config.checks import check_client, check_currency, check_provider, check_rule
from proxy.config.reading import REQUIRED, Key, OneOrSeveral, Reading, Section, Several, Wrong
from proxy.config.values import Config, KeyedClient, Listen, ProviderConfig
from proxy.domain.client import Budget, Client, Period
from proxy.domain.routing import Bid, OnUnknown, Ordering, Rule, When

KINDS = ("getsms", "getatext", "sms_activate")
DIALECTS = ("sms-activate", "legacy", "herosms", "grizzly", "smshub")
TIERS = ("standard", "premium")


def _client(api_key: str, **rest: Any) -> KeyedClient:
    return KeyedClient(api_key, Client(**rest))


def _provider(currency: Mapping[str, Any], **rest: Any) -> ProviderConfig:
    return ProviderConfig(currency_code=currency["code"], per_usd=currency["per_usd"], **rest)


def _config(admin: Mapping[str, Any], defaults: Mapping[str, Any], rules: tuple[Rule, ...], **rest: Any) -> Config:
    named = tuple(replace(rule, name=rule.name or f"rule {place}") for place, rule in enumerate(rules, start=1))
    return Config(admin_token=admin["token"], rules=named, **defaults, **rest)


LISTEN = Section(
    Listen,
    (
        Key("host", read.words, "127.0.0.1", "the address that the gateway listens on"),
        Key("port", read.whole(0, 65535), 8787, "its port; 0 takes any free one"),
    ),
)

ADMIN = Section(
    dict,
    (Key("token", read.secret, "", "opens /admin and, from afar, /metrics; empty: made at start and printed once"),),
)

DEFAULTS = Section(
    dict,
    (
        Key("country", read.country, 187, "SMS-Activate's id of the country when a client names none"),
        Key("deadline", read.seconds("0.01", "600"), 25.0, "seconds for a whole getNumber"),
    ),
)

BUDGET = Section(
    Budget,
    (
        Key("amount", read.money, REQUIRED, "how much may be spent, in USD"),
        Key("per", read.choice_of(Period), REQUIRED, "the time for which the amount is meant: day, month or total"),
    ),
)

CLIENT = Section(
    _client,
    (
        Key("name", read.words, REQUIRED, "what the books call this client"),
        Key("api_key", read.key, REQUIRED, "the key that the client's tool sends"),
        Key("budget", BUDGET, None, "the most that it may spend; left out: no limit"),
        Key("max_price", read.money, None, "the most that one number may cost it, in USD"),
        Key("max_open", read.whole(1, 10_000_000), None, "how many activations it may have open"),
        Key("rate", read.whole(1, 1_000_000), None, "how many requests a second it may send"),
        Key("country", read.country, None, "replaces whatever country this client sends"),
        Key("dialect", read.choice(*DIALECTS), "sms-activate", "whose peculiarities its tool expects"),
        Key("webhook", read.webhook, "", "where its SMS are pushed, in SMS-Activate's own webhook form"),
        Key("webhook_secret", read.maybe_words, "", "signs them: X-Signature: sha256=HMAC of the body"),
        Key("webhook_private", read.flag, False, "whether that may be a private address"),
    ),
    check_client,
)

CURRENCY = Section(
    dict,
    (
        Key("code", read.currency_code, "USD", "the currency of the account"),
        Key("per_usd", read.rate, Decimal(1), "how much of it one dollar buys"),
    ),
    check_currency,
)

PROVIDER = Section(
    _provider,
    (
        Key("name", read.name, REQUIRED, "what the books call this account"),
        Key("kind", read.known("kind"), REQUIRED, "which adapter speaks with it: getsms, getatext or sms_activate"),
        Key("base_url", read.base_url, REQUIRED, "where it lives, or 'sandbox' for the embedded stand-in"),
        Key("user", read.maybe_words, "", "the account's user name; getsms needs it"),
        Key("api_key", read.secret, "", "the account's key; only the sandbox does without"),
        Key("tier", read.choice(*TIERS), "standard", "getatext: which of its two doors the account may use"),
        Key("webhook_token", read.path_secret, "", "opens /webhooks/NAME/TOKEN to it; empty: no such door"),
        Key("currency", CURRENCY, CURRENCY.left_out(), "sms_activate: in what the account counts"),
        Key("timeout", read.seconds("0.01", "300"), 10.0, "seconds for one call"),
        Key("poll", read.seconds("0.01", "3600"), 3.0, "seconds between looks for SMS"),
        Key("enabled", read.flag, True, "false: nothing is bought there, open activations go on"),
        Key("max_price", read.money, None, "the most that one number may cost there, in USD"),
        Key("countries", OneOrSeveral(read.country), (), "the countries it is asked for; left out: all that it sells"),
    ),
    check_provider,
)


def services(reading: Reading, node: yaml.Node) -> Mapping[str, Mapping[str, str]]:
    """Code -> (a provider's name, or a kind) -> own name. The codes are free: here new ones are made."""
    found: dict[str, Mapping[str, str]] = {}
    before = len(reading.complaints)
    reading.known["code"] = found
    for code, (key_node, value) in reading.entries(node).items():
        lower = code.lower()
        if not lower.isascii() or not lower.replace("_", "").replace("-", "").isalnum():
            reading.complain(key_node, "services: a code is made of letters and digits")
        elif lower in found:
            reading.complain(key_node, f"services: the code {lower!r} stands twice")
        else:
            found[lower] = {}
            names = reading.attempt(_own_names, value, "services")
            found[lower] = MappingProxyType(names) if isinstance(names, dict) else {}
    if len(reading.complaints) > before:
        raise Wrong
    return MappingProxyType(found)


def _own_names(reading: Reading, node: yaml.Node) -> dict[str, str]:
    owners = "provider or kind"
    reading.known[owners] = reading.known["kind"] | reading.known.get("provider", {})
    found: dict[str, Any] = {}
    for owner, (key_node, value) in reading.entries(node).items():
        reading.attempt(lambda _, key: read.look_up(reading, owners, key.value, key), key_node)
        found[owner] = reading.attempt(read.words, value)
    return found


WHEN = Section(
    When,
    (
        Key("service", OneOrSeveral(read.service), (), "SMS-Activate codes"),
        Key("country", OneOrSeveral(read.country), (), "SMS-Activate ids"),
        Key("client", OneOrSeveral(read.known("client")), (), "names of clients"),
        Key("operator", OneOrSeveral(read.operator), (), "carriers, as clients send them"),
    ),
)

BID = Section(
    Bid,
    (
        Key("markup", read.whole(10, 2000), REQUIRED, "per cent over the list price, 10 to 2000"),
        Key("max_price", read.money, REQUIRED, "the most that the bid may come to, in USD"),
    ),
)

RULE = Section(
    Rule,
    (
        Key("name", read.maybe_words, "", "what `explain` calls this rule; left out: its place in the list"),
        Key("when", WHEN, WHEN.left_out(), "which requests it is for, one or several of each; left out: all"),
        Key(
            "providers",
            OneOrSeveral(read.known("provider")),
            (),
            "who is asked; left out: all, in the order of the file",
        ),
        Key("order", read.choice_of(Ordering), Ordering.CHEAPEST, "who is asked first"),
        Key("max_price", read.money, None, "the most that one number may cost, in USD"),
        Key("min_stock", read.whole(0, 1_000_000), 1, "offers with less stock are passed over"),
        Key("on_unknown", read.choice_of(OnUnknown), OnUnknown.FAIL, "when a purchase's outcome is not known"),
        Key("bid", BID, None, "a standing bid at getsms when nobody has stock"),
    ),
    check_rule,
)

# The order is that of reading: rules speak of all that stands before them.
ROOT = Section(
    _config,
    (
        Key("listen", LISTEN, LISTEN.left_out(), "where the gateway listens"),
        Key("database", read.words, "proxy.db", "an SQLite file; it is made when it is missing"),
        Key("admin", ADMIN, ADMIN.left_out(), "the operator's own door"),
        Key("defaults", DEFAULTS, DEFAULTS.left_out(), "what holds where nothing else is said"),
        Key("clients", Several(CLIENT), REQUIRED, "say who may buy, each with a name and an api_key"),
        Key("providers", Several(PROVIDER), REQUIRED, "say where to buy, each with a name, a kind and a base_url"),
        Key("services", services, MappingProxyType({}), "additions to the built-in catalogue of names"),
        Key("rules", Several(RULE), (Rule("everything"),), "the first whose `when` fits decides"),
    ),
)
