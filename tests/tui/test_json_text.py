"""Views that were exported can be read by every parser of JSON."""

import json

from eventbus_tui.json_text import json_text
from tests.tui import worlds
from tests.tui.pieces import group, group_view


def test_what_is_not_finite_is_null() -> None:
    told = json.loads(json_text(group_view(group("g", "x"), drain=float("inf"), growth=None)))
    assert told["drain_seconds"] is None
    assert told["growth"] is None
    assert told["snapshot"]["event"] == "x"
    assert told["history"] == [8.0] * 8


def test_every_text_can_be_encoded() -> None:
    for text in worlds.HOSTILE:
        for view in worlds.hostile(text).instances:
            told = json.loads(json_text(view).encode())
            assert told["snapshot"]["host"] == text.encode("utf-8", "replace").decode()
