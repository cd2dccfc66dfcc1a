"""The kit by URL alone, as a reader of the documentation runs it; and what the documentation shows
of it."""

import pytest

from tests.conformance.tables import README, TABLES, counted, table


@pytest.mark.timeout(240)
@pytest.mark.parametrize("url", TABLES)
def test_the_documentation_shows_what_the_kit_prints(url: str) -> None:
    assert counted(table(url)) == counted(TABLES[url].read_text("utf-8")), (
        "run python -m tests.conformance.tables"
    )


def test_the_readme_of_the_example_shows_the_same_table() -> None:
    shown = TABLES["sqlite:///kit.db"].read_text("utf-8")
    assert README.read_text("utf-8").endswith(shown)
