"""Where a reader is: places, the way to them, and which class shows which. Pure."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from eventbus_core.monitoring import Subject


class Place(NamedTuple):
    """Something that can be opened."""

    screen: str
    """A name of SCREENS."""
    key: str = ""
    """What the screen is about: the `key` of a view, or the id of a message."""
    title: str = ""
    """For the breadcrumb; empty: what the screen is called, or the key."""
    filter: str = ""
    """Filter text that the screen starts with."""

    @property
    def name(self) -> str:
        """As it stands in the breadcrumb."""
        return self.title or self.key or TITLES.get(self.screen, self.screen)


ROOTS: Final = ("overview", "streams", "groups", "instances", "flow", "failures")
"""Screens on the digits 1 to 6."""

TITLES: Final[Mapping[str, str]] = {
    "overview": "Overview",
    "streams": "Streams",
    "groups": "Groups",
    "instances": "Instances",
    "flow": "Flow",
    "failures": "Failures",
    "dead-letters": "Dead letters",
    "help": "Help",
}

SCREENS: Final[Mapping[str, str]] = {
    "overview": "eventbus_tui.screens.overview:OverviewScreen",
    "streams": "eventbus_tui.screens.streams:StreamsScreen",
    "groups": "eventbus_tui.screens.groups:GroupsScreen",
    "instances": "eventbus_tui.screens.instances:InstancesScreen",
    "flow": "eventbus_tui.screens.flow:FlowScreen",
    "failures": "eventbus_tui.screens.failures:FailuresScreen",
    "stream": "eventbus_tui.screens.stream_detail:StreamDetail",
    "group": "eventbus_tui.screens.group_detail:GroupDetail",
    "instance": "eventbus_tui.screens.instance_detail:InstanceDetail",
    "message": "eventbus_tui.screens.message:MessageScreen",
    "dead-letters": "eventbus_tui.screens.dead_letters:DeadLettersScreen",
    "help": "eventbus_tui.screens.help:HelpScreen",
}
"""Loaded when they are first opened: the first frame waits for none but its own."""

_OPENED_BY_KIND: Final[Mapping[str, str]] = {
    "stream": "stream",
    "group": "group",
    "instance": "instance",
    "dead letters": "failures",
}


def place_of(subject: Subject) -> Place | None:
    """Where one sees more of the subject of a finding; None for the bus and the monitor itself."""
    screen = _OPENED_BY_KIND.get(subject.kind)
    if screen is None:
        return None
    if screen in ROOTS:
        return Place(screen)
    return Place(screen, subject.key, subject.name)


class Way:
    """The places from a root to here, as the breadcrumb shows them."""

    def __init__(self, root: Place) -> None:
        self._places = [root]

    @property
    def places(self) -> tuple[Place, ...]:
        return tuple(self._places)

    @property
    def here(self) -> Place:
        return self._places[-1]

    def down(self, place: Place) -> None:
        self._places.append(place)

    def back(self) -> Place | None:
        """Leaves the last place; None when it is the root."""
        if len(self._places) == 1:
            return None
        return self._places.pop()

    def start(self, root: Place) -> None:
        """Begins again somewhere else."""
        self._places = [root]
