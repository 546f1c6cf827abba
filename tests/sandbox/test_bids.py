"""getsms.online's priority requests: bids for one service, and several services on one number."""

import pytest

from proxy.domain.money import parse_usd

HALF_AN_HOUR = 30 * 60


@pytest.fixture
def ask(ask_getsms):
    return ask_getsms


@pytest.fixture
def state_of(ask):
    async def state_of(line):
        """What the request's status line says now, price left out."""
        status, [now] = await ask("request_status", id=line["id"])
        assert status == "ok"
        assert "price" not in now
        return now

    return state_of


@pytest.fixture
def bid(ask):
    async def bid(service="Yahoo", markup="20", **place):
        status, [line] = await ask("request", service=service, markup=markup, **place)
        assert (status, line["status"], line["mdn"]) == ("ok", "Awaiting MDN", "")
        return line

    return bid


@pytest.fixture
def join(ask):
    async def join(service="Google,Amazon", **place):
        status, lines = await ask("request", service=service, **place)
        assert status == "ok"
        assert {(line["status"], line["mdn"]) for line in lines} == {("Awaiting MDN", "")}
        return lines

    return join


# A bid for one service


async def test_a_bid_waits_as_the_documents_show_it(ask):
    assert await ask("request", service="Yahoo", markup="20", state="CA") == (
        "ok",
        [
            {
                "id": "10000001",
                "mdn": "",
                "service": "Yahoo",
                "status": "Awaiting MDN",
                "state": "CA",
                "markup": 20,
                "price": 0.18,
                "carrier": "",
                "till_expiration": 900,
            }
        ],
    )
    assert await ask("balance") == ("ok", "10.00")


async def test_with_numbers_in_stock_nobody_has_to_bid(ask):
    _, [line] = await ask("request", service="Google", markup="25")
    assert (line["status"], line["markup"], line["price"]) == ("Reserved", 0, 1.0)


@pytest.mark.parametrize(
    ("place", "state"),
    [({}, ""), ({"areacode": "212", "state": "FL"}, "NY"), ({"state": "FL"}, "FL"), ({"state": "MT"}, "MT")],
)
async def test_a_bid_may_be_for_a_place(bid, place, state):
    assert (await bid(**place))["state"] == state


async def test_a_bid_wins_when_stock_comes_in_and_is_paid_then(ask, bid, state_of, getsms, clock):
    line = await bid(state="FL")
    await clock.advance(600)
    assert (await state_of(line))["till_expiration"] == 300
    getsms.set_service("Yahoo", stock=1)
    won = await state_of(line)
    assert won["mdn"][1:4] in ("305", "407", "786", "850")
    assert won["carrier"] in ("TMobile", "ATT", "Verizon")
    assert {name: won[name] for name in ("id", "status", "state", "markup", "till_expiration")} == {
        "id": line["id"],
        "status": "Reserved",
        "state": "FL",
        "markup": 20,
        "till_expiration": 900,
    }
    assert await ask("balance") == ("ok", "9.82")


async def test_a_bid_wins_when_another_request_lets_go_of_a_number(ask, bid, state_of, getsms):
    lines = [(await ask("request", service="Amazon"))[1][0] for _ in range(3)]
    waiting = await bid("Amazon")
    await ask("reject", id=lines[0]["id"])
    assert (await state_of(waiting))["status"] == "Reserved"
    assert await ask("balance") == ("ok", "8.40")


async def test_a_bid_wins_at_the_moment_when_another_request_times_out(ask, bid, state_of, getsms, clock):
    getsms.set_service("Amazon", stock=1)
    getsms.settings.sms_after = None
    await ask("request", service="Amazon")
    waiting = await bid("Amazon")
    await clock.advance(1000)
    assert (await state_of(waiting))["till_expiration"] == 800


async def test_somebody_may_give_a_number_up(ask, bid, state_of, getsms, clock):
    getsms.settings.bids_win_after = 60
    line = await bid()
    await clock.advance(59.9)
    assert (await state_of(line))["status"] == "Awaiting MDN"
    await clock.advance(0.1)
    assert (await state_of(line))["status"] == "Reserved"
    assert await ask("request", service="Yahoo") == ("error", "No numbers available, retry later")


