"""The model test finds bugs: each of these is planted, and found within so many runs."""

from typing import Final

import pytest
from hypothesis import Phase, settings

from tests.model.machine import compare
from tests.model.planted import PLANTED
from tests.model.stores import OnMemory

_UNTIL_FOUND: Final = settings(
    max_examples=1000,
    stateful_step_count=50,
    deadline=None,
    database=None,
    derandomize=True,
    report_multiple_bugs=False,
    # Found is found: making the example small would take most of the time.
    phases=[Phase.generate],
)


@pytest.mark.parametrize("bug", PLANTED)
def test_is_found(bug: str) -> None:
    with pytest.raises(AssertionError):
        compare(lambda: OnMemory(PLANTED[bug]), _UNTIL_FOUND)
