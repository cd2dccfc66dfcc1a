"""The first frame: there before the screens are loaded, the same as theirs, and gone with them."""

import asyncio

import pytest

from eventbus_tui.app import MonitorApp
from eventbus_tui.feed import Feed
from eventbus_tui.first_frame import first_frame, frame_lines
from eventbus_tui.settings import Settings
from tests.tui.pilot import StubMonitor, settled, text_of
from tests.tui.terminal import Terminal

NOBODY = "redis://127.0.0.1:1/0"
ENTERED, LEFT = b"\x1b[?1049h", b"\x1b[?1049l"


@pytest.mark.parametrize(
    "settings",
    [
        Settings(),
        Settings(bus="shop", badge="PROD[/x]", badge_level="crit", interval=5.0),
        Settings(ascii=True, allow_actions=True, demo=True),
        Settings(screen="groups", demo=True),
    ],
)
async def test_it_is_what_the_screens_show_first(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(feed: Feed) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Feed, "run", silent)
    app = MonitorApp(StubMonitor(), settings)
    async with app.run_test(size=(90, 30)) as pilot:
        await settled(pilot)
        shown = text_of(pilot).split("\n")
        status, title, state = frame_lines(settings, 90)
        assert status == shown[0]
        assert shown[1].startswith(title)
        if settings.screen == "overview":
            assert state == shown[2]


@pytest.mark.parametrize("width", [20, 60, 200])
def test_it_fits_into_the_terminal(width: int) -> None:
    badge = Settings(badge="a long name of an environment", bus="a bus with a long name")
    assert all(len(line) <= width for line in frame_lines(badge, width))


def test_it_writes_nothing_without_a_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    with first_frame(Settings()):
        pass
    assert capfd.readouterr() == ("", "")


def test_it_is_the_first_thing_that_is_written_and_the_screens_follow() -> None:
    with Terminal("-m", "eventbus_tui", NOBODY) as terminal:
        terminal.until("READ-ONLY", "connecting", seconds=20)
        written = bytes(terminal.written)
        assert written.startswith(ENTERED)
        terminal.until("✖ lost, retry", "not reachable", seconds=20)
        terminal.press("q")
        assert terminal.wait() == 0
        assert bytes(terminal.written).rindex(LEFT) > bytes(terminal.written).rindex(ENTERED)


def test_what_fails_behind_it_leaves_the_terminal_as_it_was() -> None:
    with Terminal("-m", "eventbus_tui", "redis://127.0.0.1:no-port/0") as terminal:
        assert terminal.wait() == 64
        written = bytes(terminal.written)
        assert written.count(ENTERED) == written.count(LEFT) == 1
        assert b"eventbus-tui: " in written[written.index(LEFT) :]
