"""Faults that the group "isolation" must find."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

import msgspec

from eventbus_core.memory.dead import DeadLetters
from eventbus_core.transport import (
    Channel,
    Delivery,
    Holder,
    Member,
    Outgoing,
    Published,
    Room,
    Session,
    Transport,
)

from .base import BrokenSession, BrokenTransport
from .inside import bus_of

SHORT = 16


def _folded(name: str) -> str:
    """A name as some store makes it: escapes undone, cut, in one case."""
    return unquote(name)[: 2 * SHORT].casefold()


class CutsNamesOfBuses(
    BrokenTransport,
    meant=[
        "test_buses_do_not_see_each_other",
        "test_only_those_of_its_own_bus_are_suspected",
        "test_names_of_buses_do_not_collide",
    ],
):
    """Only the beginning of a long name counts."""

    def __init__(self, inner: Transport, bus: str) -> None:
        super().__init__(inner, bus)
        self.inner._bus = bus[:SHORT]


class KeepsDeadLettersTogether(
    BrokenTransport, meant=["test_dead_letters_of_another_bus_are_unknown"]
):
    """All buses of a store have one list of dead letters."""

    letters = DeadLetters()

    async def join(self, member: Member, replace: Holder | None = None) -> Session | Holder:
        joined = await super().join(member, replace)
        bus_of(self).dead = self.letters
        return joined


class _FoldsTargets(BrokenSession):
    async def publish(self, batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        folded = [m._replace(target=m.target and _folded(m.target)) for m in messages]
        return await super().publish(batch, folded)


class FoldsNamesOfInstances(BrokenTransport, meant=["test_names_of_instances_do_not_collide"]):
    """Two ids that differ in case only are the same one."""

    session = _FoldsTargets

    async def join(self, member: Member, replace: Holder | None = None) -> Session | Holder:
        folded = msgspec.structs.replace(member, instance_id=_folded(member.instance_id))
        return await super().join(folded, replace)


class _JoinsNames(BrokenSession):
    """The work of "a" for "b:c" is where the work of "a:b" for "c" is."""

    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        queue_of: Any = bus_of(self).group

        def group(event: str, name: str) -> Any:
            key = f"{event}:{name}"
            places: dict[str, Any] = self.transport.places  # type: ignore[attr-defined]
            return places.setdefault(key, queue_of(event, name))

        bus_of(self).group = group
        try:
            return await super().fetch(room, wait)
        finally:
            bus_of(self).group = queue_of


class JoinsNamesOfEventsAndGroups(
    BrokenTransport, meant=["test_names_of_events_and_groups_do_not_collide"]
):
    """The place of a group is named after event and group, with a colon between them."""

    session = _JoinsNames

    def __init__(self, inner: Transport, bus: str) -> None:
        super().__init__(inner, bus)
        self.places: dict[str, Any] = {}
