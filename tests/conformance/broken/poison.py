"""Faults in what becomes of messages that nobody can handle."""

from collections.abc import Mapping, Sequence

import msgspec

from eventbus_core.envelope import unpack
from eventbus_core.memory.queue import Entry, Item
from eventbus_core.transport import (
    Channel,
    Delivery,
    Outcome,
    Redriven,
    Room,
    Settlement,
)

from .base import BrokenSession, BrokenTransport


class _KeepsNoDetails(BrokenSession):
    async def settle(self, settlements: Sequence[Settlement]) -> None:
        for settlement in settlements:
            if settlement.death is not None:
                settlement.death = msgspec.structs.replace(
                    settlement.death, attempts=1, traceback=""
                )
        await super().settle(settlements)


class KeepsHalfOfADeadLetter(
    BrokenTransport,
    meant=["test_a_handler_that_fails_is_tried_again_then_gives_a_dead_letter"],
):
    """Traceback and number of attempts are not kept with a dead letter."""

    session = _KeepsNoDetails


class _CountsOn(BrokenSession):
    async def redrive(self, dead_letter_id: str) -> Redriven:
        with self.inner._step() as now:
            letter = self.inner._bus.dead.get(dead_letter_id)
            if letter is None:
                return Redriven.UNKNOWN
            for group in self.inner._bus.streams[letter.event].groups.values():
                item = Item(Entry(0, letter.event, letter.data, now), starts=letter.attempts)
                group.put_back(item)
            self.inner._bus.ring()
        return Redriven.DONE


class RedrivesToEveryGroup(
    BrokenTransport, meant=["test_a_redriven_message_starts_anew_in_its_own_group"]
):
    """To redrive is to publish again: all groups get it, with its old count, and the dead letter
    stays."""

    session = _CountsOn


class _TriesAgain(BrokenSession):
    async def settle(self, settlements: Sequence[Settlement]) -> None:
        for settlement in settlements:
            if settlement.outcome is Outcome.DEAD and settlement.delivery.starts < 5:
                settlement.outcome = Outcome.FAILED
                settlement.starts = settlement.delivery.starts + 1
        await super().settle(settlements)


class DecidesItselfWhenAMessageIsDead(
    BrokenTransport,
    meant=[
        "test_a_rejected_message_is_a_dead_letter_at_once",
        "test_a_handler_that_fails_is_tried_again_then_gives_a_dead_letter",
    ],
):
    """Only the count of deliveries makes a dead letter, not the core's word."""

    session = _TriesAgain


class _CountsInMemory(BrokenSession):
    async def begin(self, delivery: Delivery, starts: int) -> None:
        pass


class CountsStartsInItsProcess(
    BrokenTransport,
    meant=[
        "test_a_message_in_hand_at_each_crash_becomes_a_dead_letter",
        "test_work_of_a_dead_bus_is_taken_over_in_time",
    ],
):
    """What `begin` records ends with the process: a message that kills is tried for ever."""

    session = _CountsInMemory


class _DecodesTooEarly(BrokenSession):
    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        taken = await super().fetch(room, wait)
        for delivery in taken:
            unpack(delivery.data)
        return taken


class ChokesOnBytesThatItCannotRead(
    BrokenTransport, meant=["test_bytes_that_are_no_message_become_a_dead_letter"]
):
    """It looks into envelopes: one that it cannot read ends the whole fetch."""

    session = _DecodesTooEarly
