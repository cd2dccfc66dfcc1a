"""Finding again what a lost reply hid, and groups that somebody removed."""

from typing import Final

from . import stream_ids
from .commands import own_pending
from .faults import ReplyError, is_group_gone, mapped
from .group_reader import settle_unseen
from .link import Arg
from .state import ChannelState, State

_PAGE: Final = 500
_BODIES: Final = 50


async def rebuild(state: State, channel: ChannelState) -> None:
    """Create the group of a channel again where the last maintenance knew it to be safe."""
    await state.run(
        "rebuild",
        [state.keys.journal, channel.keys.stream, channel.keys.counts],
        [channel.group],
    )
    channel.rebuild = False
    channel.plenty = channel.probed = False


async def recover(state: State, channel: ChannelState) -> None:
    """Take in what is pending for this incarnation but not held by it.

    Never by reading with id 0, which would count a delivery. Call it only while no read of the
    channel is on its way: what such a read brings may be pending already.
    """
    first = b"-"
    while True:
        link = await state.commands.link()
        try:
            page = await link.call(
                *own_pending(channel.keys.stream, channel.group, state.me, first, _PAGE)
            )
        except ReplyError as exc:
            if is_group_gone(exc):
                channel.rebuild, channel.recover = True, False
                return
            raise mapped(exc, state.commands.where) from None
        except Exception as exc:
            raise mapped(exc, state.commands.where) from None
        # No await between the reply and this comparison: settlements sent after the question are
        # answered later, so what they settle is still held here.
        missing = {
            entry_id: count for entry_id, _, _, count in page if entry_id not in channel.held
        }
        await _take_in(state, channel, missing)
        if len(page) < _PAGE:
            channel.recover = False
            channel.surplus = 0
            return
        first = stream_ids.after(page[-1][0])


async def _take_in(state: State, channel: ChannelState, missing: dict[bytes, int]) -> None:
    ids = list(missing)
    for at in range(0, len(ids), _BODIES):
        some = ids[at : at + _BODIES]
        stored = await state.commands.entries_by_id(channel.keys.stream, some)
        foreign = [
            each
            for each, fields in stored.items()
            if not channel.admit(each, fields, starts=max(0, missing[each] - 1))
        ]
        if foreign:
            settle_unseen(state, channel, foreign)
        deleted: list[Arg] = [each for each in some if each not in stored]
        if deleted:
            await state.run(
                "lost",
                [state.keys.journal, channel.keys.stream, channel.keys.counts],
                [channel.group, channel.token, *deleted],
            )
            state.lose("work deleted", len(deleted))
