"""getsms.online's stand-in against its documents."""

import pytest

from proxy.domain.money import parse_usd
from proxy.sandbox import Phase


@pytest.fixture
def ask(ask_getsms):
    return ask_getsms


async def test_a_number_is_reserved_as_the_documents_show_it(ask):
    status, [line] = await ask("request", service="Amazon")
    assert status == "ok"
    assert len(line.pop("mdn")) == 11
    assert line.pop("carrier") in ("TMobile", "ATT", "Verizon")
    assert line == {
        "id": "10000001",
        "service": "Amazon",
        "status": "Reserved",
        "state": "",
        "markup": 0,
        "price": 0.5,
        "till_expiration": 900,
    }


async def test_a_query_string_does_as_well_as_a_form(getsms_http):
    answer = await getsms_http.get("/api_command.php?cmd=balance&user=demo&api_key=demo")
    assert answer.json() == {"status": "ok", "message": "10.00"}


REFUSALS = [
    ("balance", {"api_key": "wrong"}, "Invalid user name or API key"),
    ("balance", {"user": "wrong"}, "Invalid user name or API key"),
    ("rent_for_a_year", {}, "Invalid command"),
    ("request", {"service": "Goooooogle"}, "Invalid service name Goooooogle"),
    ("request", {"service": "google"}, "Invalid service name google"),
    ("request", {"service": "Yahoo"}, "No numbers available, retry later"),
    ("request", {"service": "Yahoo", "markup": "9"}, "Invalid markup"),
    ("request", {"service": "Yahoo", "markup": "2001"}, "Invalid markup"),
    ("request", {"service": "Yahoo", "markup": "dear"}, "Invalid markup"),
    ("request", {"service": "Yahoo", "markup": "25", "mdn": "12125550199"}, "The MDN is not available"),
    ("request", {"service": "Yahoo,Goooooogle"}, "Invalid service name Goooooogle"),
    ("request", {"service": "Yahoo, Google"}, "Invalid service name  Google"),
    ("request", {"service": "Yahoo,"}, "Invalid service name "),
    ("request", {"service": "A,B,C,D,E,F"}, "Too many services, 5 are allowed at once"),
    ("request", {"service": "Amazon,Yahoo", "areacode": "21"}, "Invalid area code"),
    ("request", {"service": "Amazon", "areacode": "21"}, "Invalid area code"),
    ("request", {"service": "Amazon", "areacode": "999"}, "No numbers available, retry later"),
    ("request", {"service": "Amazon", "state": "California"}, "Invalid state"),
    ("request", {"service": "Amazon", "mdn": "2125550199"}, "The MDN is not available"),
    ("request", {"service": "Amazon", "mdn": "19995550199"}, "The MDN is not available"),
    ("request", {"service": "Yahoo", "mdn": "12125550199"}, "The MDN is not available"),
    ("request_status", {"id": "1"}, "Invalid request ID"),
    ("request_status", {"id": "x"}, "Invalid request ID"),
    ("request_status", {}, "Invalid request ID"),
    ("reject", {"id": "1"}, "Invalid request ID"),
    ("read_sms", {}, "No messages"),
    ("read_sms", {"id": "1"}, "No messages"),
    ("list_services", {"service": "DummyService"}, "Invalid service name DummyService"),
]


@pytest.mark.parametrize(("cmd", "fields", "message"), REFUSALS)
async def test_what_cannot_be_done_is_said_in_words(ask, cmd, fields, message):
    assert await ask(cmd, **fields) == ("error", message)


@pytest.mark.parametrize(
    ("place", "area_codes", "state"),
    [
        ({"areacode": "212"}, {"212"}, "NY"),
        ({"state": "FL"}, {"305", "407", "786", "850"}, "FL"),
        ({"areacode": "702", "state": "FL"}, {"702"}, "NV"),
    ],
)
async def test_a_place_can_be_chosen(ask, place, area_codes, state):
    _, [line] = await ask("request", service="Google", **place)
    assert line["mdn"][1:4] in area_codes
    assert line["state"] == state


async def test_a_chosen_number_comes_before_any_place(ask):
    _, [line] = await ask("request", service="Amazon", mdn="12122000001", areacode="x", state="FL")
    assert (line["mdn"], line["state"]) == ("12122000001", "")


async def test_a_number_can_be_chosen_while_nobody_has_it(ask, getsms):
    _, [line] = await ask("request", service="Amazon", mdn="12122000001")
    assert line["mdn"] == "12122000001"
    assert await ask("request", service="Google", mdn="12122000001") == ("error", "The MDN is not available")
    getsms.settings.withdrawn.add("2122000002")
    assert await ask("request", service="Amazon", mdn="12122000002") == ("error", "The MDN is not available")


async def test_money_is_taken_at_once_and_never_owed(ask, getsms):
    await ask("request", service="Google")
    assert await ask("balance") == ("ok", "9.00")
    getsms.set_balance(parse_usd("0.99"))
    assert await ask("request", service="Google") == ("error", "Insufficient funds")


async def test_stock_runs_out_and_comes_back(ask):
    lines = [(await ask("request", service="Amazon"))[1][0] for _ in range(3)]
    assert await ask("request", service="Amazon") == ("error", "No numbers available, retry later")
    await ask("reject", id=lines[0]["id"])
    assert (await ask("request", service="Amazon"))[0] == "ok"


