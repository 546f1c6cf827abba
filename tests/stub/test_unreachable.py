"""A decision that needs a provider which cannot be reached: the answer is one of setStatus, and nothing has changed."""

from pathlib import Path

from proxy.sandbox import Settings
from tests.providers.test_sms_activate_chain import in_front_of
from tests.stage import stage


async def test_another_sms_that_cannot_be_asked_for_is_not_possible_now(tmp_path: Path):
    unlocked = Settings(sms_after=None, cancel_lock=0)
    async with stage(tmp_path, poll=0.1, getatext=unlocked) as behind, in_front_of(behind, tmp_path) as front:
        id, phone = await front.number("go")
        behind.getatext.deliver(behind.rental(behind.getatext, phone).id, code="123456")
        await front.until("STATUS_OK", id=id)
        async with behind.stopped("gateway"):
            answer = await front.reply("setStatus", id=id, status=3)
            assert (answer.text, bool(answer.headers["x-reason"])) == ("BAD_STATUS", True)
            assert await front.ask("getStatus", id=id) == "STATUS_OK:123456"
