"""Faults of monitors."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from eventbus_core.errors import TransportUnavailableError
from eventbus_core.options import SharedOptions
from eventbus_core.snapshots import BusSnapshot, DeliverySnapshot, StoredMessage
from eventbus_core.transport import Member, Redriven, Renewal, Vitals

from .base import BrokenSession, BrokenTransport


class _Look:
    """A MonitorSource that passes every call on."""

    def __init__(self, source: Any) -> None:
        self.source = source

    def __getattr__(self, name: str) -> Any:
        return getattr(self.source, name)

    async def snapshot(self, bus: str) -> BusSnapshot:
        snapshot: BusSnapshot = await self.source.snapshot(bus)
        return self.seen(snapshot)

    def seen(self, snapshot: BusSnapshot) -> BusSnapshot:
        return snapshot


class _StreamsGrow(_Look):
    def seen(self, snapshot: BusSnapshot) -> BusSnapshot:
        streams = [replace(each, backlog=each.length) for each in snapshot.streams]
        return replace(snapshot, streams=tuple(streams))


class CountsWhatIsHandledAsBacklog(
    BrokenTransport, meant=["test_a_backlog_shrinks_with_what_is_handled"]
):
    """The length of a stream is shown as its backlog."""

    monitor: ClassVar[Any] = _StreamsGrow


class _SeesKeysOnly(_Look):
    def seen(self, snapshot: BusSnapshot) -> BusSnapshot:
        streams = [replace(each, added=0, newest_ms=None) for each in snapshot.streams]
        return replace(snapshot, streams=tuple(streams))


class CountsSinceItLooks(BrokenTransport, meant=["test_a_snapshot_counts_what_each_stream_keeps"]):
    """Totals start with the monitor."""

    monitor: ClassVar[Any] = _SeesKeysOnly


class _PendingIsPending(_Look):
    def seen(self, snapshot: BusSnapshot) -> BusSnapshot:
        groups = [
            replace(g, pending=g.pending + g.waiting + g.delayed, waiting=0, delayed=0)  # type: ignore[operator]
            for g in snapshot.groups
        ]
        return replace(snapshot, groups=tuple(groups))


class CallsAllPending(
    BrokenTransport,
    meant=[
        "test_a_snapshot_tells_in_which_state_messages_are",
        "test_a_snapshot_shows_a_death_and_what_was_taken_over",
    ],
):
    """Whatever was handed out and is not settled is shown as in hand."""

    monitor: ClassVar[Any] = _PendingIsPending


class _HidesHands(_Look):
    def seen(self, snapshot: BusSnapshot) -> BusSnapshot:
        groups = [
            replace(group, consumers=tuple(c for c in group.consumers if c.pending))
            for group in snapshot.groups
        ]
        instances = [replace(each, pending=0, behind=0) for each in snapshot.instances]
        return replace(snapshot, groups=tuple(groups), instances=tuple(instances))


class ShowsEmptyHands(
    BrokenTransport,
    meant=[
        "test_a_snapshot_tells_who_has_what_in_hand",
        "test_a_backlog_shrinks_with_what_is_handled",
        "test_a_snapshot_shows_instances_as_they_announced_themselves",
    ],
):
    """What single instances have in hand, or have before them, is not looked up."""

    monitor: ClassVar[Any] = _HidesHands


class _ShowsDefaults(_Look):
    def seen(self, snapshot: BusSnapshot) -> BusSnapshot:
        instances = [replace(each, options=SharedOptions()) for each in snapshot.instances]
        return replace(snapshot, instances=tuple(instances), options=SharedOptions())


class ShowsDefaultOptions(
    BrokenTransport, meant=["test_a_snapshot_shows_instances_as_they_announced_themselves"]
):
    """Options are shown as they are by default."""

    monitor: ClassVar[Any] = _ShowsDefaults


class _KeepsTheFirst(BrokenSession):
    async def renew(self, vitals: Vitals | None = None) -> Renewal:
        first = vars(self).setdefault("first", vitals)
        return await super().renew(first)


class KeepsOldVitals(BrokenTransport, meant=["test_a_snapshot_shows_what_the_last_heartbeat_told"]):
    """Only the first heartbeat's vitals are stored."""

    session = _KeepsTheFirst


class _NeverNegative(_Look):
    def seen(self, snapshot: BusSnapshot) -> BusSnapshot:
        instances = [
            replace(each, lease_left=max(0.0, each.lease_left)) for each in snapshot.instances
        ]
        return replace(snapshot, instances=tuple(instances), absent=())


class HidesWhoIsLate(
    BrokenTransport,
    meant=[
        "test_a_snapshot_shows_a_death_and_what_was_taken_over",
        "test_a_snapshot_shows_fixed_ids_that_are_away",
    ],
):
    """Leases that ran out look like leases that end now, and who is away is not shown at all."""

    monitor: ClassVar[Any] = _NeverNegative


class _CountsNothing(_Look):
    def seen(self, snapshot: BusSnapshot) -> BusSnapshot:
        return replace(snapshot, totals=dict.fromkeys(snapshot.totals, 1))


