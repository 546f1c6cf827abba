"""What a good routing.yaml means."""

from dataclasses import MISSING, fields
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from proxy.config import ROOT, ProviderConfig, parse
from proxy.config.keys import CLIENT, PROVIDER, RULE
from proxy.config.reading import REQUIRED, Section
from proxy.domain.client import Budget, Client, Period
from proxy.domain.routing import Bid, OnUnknown, Ordering, Rule, When

SHIPPED = Path(__file__).parents[2] / "routing.yaml"

SMALL = """\
clients:
  - {name: demo, api_key: k1}
providers:
  - {name: first, kind: getsms, base_url: sandbox, user: u}
  - {name: second, kind: getatext, base_url: sandbox}
"""

WHOLE = """\
listen: {host: 0.0.0.0, port: 0}
database: /var/books.db
admin: {token: "t-1"}
defaults: {country: 12, deadline: 2.5}
clients:
  - name: demo
    api_key: "0123"
    budget: {amount: "25.00", per: month}
    max_price: 2.10
    max_open: 100
    rate: 50
    country: 0
    dialect: herosms
    webhook: https://example.com/sms
    webhook_secret: a secret
    webhook_private: yes
providers:
  - {name: first, kind: getsms, base_url: "https://getsms.online/", user: u, api_key: k, webhook_token: w-1}
  - {name: second, kind: getatext, base_url: sandbox, tier: premium, timeout: 1, poll: .5, enabled: no, max_price: 1}
  - name: third
    kind: sms_activate
    base_url: http://127.0.0.1:9/stubs/handler_api.php
    api_key: k
    currency: {code: rub, per_usd: "92.50"}
    countries: [187, 12]
rules:
  - name: some
    when: {service: [WA, new1, no], country: 187, client: demo, operator: T-Mobile}
    providers: [second, first]
    order: stock
    max_price: "1.50"
    min_stock: 0
    on_unknown: next
    bid: {markup: 25, max_price: "1.50"}
  - when: {}
services:
  NEW1: {getsms: Hushed, third: hu}
"""


def test_the_shipped_file_is_usable_without_any_environment() -> None:
    config = parse(SHIPPED.read_text("utf-8"), {})
    assert [(p.name, p.base_url) for p in config.providers] == [("getsms", "sandbox"), ("getatext", "sandbox")]
    assert config.clients[0].api_key == "demo"
    assert config.clients[0].client.budget == Budget(25_000_000, Period.DAY)
    assert config.rules == (Rule("everything"),)
    assert config.admin_token == ""


def test_what_is_left_out_has_a_default() -> None:
    config = parse(SMALL, {})
    assert (config.listen.host, config.listen.port, config.database) == ("127.0.0.1", 8787, "proxy.db")
    assert (config.country, config.deadline, config.admin_token) == (187, 25.0, "")
    assert config.clients[0].client == Client("demo")
    assert config.providers[1] == ProviderConfig("second", "getatext", "sandbox")
    assert config.rules == (Rule("everything"),)
    assert config.services == {}


def test_everything_that_can_be_said_arrives() -> None:
    config = parse(WHOLE, {})
    assert (config.listen.host, config.listen.port, config.database) == ("0.0.0.0", 0, "/var/books.db")
    assert (config.admin_token, config.country, config.deadline) == ("t-1", 12, 2.5)
    assert config.clients[0].api_key == "0123"
    assert config.clients[0].client == Client(
        "demo",
        budget=Budget(25_000_000, Period.MONTH),
        max_price=2_100_000,
        max_open=100,
        rate=50,
        country=0,
        dialect="herosms",
        webhook="https://example.com/sms",
        webhook_secret="a secret",
        webhook_private=True,
    )
    assert config.providers == (
        ProviderConfig("first", "getsms", "https://getsms.online", "u", "k", webhook_token="w-1"),
        ProviderConfig(
            "second", "getatext", "sandbox", tier="premium", timeout=1, poll=0.5, enabled=False, max_price=1_000_000
        ),
        ProviderConfig(
            "third",
            "sms_activate",
            "http://127.0.0.1:9/stubs/handler_api.php",
            api_key="k",
            currency_code="RUB",
            per_usd=Decimal("92.50"),
            countries=(187, 12),
        ),
    )
    assert config.rules == (
        Rule(
            "some",
            When(("wa", "new1", "no"), (187,), ("demo",), ("t-mobile",)),
            ("second", "first"),
            Ordering.STOCK,
            1_500_000,
            0,
            OnUnknown.NEXT,
            Bid(25, 1_500_000),
        ),
        Rule("rule 2"),
    )
    assert config.services == {"new1": {"getsms": "Hushed", "third": "hu"}}


