"""The strings over a port."""

import httpx
import pytest


@pytest.fixture
async def control(getatext):
    transport = httpx.ASGITransport(getatext.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://getatext/_sandbox") as http:
        yield http


async def test_requests_are_remembered_with_what_they_said(control, getatext_http, getatext):
    getatext.fault("slow", "rent-a-number")
    await getatext_http.post("/api/v1/rent-a-number", json={"service": "whatsapp", "max_price": 1.25})
    [seen] = (await control.get("/requests")).json()["requests"]
    assert seen == {
        "at": 1_750_000_000.0,
        "method": "POST",
        "path": "/api/v1/rent-a-number",
        "endpoint": "rent-a-number",
        "fields": {"service": "whatsapp", "max_price": "1.25"},
        "credential": "demo",
        "fault": "slow",
    }
    assert (await control.delete("/requests")).json() == {"requests": []}


async def test_price_stock_and_balance_can_be_set(control, getatext_http):
    changed = await control.post("/services", json={"service": "whatsapp", "price": "0.60", "stock": 1})
    assert changed.json()["stock"] == 1
    assert (await control.post("/account", json={"balance": "1.00"})).json()["balance"] == "1.00"
    rental = await getatext_http.post("/api/v1/rent-a-number", json={"service": "whatsapp"})
    assert (rental.json()["price"], rental.json()["new_balance"]) == ("0.60", "0.40")
    again = await getatext_http.post("/api/v1/rent-a-number", json={"service": "whatsapp"})
    assert again.json() == {"errors": "Service is out of stock"}


async def test_an_sms_can_be_sent(control, getatext_http):
    rental = (await getatext_http.post("/api/v1/rent-a-number", json={"service": "whatsapp"})).json()
    sent = await control.post("/sms", json={"id": rental["id"], "text": "Use 007123 now", "sender": "8888"})
    assert sent.json()["code"] == "007123"
    status = await getatext_http.post("/api/v1/rental-status", json={"id": rental["id"]})
    assert status.json()["code"] == "007123"
    [known] = (await control.get("/rentals")).json()["rentals"]
    assert (known["id"], known["number"], known["phase"]) == (rental["id"], "1" + rental["number"], "open")
    assert [message["text"] for message in known["messages"]] == ["Use 007123 now"]


async def test_a_rent_is_found_and_sent_an_sms(control, getatext_http):
    wanted = {"service": "whatsapp", "period": "1d"}
    bought = (await getatext_http.post("/api/v1/service-long-rentals", json=wanted)).json()["service_long_rental"]
    number = "1" + bought["number"]
    sent = await control.post("/sms", json={"number": number, "service": "whatsapp", "code": "007123"})
    [rent] = (await control.get("/rents")).json()["rents"]
    assert rent == {
        "id": 1,
        "service": "whatsapp",
        "number": number,
        "price": "1.50",
        "markup": 0,
        "phase": "open",
        "rented_at": 1_750_000_000.0,
        "ends_at": 1_750_086_400.0,
        "viewed": False,
        "messages": [sent.json()],
        "period": "1d",
        "auto_renew": False,
        "renewals": 0,
        "paid": "1.50",
    }


CHANGED = {"sms_after": None, "cancel_lock": 0, "maintenance": True, "joint_after": None, "bids_win_after": 2.5}


async def test_settings_can_be_changed(control, getatext):
    answer = await control.post("/settings", json=CHANGED)
    assert answer.status_code == 200
    assert {name: getattr(getatext.settings, name) for name in CHANGED} == CHANGED
    assert CHANGED.items() <= answer.json()["settings"].items()


async def test_faults_are_switched_on_and_off(control, getatext):
    fault = {"kind": "cut", "endpoint": "rent-a-number", "times": 3, "handled": False, "amount": 0}
    assert (await control.post("/faults", json=fault)).json() == {"faults": [fault | {"status": 0, "body": ""}]}
    assert len(getatext.faults.switched_on) == 1
    assert (await control.delete("/faults")).json() == {"faults": []}
    assert getatext.faults.switched_on == []


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/services", {"service": "nothing"}, 404),
        ("/services", {"service": "whatsapp", "price": "dear"}, 400),
        ("/services", {"service": "whatsapp", "stock": "many"}, 400),
        ("/account", {"balance": "much"}, 400),
        ("/settings", {"colour": "red"}, 404),
        ("/settings", {"sms_after": "soon"}, 400),
        ("/settings", {"joint_after": "soon"}, 400),
        ("/settings", {"long_rental_flat": 1}, 400),
        ("/sms", {"id": 1}, 404),
        ("/sms", {"number": "2125550100"}, 404),
        ("/webhook", {"id": 1}, 404),
        ("/faults", {"kind": "explode"}, 400),
        ("/faults", {"kind": "cut", "colour": "red"}, 400),
        ("/faults", [], 400),
        ("/nothing", {}, 404),
    ],
)
async def test_rubbish_is_refused_and_changes_nothing(control, getatext, path, body, status):
    before = (await control.get("/account")).json()
    assert (await control.post(path, json=body)).status_code == status
    assert (await control.get("/account")).json() == before
    assert getatext.faults.switched_on == []
