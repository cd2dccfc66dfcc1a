"""One instance: its process, its work, what it listens to, and what became of its work."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from eventbus_core.monitoring import BusView, InstanceView

from ..links import (
    dead_letters_of_instance,
    flow_of_instance,
    group_place,
    group_with,
    instance_with,
)
from ..navigation import Place
from ..rows import instance_detail, members
from ..rows.lines import Part
from ..table import Row
from ..widgets.keyed_table import KeyedTable
from .detail import DetailScreen
from .shown import shown_view


class InstanceDetail(DetailScreen[InstanceView]):
    """Enter opens one of the groups that it works in."""

    left: ClassVar[Sequence[str]] = ("Since its death", "Figures", "Work")
    right: ClassVar[Sequence[str]] = (
        "Handled",
        "Process",
        "Subscriptions",
        "Options",
        "Happened lately",
    )
    kind: ClassVar[str] = "instance"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "flow", "Flow", id="instance.flow"),
        Binding("d", "dead_letters", "Dead letters", id="instance.dead-letters"),
    ]

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._holdings = KeyedTable(members.HOLDINGS, empty="it shares no work and has no inbox")

    def find(self, view: BusView, key: str) -> InstanceView | None:
        return instance_with(view, key)

    def parts(self, view: BusView, subject: InstanceView, width: int) -> Sequence[Part]:
        return instance_detail.parts(view, subject, self.app_.marks, width)

    def tables(self) -> Sequence[KeyedTable]:
        return (self._holdings,)

    def rows(self, view: BusView, subject: InstanceView) -> Sequence[Row]:
        return members.holdings(view, subject, self.app_.marks)

    def table_title(self, subject: InstanceView) -> str:
        return "Groups that it works in"

    def opened(self, key: str) -> Place | None:
        found = group_with(shown_view(self), key)
        return None if found is None else group_place(found)

    def action_flow(self) -> None:
        if self.subject is not None:
            self.app_.open(flow_of_instance(self.subject))

    def action_dead_letters(self) -> None:
        if self.subject is not None:
            self.app_.open(dead_letters_of_instance(self.subject))
