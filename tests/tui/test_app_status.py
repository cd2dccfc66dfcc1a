"""The bar that is always there, as pure cells."""

from dataclasses import replace

import pytest

from eventbus_tui.marks import ASCII, UNICODE
from eventbus_tui.status import Badge, Standing, is_stale, link_cell, status_cells
from eventbus_tui.table import Cell
from eventbus_tui.update import Link, Update
from tests.tui import worlds
from tests.tui.worlds import update

PLAIN = Standing(mode=Cell("READ-ONLY"), badge=None, flags=(), costs=())


def text(of: Update, standing: Standing = PLAIN, *, now: float = 0.0) -> str:
    return "".join(cell.text for cell in status_cells(of, standing, now, UNICODE))


def linked(link: Link) -> Update:
    return update(worlds.healthy(), link=link)


@pytest.mark.parametrize(
    ("link", "now", "said"),
    [
        (Link(state="connecting"), 0, "◌ connecting"),
        (Link(state="live", seen_at=10), 10.5, "● live"),
        (Link(state="live", seen_at=10), 13, "● live"),
        (Link(state="live", seen_at=10), 13.5, "◌ stale 3s"),
        (Link(state="live", seen_at=10), 82, "◌ stale 1m"),
        (
            Link(state="lost", attempts=3, retry_at=18, seen_at=4),
            10,
            "✖ lost, retry 8s (3), data 6s",
        ),
        (Link(state="lost", attempts=1, retry_at=9), 10, "✖ lost, retrying (1)"),
        (Link(state="ended", seen_at=1), 1000, "⏸ end of the recording"),
    ],
)
def test_how_it_stands_with_the_store(link: Link, now: float, said: str) -> None:
    assert link_cell(linked(link), now, UNICODE).text == said


def test_signs_without_unicode() -> None:
    assert (
        link_cell(linked(Link(state="lost", attempts=1)), 0, ASCII).text == "X lost, retrying (1)"
    )
    assert link_cell(linked(Link(state="live", seen_at=0)), 0, ASCII).text == "* live"


@pytest.mark.parametrize(
    ("link", "now", "stale"),
    [
        (Link(state="live", seen_at=0), 2.9, False),
        (Link(state="live", seen_at=0), 3.1, True),
        (Link(state="lost", seen_at=0), 0, True),
        (Link(state="ended", seen_at=0), 99, False),
    ],
)
def test_when_what_is_shown_is_old(link: Link, now: float, stale: bool) -> None:
    assert is_stale(linked(link), now) is stale


def test_a_slow_interval_makes_nothing_stale() -> None:
    slow = replace(linked(Link(state="live", seen_at=0)), interval=30.0)
    assert not is_stale(slow, 80)
    assert is_stale(slow, 91)


def test_without_a_view_nothing_can_be_stale() -> None:
    assert not is_stale(update(None, link=Link(state="lost")), 100)


def test_the_parts_of_the_bar() -> None:
    standing = Standing(
        mode=Cell("ACTIONS"),
        badge=Badge(label="PROD-EU", level="crit"),
        flags=(Cell("order held"),),
        costs=(0.012, 0.038),
    )
    said = text(update(worlds.healthy()), standing)
    assert said == (
        " [PROD-EU]  ACTIONS  ● live  order held  bus default  10.0.0.5:6379/0  poll 1s/50ms"
    )


@pytest.mark.parametrize(
    ("costs", "said"),
    [([], "1s"), ([0.0004], "1s/1ms"), ([0.9, 0.001], "1s/1000ms"), ([12.0], "1s/10s")],
)
def test_the_cost_of_a_poll_is_coarse(costs: list[float], said: str) -> None:
    assert text(update(worlds.healthy()), replace(PLAIN, costs=costs)).endswith(f"poll {said}")


def test_the_cost_changes_seldom() -> None:
    costs = [0.021 + 0.001 * (number % 7) for number in range(30)]
    seen = {text(update(worlds.healthy()), replace(PLAIN, costs=costs[:n])) for n in range(1, 30)}
    assert len(seen) == 1


def test_without_a_view_the_error_is_told() -> None:
    lost = update(None, link=Link(state="lost", error="refused\x1b[2J", attempts=1, retry_at=3))
    said = text(lost)
    assert "✖ lost, retry 3s (1)" in said
    assert "refused␛[2J" in said
    assert "\x1b" not in said
