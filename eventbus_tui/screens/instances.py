"""All instances of the bus, the lately dead too."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from eventbus_core.monitoring import InstanceView

from ..links import (
    dead_letters_of_instance,
    flow_of_instance,
    instance_place,
    instance_with,
)
from ..navigation import Place
from ..rows import instances
from ..table import Column, Row
from ..update import Update
from .shown import shown_view
from .table_screen import TableScreen


class InstancesScreen(TableScreen):
    """Enter opens an instance; what it sends and its dead letters are one key away."""

    columns: ClassVar[Sequence[Column]] = instances.COLUMNS
    default_sort: ClassVar[str] = "STATE"
    nothing: ClassVar[str] = "no instance: nobody has joined this bus"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "flow", "Flow", id="instances.flow"),
        Binding("d", "dead_letters", "Dead letters", show=False, id="instances.dead-letters"),
    ]

    def rows(self, update: Update) -> Sequence[Row]:
        return instances.rows(update.view, self.app_.marks) if update.view else ()

    def opened(self, key: str) -> Place | None:
        found = instance_with(shown_view(self), key)
        return None if found is None else instance_place(found)

    @property
    def _selected(self) -> InstanceView | None:
        return instance_with(shown_view(self), self.table.cursor_key)

    def action_flow(self) -> None:
        if (found := self._selected) is not None:
            self.app_.open(flow_of_instance(found))

    def action_dead_letters(self) -> None:
        if (found := self._selected) is not None:
            self.app_.open(dead_letters_of_instance(found))
