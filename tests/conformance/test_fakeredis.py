"""The kit on fakeredis, an imitation of a server: storing, settling and dead letters.

The transport polls, since blocking reads of the imitation lose messages. No promise rests on this:
it shows that the scripts need nothing special of a server.
"""

from pathlib import Path

import pytest

from tests.conformance.kit_run import run_kit
from tests.redis.fake_store import fake_server

GROUPS = ("publishing", "settling", "dead_letters")


@pytest.mark.timeout(180)
def test_storing_settling_and_dead_letters_on_fakeredis(tmp_path: Path) -> None:
    with fake_server() as url:
        found = run_kit(f"polling-{url}", tmp_path, only=[f"group_{name}" for name in GROUPS])
    assert {name: outcome for name, outcome in found.items() if outcome != {"passed"}} == {}
    assert len(found) > 20