async def test_an_sms_comes_to_a_won_number_and_its_price_has_the_markup(ask, bid, state_of, getsms, clock):
    getsms.settings.bids_win_after = 0
    line = await bid()
    await clock.advance(3)
    assert (await state_of(line))["status"] == "Completed"
    _, [sms] = await ask("read_sms", id=line["id"])
    assert (sms["service"], sms["price"]) == ("Yahoo", 0.18)
    assert await ask("reject", id=line["id"]) == ("error", "Invalid request ID")
    await clock.advance(HALF_AN_HOUR)
    assert await ask("balance") == ("ok", "9.82")


async def test_a_won_number_is_rejected_like_any_other(ask, bid, state_of, getsms):
    line = await bid()
    getsms.set_service("Yahoo", stock=1)
    assert await ask("reject", id=line["id"]) == ("ok", "MDN has been rejected")
    assert (await state_of(line))["status"] == "Rejected"
    assert await ask("balance") == ("ok", "10.00")


async def test_the_highest_bid_wins_then_the_earliest(bid, state_of, getsms):
    low, first, second = await bid(markup="10"), await bid(markup="30"), await bid(markup="30")
    for winner in (first, second, low):
        assert (await state_of(winner))["status"] == "Awaiting MDN"
        getsms.set_service("Yahoo", stock=1)
        assert (await state_of(winner))["status"] == "Reserved"


async def test_the_recommended_markup_is_above_all_who_wait(ask, bid):
    await bid(markup="35")
    assert (await ask("list_services", service="Yahoo"))[1][0]["recommended_markup"] == "45"
    await bid(markup="2000")
    assert (await ask("list_services", service="Yahoo"))[1][0]["recommended_markup"] == "2000"


async def test_a_bid_must_be_covered_when_it_is_placed_and_when_it_wins(ask, bid, state_of, getsms):
    getsms.set_balance(parse_usd("0.18"))
    assert await ask("request", service="Yahoo", markup="30") == ("error", "Insufficient funds")
    line = await bid(markup="20")
    getsms.set_balance(parse_usd("0.17"))
    getsms.set_service("Yahoo", stock=1)
    assert (await state_of(line))["status"] == "Awaiting MDN"
    getsms.set_balance(parse_usd("0.18"))
    assert (await state_of(line))["status"] == "Reserved"
    assert await ask("balance") == ("ok", "0.00")


@pytest.mark.parametrize("place", [{"state": "MT"}, {"areacode": "999"}])
async def test_a_bid_for_a_place_without_numbers_never_wins(bid, state_of, getsms, clock, place):
    getsms.settings.bids_win_after = 1
    line = await bid(**place)
    getsms.set_service("Yahoo", stock=5)
    await clock.advance(HALF_AN_HOUR - 1)
    assert (await state_of(line))["status"] == "Awaiting MDN"


async def test_a_bid_is_withdrawn_once_and_wins_no_more(ask, bid, state_of, getsms):
    line = await bid()
    assert await ask("reject", id=line["id"]) == ("ok", "MDN has been rejected")
    getsms.set_service("Yahoo", stock=1)
    after = await state_of(line)
    assert (after["status"], after["mdn"], after["till_expiration"]) == ("Rejected", "", 0)
    assert await ask("reject", id=line["id"]) == ("error", "Invalid request ID")
    assert await ask("balance") == ("ok", "10.00")


@pytest.mark.parametrize("withdrawn", [False, True])
async def test_a_bid_is_deleted_after_half_an_hour(ask, bid, state_of, getsms, clock, withdrawn):
    line = await bid()
    if withdrawn:
        await ask("reject", id=line["id"])
    await clock.advance(HALF_AN_HOUR - 0.1)
    assert (await state_of(line))["till_expiration"] == 0
    await clock.advance(0.1)
    for cmd in ("request_status", "reject"):
        assert await ask(cmd, id=line["id"]) == ("error", "Invalid request ID")
    getsms.set_service("Yahoo", stock=1)
    assert await ask("balance") == ("ok", "10.00")


async def test_a_bid_has_no_sms(ask, bid):
    line = await bid()
    assert await ask("read_sms", id=line["id"]) == ("error", "No messages")


# Several services on one number


