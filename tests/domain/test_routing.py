"""Routes: every offer is kept or dropped for the first reason that counts; the kept ones stand in the rule's order."""

from dataclasses import replace

import pytest

from proxy.domain.money import parse_usd
from proxy.domain.offer import Offer, Want
from proxy.domain.routing import Candidate, Drop, OnUnknown, Ordering, Route, Rule, When, choose_rule, rank

WANT = Want("wa", 187)
RULE = Rule("everything")


def offer(provider: str, price: str = "0.50", **more: object) -> Offer:
    usd = parse_usd(price)
    made = Offer(provider, "WhatsApp", 187, price=usd, list_price=usd, stock=10, learnt_at=0.0)
    return replace(made, **more)


def candidate(provider: str, price: str = "0.50", *, aside: str = "", cap: str = "", **more: object) -> Candidate:
    return Candidate(provider, offer(provider, price, **more), aside=aside, max_price=parse_usd(cap) if cap else None)


def order_of(route: Route) -> list[str]:
    return [kept.provider for kept in route.kept]


# Which rule


@pytest.mark.parametrize(
    ("when", "fits"),
    [
        (When(), True),
        (When(service=("wa", "tg")), True),
        (When(service=("tg",)), False),
        (When(country=(187,)), True),
        (When(country=(0, 6)), False),
        (When(client=("demo",)), True),
        (When(client=("other",)), False),
        (When(operator=("tmobile",)), False),
        (When(service=("wa",), country=(187,), client=("demo",)), True),
        (When(service=("wa",), country=(187,), client=("other",)), False),
    ],
)
def test_a_rule_fits_when_all_that_it_names_fits(when: When, fits: bool):
    assert Rule("r", when).fits(WANT, "demo") is fits


def test_a_rule_for_a_carrier_fits_who_asks_for_it():
    assert Rule("r", When(operator=("tmobile",))).fits(replace(WANT, operator="tmobile"), "demo")


def test_the_first_rule_that_fits_decides():
    rules = [Rule("telegram", When(service=("tg",))), Rule("first"), Rule("second")]
    assert choose_rule(rules, WANT, "demo") == rules[1]


def test_without_a_rule_nobody_is_chosen():
    assert choose_rule([Rule("telegram", When(service=("tg",)))], WANT, "demo") is None
    route = rank(WANT, None, [candidate("a"), candidate("b")])
    assert not route.kept
    assert [leg.dropped for leg in route.legs] == [Drop.NOT_CHOSEN, Drop.NOT_CHOSEN]
    assert route.why_empty == "a: no rule fits; b: no rule fits"


def test_without_providers_there_is_still_a_reason():
    assert rank(WANT, RULE, []).why_empty == "no rule chooses a provider"


# Why not


DROPS = [
    (Drop.NOT_CHOSEN, "rule r does not choose it", {"rule": Rule("r", providers=("other",))}),
    (Drop.NOT_CHOSEN, "the request leaves it out", {"want": replace(WANT, only=("other",))}),
    (Drop.NOT_CHOSEN, "the request leaves it out", {"want": replace(WANT, without=("a",))}),
    (Drop.CANNOT_SERVE, "does not sell wa", {"candidate": Candidate("a", trouble="does not sell wa")}),
    (Drop.NO_STOCK, "out of stock", {"candidate": candidate("a", stock=0)}),
    (
        Drop.NO_STOCK,
        "stock 4, wanted at least 5",
        {"rule": Rule("r", min_stock=5), "candidate": candidate("a", stock=4)},
    ),
    (Drop.OVER_CAP, "0.50 is over the rule's cap of 0.49", {"rule": Rule("r", max_price=490_000)}),
    (Drop.OVER_CAP, "0.50 is over the client's cap of 0.49", {"client_cap": 490_000}),
    (Drop.OVER_CAP, "0.50 is over the provider's cap of 0.49", {"candidate": candidate("a", cap="0.49")}),
    (Drop.OVER_REQUEST, "0.50 is over the request's cap of 0.49", {"want": replace(WANT, max_price=490_000)}),
]


@pytest.mark.parametrize(("drop", "reason", "case"), DROPS, ids=[reason for _, reason, _ in DROPS])
def test_an_offer_is_dropped_with_a_reason(drop: Drop, reason: str, case: dict):
    alone = case.get("candidate", candidate("a"))
    route = rank(case.get("want", WANT), case.get("rule", RULE), [alone], case.get("client_cap"))
    (leg,) = route.legs
    assert (leg.provider, leg.offer, leg.dropped, leg.reason) == ("a", alone.offer, drop, reason)
    assert not route.kept
    assert route.why_empty == f"a: {reason}"


