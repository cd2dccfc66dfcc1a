"""One group, or the one reader of an inbox: how far it is, who has what in hand, what happened."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from eventbus_core.monitoring import BusView, GroupView

from ..links import (
    dead_letters_of_group,
    flow_of_group,
    group_with,
    instance_place,
    instance_with,
    stream_place,
)
from ..navigation import Place
from ..rows import group_detail, members
from ..rows.lines import Part
from ..table import Row
from ..widgets.keyed_table import KeyedTable
from .detail import DetailScreen
from .shown import shown_view


class GroupDetail(DetailScreen[GroupView]):
    """Enter opens one of its members. D drops a group without a live member, where actions are
    allowed."""

    left: ClassVar[Sequence[str]] = ("Figures",)
    right: ClassVar[Sequence[str]] = ("Backlog", "Happened lately")
    kind: ClassVar[str] = "group"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "flow", "Flow", id="group.flow"),
        Binding("o", "stream", "Its stream", id="group.stream"),
        Binding("d", "dead_letters", "Dead letters", id="group.dead-letters"),
        Binding("D", "drop", "Drop the group", show=False, id="group.drop"),
    ]

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._members = KeyedTable(members.MEMBERS, empty="nobody is subscribed or holds anything")

    def find(self, view: BusView, key: str) -> GroupView | None:
        return group_with(view, key)

    def parts(self, view: BusView, subject: GroupView, width: int) -> Sequence[Part]:
        return group_detail.parts(view, subject, self.app_.marks, width)

    def tables(self) -> Sequence[KeyedTable]:
        return (self._members,)

    def rows(self, view: BusView, subject: GroupView) -> Sequence[Row]:
        return members.members(view, subject, self.app_.marks)

    def table_title(self, subject: GroupView) -> str:
        return "In whose hands"

    def opened(self, key: str) -> Place | None:
        found = instance_with(shown_view(self), key)
        return None if found is None else instance_place(found)

    def action_flow(self) -> None:
        if self.subject is not None:
            self.app_.open(flow_of_group(self.subject))

    def action_stream(self) -> None:
        view = shown_view(self)
        if view is not None and self.subject is not None:
            found = members.stream_of(view, self.subject)
            if found is not None:
                self.app_.open(stream_place(found))

    def action_dead_letters(self) -> None:
        if self.subject is not None:
            self.app_.open(dead_letters_of_group(self.subject))

    def action_drop(self) -> None:
        """Ask, then drop the group that was there when the key was pressed."""
        app, subject = self.app_, self.subject
        if subject is None or app.latest is None:
            return
        why = app.actions.refusal("drop_group") or group_detail.droppable(subject)
        if why is not None:
            app.say(f"not dropped: {why}", error=True)
            return
        bus = app.latest.bus
        self.run_worker(self._drop(bus, subject), group="drop", exclusive=True, exit_on_error=False)

    async def _drop(self, bus: str, subject: GroupView) -> None:
        from .confirm import ConfirmDialog

        app, of = self.app_, subject.snapshot
        title = f"Drop group {of.name} of {of.event} on bus {bus}?"
        dialog = ConfirmDialog(title, group_detail.drop_lines(subject), typed=of.name)
        if not await app.push_screen_wait(dialog):
            return
        result = await app.actions.drop_group(bus, of.event, of.name)
        if result.failed:
            app.say(f"not dropped: {'; '.join(result.failed)}", error=True)
        else:
            app.say(f"dropped {subject.name}")
            app.feed.poll_now()
