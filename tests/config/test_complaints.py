"""What is said of a bad routing.yaml: everything at once, with its line, and never a secret."""

import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from proxy.config import ROOT, Config, parse
from proxy.config.keys import CLIENT, PROVIDER, RULE
from proxy.errors import BadConfig

SMALL = """\
clients:
  - {name: demo, api_key: k1}
providers:
  - {name: first, kind: getsms, base_url: sandbox, user: u}
  - {name: second, kind: getatext, base_url: sandbox}
"""


def complaints(text: str, env: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(BadConfig) as caught:
        parse(text, env or {})
    return caught.value.complaints


def changed(old: str, new: str) -> str:
    assert old in SMALL
    return SMALL.replace(old, new, 1)


def provider(**keys: object) -> str:
    """A file whose only provider, on line 2, has these keys."""
    rest = {"name": "p", "kind": "getatext", "base_url": "sandbox"} | keys
    flow = yaml.safe_dump(
        [{key: value for key, value in rest.items() if value != ""}], default_flow_style=True, width=999
    )
    return f"clients: [{{name: demo, api_key: k}}]\nproviders: {flow}"


def client(**keys: object) -> str:
    """A file whose only client, on line 1, has these keys."""
    flow = yaml.safe_dump([{"name": "demo", "api_key": "k"} | keys], default_flow_style=True, width=999)
    return f"clients: {flow.strip()}\nproviders: [{{name: p, kind: getatext, base_url: sandbox}}]\n"


def rules(*lines: str) -> str:
    """A file with a rule on each line from the seventh on."""
    return SMALL + "rules:\n" + "".join(f"  - {line}\n" for line in lines)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ["routing.yaml:1: the file is empty: it needs clients and providers at least"]),
        ("# nothing\n", ["routing.yaml:1: the file is empty: it needs clients and providers at least"]),
        ("- a\n", ["routing.yaml:1: must be keys with values, not a list"]),
        ("clients:\n  - {name: a\nx: [", ["routing.yaml:3: this is not YAML: while parsing a flow mapping"]),
        ("a: 1\n\tb: 2\n", ["routing.yaml:2: this is not YAML: while scanning for the next token, found character"]),
        ("a: 1\nb: *s3cret\n", ["routing.yaml:2: this is not YAML: found undefined alias"]),
        ("a: &s3cret 1\nb: &s3cret 2\n", ["routing.yaml:2: this is not YAML: found duplicate anchor;"]),
        ("a: 1\n\x07", ["routing.yaml:2: this is not YAML: a character that may not stand in it"]),
        ("a: 1\n---\nb: 2\n", ["routing.yaml:2: this is not YAML: expected a single document in the stream"]),
        ("[" * 5000, ["routing.yaml:1: this is nested too deeply"]),
        (
            "database: x\n",
            [
                "routing.yaml:1: clients is missing: say who may buy, each with a name and an api_key",
                "routing.yaml:1: providers is missing: say where to buy, each with a name, a kind and a base_url",
            ],
        ),
        (
            "clients: []\nproviders: {}\n",
            ["routing.yaml:1: clients: is empty", "routing.yaml:2: providers: must be a list"],
        ),
        (
            "clients: &a [*a]\nproviders: *a\n",
            ["routing.yaml:1: clients: must be keys", "routing.yaml:1: providers: must"],
        ),
    ],
)
def test_a_file_that_is_no_such_file(text: str, said: list[str]) -> None:
    found = complaints(text)
    assert len(found) == len(said)
    assert all(line.startswith(start) for line, start in zip(found, said, strict=True)), found
    assert "s3cret" not in "\n".join(found)


