"""What a journal gained between two looks."""

from eventbus_core.monitoring.journal import added
from tests.monitoring.looks import entry

A, B, C, D = (entry("retry", float(n)) for n in range(4))


def test_everything_is_new_at_first() -> None:
    assert added((), (A, B)) == (A, B)


def test_nothing_is_new() -> None:
    journal = (A, B)
    assert added(journal, journal) == ()
    assert added(journal, (A, B)) == ()


def test_what_came_at_the_end() -> None:
    assert added((A, B), (A, B, C, D)) == (C, D)


def test_what_came_while_the_oldest_were_forgotten() -> None:
    assert added((A, B, C), (C, D)) == (D,)


def test_equal_entries_are_counted() -> None:
    assert added((A, A), (A, A, A)) == (A,)


def test_all_are_new_when_nothing_is_left_of_the_old_ones() -> None:
    assert added((A, B), (C, D)) == (C, D)


def test_a_journal_may_be_gone() -> None:
    assert added((A, B), ()) == ()