async def test_several_services_wait_in_alphabetical_order(ask, getsms):
    getsms.settings.joint_after = 0
    status, lines = await ask("request", service="Yahoo,Google,Amazon", state="CA")
    assert status == "ok"
    assert [(line["id"], line["service"], line["markup"], line["price"]) for line in lines] == [
        ("10000001", "Amazon", 10, 0.55),
        ("10000002", "Google", 10, 1.1),
        ("10000003", "Yahoo", 10, 0.165),
    ]
    for line in lines:
        assert (line["status"], line["mdn"], line["carrier"]) == ("Awaiting MDN", "", "")
        assert (line["state"], line["till_expiration"]) == ("CA", 900)


async def test_together_they_win_one_number_after_a_moment_and_are_paid_then(ask, join, state_of, clock):
    amazon, google = await join("Google,Amazon", areacode="212")
    await clock.advance(0.9)
    assert (await state_of(amazon))["status"] == "Awaiting MDN"
    assert await ask("balance") == ("ok", "10.00")
    await clock.advance(0.1)
    first, second = await state_of(amazon), await state_of(google)
    assert {first["status"], second["status"]} == {"Reserved"}
    assert first["mdn"] == second["mdn"]
    assert first["mdn"][:4] == "1212"
    assert (first["state"], first["markup"], first["till_expiration"]) == ("NY", 10, 900)
    assert await ask("balance") == ("ok", "8.35")


async def test_each_of_them_gets_its_own_sms(ask, join, state_of, clock):
    lines = await join()
    await clock.advance(10)
    for line in lines:
        assert (await state_of(line))["till_expiration"] == 891
        _, [sms] = await ask("read_sms", id=line["id"])
        assert sms["service"] == line["service"]


async def test_a_setting_keeps_them_waiting_until_they_are_deleted(ask, join, state_of, getsms, clock):
    getsms.settings.joint_after = None
    lines = await join()
    await clock.advance(HALF_AN_HOUR - 1)
    assert [(await state_of(line))["status"] for line in lines] == ["Awaiting MDN"] * 2
    await clock.advance(1)
    for line in lines:
        assert await ask("request_status", id=line["id"]) == ("error", "Invalid request ID")


async def test_nothing_is_won_while_one_of_them_is_out_of_stock(ask, join, state_of, getsms, clock):
    lines = await join("Amazon,Yahoo")
    await clock.advance(60)
    assert [(await state_of(line))["status"] for line in lines] == ["Awaiting MDN"] * 2
    getsms.set_service("Yahoo", stock=1)
    assert len({(await state_of(line))["mdn"] for line in lines} - {""}) == 1


async def test_one_of_them_can_be_withdrawn_and_the_rest_goes_on(ask, join, state_of, clock):
    amazon, yahoo = await join("Amazon,Yahoo")
    await clock.advance(60)
    assert await ask("reject", id=yahoo["id"]) == ("ok", "MDN has been rejected")
    assert [(await state_of(line))["status"] for line in (amazon, yahoo)] == ["Reserved", "Rejected"]


async def test_one_of_them_can_be_rejected_after_the_win(ask, join, state_of, clock):
    amazon, google = await join()
    await clock.advance(1)
    await ask("reject", id=amazon["id"])
    assert [(await state_of(line))["status"] for line in (amazon, google)] == ["Rejected", "Reserved"]
    assert await ask("balance") == ("ok", "8.90")


async def test_they_outbid_whoever_waits(bid, join, state_of, getsms, clock):
    alone = await bid(markup="100")
    together = await join("Yahoo,Amazon")
    assert [line["markup"] for line in together] == [10, 110]
    await clock.advance(1)
    getsms.set_service("Yahoo", stock=1)
    assert (await state_of(together[1]))["status"] == "Reserved"
    assert (await state_of(alone))["status"] == "Awaiting MDN"


async def test_they_must_be_covered_all_at_once(ask, join, state_of, getsms, clock):
    getsms.set_balance(parse_usd("1.64"))
    assert await ask("request", service="Amazon,Google") == ("error", "Insufficient funds")
    getsms.set_balance(parse_usd("1.65"))
    lines = await join()
    getsms.set_balance(parse_usd("1.64"))
    await clock.advance(1)
    assert [(await state_of(line))["status"] for line in lines] == ["Awaiting MDN"] * 2


async def test_a_service_named_twice_counts_once(join):
    assert [line["service"] for line in await join("Google,Amazon,Google")] == ["Amazon", "Google"]