def test_everything_is_said_at_once_in_the_order_of_the_file() -> None:
    text = """\
listen: {prot: 8787}
clients:
  - name: demo
    api_key: "${NO_SUCH}"
    rate: fast
  - api_key: k
    max_prize: 1
providers:
  - {name: a, kind: getsmss, base_url: ftp://x}
  - {name: b, kind: getsms, base_url: "https://x.test"}
rules:
  - {name: r, order: cheap, providers: [a, c], when: {service: whatsap, country: 9999, client: dem}}
"""
    assert [line.split(": ", 1)[0] for line in complaints(text)] == [
        f"routing.yaml:{line}" for line in (1, 4, 5, 6, 7, 9, 9, 10, 10, 12, 12, 12, 12, 12)
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        # Keys and shapes
        (SMALL + "lisen: {}\n", "6: unknown key 'lisen'; the nearest known one is 'listen'"),
        (SMALL + "zzz: 1\n", "6: unknown key 'zzz'; the nearest known one is "),
        (SMALL + "listen: {prt: 1}\n", "6: unknown key 'prt'; the nearest known one is 'port'"),
        (changed("api_key: k1", "api_key: k1, ratee: 1"), "2: unknown key 'ratee'; the nearest known one is 'rate'"),
        (SMALL + "${KEY}: 1\n", "6: unknown key '${KEY}'; the nearest known one is "),
        (SMALL + "database: a\ndatabase: b\n", "7: key 'database' stands twice, first on line 6"),
        (SMALL + "? [a]\n: 1\n", "6: a key must be a word, not a list"),
        (SMALL + "listen: 8787\n", "6: listen: must be keys with values, not one value"),
        (SMALL + "database: [a]\n", "6: database: must be one value, not a list"),
        (SMALL + "database: {a: b}\n", "6: database: must be one value, not keys with values"),
        (SMALL + "database: !file x\n", "6: database: YAML tags"),
        (SMALL + 'database: ""\n', "6: database: must be one line of text"),
        (SMALL + 'database: "a\\nb"\n', "6: database: must be one line of text"),
        # Variables
        (SMALL + "database: ${DB}\n", "6: database: the environment has no ${DB}; set it, or write ${NAME:-default}"),
        (SMALL + "database: ${A}${B}\n", "6: database: the environment has no ${A}, ${B}; set it"),
        (SMALL + "database: ${1}\n", "6: database: '${' begins no variable"),
        (SMALL + "database: ${DB\n", "6: database: '${' begins no variable"),
        (SMALL + "database: ${A:-${B}}\n", "6: database: '${' begins no variable"),
        # Numbers and words
        (SMALL + "listen: {port: 99999}\n", "6: port: must be a whole number from 0 to 65535, not '99999'"),
        (SMALL + "listen: {port: -1}\n", "6: port: must be a whole number"),
        (SMALL + "listen: {port: http}\n", "6: port: must be a whole number"),
        (
            SMALL + 'listen:\n  port: "${PORT:-x}"\n',
            "7: port: must be a whole number from 0 to 65535, not '${PORT:-x}'",
        ),
        (SMALL + "defaults: {deadline: 0}\n", "6: deadline: must be seconds from 0.01 to 600, not '0'"),
        (SMALL + "defaults: {deadline: .inf}\n", "6: deadline: must be seconds"),
        (SMALL + "defaults: {deadline: 1e2}\n", "6: deadline: must be seconds"),
        (
            SMALL + "defaults: {country: USA}\n",
            "6: country: no country has the SMS-Activate id 'USA'; the nearest name is",
        ),
        (
            SMALL + "defaults: {country: 9999}\n",
            "6: country: no country has the SMS-Activate id '9999'; 187 is the USA",
        ),
        (SMALL + "admin: {token: a b}\n", "6: token: may hold only ASCII characters without spaces"),
        # Clients
        (changed("name: demo, ", ""), "2: name is missing: what the books call this client"),
        (changed(", api_key: k1", ""), "2: api_key is missing: the key that the client's tool sends"),
        (changed("k1", '""'), "2: api_key: is empty: `sms-proxy keygen` makes one"),
        (
            changed("k1}", "k1}\n  - {name: demo, api_key: k2}"),
            "3: client 'demo' has the same name as client 'demo' on line 2",
        ),
        (
            changed("k1}", "k1}\n  - {name: b, api_key: k1}"),
            "3: client 'b' has the same api_key as client 'demo' on line 2",
        ),
        (client(budget={"amount": "1"}), "1: per is missing: the time for which the amount is meant"),
        (client(budget={"amount": "0", "per": "day"}), "1: amount: must be an amount of USD"),
        (
            client(budget={"amount": "1", "per": "week"}),
            "1: per: must be day, month or total, not 'week'; the nearest is ",
        ),
        (client(max_price="-1"), "1: max_price: must be an amount of USD such as \"2.00\", more than 0, not '-1'"),
        (client(max_price="0.0000001"), "1: max_price: must be an amount of USD"),
        (client(max_price="1e3"), "1: max_price: must be an amount of USD"),
        (client(max_price="99999999999"), "1: max_price: must be an amount of USD"),
        (client(max_price="$2"), "1: max_price: must be an amount of USD"),
        (client(max_open=0), "1: max_open: must be a whole number from 1"),
        (client(rate=-5), "1: rate: must be a whole number from 1"),
        (client(country=9999), "1: country: no country has the SMS-Activate id '9999'"),
        (client(dialect="hero"), "1: dialect: must be sms-activate, legacy, herosms, grizzly or smshub, not 'hero'"),
        (
            client(webhook="example.com"),
            "1: webhook: must be empty or an address such as https://example.com/sms: it does",
        ),
        (client(webhook="https://"), "1: webhook: must be empty or an address such as https://example.com/sms: it has"),
        (client(webhook="https://u:p@x.test/"), "1: webhook: must be empty or an address such as"),
        (client(webhook="https://x.test:99999/"), "1: webhook: must be empty or an address such as"),
        (client(webhook_private="maybe"), "1: webhook_private: must be true or false, not 'maybe'"),
        # Providers
        (provider(name=""), "2: name is missing: what the books call this account"),
        (provider(name="a/b"), "2: name: must be a name of letters, digits, '_', '-' and '.', not 'a/b'"),
        (provider(kind="getatxt"), "2: kind: no kind is called 'getatxt'; the nearest is 'getatext'"),
        (provider(kind=""), "2: kind is missing"),
        (provider(base_url=""), "2: base_url is missing: where it lives, or 'sandbox'"),
        (
            provider(base_url="getatext.com"),
            "2: base_url: must be 'sandbox' or an address such as https://getsms.online: it",
        ),
        (provider(base_url="https://x.test/?a=b", api_key="k"), "2: base_url: must be an address without '?' and '#'"),
        (provider(base_url="https://x.test"), "2: api_key is missing: only the sandbox does without"),
        (provider(kind="getsms"), "2: user is missing: getsms needs the account's user name"),
        (provider(kind="sms_activate", api_key="k"), "2: base_url: kind sms_activate has no sandbox"),
        (provider(tier="gold"), "2: tier: must be standard or premium, not 'gold'"),
        (provider(tier="premium", kind="getsms", user="u"), "2: tier is for kind getatext only"),
        (provider(currency={"code": "USD"}), "2: currency is for kind sms_activate only"),
        (
            provider(kind="sms_activate", base_url="https://x.test", api_key="k", currency={"code": "RUB"}),
            "2: per_usd is missing: how much of the currency does one dollar buy",
        ),
        (
            provider(kind="sms_activate", base_url="https://x.test", api_key="k", currency={"per_usd": "92"}),
            "2: per_usd: one dollar buys one dollar",
        ),
        (
            provider(kind="sms_activate", base_url="https://x.test", api_key="k", currency={"code": "R", "per_usd": 1}),
            "2: code: must be three letters such as RUB, not 'R'",
        ),
        (
            provider(
                kind="sms_activate", base_url="https://x.test", api_key="k", currency={"code": "RUB", "per_usd": 0}
            ),
            "2: per_usd: must be how much of the currency one dollar buys",
        ),
        (provider(webhook_token="a/b"), "2: webhook_token: may hold only letters, digits"),
        (provider(timeout=0), "2: timeout: must be seconds from 0.01 to 300, not '0'"),
        (provider(poll=99999), "2: poll: must be seconds"),
        (provider(enabled=2), "2: enabled: must be true or false, not '2'"),
        (provider(countries=[187, 9999]), "2: countries: no country has the SMS-Activate id '9999'"),
        (provider(countries=[]), "2: countries: is empty"),
        (changed("name: second", "name: first"), "5: provider 'first' has the same name as provider 'first' on line 4"),
        (
            changed("user: u}", "user: u, webhook_token: w}").replace("sandbox}", "sandbox, webhook_token: w}"),
            "5: provider 'second' has the same webhook_token as provider 'first' on line 4",
        ),
        # Rules
        (SMALL + "rules: []\n", "6: rules: is empty"),
        (rules("{name: r, providers: [frist]}"), "7: providers: no provider is called 'frist'; the nearest is 'first'"),
        (rules("{name: r, providers: [first, first]}"), "7: providers: one of them is named twice"),
        (rules("{name: r, when: {client: dmo}}"), "7: client: no client is called 'dmo'; the nearest is 'demo'"),
        (
            rules("{name: r, when: {service: whatsap}}"),
            "7: service: no service has the code 'whatsap'; the nearest is 'wa'",
        ),
        (rules("{name: r, when: {service: []}}"), "7: service: is empty"),
        (rules("{name: r, when: {country: [187, x]}}"), "7: country: no country has the SMS-Activate id 'x'"),
        (rules("{name: r, when: {sevice: wa}}"), "7: unknown key 'sevice'; the nearest known one is 'service'"),
        (
            rules("{name: r, order: cheap}"),
            "7: order: must be cheapest, stock, delivery or listed, not 'cheap'; the nearest",
        ),
        (rules("{name: r, on_unknown: retry}"), "7: on_unknown: must be fail or next, not 'retry'"),
        (rules("{name: r, min_stock: -1}"), "7: min_stock: must be a whole number from 0"),
        (
            rules("{name: r, bid: {markup: 5, max_price: 1}}"),
            "7: markup: must be a whole number from 10 to 2000, not '5'",
        ),
        (
            rules("{name: r, providers: second, bid: {markup: 25, max_price: 1}}"),
            "7: bid: only getsms takes bids, and this rule asks no provider of that kind",
        ),
        (
            rules("{name: r, when: {client: demo}}", "{name: r}"),
            "8: rule 'r' has the same name as rule 'r' on line 7",
        ),
        (
            rules("{name: all}", "{name: late, when: {service: wa}}"),
            "8: this rule is never reached: the one on line 7 takes all of its requests",
        ),
        (
            rules("{name: a, when: {service: [wa, tg]}}", "{name: b, when: {service: tg, country: 187}}"),
            "8: this rule is never reached: the one on line 7 takes all of its requests",
        ),
        # Additions to the catalogue
        (
            SMALL + "services: {wa: {getsm: x}}\n",
            "6: services: no provider or kind is called 'getsm'; the nearest is 'getsms'",
        ),
        (SMALL + "services: {wa: WhatsApp}\n", "6: services: must be keys with values, not one value"),
        (SMALL + 'services: {wa: {getsms: ""}}\n', "6: services: must be one line of text"),
        (SMALL + "services:\n  wa: {first: x}\n  WA: {first: y}\n", "8: services: the code 'wa' stands twice"),
        (SMALL + "services: {a b: {first: x}}\n", "6: services: a code is made of letters and digits"),
    ],
)
def test_one_mistake_brings_one_complaint(text: str, said: str) -> None:
    found = complaints(text)
    assert len(found) == 1, found
    assert found[0].startswith(f"routing.yaml:{said}"), found[0]


