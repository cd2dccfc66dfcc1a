"""The command palette: every name of the bus, every screen, every key that works."""

import heapq
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from rich.text import Text
from textual.command import DiscoveryHit, Hit, Hits, Provider

from .format import clean
from .navigation import ROOTS, TITLES, Place
from .rows.streams import stream_name

if TYPE_CHECKING:
    from .app import MonitorApp

MOST: Final = 60
"""Results of one search."""
_NOT_ACTIONS: Final = ("", "go", "table", "filter")
"""Moving about, and what Textual itself binds."""
_ITSELF: Final = "command_palette"


class Entry(NamedTuple):
    """Something that can be chosen."""

    text: str
    """Harmless already."""
    run: Callable[[], object]


class Names(Provider):
    """Goes to streams, groups, instances and buses by name, and does what keys do."""

    @property
    def _monitor_app(self) -> "MonitorApp":
        from .app import MonitorApp

        assert isinstance(self.app, MonitorApp)
        return self.app

    async def discover(self) -> Hits:
        """Screens and actions; names only when they are asked for."""
        for entry in (*_screens(self._monitor_app), *self._actions()):
            yield DiscoveryHit(Text(entry.text), entry.run, entry.text)

    async def search(self, query: str) -> Hits:
        wanted = query.casefold().split()
        app = self._monitor_app
        entries = (*_screens(app), *self._actions(), *_names(app))
        found = ((score, entry) for entry in entries if (score := match(wanted, entry.text)) > 0)
        for score, entry in heapq.nlargest(MOST, found, key=lambda pair: pair[0]):
            yield Hit(score, _marked(entry.text, wanted), entry.run, entry.text)

    def _actions(self) -> Iterator[Entry]:
        app = self._monitor_app
        for active in self.screen.active_bindings.values():
            binding = active.binding
            area = (binding.id or "").partition(".")[0]
            if active.enabled and area not in _NOT_ACTIONS and binding.action != _ITSELF:
                key = app.get_key_display(binding)
                run = partial(app.run_action, binding.action, active.node)
                yield Entry(f"{binding.description}  ({key})", run)
        yield Entry("Save a picture of the screen (SVG)", app.save_picture)


def match(wanted: list[str], text: str) -> float:
    """How well a text matches: every word has to be in it; best where a name starts with it."""
    lowered, score = text.casefold(), 1.0
    for word in wanted:
        place = lowered.find(word)
        if place < 0:
            return 0.0
        starts = place == 0 or not lowered[place - 1].isalnum()
        score *= (0.95 if starts else 0.7) - min(len(lowered), 100) / 1000
    return max(score, 0.001)


def _screens(app: "MonitorApp") -> Iterator[Entry]:
    for number, name in enumerate(ROOTS, start=1):
        yield Entry(f"{TITLES[name]}  ({number})", partial(app.open, Place(name)))


def _names(app: "MonitorApp") -> Iterator[Entry]:
    update = app.latest
    if update is None:
        return
    for bus in update.buses:
        yield Entry(f"go to bus {clean(bus)}", partial(app.choose_bus, bus))
    if update.view is None:
        return
    for stream in update.view.streams:
        name = stream_name(stream)
        yield Entry(f"go to stream {name}", partial(app.open, Place("stream", stream.key, name)))
    for group in update.view.groups:
        place = Place("group", group.key, group.name)
        yield Entry(f"go to group {clean(group.name)}", partial(app.open, place))
    for instance in update.view.instances:
        place = Place("instance", instance.key, instance.id)
        yield Entry(
            f"go to instance {clean(instance.id)}, {instance.state}", partial(app.open, place)
        )


def _marked(text: str, wanted: list[str]) -> Text:
    shown = Text(text)
    for word in wanted:
        place = text.casefold().find(word)
        shown.stylize("bold underline", place, place + len(word))
    return shown
