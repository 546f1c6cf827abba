"""Which own name meets which code, and that doubt never buys anything."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.catalog.matching import How, Match, Matcher, normalise
from proxy.catalog.pairs import PAIRS
from proxy.catalog.services import SERVICES


def matcher(*names: str, kind: str = "getsms", titles: dict[str, str] | None = None, **configured: dict[str, str]):
    return Matcher(kind, "mine", configured, [(name, (titles or {}).get(name, "")) for name in names])


@pytest.mark.parametrize("kind", PAIRS)
def test_every_pair_is_a_known_code_under_a_name_like_its_own(kind: str) -> None:
    for code, names in PAIRS[kind].items():
        ours, theirs = normalise(SERVICES[code]), normalise(names[0])
        assert theirs in ours or ours in theirs, code


@pytest.mark.parametrize("kind", PAIRS)
def test_no_name_stands_for_two_codes_among_the_pairs(kind: str) -> None:
    spelled = Counter(normalise(name) for names in PAIRS[kind].values() for name in names)
    assert spelled.most_common(1)[0][1] == 1


@pytest.mark.parametrize(
    ("kind", "listed", "code", "own", "how"),
    [
        ("getsms", "WhatsApp", "wa", "WhatsApp", How.BUILT_IN),
        ("getatext", "whatsapp", "wa", "whatsapp", How.BUILT_IN),
        ("getatext", "cash_app", "it", "cash_app", How.BUILT_IN),
        ("getsms", "Google", "go", "Google", How.BUILT_IN),
        ("getsms", "Gmail", "go", "Gmail", How.BUILT_IN),
        ("getsms", "Zomato", "dy", "Zomato", How.BY_NAME),
        ("getsms", "burger king", "ip", "burger king", How.BY_NAME),
        ("getsms", "Douyin", "lf", "Douyin", How.BY_NAME),
        ("getsms", "Yandex", "ya", "Yandex", How.BY_NAME),
        ("sms_activate", "wa", "wa", "wa", How.BUILT_IN),
        ("sms_activate", "zzz1", "zzz1", "zzz1", How.BUILT_IN),
    ],
)
def test_an_own_name_meets_its_code(kind: str, listed: str, code: str, own: str, how: How) -> None:
    names = matcher(listed, kind=kind)
    assert names.matches() == [Match(code, own, how)]
    assert (names.own_name(code), names.code_of(own)) == (own, code)


def test_a_title_is_as_good_as_the_name() -> None:
    assert matcher("bk-17", titles={"bk-17": "Burger King"}).own_name("ip") == "bk-17"


@pytest.mark.parametrize(
    ("names", "codes"),
    [
        (("Feeld",), {"se", "ws"}),
        (("Zomato", "ZOMATO"), {"dy"}),
        (("Alipay", "1688"), {"hw"}),
    ],
)
def test_what_is_claimed_twice_is_shown_and_not_used(names: tuple[str, ...], codes: set[str]) -> None:
    found = matcher(*names)
    assert {match.code for match in found.matches()} == codes
    assert all(match.how is How.DOUBTFUL for match in found.matches())
    assert not any(found.own_name(code) or found.find(code) for code in codes)
    assert not any(found.code_of(name) for name in names)


def test_a_name_that_says_two_things_is_doubtful() -> None:
    found = matcher("Zomato", titles={"Zomato": "Swiggy"})
    assert {(match.code, match.how) for match in found.matches()} == {("dy", How.DOUBTFUL), ("jx", How.DOUBTFUL)}


def test_a_whole_name_takes_precedence_over_one_of_several() -> None:
    found = matcher("Uber", "Alibaba")
    assert (found.own_name("ub"), found.own_name("ab")) == ("Uber", "Alibaba")
    assert found.own_name("ya") is found.own_name("hw") is None


def test_the_operator_decides_by_provider_then_by_kind_then_the_pairs() -> None:
    ours = {"wa": {"mine": "Second", "getsms": "First"}, "tg": {"getsms": "first"}, "am": {"other": "Second"}}
    found = matcher("First", "Second", "WhatsApp", "Amazon", **ours)
    assert [found.own_name(code) for code in ("wa", "tg", "am")] == ["Second", "First", "Amazon"]
    assert found.code_of("WhatsApp") is None


def test_the_operator_settles_a_doubt() -> None:
    found = matcher("Feeld", se={"getsms": "Feeld"})
    assert found.matches() == [Match("se", "Feeld", How.CONFIGURED)]


def test_a_configured_name_that_is_not_sold_is_kept_and_marked() -> None:
    found = matcher("Amazon", wa={"mine": "Whats App!"})
    assert found.matches()[1] == Match("wa", "Whats App!", How.CONFIGURED, listed=False)
    assert found.code_of("Whats App!") == "wa"


def test_the_operator_may_sell_one_name_under_several_codes() -> None:
    found = matcher("Uber", ya={"getsms": "Uber"})
    assert found.own_name("ya") == found.own_name("ub") == "Uber"
    assert found.codes_of("uber") == ("ya", "ub")


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("wa", "WhatsApp"),
        ("WA", "WhatsApp"),
        ("whatsapp", "WhatsApp"),
        (" WHATSAPP ", "WhatsApp"),
        ("new1", "Hushed"),
        ("hushed", "Hushed"),
        ("aol", None),  # the code of Paysera, which is not sold here
        ("pm", "AOL"),
        ("telegram", None),
        ("case", None),
        ("CASE", "CASE"),
        ("", None),
    ],
)
def test_a_client_may_say_the_code_or_the_own_name(text: str, own: str | None) -> None:
    found = matcher("WhatsApp", "Hushed", "AOL", "CASE", "Case", new1={"getsms": "hushed"})
    assert found.find(text) == own


def test_codes_are_no_names_where_the_codes_are_spoken() -> None:
    found = matcher("bat", "wa", kind="sms_activate")
    assert (found.own_name("bat"), found.own_name("bxg")) == ("bat", None)


names = st.one_of(
    st.sampled_from(sorted(SERVICES.values())),
    st.sampled_from(sorted({name for pairs in PAIRS.values() for several in pairs.values() for name in several})),
    st.text(max_size=6),
)
listings = st.lists(st.tuples(names.map(str.strip) | names.map(str.upper), names | st.just("")), max_size=30)
kinds = st.sampled_from(["getsms", "getatext", "sms_activate", "other"])
additions = st.dictionaries(
    st.sampled_from(["wa", "se", "New1"]), st.dictionaries(kinds, names.filter(bool)), max_size=3
)


@given(kinds, listings)
def test_what_is_used_leads_back_to_its_code(kind: str, listed: list[tuple[str, str]]) -> None:
    found = Matcher(kind, "mine", {}, listed)
    used = [match for match in found.matches() if match.how is not How.DOUBTFUL]
    for match in used:
        assert found.own_name(match.code) == match.own_name
        assert match.own_name in dict(listed)
    assert kind == "sms_activate" or all(found.code_of(match.own_name) == match.code for match in used)


@given(kinds, additions, listings)
def test_doubt_is_never_used(kind: str, configured: dict, listed: list[tuple[str, str]]) -> None:
    found = Matcher(kind, "mine", configured, listed)
    for match in found.matches():
        if match.how is How.DOUBTFUL:
            assert match.code not in found.codes_of(match.own_name)
            assert found.own_name(match.code) != match.own_name
        else:
            assert match.code in found.codes_of(match.own_name)
