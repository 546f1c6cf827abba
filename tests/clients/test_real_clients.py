"""Libraries that others wrote for SMS-Activate, unmodified, in front of the gateway."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import smsactivateru
from aiosmsactivate import SmsActivate
from aiosmsactivate.exceptions import SmsActivateException
from aiosmsactivate.models import SetActivationStatusResponse
from aiosmsactivate.types import ActivationStatus, SetActivationStatus
from smsactivate.api import SMSActivateAPI

from proxy.sandbox import Settings
from tests.clients.rows import WEEK
from tests.stage import KEY, Stage, stage
from tests.stub import renting

DAY = 86_400


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[Stage]:
    budget = {"budget": '{amount: "25.00", per: day}'}
    async with stage(tmp_path, client=budget, poll=0.1, getatext=Settings(sms_after=None, cancel_lock=0)) as it:
        yield it


def deliver(it: Stage, phone: str, code: str) -> None:
    it.getatext.deliver(it.rental(it.getatext, phone).id, code=code)


class TestSmsactivate:
    @pytest.fixture
    def api(self, it: Stage) -> SMSActivateAPI:
        api = SMSActivateAPI(KEY)
        api._SMSActivateAPI__api_url = it.url
        return api

    async def test_buys_a_number_and_reads_its_code(self, it: Stage, api: SMSActivateAPI):
        assert await asyncio.to_thread(api.getBalance) == {"balance": "25.00"}
        prices = await asyncio.to_thread(api.getPrices, "wa", 187)
        assert prices["187"]["wa"]["cost"] == 0.55
        assert int((await asyncio.to_thread(api.getNumbersStatus, 187))["wa"]) > 0

        number = await asyncio.to_thread(api.getNumber, "wa", country=187, maxPrice=1)
        id, phone = number["activation_id"], number["phone"]
        assert await asyncio.to_thread(api.getStatus, id) == "STATUS_WAIT_CODE"
        deliver(it, str(phone), "012345")
        await it.until("STATUS_OK", id=id)
        assert await asyncio.to_thread(api.getStatus, id) == "STATUS_OK:012345"
        active = await asyncio.to_thread(api.getActiveActivations)
        assert active["activeActivations"][0]["smsCode"] == ["012345"]

        assert await asyncio.to_thread(api.setStatus, id=id, status=6) == "ACCESS_ACTIVATION"
        assert await asyncio.to_thread(api.getBalance) == {"balance": "24.45"}

    async def test_gives_a_number_back(self, it: Stage, api: SMSActivateAPI):
        number = await asyncio.to_thread(api.getNumberV2, "wa")
        assert await asyncio.to_thread(api.getBalance) == {"balance": "24.45"}
        id = number["activationId"]
        assert await asyncio.to_thread(api.setStatus, id=id, status=8) == "ACCESS_CANCEL"
        assert (await asyncio.to_thread(api.getStatus, id))["error"] == "STATUS_CANCEL"
        assert await asyncio.to_thread(api.getBalance) == {"balance": "25.00"}

    async def test_knows_the_words_of_refusal(self, it: Stage, api: SMSActivateAPI):
        it.getsms.set_service("WhatsApp", stock=0)
        it.getatext.set_service("whatsapp", stock=0)
        assert (await asyncio.to_thread(api.getNumber, "wa"))["error"] == "NO_NUMBERS"
        assert (await asyncio.to_thread(api.getStatus, 77))["error"] == "NO_ACTIVATION"

    async def test_rents_a_number_for_a_week_and_a_week_more(self, it: Stage, api: SMSActivateAPI):
        offers = await asyncio.to_thread(api.getRentServicesAndCountries, time=WEEK, country=187)
        assert offers["services"]["wa"]["cost"] == 5.0
        phone = (await asyncio.to_thread(api.getRentNumber, "wa", time=WEEK, country=187))["phone"]
        id, number = phone["id"], phone["number"]
        assert (await asyncio.to_thread(api.getRentStatus, id))["message"] == "STATUS_WAIT_CODE"
        await renting.deliver(it, number, text="one 111111")
        await renting.deliver(it, number, text="two 222222")
        status = await asyncio.to_thread(api.getRentStatus, id)
        assert [sms["text"] for sms in status["values"].values()] == ["two 222222", "one 111111"]

        assert (await asyncio.to_thread(api.getContinueRentPriceNumber, id))["price"] == 5.0
        longer = (await asyncio.to_thread(api.continueRentNumber, id, WEEK))["phone"]
        assert renting.rented({"status": "success", "phone": longer}).ends_at > it.clock.now() + 13 * DAY
        await renting.deliver(it, number, text="three 333333")
        assert (await asyncio.to_thread(api.getRentStatus, id))["quantity"] == "3"
        listed = await asyncio.to_thread(api.getRentList)
        assert listed["values"] == {"0": {"id": str(id), "phone": number}}

        assert await asyncio.to_thread(api.setRentStatus, id, 1) == {"status": "success"}
        assert (await asyncio.to_thread(api.getRentStatus, id))["message"] == "STATUS_FINISH"
        assert await asyncio.to_thread(api.getBalance) == {"balance": "15.00"}

    async def test_gives_a_rent_back(self, it: Stage, api: SMSActivateAPI):
        phone = (await asyncio.to_thread(api.getRentNumber, "full", time=WEEK))["phone"]
        assert await asyncio.to_thread(api.getBalance) == {"balance": "14.01"}
        assert await asyncio.to_thread(api.setRentStatus, phone["id"], 2) == {"status": "success"}
        assert await asyncio.to_thread(api.getBalance) == {"balance": "25.00"}


class TestAiosmsactivate:
    @pytest.fixture
    def api(self, it: Stage) -> SmsActivate:
        return SmsActivate(KEY, it.url)

    async def test_buys_a_number_and_reads_its_code(self, it: Stage, api: SmsActivate):
        assert await api.get_balance() == 25.0
        assert "wa" in await api.get_count_numbers("187", "any")

        number = await api.purchase("wa", maxPrice=1.0, country=187)
        assert (number.activation_cost, number.country_code, number.can_get_another_sms) == (0.55, "187", False)
        assert await api.get_activation_status_v1(number.activation_id) == (ActivationStatus.WAIT, None)
        deliver(it, number.phone_number, "012345")
        assert await api.wait_sms_code(number, timeout=10, per_attempt=0.1) == "012345"
        status = await api.get_activation_status(number)
        assert status.sms.code == "012345"

        done = await api.set_activation_status(number.activation_id, SetActivationStatus.COMPLETE)
        assert done is SetActivationStatusResponse.ACTIVATED
        assert await api.get_balance() == 24.45

    async def test_gives_a_number_back(self, it: Stage, api: SmsActivate):
        words = await api.get_number("wa")
        id = words.split(":")[1]
        assert await api.get_balance() == 24.45
        assert await api.set_activation_status(id, SetActivationStatus.CANCEL) is SetActivationStatusResponse.CANCEL
        assert await api.get_activation_status_v1(id) == (ActivationStatus.CANCEL, None)
        assert await api.get_balance() == 25.0

    async def test_knows_the_words_of_refusal(self, it: Stage, api: SmsActivate):
        with pytest.raises(SmsActivateException) as refused:
            await api.purchase("wa", maxPrice=0.01)
        assert (refused.value.code, refused.value.message.split(" ")[0]) == ("WRONG_MAX_PRICE", "WRONG_MAX_PRICE:0.55")
        with pytest.raises(SmsActivateException) as unknown:
            await api.get_activation_status_v1("77")
        assert unknown.value.code == "NO_ACTIVATION"

    async def test_rents_a_number_for_a_week_and_a_week_more(self, it: Stage, api: SmsActivate):
        offers = await api.get_rent_services_and_countries(time=WEEK, country="187")
        assert offers["services"]["full"]["cost"] == 10.99
        phone = (await api.get_rent_number("wa", time=WEEK, country="187"))["phone"]
        id, number = phone["id"], phone["number"]
        await renting.deliver(it, number, text="one 111111")
        await renting.deliver(it, number, text="two 222222")
        first = await api.get_rent_status(id, 1, 1)
        assert (first["quantity"], first["values"]["0"]["text"]) == ("2", "two 222222")
        assert (await api.get_rent_status(id, 2, 1))["values"]["0"]["text"] == "one 111111"

        assert (await api.get_continue_rent_price_number(id, WEEK))["price"] == 5.0
        longer = await api.continue_rent_number(id, WEEK)
        assert renting.rented(longer).ends_at > it.clock.now() + 13 * DAY
        assert (await api.get_rent_list(id, 1, 10))["values"] == {"0": {"id": str(id), "phone": number}}

        # The library has no way to say so: its set_rent_status asks getRentStatus.
        assert await renting.say(it, "setRentStatus", id=id, status=1) == {"status": "success"}
        with pytest.raises(SmsActivateException) as over:
            await api.get_rent_list(id, 1, 10)
        assert over.value.code == "NO_NUMBERS"
        assert await api.get_balance() == 15.0


class TestSmsactivateru:
    @pytest.fixture
    def api(self, it: Stage) -> smsactivateru.Sms:
        api = smsactivateru.Sms(KEY)
        api.url = it.url
        return api

    @pytest.fixture
    def whatsapp(self) -> smsactivateru.GetNumber:
        return smsactivateru.GetNumber(smsactivateru.SmsService().Whatsapp, country="187", operator="any")

    async def test_buys_a_number_and_reads_its_code(self, it: Stage, api: smsactivateru.Sms, whatsapp):
        assert await asyncio.to_thread(smsactivateru.GetBalance().request, api) == 25.0
        activation = await asyncio.to_thread(whatsapp.request, api)
        assert (await asyncio.to_thread(activation.was_sent))["status"] == "ACCESS_READY"
        deliver(it, activation.phone_number, "012345")
        assert await asyncio.to_thread(activation.wait_code, timeout=10) == "012345"  # and finishes by itself
        (row,) = await it.admin("activations")
        assert row["status"] == "finished"
        assert await asyncio.to_thread(smsactivateru.GetBalance().request, api) == 24.45

    async def test_gives_a_number_back(self, it: Stage, api: smsactivateru.Sms, whatsapp):
        activation = await asyncio.to_thread(whatsapp.request, api)
        assert await asyncio.to_thread(smsactivateru.GetBalance().request, api) == 24.45
        assert (await asyncio.to_thread(activation.cancel))["status"] == "ACCESS_CANCEL"
        assert await asyncio.to_thread(smsactivateru.GetBalance().request, api) == 25.0

    async def test_knows_the_words_of_refusal(self, it: Stage, api: smsactivateru.Sms, whatsapp):
        it.getsms.set_service("WhatsApp", stock=0)
        it.getatext.set_service("whatsapp", stock=0)
        with pytest.raises(Exception, match="NO_NUMBERS"):
            await asyncio.to_thread(whatsapp.request, api)