@pytest.mark.parametrize(
    "text",
    [
        rules("{name: a, when: {service: wa}}", "{name: b, when: {country: 187}}", "{name: c}"),
        rules("{name: a, when: {service: wa, country: 187}}", "{name: b, when: {service: wa}}"),
        rules("{name: a, bid: {markup: 25, max_price: 1}}"),
        provider(name="getatext", kind="getsms", user="u"),
    ],
)
def test_what_may_look_strange_and_is_right(text: str) -> None:
    assert isinstance(parse(text, {}), Config)


@pytest.mark.parametrize(
    "text",
    [
        client(api_key="s3cret s3cret"),
        client(api_key=["s3cret"]),
        client(api_key={"s3cret": 1}),
        changed("api_key: k1", "api_key:s3cret"),
        changed("k1}", "s3cret}\n  - {name: b, api_key: s3cret}"),
        changed("k1", "!s3cret x"),
        client(webhook="s3cret", webhook_secret="s3cret\ns3cret"),
        provider(api_key="s3cret\ts3cret", webhook_token="s3cret/"),
        provider(base_url="https://u:s3cret@x.test"),
        provider(base_url="s3cret"),
        SMALL + "admin: {token: s3cret s3cret}\n",
        SMALL + "admin: s3cret\n",
        SMALL + "defaults:\n  deadline: ${SECRET}\n",
        SMALL + "rules:\n  - order: ${SECRET}\n",
        SMALL + "database: ${SECRET}${NOT_SET}\n",
    ],
)
def test_a_complaint_shows_no_secret(text: str) -> None:
    assert "s3cret" not in "\n".join(complaints(text, {"SECRET": "s3cret"}))


