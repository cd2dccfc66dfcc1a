"""One stream: its figures, its margin, and its groups or readers."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from eventbus_core.monitoring import BusView, ChannelKind, StreamView

from ..links import (
    dead_letters_of_stream,
    flow_of_stream,
    group_place,
    group_with,
    groups_of_stream,
    instance_place,
    instance_with,
    stream_with,
)
from ..navigation import Place
from ..rows import groups, members, stream_detail
from ..rows.lines import Part
from ..table import Row
from ..widgets.keyed_table import KeyedTable
from .detail import DetailScreen
from .shown import shown_view


class StreamDetail(DetailScreen[StreamView]):
    """Enter opens one of its groups; of the broadcasts, one of the instances that read them."""

    left: ClassVar[Sequence[str]] = ("Figures", "Margin")
    right: ClassVar[Sequence[str]] = ("Rate in", "Options in force")
    kind: ClassVar[str] = "stream"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "flow", "Flow", id="stream.flow"),
        Binding("o", "groups", "Table of its groups", show=False, id="stream.groups"),
        Binding("d", "dead_letters", "Dead letters", id="stream.dead-letters"),
    ]

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._groups = KeyedTable(groups.COLUMNS, empty="no group: nothing here is handled")
        self._readers = KeyedTable(members.READERS, empty="no instance listens to broadcasts")

    def find(self, view: BusView, key: str) -> StreamView | None:
        return stream_with(view, key)

    def parts(self, view: BusView, subject: StreamView, width: int) -> Sequence[Part]:
        return stream_detail.parts(view, subject, self.app_.marks, width)

    def tables(self) -> Sequence[KeyedTable]:
        return (self._groups, self._readers)

    def table_of(self, subject: StreamView) -> KeyedTable:
        return self._readers if _is_broadcast(subject) else self._groups

    def rows(self, view: BusView, subject: StreamView) -> Sequence[Row]:
        marks = self.app_.marks
        if _is_broadcast(subject):
            return members.readers(view, marks)
        mine = {each.key for each in members.groups_of(view, subject)}
        return [row for row in groups.rows(view, marks) if row.key in mine]

    def table_title(self, subject: StreamView) -> str:
        if _is_broadcast(subject):
            return "Instances that listen to broadcasts"
        return "Reader" if subject.snapshot.kind is ChannelKind.INBOX else "Groups"

    def opened(self, key: str) -> Place | None:
        view = shown_view(self)
        if (group := group_with(view, key)) is not None:
            return group_place(group)
        instance = instance_with(view, key)
        return None if instance is None else instance_place(instance)

    def action_flow(self) -> None:
        if self.subject is not None:
            self.app_.open(flow_of_stream(self.subject))

    def action_groups(self) -> None:
        if self.subject is not None and not _is_broadcast(self.subject):
            self.app_.open(groups_of_stream(self.subject))

    def action_dead_letters(self) -> None:
        if self.subject is not None:
            self.app_.open(dead_letters_of_stream(self.subject))


def _is_broadcast(stream: StreamView) -> bool:
    return stream.snapshot.kind is ChannelKind.BROADCAST
