"""Every kind of ledger entry has its direction."""

from proxy.domain.attempt import BOOKS, SPENDS, Entry


def test_every_kind_of_entry_says_what_it_does_to_the_sums():
    assert set(SPENDS) == set(BOOKS) == set(Entry)


def test_what_is_held_and_released_is_spent_by_nobody():
    assert SPENDS[Entry.HOLD] + SPENDS[Entry.RELEASE] == 0
    assert BOOKS[Entry.HOLD] == BOOKS[Entry.RELEASE] == 0


def test_a_refund_undoes_a_charge():
    assert SPENDS[Entry.CHARGE] + SPENDS[Entry.REFUND] == 0
    assert BOOKS[Entry.CHARGE] + BOOKS[Entry.REFUND] == 0
