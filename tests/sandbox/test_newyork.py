"""Daylight saving time by rule."""

import pytest

from proxy.sandbox.newyork import plain, with_zone


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (1_600_108_956, "2020-09-14 14:42:36 EDT"),  # the example of the provider's own documents
        (1_741_503_599, "2025-03-09 01:59:59 EST"),
        (1_741_503_600, "2025-03-09 03:00:00 EDT"),
        (1_762_063_199, "2025-11-02 01:59:59 EDT"),
        (1_762_063_200, "2025-11-02 01:00:00 EST"),
        (1_767_225_600, "2025-12-31 19:00:00 EST"),
    ],
)
def test_the_clock_of_new_york(at, text):
    assert with_zone(at) == text
    assert plain(at) == text[:19]
