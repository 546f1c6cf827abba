"""What holds for every route, whatever the rule, the request and the offers."""

from hypothesis import given
from hypothesis import strategies as st

from proxy.domain.offer import Offer, Want
from proxy.domain.routing import Candidate, Drop, Ordering, Route, Rule, rank

NAMES = ("a", "b", "c", "d", "e")
prices = st.integers(0, 12)
caps = st.none() | prices
some_names = st.lists(st.sampled_from(NAMES), unique=True, max_size=4).map(tuple)


@st.composite
def candidates(draw: st.DrawFn) -> list[Candidate]:
    made = []
    for name in draw(st.permutations(NAMES))[: draw(st.integers(0, 5))]:
        offer = Offer(
            provider=name,
            service="WhatsApp",
            country=187,
            price=draw(prices),
            list_price=draw(prices),
            stock=draw(st.none() | st.integers(0, 6)),
            learnt_at=0.0,
            delivery=draw(st.none() | st.sampled_from([0.0, 0.25, 0.5, 1.0])),
        )
        sold = draw(st.booleans() | st.just(True))
        made.append(
            Candidate(
                provider=name,
                offer=offer if sold else None,
                trouble="" if sold else "does not sell it",
                aside=draw(st.sampled_from(["", "", "it failed"])),
                max_price=draw(caps),
            )
        )
    return made


rules = st.builds(
    Rule,
    name=st.just("r"),
    providers=some_names,
    order=st.sampled_from(Ordering),
    max_price=caps,
    min_stock=st.integers(0, 4),
)
wants = st.builds(
    Want,
    service=st.just("wa"),
    country=st.just(187),
    max_price=caps,
    number=st.sampled_from(["", "", "12025550123"]),
    only=some_names,
    without=some_names,
)
a_route = given(wants, st.none() | rules, candidates(), caps)


@a_route
def test_every_provider_has_exactly_one_leg_and_every_leg_a_reason(want, rule, made, cap):
    route = rank(want, rule, made, cap)
    assert sorted(leg.provider for leg in route.legs) == sorted(candidate.provider for candidate in made)
    assert all(leg.reason for leg in route.legs)
    assert {(leg.provider, leg.offer) for leg in route.legs} == {(one.provider, one.offer) for one in made}


@a_route
def test_nothing_over_any_cap_is_kept(want, rule, made, cap):
    own_caps = {candidate.provider: candidate.max_price for candidate in made}
    for offer in rank(want, rule, made, cap).kept:
        limits = (want.max_price, cap, rule.max_price, own_caps[offer.provider])
        assert all(offer.price <= limit for limit in limits if limit is not None)


@a_route
def test_nothing_below_the_least_stock_is_kept_unless_the_number_is_chosen(want, rule, made, cap):
    for offer in rank(want, rule, made, cap).kept:
        assert offer.stock is None or offer.stock >= rule.min_stock or want.number


@a_route
def test_only_who_is_chosen_is_kept(want, rule, made, cap):
    for offer in rank(want, rule, made, cap).kept:
        assert not rule.providers or offer.provider in rule.providers
        assert not want.only or offer.provider in want.only
        assert offer.provider not in want.without


@a_route
def test_the_kept_ones_come_first_and_in_order(want, rule, made, cap):
    route = rank(want, rule, made, cap)
    dropped = [leg.dropped is not None for leg in route.legs]
    assert dropped == sorted(dropped)
    match rule and rule.order:
        case Ordering.CHEAPEST:
            assert is_sorted([offer.price for offer in route.kept])
        case Ordering.STOCK:
            assert is_sorted([-(offer.stock or 0) for offer in route.kept])
        case Ordering.DELIVERY:
            assert is_sorted([-(0.5 if offer.delivery is None else offer.delivery) for offer in route.kept])
        case Ordering.LISTED:
            listed = rule.providers or [candidate.provider for candidate in made]
            assert is_sorted([listed.index(offer.provider) for offer in route.kept])


@a_route
def test_a_provider_is_set_aside_only_for_a_better_one(want, rule, made, cap):
    route = rank(want, rule, made, cap)
    if any(leg.dropped is Drop.SET_ASIDE for leg in route.legs):
        aside = {candidate.provider for candidate in made if candidate.aside}
        assert route.kept
        assert not {offer.provider for offer in route.kept} & aside


@a_route
def test_the_order_of_the_file_decides_nothing_but_ties_and_lists(want, rule, made, cap):
    def kept(route: Route) -> set[str]:
        return {offer.provider for offer in route.kept}

    assert kept(rank(want, rule, made, cap)) == kept(rank(want, rule, made[::-1], cap))


def is_sorted(values: list[float]) -> bool:
    return values == sorted(values)
