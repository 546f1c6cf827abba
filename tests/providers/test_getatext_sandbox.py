"""The adapter against the stand-in: whole lives of rents, and an auction, as both sides read the same document."""

import httpx
import pytest

from proxy.clock import Clock
from proxy.domain.money import parse_usd
from proxy.providers.base import (
    ANY_SERVICE,
    Auction,
    Bought,
    Cancelled,
    Listing,
    Order,
    ProviderSettings,
    Reason,
    Refused,
    Renewed,
    Rental,
    RentalState,
)
from proxy.providers.getatext import Getatext
from proxy.providers.wire import Through
from proxy.sandbox import GetatextSandbox, Settings, sandbox_for
from tests.fakes import FakeClock

DAY = 86_400
WEEK = 7 * 24
LIMIT = parse_usd("20")


def at(stand: GetatextSandbox, clock: Clock) -> Getatext:
    settings = ProviderSettings("http://getatext.test", "demo")
    return Getatext("getatext", Through(httpx.ASGITransport(stand.app)), clock, settings)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def stand(clock: FakeClock) -> GetatextSandbox:
    return sandbox_for("getatext", clock)


@pytest.fixture
def provider(stand: GetatextSandbox, clock: FakeClock) -> Getatext:
    return at(stand, clock)


async def rented(provider: Getatext, service: str, hours: int = WEEK, **wishes) -> tuple[Rental, Bought]:
    bought = await provider.buy(Order(service, 187, LIMIT, hours=hours, **wishes), 5)
    assert isinstance(bought, Bought)
    return Rental(bought.upstream_id, service, bought.number), bought


async def state_of(provider: Getatext, rental: Rental) -> RentalState:
    return (await provider.look(rental, 5, closely=True)).state


async def test_everything_that_is_listed_can_be_had_at_its_price(provider):
    listings = await provider.rent_listings(5)
    assert {listing.hours for listing in listings if listing.service == ANY_SERVICE} == {168, 336, 720}
    assert {listing.hours for listing in listings if listing.service == "whatsapp"} == {24, 72, 168, 336, 720}
    for listing in listings[:8] + listings[-3:]:
        _, bought = await rented(provider, listing.service, listing.hours)
        assert bought.price == listing.price


@pytest.mark.parametrize("service", [ANY_SERVICE, "whatsapp"])
async def test_area_codes_cost_what_the_quote_says(provider, service):
    def is_it(listing: Listing) -> bool:
        return (listing.service, listing.hours) == (service, WEEK)

    (listing,) = filter(is_it, await provider.rent_listings(5))
    codes = ("212",)
    quote = provider.quote(listing, Order(service, 187, LIMIT, hours=WEEK, area_codes=codes))
    _, bought = await rented(provider, service, area_codes=codes, lock_area_codes=True)
    assert (bought.price, bought.number[:4]) == (quote, "1212")


@pytest.mark.parametrize("is_flat", [False, True])
@pytest.mark.parametrize("service", [ANY_SERVICE, "whatsapp"])
async def test_a_rent_lives_through_its_term_and_one_more(provider, stand, clock, service, is_flat):
    stand.settings.long_rental_flat = is_flat
    balance = await provider.balance(5)
    rental, bought = await rented(provider, service)
    assert (await provider.look(rental, 5)).messages == ()

    await clock.advance(30)
    messages = (await provider.look(rental, 5)).messages
    assert len(messages) == stand.settings.sms_per_rental
    assert all(sms.code and sms.code in sms.text for sms in messages)
    assert [sms.received_at for sms in messages] == sorted(sms.received_at for sms in messages)
    assert await provider.cancel(rental, 5) is Cancelled.REFUSED

    renewed = await provider.renew(rental, 5)
    assert isinstance(renewed, Renewed)
    assert (renewed.price, renewed.until > bought.until) == (bought.price, True)
    (listed,) = await provider.open_rents(5)
    assert (listed.upstream_id, listed.until, listed.hours) == (rental.upstream_id, renewed.until, WEEK)
    assert (listed.service, listed.number, listed.price) == (service, rental.number, bought.price)

    await provider.finish(rental, 5)
    await clock.advance(10 * DAY)
    assert await state_of(provider, rental) is RentalState.OPEN
    await clock.advance(5 * DAY)
    assert await state_of(provider, rental) is RentalState.OVER
    assert await provider.open_rents(5) == []
    assert await provider.balance(5) == balance - bought.price - renewed.price
    refused = await provider.renew(rental, 5)
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.NUMBER_GONE


