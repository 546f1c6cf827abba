"""Providers that sell no rents: they say so without asking anybody."""

import pytest

from proxy.providers.base import Reason, Refused, Rental

from .helpers import getsms, in_turn, sms_activate


@pytest.mark.parametrize("seller", [getsms, sms_activate])
async def test_a_provider_without_rents_says_so(seller):
    provider = seller(in_turn())
    assert not await provider.rent_listings(5)
    assert await provider.open_rents(5) is None
    assert await provider.renew(Rental("1", "whatsapp", "11234567890"), 5) == Refused(
        Reason.BAD_REQUEST, "sells no rents"
    )
