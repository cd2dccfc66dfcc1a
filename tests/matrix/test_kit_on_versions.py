"""The conformance kit on servers of other versions, by URL alone."""

from pathlib import Path

import pytest

from eventbus_redis.embedded import EmbeddedServer
from tests.conformance.kit_run import needs_a_driver, run_kit

pytestmark = [pytest.mark.matrix, pytest.mark.timeout(300)]


def test_the_kit(old_server: EmbeddedServer, tmp_path: Path) -> None:
    found = run_kit(old_server.url, tmp_path)
    assert {name: outcome for name, outcome in found.items() if "failed" in outcome} == {}
    skipped = {name for name, outcome in found.items() if "skipped" in outcome}
    assert skipped == needs_a_driver()