def test_reading_twice_gives_equal_values() -> None:
    assert parse(WHOLE, {}) == parse(WHOLE, {})


def test_null_is_as_good_as_left_out() -> None:
    nulls = SMALL + "rules:\nlisten:\nadmin: {token: }\ndefaults: {country: ~, deadline: null}\nservices: ${X:-}\n"
    assert parse(nulls, {}) == parse(SMALL, {})


@pytest.mark.parametrize(
    ("written", "env", "read"),
    [
        ("${HOST}", {"HOST": "h"}, "h"),
        ('"${HOST}"', {"HOST": "h"}, "h"),
        ("'${HOST:-d}'", {}, "d"),
        ("${HOST:-d}", {"HOST": ""}, "d"),
        ("${HOST:-d}", {"HOST": "h"}, "h"),
        ("a.${HOST}.${TLD:-org}", {"HOST": "h"}, "a.h.org"),
        ("${HOST}", {"HOST": "${TLD}"}, "${TLD}"),
        ("${HOST} # ${NOT_SET}", {"HOST": "h\n"}, "h"),
        ("$HOST", {"HOST": "h"}, "$HOST"),
        ('"${HOST:-a$b{c}"', {}, "a$b{c"),
    ],
)
def test_variables_are_filled_in(written: str, env: dict[str, str], read: str) -> None:
    assert parse(SMALL + f"listen:\n  host: {written}\n", env).listen.host == read


@pytest.mark.parametrize(
    ("port", "env", "read"), [("${P}", {"P": "99"}, 99), ('"${P}"', {"P": "99"}, 99), ("${P:-}", {}, 8787)]
)
def test_a_variable_is_of_the_type_that_it_brings(port: str, env: dict[str, str], read: int) -> None:
    assert parse(SMALL + f"listen:\n  port: {port}\n", env).listen.port == read


def test_no_repr_shows_a_secret() -> None:
    text = WHOLE.replace('"t-1"', "s3cret-a").replace('"0123"', "s3cret-b").replace("api_key: k", "api_key: s3cret-c")
    text = text.replace("w-1", "s3cret-d").replace("a secret", "s3cret-e")
    config = parse(text, {})
    assert (config.admin_token, config.clients[0].api_key, config.providers[0].api_key) == (
        "s3cret-a",
        "s3cret-b",
        "s3cret-c",
    )
    assert "s3cret" not in repr(config) + str(config.clients[0])


@pytest.mark.parametrize(("section", "made"), [(CLIENT, Client), (PROVIDER, ProviderConfig), (RULE, Rule)])
def test_the_tables_and_the_values_have_the_same_defaults(section: Section, made: Any) -> None:
    declared = {key.name: key.default for key in section.keys if key.default is not REQUIRED}
    for field in fields(made):
        default = field.default_factory() if field.default_factory is not MISSING else field.default
        if default is not MISSING and field.name in declared:
            assert declared[field.name] == default, field.name


@pytest.mark.parametrize("section", [ROOT, CLIENT, PROVIDER, RULE], ids=["file", "client", "provider", "rule"])
def test_every_key_is_declared_once_and_explained(section: Section) -> None:
    names = [key.name for key in section.keys]
    assert len(set(names)) == len(names)
    assert all(key.help for key in section.keys)
