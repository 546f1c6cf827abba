"""A joint request whose withdrawal was lost wins after all: each part is settled as what it is, at its own price."""

from pathlib import Path

from proxy.domain.money import print_usd
from proxy.pollers.settlement import settle_unknown
from proxy.sandbox import Settings
from tests.stage import eventually, stage


async def test_each_part_is_found_under_its_own_id(tmp_path: Path):
    late = Settings(sms_after=None, joint_after=1.5)  # too late for the deadline
    rules = "- {name: everything, providers: [getsms]}"
    async with stage(tmp_path, rules=rules, deadline=6, timeout=0.3, getsms=late) as it:
        it.getsms.fault("hang", "reject", times=None, handled=False)
        assert await it.ask("getMultiServiceNumber", multiService="wa,ig") == "NO_NUMBERS"
        assert {outcome for _, outcome in await it.outcomes()} == {"unknown"}
        await eventually(lambda: len(it.getsms.rentals) == 2)
        await settle_unknown(it.house.gateway)
        assert {outcome for _, outcome in await it.outcomes()} == {"recovered"}
        found = {(row["service"], row["upstream_id"], row["cost"]) for row in await it.admin("activations")}
        codes = {"WhatsApp": "wa", "Instagram": "ig"}
        assert found == {(codes[one.service.name], str(one.id), print_usd(one.price, 4)) for one in it.getsms.rentals}