class CountsEachCauseOnce(
    BrokenTransport,
    meant=[
        "test_a_snapshot_counts_dead_letters_and_what_became_of_them",
        "test_a_snapshot_shows_a_death_and_what_was_taken_over",
    ],
):
    """Totals count steps, not messages."""

    monitor: ClassVar[Any] = _CountsNothing


class _SaysNothing(_Look):
    def seen(self, snapshot: BusSnapshot) -> BusSnapshot:
        server = replace(snapshot.server, clients=None, unknown={"klients": "not told"})
        return replace(snapshot, server=server)


class GivesNoReason(BrokenTransport, meant=["test_what_a_snapshot_cannot_tell_has_a_reason"]):
    """A number is missing, and the reason is filed under another name."""

    monitor: ClassVar[Any] = _SaysNothing


class _Creates(_Look):
    async def snapshot(self, bus: str) -> BusSnapshot:
        store = self.source._store
        with store.step():
            store.bus(bus)
        return await super().snapshot(bus)


class CreatesWhatItLooksAt(
    BrokenTransport, meant=["test_a_monitor_lists_the_buses_that_are_stored"]
):
    """To look at a bus makes it."""

    monitor: ClassVar[Any] = _Creates


class _Joins(_Look):
    async def snapshot(self, bus: str) -> BusSnapshot:
        from eventbus_core.memory.transport import MemoryTransport

        member = Member(
            instance_id="monitor",
            incarnation="monitor",
            fixed=False,
            role="consumer",
            group="monitor",
            lease=60.0,
            only_new=False,
            subscriptions=frozenset(),
            options=SharedOptions(),
        )
        await MemoryTransport(self.source._store, bus).join(member)
        return await super().snapshot(bus)


class TakesPartInWhatItWatches(
    BrokenTransport,
    meant=[
        "test_a_monitor_takes_no_part",
        "test_a_snapshot_shows_instances_as_they_announced_themselves",
    ],
):
    """The monitor is an instance like others."""

    monitor: ClassVar[Any] = _Joins


class _NewestFirst(_Look):
    async def messages(
        self, bus: str, limit: int, since_ms: int = 0, until_ms: int | None = None
    ) -> Sequence[StoredMessage]:
        found = await self.source.messages(bus, 10_000, since_ms, until_ms)
        return [each for each in found if each.kind != "inbox"][:limit]


class SamplesTheOldest(
    BrokenTransport, meant=["test_a_sample_is_the_newest_messages_of_all_modes"]
):
    """A sample begins at the oldest message, and leaves the inboxes out."""

    monitor: ClassVar[Any] = _NewestFirst


class _NeverSettled(_Look):
    async def deliveries(self, bus: str, message: StoredMessage) -> Sequence[DeliverySnapshot]:
        found = await self.source.deliveries(bus, message)
        return [replace(each, state="pending") for each in found]


class SaysPendingOfEveryMessage(
    BrokenTransport, meant=["test_a_message_is_found_with_where_it_stands"]
):
    """What is in the stream is said to be in somebody's hands."""

    monitor: ClassVar[Any] = _NeverSettled


class _IgnoresFilters(_Look):
    async def dead_letters(self, bus: str, limit: int, after: str | None, *filters: Any) -> Any:
        return await self.source.dead_letters(bus, limit, after, None, None)


class ListsAllDeadLetters(
    BrokenTransport, meant=["test_dead_letters_are_found_with_their_message"]
):
    """Filters are not looked at."""

    monitor: ClassVar[Any] = _IgnoresFilters


class _ActsTwice(_Look):
    async def redrive(self, bus: str, dead_letter_id: str) -> Redriven:
        letters = await self.source.dead_letters(bus, 10_000, None, None, None)
        redriven: Redriven = await self.source.redrive(bus, dead_letter_id)
        if redriven is Redriven.DONE:
            (letter,) = (each for each in letters if each.id == dead_letter_id)
            with self.source._step(bus) as (stored, _):
                stored.dead._letters[letter.id] = (0.0, letter)
        return redriven


class RedrivesAndKeeps(
    BrokenTransport, meant=["test_a_monitor_redrives_and_discards_dead_letters"]
):
    """A redriven dead letter stays: the next one who looks redrives it again."""

    monitor: ClassVar[Any] = _ActsTwice


class _DropsAny(_Look):
    async def drop_group(self, bus: str, event: str, group: str) -> bool:
        with self.source._step(bus) as (stored, now):
            found = stored.group(event, group)
            if found is None:
                return False
            stored.drop_group(found.stream, found, "dropped", now)
            return True


class DropsGroupsInUse(
    BrokenTransport, meant=["test_a_monitor_drops_only_groups_that_nobody_works_in"]
):
    """Nobody looks who works in the group."""

    monitor: ClassVar[Any] = _DropsAny


class _DiesOnce(_Look):
    dead = False

    async def snapshot(self, bus: str) -> BusSnapshot:
        if self.dead:
            raise TransportUnavailableError("the connection is closed")
        try:
            return await super().snapshot(bus)
        except TransportUnavailableError:
            self.dead = True
            raise


class DoesNotConnectAgain(BrokenTransport, meant=["test_a_monitor_survives_an_outage"]):
    """A monitor that lost its connection stays without one."""

    monitor: ClassVar[Any] = _DiesOnce
