"""Faults that it takes several processes to show."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from eventbus_core import plugins
from eventbus_core.transport import (
    Channel,
    ChannelKind,
    Delivery,
    Holder,
    Member,
    Outcome,
    Room,
    Session,
    Settlement,
    Suspect,
    Transport,
)

from .base import BrokenSession, BrokenTransport


class HasAStoreForEachProcess(
    BrokenTransport,
    meant=[
        "test_processes_share_work_and_handle_each_once",
        "test_broadcasts_reach_every_process_and_unicasts_one",
    ],
    base="sqlite",
):
    """What is stored is seen in the process that stored it, and nowhere else."""

    def __init__(self, inner: Transport, bus: str) -> None:
        super().__init__(inner, bus)
        url = f"sqlite:///{self.inner.client.where}.{os.getpid()}"
        self.inner = plugins.open_transport(url, bus=bus, io_timeout=5.0)


class _DeclaresAndForgets(BrokenSession):
    async def declare_dead(self, suspects: Sequence[Suspect]) -> Sequence[Suspect]:
        return suspects


class LeavesTheDeadTheirWork(
    BrokenTransport,
    meant=["test_work_of_a_killed_process_is_taken_over_in_time"],
    base="sqlite",
):
    """Who is declared dead keeps what it had in hand."""

    session = _DeclaresAndForgets


class _TakesCareOnlyOfTheNew(BrokenSession):
    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        taken = await super().fetch(room, wait)
        orphans = [delivery for delivery in taken if delivery.orphaned]
        await super().settle([Settlement(delivery, Outcome.DONE) for delivery in orphans])
        return [delivery for delivery in taken if not delivery.orphaned]


class DropsWhatTheDeadHadInHand(
    BrokenTransport,
    meant=[
        "test_unhandled_messages_outlive_all_processes",
        "test_work_of_a_killed_process_is_taken_over_in_time",
    ],
    base="sqlite",
):
    """What a process had in hand goes with it."""

    session = _TakesCareOnlyOfTheNew


class _CountsByItself(BrokenSession):
    async def begin(self, delivery: Delivery, starts: int) -> None:
        counted: dict[Any, int] = vars(self).setdefault("counted", {})
        counted[delivery.token] = starts


class CountsStartsInEachProcess(
    BrokenTransport,
    meant=[
        "test_a_message_that_kills_processes_dies_alone",
        "test_work_of_a_killed_process_is_taken_over_in_time",
    ],
    base="sqlite",
):
    """How often a handler was started is known in the process that started it."""

    session = _CountsByItself


class StartsFixedIdsAnew(
    BrokenTransport,
    meant=["test_a_killed_process_resumes_under_its_fixed_id"],
    base="sqlite",
):
    """A fixed id that comes back begins at the oldest broadcast."""

    async def join(self, member: Member, replace: Holder | None = None) -> Session | Holder:
        return await super().join(msgspec.structs.replace(member, fixed=False), replace)


class _LeavesQuietly(BrokenSession):
    async def settle(self, settlements: Sequence[Settlement]) -> None:
        await super().settle(
            [
                settlement
                for settlement in settlements
                if settlement.outcome is not Outcome.RELEASED
                or settlement.delivery.channel.kind is not ChannelKind.WORK
            ]
        )

    async def leave(self) -> None:
        pass


class HandsNothingBack(
    BrokenTransport,
    meant=["test_a_process_that_closes_hands_its_work_to_others"],
    base="sqlite",
):
    """Only the end of the lease frees what a process had fetched."""

    session = _LeavesQuietly
