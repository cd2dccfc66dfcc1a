"""Every test of the kit can fail, and the page that shows it is up to date."""

import inspect
from collections import Counter

from eventbus_core.conformance import TransportContract
from tests.conformance.broken.faults import FAULTS
from tests.conformance.kit_run import kit_tests
from tests.conformance.matrix import PAGE, page, rejecting, unbreakable


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == page(), "run python -m tests.conformance.matrix"


def test_every_test_is_failed_by_a_broken_transport_or_says_why_none_can() -> None:
    alone = {name for name, faults in rejecting().items() if not faults}
    assert alone == set(unbreakable())


def test_only_tests_of_the_kit_are_meant() -> None:
    meant = {name for broken in FAULTS.values() for name in broken.meant}
    assert meant <= set(kit_tests())


def test_no_test_hides_another_one_of_the_same_name() -> None:
    names = Counter(
        name
        for group in TransportContract.__mro__
        for name in vars(group)
        if name.startswith("test_")
    )
    assert [name for name, count in names.items() if count > 1] == []


def test_there_are_enough_of_both() -> None:
    assert len(FAULTS) >= 12
    assert len(kit_tests()) >= 80


def test_every_fault_says_what_is_wrong() -> None:
    assert [name for name, broken in FAULTS.items() if not inspect.getdoc(broken)] == []