@pytest.mark.parametrize("is_flat", [False, True])
@pytest.mark.parametrize("service", [ANY_SERVICE, "whatsapp"])
async def test_a_rent_is_given_back_with_its_money(provider, stand, service, is_flat):
    stand.settings.long_rental_flat = is_flat
    balance = await provider.balance(5)
    rental, _ = await rented(provider, service)
    assert await provider.cancel(rental, 5) is Cancelled.DONE
    assert await provider.balance(5) == balance
    assert await provider.cancel(rental, 5) is Cancelled.REFUSED
    assert await provider.balance(5) == balance


@pytest.mark.parametrize("service", [ANY_SERVICE, "whatsapp"])
async def test_a_rent_cannot_be_given_back_when_its_window_is_over(provider, stand, clock, service):
    stand.settings.sms_after = None
    rental, _ = await rented(provider, service)
    await clock.advance(stand.settings.long_cancel_window)
    assert await provider.cancel(rental, 5) is Cancelled.REFUSED
    assert await state_of(provider, rental) is RentalState.OPEN


async def test_a_cancelled_long_rental_says_so(provider):
    rental, _ = await rented(provider, ANY_SERVICE)
    await provider.cancel(rental, 5)
    assert await state_of(provider, rental) is RentalState.REFUNDED


async def test_a_rent_that_is_let_go_is_not_renewed_even_if_somebody_had_switched_that_on(provider, stand, clock):
    for service in (ANY_SERVICE, "whatsapp"):
        rental, _ = await rented(provider, service)
        stand.rents[-1].auto_renew = True
        await provider.finish(rental, 5)
        assert not stand.rents[-1].auto_renew


async def test_two_services_on_one_number_are_told_apart(provider, stand):
    stand.settings.sms_after = None
    whatsapp, _ = await rented(provider, "whatsapp")
    telegram, _ = await rented(provider, "telegram")
    assert whatsapp.number == telegram.number
    stand.deliver(stand.rents[0], text="Your WhatsApp code is 111222")
    stand.deliver(stand.rents[1], text="Your Telegram code is 33344")
    assert [sms.code for sms in (await provider.look(whatsapp, 5)).messages] == ["111222"]
    assert [sms.code for sms in (await provider.look(telegram, 5)).messages] == ["33344"]


async def test_ids_of_all_three_sorts_collide_and_are_never_confused(clock):
    stand = sandbox_for("getatext", clock, settings=Settings(first_id=1))
    provider = at(stand, clock)
    long, _ = await rented(provider, ANY_SERVICE)
    whatsapp, _ = await rented(provider, "whatsapp")
    once = await provider.buy(Order("google", 187, LIMIT), 5)
    assert isinstance(once, Bought)
    assert {long.upstream_id, whatsapp.upstream_id, once.upstream_id} == {
        "long-rentals/1",
        "service-long-rentals/1",
        "1",
    }
    assert await provider.cancel(whatsapp, 5) is Cancelled.DONE
    assert await state_of(provider, long) is RentalState.OPEN
    assert await state_of(provider, Rental(once.upstream_id, "google", once.number)) is RentalState.OPEN


async def test_an_account_without_service_rentals_is_told_so_by_a_refusal(provider, stand):
    stand.settings.service_rentals_enabled = False
    refused = await provider.buy(Order("whatsapp", 187, LIMIT, hours=WEEK), 5)
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.NO_SUCH_SERVICE


async def test_a_bid_raises_what_the_next_one_must_exceed(provider):
    auction = (await provider.auctions(5))[0]
    assert isinstance(auction, Auction)
    assert auction.amount == 100
    bid = auction.current_bid + parse_usd("0.05")
    assert await provider.bid(auction.id, bid, 5) == bid
    assert (await provider.auctions(5))[0].current_bid == bid
    refused = await provider.bid(auction.id, bid, 5)
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.TOO_DEAR
    assert isinstance(await provider.bid("999", bid, 5), Refused)
