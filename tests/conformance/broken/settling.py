"""Faults of settling."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import ClassVar

import msgspec

from eventbus_core.transport import (
    BROADCASTS,
    Channel,
    Death,
    Delivery,
    FencedError,
    Outcome,
    Room,
    Settlement,
)

from .base import BrokenSession, BrokenTransport


class _Changes(BrokenSession):
    """Settles something else than it was told."""

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        change: Callable[[Settlement], Settlement] = self.transport.change  # type: ignore[attr-defined]
        await super().settle([change(each) for each in settlements])


class ReleasesLater(BrokenTransport, meant=["test_released_work_goes_to_another_member_at_once"]):
    """What is handed back comes after a time-out."""

    session = _Changes

    def change(self, each: Settlement) -> Settlement:
        if each.outcome is not Outcome.RELEASED or each.delivery.channel == BROADCASTS:
            return each
        return msgspec.structs.replace(each, outcome=Outcome.FAILED, delay=60.0)


class ChargesWhatIsReleased(BrokenTransport, meant=["test_a_release_charges_only_what_it_says"]):
    """Every hand-out counts as an attempt."""

    session = _Changes

    def change(self, each: Settlement) -> Settlement:
        if each.outcome is not Outcome.RELEASED:
            return each
        return msgspec.structs.replace(each, starts=each.starts + 1)


class IgnoresDelays(
    BrokenTransport,
    meant=[
        "test_failed_work_comes_after_its_delay_to_any_member",
        "test_failed_work_does_not_hold_up_newer_work",
        "test_a_batch_settles_each_as_it_says",
    ],
):
    """What failed comes again at once."""

    session = _Changes

    def change(self, each: Settlement) -> Settlement:
        return msgspec.structs.replace(each, delay=0.0)


class DelaysForAMinuteAtLeast(
    BrokenTransport,
    meant=[
        "test_without_a_delay_what_failed_comes_at_once",
        "test_failed_work_comes_after_its_delay_to_any_member",
        "test_what_becomes_due_ends_a_fetch_that_waits",
        "test_what_is_due_again_goes_before_newer",
    ],
):
    """What failed comes again when its time-out is over, not when it was asked for."""

    session = _Changes

    def change(self, each: Settlement) -> Settlement:
        return msgspec.structs.replace(each, delay=max(each.delay, 60.0))


class DropsNotes(
    BrokenTransport,
    meant=[
        "test_the_note_of_the_last_failure_is_kept",
        "test_the_note_of_the_last_release_is_kept",
    ],
):
    """Notes are not kept."""

    session = _Changes

    def change(self, each: Settlement) -> Settlement:
        return msgspec.structs.replace(each, note="")


class KeepsTheOldNoteOverARelease(
    BrokenTransport, meant=["test_the_note_of_the_last_release_is_kept"]
):
    """A release leaves the note of the failure before it."""

    session = _Changes

    def change(self, each: Settlement) -> Settlement:
        if each.outcome is not Outcome.RELEASED:
            return each
        return msgspec.structs.replace(each, note=each.delivery.note)


class BuriesWithoutWords(BrokenTransport, meant=["test_the_dead_become_dead_letters"]):
    """A dead letter does not say why it died."""

    session = _Changes

    def change(self, each: Settlement) -> Settlement:
        if each.death is None:
            return each
        return msgspec.structs.replace(each, death=Death(each.death.reason))


class _ActsOnTheFirst(BrokenSession):
    async def settle(self, settlements: Sequence[Settlement]) -> None:
        first = settlements[0] if settlements else None
        await super().settle(
            [msgspec.structs.replace(first, delivery=each.delivery) for each in settlements]
            if first is not None
            else ()
        )


class SettlesABatchLikeItsFirst(
    BrokenTransport,
    meant=["test_a_batch_settles_each_as_it_says", "test_a_large_batch_is_settled"],
):
    """All of a batch are settled as its first one says."""

    session = _ActsOnTheFirst


class _SettlesAPage(BrokenSession):
    async def settle(self, settlements: Sequence[Settlement]) -> None:
        await super().settle(settlements[:100])


class SettlesTheFirstHundred(BrokenTransport, meant=["test_a_large_batch_is_settled"]):
    """What is beyond one page of settlements is forgotten."""

    session = _SettlesAPage


class _SettlesLast(BrokenSession):
    async def settle(self, settlements: Sequence[Settlement]) -> None:
        await super().settle([s for s in settlements if s.outcome is not Outcome.DONE])


class ForgetsWhatIsDone(BrokenTransport, meant=["test_what_is_done_does_not_come_again"]):
    """Done is kept in the process only."""

    session = _SettlesLast


class _KnowsEachOnce(BrokenSession):
    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.over: set[Delivery] = set()

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        for each in settlements:
            if each.delivery in self.over:
                raise FencedError("there is no such delivery")
        await super().settle(settlements)
        self.over.update(each.delivery for each in settlements)


class FencesWhoSettlesTwice(
    BrokenTransport,
    meant=[
        "test_settling_twice_does_no_harm",
        "test_handing_back_twice_does_no_harm",
        "test_a_late_settlement_takes_nothing_from_the_next_owner",
    ],
):
    """An instance whose answer was lost ends when it settles again."""

    session = _KnowsEachOnce


class _KnowsMessages(BrokenSession):
    newest: ClassVar[dict[tuple[str, bytes], Delivery]] = {}

    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        deliveries = await super().fetch(room, wait)
        self.newest.update({(self.transport.bus, d.data): d for d in deliveries})
        return deliveries

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        newest = [self.newest[self.transport.bus, each.delivery.data] for each in settlements]
        await super().settle(
            [
                msgspec.structs.replace(each, delivery=delivery)
                for each, delivery in zip(settlements, newest, strict=True)
            ]
        )


class SettlesMessagesNotDeliveries(
    BrokenTransport,
    meant=["test_a_late_settlement_takes_nothing_from_the_next_owner"],
):
    """A settlement acts on the message, whoever has it in hand meanwhile."""

    session = _KnowsMessages


class _RecordsNothing(BrokenSession):
    async def begin(self, delivery: Delivery, starts: int) -> None:
        pass


class RecordsNoStarts(
    BrokenTransport,
    meant=[
        "test_begun_starts_are_kept_over_a_crash",
        "test_begun_starts_are_kept_when_their_owner_leaves",
        "test_starts_of_a_released_broadcast_are_kept",
    ],
):
    """How often a handler was started dies with its process."""

    session = _RecordsNothing


class _IsNotTold(BrokenSession):
    async def settle(self, settlements: Sequence[Settlement]) -> None:
        with suppress(FencedError):
            await super().settle(settlements)


class LetsTheDeadSettle(BrokenTransport, meant=["test_who_was_declared_dead_settles_nothing"]):
    """Who was declared dead does not learn that its settlements are refused."""

    session = _IsNotTold