def test_the_name_of_the_file_stands_in_front() -> None:
    with pytest.raises(BadConfig, match=r"^/etc/r\.yaml:1: "):
        parse("x", {}, source="/etc/r.yaml")


def test_other_kinds_may_be_known() -> None:
    text = provider(kind="mine")
    assert parse(text, {}, known_kinds=["mine"]).providers[0].kind == "mine"


KEYS = sorted({key.name for section in (ROOT, CLIENT, PROVIDER, RULE) for key in section.keys})
WORDS = ["sandbox", "getsms", "wa", "187", "1.5", "${A}", "${B:-b}", "x y", ""]

trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=25,
)


def said_of(text: str) -> list[str]:
    try:
        parse(text, {"A": "a"})
    except BadConfig as wrong:
        return wrong.complaints
    return []


@given(st.fixed_dictionaries({"clients": st.lists(trees), "providers": st.lists(trees)}, optional={"rules": trees}))
def test_any_tree_brings_complaints_with_lines_and_nothing_else(tree: dict[str, object]) -> None:
    found = said_of(yaml.safe_dump(tree, allow_unicode=True))
    assert all(re.match(r"routing\.yaml:[1-9][0-9]*: .", line) for line in found)


@given(st.text(max_size=60))
def test_any_short_text_brings_complaints(text: str) -> None:
    assert said_of(text)
