"""Places, ways and what findings lead to."""

import importlib

import pytest

from eventbus_core.monitoring import Subject
from eventbus_tui.navigation import ROOTS, SCREENS, TITLES, Place, Way, place_of
from eventbus_tui.screens.base import MonitorScreen


def test_a_way_goes_down_and_back_and_starts_anew() -> None:
    way = Way(Place("overview"))
    way.down(Place("group", "work orders billing", "billing@orders"))
    assert way.here.screen == "group"
    assert [place.name for place in way.places] == ["Overview", "billing@orders"]
    assert way.back() == Place("group", "work orders billing", "billing@orders")
    assert way.back() is None
    assert way.here == Place("overview")
    way.down(Place("streams"))
    way.start(Place("groups"))
    assert way.places == (Place("groups"),)


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (Place("streams"), "Streams"),
        (Place("group", "key"), "key"),
        (Place("group", "key", "title"), "title"),
        (Place("dead-letters"), "Dead letters"),
    ],
)
def test_names_of_places(place: Place, name: str) -> None:
    assert place.name == name


@pytest.mark.parametrize(
    ("kind", "screen"),
    [
        ("group", "group"),
        ("stream", "stream"),
        ("instance", "instance"),
        ("dead letters", "failures"),
        ("bus", None),
        ("monitor", None),
    ],
)
def test_where_a_finding_leads(kind: str, screen: str | None) -> None:
    place = place_of(Subject(kind, "the key", "the name"))
    assert (place.screen if place else None) == screen
    if place and screen not in ROOTS:
        assert (place.key, place.title) == ("the key", "the name")


@pytest.mark.parametrize("name", SCREENS)
def test_every_screen_can_be_loaded_and_has_a_name(name: str) -> None:
    module, _, made = SCREENS[name].partition(":")
    screen = getattr(importlib.import_module(module), made)
    assert issubclass(screen, MonitorScreen)
    assert name in ("stream", "group", "instance", "message") or TITLES[name]
