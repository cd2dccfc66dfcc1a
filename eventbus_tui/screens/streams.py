"""All streams of the bus."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from eventbus_core.monitoring import StreamView

from ..links import (
    dead_letters_of_stream,
    flow_of_stream,
    groups_of_stream,
    stream_place,
    stream_with,
)
from ..navigation import Place
from ..rows import streams
from ..table import Column, Row
from ..update import Update
from .shown import shown_view
from .table_screen import TableScreen


class StreamsScreen(TableScreen):
    """Enter opens a stream; its messages, groups and dead letters are one key away."""

    columns: ClassVar[Sequence[Column]] = streams.COLUMNS
    default_sort: ClassVar[str] = "STATE"
    nothing: ClassVar[str] = "no stream yet: nothing was emitted on this bus"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "flow", "Flow", id="streams.flow"),
        Binding("o", "groups", "Its groups", show=False, id="streams.groups"),
        Binding("d", "dead_letters", "Dead letters", show=False, id="streams.dead-letters"),
    ]

    def rows(self, update: Update) -> Sequence[Row]:
        return streams.rows(update.view, self.app_.marks) if update.view else ()

    def opened(self, key: str) -> Place | None:
        found = stream_with(shown_view(self), key)
        return None if found is None else stream_place(found)

    @property
    def _selected(self) -> StreamView | None:
        return stream_with(shown_view(self), self.table.cursor_key)

    def action_flow(self) -> None:
        if (found := self._selected) is not None:
            self.app_.open(flow_of_stream(found))

    def action_groups(self) -> None:
        if (found := self._selected) is not None:
            self.app_.open(groups_of_stream(found))

    def action_dead_letters(self) -> None:
        if (found := self._selected) is not None:
            self.app_.open(dead_letters_of_stream(found))
