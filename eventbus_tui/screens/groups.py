"""All groups of the bus, and the readers of inboxes."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from eventbus_core.monitoring import GroupView

from ..links import dead_letters_of_group, flow_of_group, group_place, group_with, stream_place
from ..navigation import Place
from ..rows import groups
from ..rows.members import stream_of
from ..table import Column, Row
from ..update import Update
from .shown import shown_view
from .table_screen import TableScreen


class GroupsScreen(TableScreen):
    """Enter opens a group; its messages, stream and dead letters are one key away."""

    columns: ClassVar[Sequence[Column]] = groups.COLUMNS
    default_sort: ClassVar[str] = "STATE"
    nothing: ClassVar[str] = "no group and no inbox yet: nobody listens on this bus"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "flow", "Flow", id="groups.flow"),
        Binding("o", "stream", "Its stream", show=False, id="groups.stream"),
        Binding("d", "dead_letters", "Dead letters", show=False, id="groups.dead-letters"),
    ]

    def rows(self, update: Update) -> Sequence[Row]:
        return groups.rows(update.view, self.app_.marks) if update.view else ()

    def opened(self, key: str) -> Place | None:
        found = group_with(shown_view(self), key)
        return None if found is None else group_place(found)

    @property
    def _selected(self) -> GroupView | None:
        return group_with(shown_view(self), self.table.cursor_key)

    def action_flow(self) -> None:
        if (found := self._selected) is not None:
            self.app_.open(flow_of_group(found))

    def action_stream(self) -> None:
        view, found = shown_view(self), self._selected
        if view is not None and found is not None and (stream := stream_of(view, found)):
            self.app_.open(stream_place(stream))

    def action_dead_letters(self) -> None:
        if (found := self._selected) is not None:
            self.app_.open(dead_letters_of_group(found))
