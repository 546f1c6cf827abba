"""What both stand-ins share: repeatable numbers, several under one port."""

import httpx
import pytest

from proxy.sandbox import KINDS, Settings, combined_app, getatext_services, getsms_services, sandbox_for
from tests.fakes import FakeClock


def bought(kind, first_id=1, seed=1, many=20):
    stand = sandbox_for(kind, FakeClock(), settings=Settings(first_id=first_id, seed=seed, sms_after=0))
    service = next(iter(stand.account.services.values()))
    rentals = [stand.account.rent(service, 0, stand.account.fresh_number(), 900) for _ in range(many)]
    return [(rental.id, rental.number, rental.messages[0].text) for rental in rentals]


@pytest.mark.parametrize("kind", KINDS)
def test_every_run_has_the_same_numbers_and_codes(kind):
    assert bought(kind) == bought(kind)
    assert bought(kind) != bought(kind, seed=2)


@pytest.mark.parametrize("kind", KINDS)
def test_a_later_start_repeats_no_id_and_no_number(kind):
    before, after = bought(kind, first_id=1, many=500), bought(kind, first_id=501, many=500)
    assert len({line[0] for line in before + after}) == 1000
    assert len({line[1] for line in before + after}) == 1000


def test_some_codes_begin_with_zero_and_some_pins_are_not_recognised():
    stand = sandbox_for("getsms", FakeClock(), settings=Settings(sms_after=0))
    service = stand.account.services["Google"]
    messages = [stand.account.rent(service, 0, stand.account.fresh_number(), 900).messages[0] for _ in range(16)]
    assert sum(message.code.startswith("0") for message in messages) >= 4
    assert sum(not message.pin for message in messages) == 2
    assert all(message.pin in ("", "G-" + message.code) for message in messages)
    assert all("G-" + message.code in message.text for message in messages)


def test_each_provider_is_the_cheaper_one_for_some_services():
    getsms = {service.name.lower(): service.price for service in getsms_services()}
    getatext = {service.name.lower(): service.price for service in getatext_services()}
    both = getsms.keys() & getatext.keys()
    assert len(both) > 20
    assert any(getsms[name] < getatext[name] for name in both)
    assert any(getatext[name] < getsms[name] for name in both)


def test_what_is_over_is_forgotten_in_the_end(clock):
    stand = sandbox_for("getsms", clock, settings=Settings(remember=3))
    service = stand.account.services["Amazon"]
    rentals = [stand.account.rent(service, 0, stand.account.fresh_number(), 900) for _ in range(5)]
    for rental in rentals:
        stand.account.cancel(rental)
    assert stand.rentals == rentals[2:]


async def test_several_stand_under_one_port(clock):
    app = combined_app([sandbox_for("getsms", clock), sandbox_for("getatext", clock)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sandbox") as http:
        getsms = await http.get("/getsms/api_command.php?cmd=balance&user=demo&api_key=demo")
        getatext = await http.get("/getatext/api/v1/balance", headers={"Auth": "demo"})
        control = await http.get("/getatext/_sandbox/requests")
    assert getsms.json() == {"status": "ok", "message": "500.00"}
    assert getatext.json()["balance"] == "500.00"
    assert [seen["path"] for seen in control.json()["requests"]] == ["/api/v1/balance"]