async def test_a_rejected_number_gives_its_money_back_and_is_never_offered_again(ask):
    _, [line] = await ask("request", service="Google")
    assert await ask("reject", id=line["id"]) == ("ok", "MDN has been rejected")
    assert await ask("balance") == ("ok", "10.00")
    assert (await ask("request_status", id=line["id"]))[1][0]["status"] == "Rejected"
    assert await ask("reject", id=line["id"]) == ("error", "Invalid request ID")
    assert await ask("request", service="Google", mdn=line["mdn"]) == ("error", "The MDN is not available")


async def test_an_sms_completes_the_request_and_its_money_is_spent(ask, clock):
    _, [line] = await ask("request", service="Amazon")
    await clock.advance(2.9)
    assert (await ask("request_status", id=line["id"]))[1][0]["status"] == "Reserved"
    await clock.advance(0.1)
    _, [after] = await ask("request_status", id=line["id"])
    assert after["status"] == "Completed"
    assert after["till_expiration"] == 897
    assert "price" not in after
    assert await ask("reject", id=line["id"]) == ("error", "Invalid request ID")
    await clock.advance(3600)
    assert await ask("balance") == ("ok", "9.50")


async def test_a_request_without_sms_times_out_and_is_refunded(ask, getsms, clock):
    getsms.settings.sms_after = None
    _, [line] = await ask("request", service="Amazon")
    await clock.advance(900)
    _, [after] = await ask("request_status", id=line["id"])
    assert (after["status"], after["till_expiration"]) == ("Timed Out", 0)
    assert await ask("balance") == ("ok", "10.00")
    assert await ask("reject", id=line["id"]) == ("error", "Invalid request ID")


async def test_an_sms_sent_by_hand_takes_the_place_of_the_one_that_would_have_come(ask, getsms, clock):
    _, [line] = await ask("request", service="Amazon")
    getsms.deliver(int(line["id"]), code="0042")
    await clock.advance(10)
    assert [sms["pin"] for sms in (await ask("read_sms", id=line["id"]))[1]] == ["0042"]


async def test_an_sms_is_read_as_the_documents_show_it(ask, getsms):
    _, [line] = await ask("request", service="Google")
    getsms.deliver(int(line["id"]), code="012345", text="G-012345 is your Google verification code.", sender="22000")
    assert await ask("read_sms", id=line["id"]) == (
        "ok",
        [
            {
                "timestamp": "1750000000",
                "date_time": "2025-06-15 11:06:40 EDT",
                "from": "22000",
                "to": line["mdn"],
                "service": "Google",
                "price": 1.0,
                "reply": "G-012345 is your Google verification code.",
                "pin": "G-012345",
            }
        ],
    )


@pytest.fixture
async def four_messages(ask, getsms, clock):
    """Codes 1111 to 4444, a second apart, to Google and Amazon in turn; gives the requests."""
    getsms.settings.sms_after = None
    lines = []
    for service in ("Google", "Amazon", "Google", "Amazon"):
        _, [line] = await ask("request", service=service)
        lines.append(line)
        await clock.advance(1)
        getsms.deliver(int(line["id"]), code=str(len(lines)) * 4)
    return lines


@pytest.mark.parametrize(
    ("wanted", "pins"),
    [
        (lambda lines: {}, ["4444", "G-3333", "2222"]),
        (lambda lines: {"service": "Google"}, ["G-3333", "G-1111"]),
        (lambda lines: {"mdn": lines[1]["mdn"]}, ["2222"]),
        (lambda lines: {"id": lines[0]["id"], "mdn": lines[1]["mdn"], "service": "Amazon"}, ["G-1111"]),
    ],
)
async def test_the_three_newest_sms_are_read_newest_first(ask, four_messages, wanted, pins):
    _, messages = await ask("read_sms", **wanted(four_messages))
    assert [sms["pin"] for sms in messages] == pins


async def test_sms_are_forgotten_after_two_days(ask, four_messages, clock):
    await clock.advance(2 * 24 * 3600 - 1)
    _, messages = await ask("read_sms")
    assert [sms["pin"] for sms in messages] == ["4444", "G-3333"]
    await clock.advance(2)
    assert await ask("read_sms") == ("error", "No messages")


async def test_services_are_listed_with_everything_as_text(ask):
    _, services = await ask("list_services")
    assert [service["name"] for service in services] == ["Amazon", "Google", "Yahoo"]
    assert {service["recommended_markup"] for service in services} == {""}
    assert await ask("list_services", service="Google") == (
        "ok",
        [
            {
                "name": "Google",
                "price": "1.00",
                "ltr_price": "20.00",
                "ltr_short_price": "5.00",
                "otp_available": "74",
                "ltr_available": "3",
                "recommended_markup": "10",
            }
        ],
    )


async def test_several_named_services_come_in_alphabetical_order(ask):
    _, services = await ask("list_services", service="Yahoo,Amazon")
    assert [service["name"] for service in services] == ["Amazon", "Yahoo"]


async def test_a_late_sms_changes_nothing_about_a_rejected_request(ask, getsms):
    _, [line] = await ask("request", service="Amazon")
    await ask("reject", id=line["id"])
    getsms.deliver(int(line["id"]), code="1234")
    assert (await ask("request_status", id=line["id"]))[1][0]["status"] == "Rejected"
    assert getsms.rentals[0].phase is Phase.CANCELLED
    assert await ask("balance") == ("ok", "10.00")


async def test_there_is_no_other_page(getsms_http):
    assert (await getsms_http.get("/")).status_code == 404
