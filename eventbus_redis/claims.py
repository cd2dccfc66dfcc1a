"""Taking over what was handed back, orphaned or is due again, one message for each free slot."""

import asyncio
from typing import Any

from .faults import is_group_gone, mapped
from .group_reader import settle_unseen
from .keys import DELAYED, RELEASED
from .scripts import script
from .state import NEVER, ChannelState, State


def start_claim(state: State, channel: ChannelState, most: int) -> None:
    """Send the claim; what it brings is taken in when the reply comes. The link is open. With
    `most` 0 it only looks whether there is something."""
    link = state.commands.line.link
    if link is None:
        return
    keys, mine = state.keys, channel.keys
    answer = script("claim")(
        link,
        [
            keys.leases,
            keys.options,
            keys.totals,
            keys.journal,
            keys.claimable,
            mine.stream,
            mine.counts,
            mine.strays,
            mine.due,
            mine.notes,
        ],
        [state.me, channel.group, channel.token, most, RELEASED, DELAYED],
    )
    channel.claiming = True
    asked_at = state.loop.time()
    # A ring that comes while the claim is on its way sets it anew.
    channel.claim_at = NEVER

    def answered(done: "asyncio.Future[Any]") -> None:
        channel.claiming = False
        if done.cancelled():
            return
        if (fault := done.exception()) is not None:
            channel.claim_at = asked_at
            gone = is_group_gone(fault)
            channel.recover, channel.rebuild = True, channel.rebuild or gone
            if not gone:
                state.failed(mapped(fault, state.commands.where))
        else:
            wait_ms, *taken = done.result()
            channel.waits = most == 0 and wait_ms == 0
            if wait_ms >= 0:
                channel.claim_at = min(channel.claim_at, state.loop.time() + wait_ms / 1000)
            take_over(state, channel, taken)
        state.notify()

    answer.add_done_callback(answered)


def take_over(state: State, channel: ChannelState, taken: list[Any]) -> None:
    """Admit what a claim brought."""
    foreign = [
        entry_id
        for entry_id, starts, orphaned, note, fields in taken
        if not channel.admit(
            entry_id,
            fields,
            starts=starts,
            again=True,
            orphaned=bool(orphaned),
            note=note.decode(),
        )
    ]
    if foreign:
        settle_unseen(state, channel, foreign)