@pytest.mark.parametrize(
    ("want", "rule", "made"),
    [
        (WANT, RULE, candidate("a")),
        (replace(WANT, max_price=500_000), RULE, candidate("a")),
        (WANT, Rule("r", max_price=500_000), candidate("a", cap="0.50")),
        (WANT, Rule("r", min_stock=5), candidate("a", stock=5)),
        (WANT, Rule("r", min_stock=5), candidate("a", stock=None)),
        (WANT, Rule("r", min_stock=0), candidate("a", stock=0)),
        (replace(WANT, number="12025550123"), RULE, candidate("a", stock=0)),
        (replace(WANT, only=("a", "b")), Rule("r", providers=("b", "a")), candidate("a")),
        (replace(WANT, without=("b",)), RULE, candidate("a")),
    ],
)
def test_an_offer_that_is_just_good_enough_is_kept(want: Want, rule: Rule, made: Candidate):
    assert rank(want, rule, [made]).kept == [made.offer]


def test_the_first_reason_that_counts_is_told():
    hopeless = candidate("a", "9.00", stock=0, cap="1.00", aside="it failed")
    reasons = []
    for want, rule in [
        (replace(WANT, max_price=1), Rule("r", providers=("b",))),
        (replace(WANT, max_price=1, without=("a",)), RULE),
        (replace(WANT, max_price=1), RULE),
        (replace(WANT, max_price=1, number="12025550123"), RULE),
    ]:
        reasons += [leg.dropped for leg in rank(want, rule, [hopeless]).legs]
    assert reasons == [Drop.NOT_CHOSEN, Drop.NOT_CHOSEN, Drop.NO_STOCK, Drop.OVER_CAP]


def test_a_doubtful_provider_is_set_aside_while_there_is_another():
    route = rank(WANT, RULE, [candidate("a", "0.10", aside="it failed"), candidate("b", "0.90")])
    assert order_of(route) == ["b"]
    assert route.legs[1].dropped is Drop.SET_ASIDE
    assert route.legs[1].reason == "it failed"


@pytest.mark.parametrize(
    "others",
    [
        [],
        [candidate("b", "9.00", cap="1.00")],
        [candidate("b", stock=0)],
        [Candidate("b", trouble="does not sell wa")],
    ],
)
def test_the_last_one_is_never_set_aside(others: list[Candidate]):
    route = rank(WANT, RULE, [candidate("a", aside="it failed"), *others])
    assert order_of(route) == ["a"]
    assert route.legs[0].reason.endswith("; it failed, but the last one left")


def test_when_all_are_doubtful_all_are_tried():
    doubtful = [candidate("a", "0.60", aside="it failed"), candidate("b", "0.50", aside="it failed too")]
    assert order_of(rank(WANT, RULE, doubtful)) == ["b", "a"]


def test_being_the_last_one_helps_over_no_other_hurdle():
    route = rank(WANT, RULE, [candidate("a", "9.00", cap="1.00", aside="it failed"), candidate("b", stock=0)])
    assert not route.kept


# In which order


CHOICE = [
    candidate("a", "0.70", stock=5, delivery=0.9),
    candidate("b", "0.50", stock=50, delivery=0.2),
    candidate("c", "0.50", stock=None, delivery=None),
    candidate("d", "0.60", stock=50, delivery=0.5),
]


@pytest.mark.parametrize(
    ("rule", "order"),
    [
        (Rule("r", order=Ordering.CHEAPEST), "bcda"),
        (Rule("r", order=Ordering.STOCK), "bdac"),
        (Rule("r", order=Ordering.DELIVERY), "acdb"),
        (Rule("r", order=Ordering.LISTED), "abcd"),
        (Rule("r", order=Ordering.LISTED, providers=("d", "b", "a")), "dba"),
        (Rule("r", order=Ordering.CHEAPEST, providers=("d", "c", "b")), "cbd"),
        (Rule("r", order=Ordering.STOCK, providers=("d", "b")), "bd"),
    ],
)
def test_the_rule_orders_the_offers(rule: Rule, order: str):
    assert "".join(order_of(rank(WANT, rule, CHOICE))) == order


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (candidate("a"), "1. by cheapest: 0.50, stock 10"),
        (candidate("a", stock=None), "1. by cheapest: 0.50, stock unknown"),
        (candidate("a", delivery=0.875), "1. by cheapest: 0.50, stock 10, delivers 88%"),
        (candidate("a", "0.60", list_price=500_000), "1. by cheapest: 0.60 (list 0.50), stock 10"),
    ],
)
def test_a_kept_offer_says_why_it_stands_where_it_stands(made: Candidate, reason: str):
    assert rank(WANT, RULE, [made]).legs[0].reason == reason


# What a client is told


def test_the_least_price_counts_only_what_the_request_itself_excludes():
    offers = [
        candidate("a", "0.70"),
        candidate("b", "0.60"),
        candidate("c", "0.40", stock=0),
        candidate("d", "0.50", cap="0.45"),
    ]
    assert rank(replace(WANT, max_price=300_000), RULE, offers).least_price == 600_000
    assert rank(WANT, RULE, offers).least_price is None


def test_an_unknown_outcome_stops_a_route_unless_the_rule_says_otherwise():
    assert RULE.on_unknown is OnUnknown.FAIL
