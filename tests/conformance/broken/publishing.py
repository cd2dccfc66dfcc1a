"""Faults of storing."""

import asyncio
import itertools
import unicodedata
from collections import defaultdict
from collections.abc import Coroutine, Sequence
from typing import Any, ClassVar

import msgspec

from eventbus_core.modes import EventMode
from eventbus_core.transport import Holder, Member, Outgoing, Published, Session

from .base import BrokenSession, BrokenTransport


class _StoresAgain(BrokenSession):
    async def publish(self, batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        self.transport.batches += 1  # type: ignore[attr-defined]
        return await super().publish(self.transport.batches, messages)  # type: ignore[attr-defined]


class StoresARepeatedBatchAgain(
    BrokenTransport,
    meant=[
        "test_a_batch_sent_again_is_stored_once",
        "test_a_batch_sent_again_is_answered_as_before",
        "test_a_later_session_may_send_a_batch_again",
        "test_a_batch_older_than_the_newest_stores_nothing",
    ],
):
    """A batch whose answer was lost, sent again, is stored twice."""

    session = _StoresAgain
    batches = 0


class _KnowsItsOwnBatches(BrokenSession):
    _lives = itertools.count(1)

    def __init__(self, transport: BrokenTransport, member: Member, inner: Any) -> None:
        super().__init__(transport, member, inner)
        self.first = next(self._lives) * 10**9

    async def publish(self, batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        return await super().publish(self.first + batch, messages)


class ForgetsItsBatchesWithItsSession(
    BrokenTransport, meant=["test_a_later_session_may_send_a_batch_again"]
):
    """Which batch was stored last is remembered for one incarnation only."""

    session = _KnowsItsOwnBatches


class _ForgetsAnswers(BrokenSession):
    async def publish(self, batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        before, self.transport.newest = self.transport.newest, batch  # type: ignore[attr-defined]
        answers = await super().publish(batch, messages)
        return answers if batch != before else [Published.STORED] * len(messages)


class AnswersARepeatedBatchWithStored(
    BrokenTransport,
    meant=[
        "test_a_batch_sent_again_is_answered_as_before",
        "test_a_later_session_may_send_a_batch_again",
    ],
):
    """It remembers that a batch was stored, not what was refused of it."""

    session = _ForgetsAnswers
    newest = -1


class _ComparesWithTheNewest(BrokenSession):
    async def publish(self, batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        transport: Any = self.transport
        transport.batches += batch != transport.newest
        transport.newest = batch
        return await super().publish(transport.batches, messages)


class StoresAnOlderBatchAgain(
    BrokenTransport, meant=["test_a_batch_older_than_the_newest_stores_nothing"]
):
    """Only a batch with the number of the newest one counts as a repeated one."""

    session = _ComparesWithTheNewest
    batches = 0
    newest = -1


class _SharesNumbers(BrokenSession):
    newest: ClassVar[dict[str, int]] = defaultdict(int)

    async def publish(self, batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        if batch <= self.newest[self.transport.bus]:
            return [Published.STORED] * len(messages)
        self.newest[self.transport.bus] = batch
        return await super().publish(batch, messages)


class CountsTheBatchesOfAllTogether(
    BrokenTransport, meant=["test_batches_of_another_transport_are_others"]
):
    """Numbers of batches are compared over all publishers of a bus."""

    session = _SharesNumbers


class _HidesRefusals(BrokenSession):
    async def publish(self, batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        await super().publish(batch, messages)
        return [Published.STORED] * len(messages)


class HidesWhatItRefuses(
    BrokenTransport,
    meant=[
        "test_each_message_has_its_own_answer",
        "test_without_an_inbox_a_target_is_not_found",
    ],
):
    """A publisher never learns that its message was not stored."""

    session = _HidesRefusals


class _RefusesAll(BrokenSession):
    async def publish(self, batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        answers = await super().publish(batch, messages)
        return [max(answers, key=lambda answer: answer is not Published.STORED)] * len(messages)


class AnswersForTheWholeBatch(BrokenTransport, meant=["test_each_message_has_its_own_answer"]):
    """One refused message makes a whole batch look refused."""

    session = _RefusesAll


class _Reverses(BrokenSession):
    async def publish(self, batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        return [*reversed(await super().publish(batch, messages[::-1]))]


class StoresABatchBackwards(
    BrokenTransport,
    meant=[
        "test_a_batch_keeps_its_order_across_modes",
        "test_500_messages_of_one_batch_are_stored_in_order",
    ],
):
    """The order within a batch is lost."""

    session = _Reverses


class _KeepsAHundred(BrokenSession):
    async def publish(self, batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        await super().publish(batch, messages[:100])
        return [Published.STORED] * len(messages)


class StoresTheFirstHundred(
    BrokenTransport, meant=["test_500_messages_of_one_batch_are_stored_in_order"]
):
    """What is beyond one page of a batch is confirmed and lost."""

    session = _KeepsAHundred


class _Decodes(BrokenSession):
    async def publish(self, batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        texts = [message.data.decode("utf-8", "replace") for message in messages]
        return await super().publish(
            batch,
            [m._replace(data=text.encode()) for m, text in zip(messages, texts, strict=True)],
        )


class KeepsDataAsText(BrokenTransport, meant=["test_data_is_kept_byte_for_byte"]):
    """Bytes that are not UTF-8 are replaced."""

    session = _Decodes


class _FoldsNames(BrokenSession):
    async def publish(self, batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        return await super().publish(
            batch, [m._replace(event=unicodedata.normalize("NFC", m.event)) for m in messages]
        )


class NormalizesNames(BrokenTransport, meant=["test_names_may_have_any_printable_characters"]):
    """Two names that look the same are one."""

    session = _FoldsNames


class _WritesOverOthers(BrokenSession):
    writing: ClassVar[dict[str, int]] = defaultdict(int)

    async def publish(self, batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        writing, bus = self.writing, self.transport.bus
        writing[bus] += 1
        try:
            await asyncio.sleep(0)
            if writing[bus] > 3:
                return [Published.STORED] * len(messages)
            return await super().publish(batch, messages)
        finally:
            writing[bus] -= 1


class LosesWhatIsPublishedAtOnce(
    BrokenTransport, meant=["test_concurrent_publishers_lose_nothing"]
):
    """Publishers that write at the same time overwrite each other's messages."""

    session = _WritesOverOthers


class _NeverPauses(BrokenSession):
    async def publish(self, batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        return list(at_once(self.inner.publish(batch, messages)))


def at_once(call: Coroutine[Any, Any, Any]) -> Any:
    """The result of a call that waits for nothing, without a turn of the loop."""
    while True:
        try:
            call.send(None)
        except StopIteration as over:
            return over.value


class PublishesWithoutAPause(BrokenTransport, meant=["test_publishing_gives_way_to_the_loop"]):
    """One that publishes all the time stops its event loop."""

    session = _NeverPauses


class GivesPublishersAnInbox(
    BrokenTransport,
    meant=["test_without_an_inbox_a_target_is_not_found", "test_a_publisher_reads_none"],
):
    """An instance that only publishes is given messages that it never handles."""

    async def join(self, member: Member, replace: Holder | None = None) -> Session | Holder:
        return await super().join(msgspec.structs.replace(member, role="both"), replace)


class _MovesWork(BrokenSession):
    async def publish(self, batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        return await super().publish(
            batch,
            [
                m._replace(mode=EventMode.BROADCAST) if m.mode is EventMode.ANYCAST else m
                for m in messages
            ],
        )


class StoresWorkAsBroadcasts(BrokenTransport, meant=["test_each_mode_reaches_its_channel"]):
    """There is one stream for everything."""

    session = _MovesWork
