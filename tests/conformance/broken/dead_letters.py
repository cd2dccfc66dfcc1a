"""Faults that the group "dead letters" must find."""

import asyncio
from collections.abc import Sequence

from eventbus_core.modes import EventMode
from eventbus_core.transport import (
    Death,
    Outgoing,
    Redriven,
    Settlement,
    StoredDeadLetter,
)

from .base import BrokenSession, BrokenTransport
from .inside import bus_of, now

SHORTENED = 1000


class _LosesDetails(BrokenSession):
    async def settle(self, settlements: Sequence[Settlement]) -> None:
        for settlement in settlements:
            if (death := settlement.death) is not None:
                settlement.death = Death(
                    death.reason, death.error.strip(), death.traceback[-SHORTENED:]
                )
        await super().settle(settlements)


class LosesDetailsOfDeaths(
    BrokenTransport,
    meant=[
        "test_a_dead_letter_tells_how_the_message_died",
        "test_data_and_texts_of_a_dead_letter_are_kept_as_they_are",
    ],
):
    """Long texts are cut, and attempts are not counted."""

    session = _LosesDetails


class _SortsByMessage(BrokenSession):
    async def dead_letters(
        self, limit: int, after: str | None, event: str | None, group: str | None
    ) -> Sequence[StoredDeadLetter]:
        letters = await super().dead_letters(limit, after, event, group)
        return sorted(letters, key=lambda letter: letter.data)


class SortsDeadLettersByMessage(
    BrokenTransport, meant=["test_dead_letters_are_listed_in_order_of_death"]
):
    """They are listed in the order of storing the messages."""

    session = _SortsByMessage


class _FiltersLast(BrokenSession):
    async def dead_letters(
        self, limit: int, after: str | None, event: str | None, group: str | None
    ) -> Sequence[StoredDeadLetter]:
        page = await super().dead_letters(limit, after, None, None)
        return [
            letter
            for letter in page
            if event in (None, letter.event) and group in (None, letter.group)
        ]


class FiltersAfterTheLimit(BrokenTransport, meant=["test_dead_letters_are_listed_in_pages"]):
    """A page is filtered after it was cut, so that it seems to be the last one."""

    session = _FiltersLast


class _IgnoresGroups(BrokenSession):
    async def dead_letters(
        self, limit: int, after: str | None, event: str | None, group: str | None
    ) -> Sequence[StoredDeadLetter]:
        return await super().dead_letters(limit, after, event, None)


class ListsDeadLettersOfAllGroups(
    BrokenTransport, meant=["test_dead_letters_are_listed_by_event_and_group"]
):
    """The filter by group is ignored."""

    session = _IgnoresGroups


class _Publishes(BrokenSession):
    async def redrive(self, dead_letter_id: str) -> Redriven:
        bus = bus_of(self)
        letter = bus.dead.get(dead_letter_id)
        if letter is None or not bus.dead.remove(dead_letter_id):
            return Redriven.UNKNOWN
        mode = EventMode.ANYCAST if letter.group is not None else EventMode.BROADCAST
        bus.store(Outgoing(letter.id, letter.event, mode, None, letter.data), now(self))
        bus.ring()
        return Redriven.DONE


class RedrivesByPublishing(
    BrokenTransport,
    meant=[
        "test_redriven_work_goes_to_its_group_alone",
        "test_what_one_instance_buried_is_redriven_to_its_inbox",
        "test_a_dead_letter_whose_owner_is_gone_is_kept",
    ],
):
    """A redriven message is published again, to everybody."""

    session = _Publishes


class _RedrivesInTwoSteps(BrokenSession):
    async def redrive(self, dead_letter_id: str) -> Redriven:
        bus = bus_of(self)
        letter = bus.dead.get(dead_letter_id)
        kept = bus.dead._letters.get(dead_letter_id)
        redriven = await super().redrive(dead_letter_id)
        if letter is not None and redriven is Redriven.DONE:
            bus.dead._letters[dead_letter_id] = kept
            await asyncio.sleep(0.001)
            bus.dead.remove(dead_letter_id)
        return redriven


class RedrivesInTwoSteps(
    BrokenTransport,
    meant=[
        "test_a_dead_letter_is_redriven_once",
        "test_redriving_again_after_a_cancellation_redrives_once",
    ],
):
    """A message is given back in one step, and its dead letter is removed in the next."""

    session = _RedrivesInTwoSteps


class _DiscardsInWords(BrokenSession):
    async def discard(self, dead_letter_id: str) -> bool:
        return True


class DiscardsInWordsOnly(
    BrokenTransport,
    meant=["test_a_discarded_dead_letter_is_gone", "test_an_unknown_dead_letter_is_told"],
):
    """Whatever id is discarded, the answer is that it is done."""

    session = _DiscardsInWords


class _KeepsLetters(BrokenSession):
    async def maintain(self) -> None:
        dead = bus_of(self).dead
        kept = dict(dead._letters)
        await super().maintain()
        dead._letters = kept


class KeepsDeadLettersForEver(
    BrokenTransport,
    meant=[
        "test_dead_letters_beyond_their_number_go_oldest_first",
        "test_dead_letters_go_when_they_are_old",
    ],
):
    """Dead letters are never trimmed."""

    session = _KeepsLetters
