"""Storing batches of messages, each batch once."""

from collections.abc import Sequence
from typing import Final

from eventbus_core.modes import EventMode
from eventbus_core.transport import FencedError, Outgoing, Published

from .keys import Keys
from .link import Arg
from .scripts import script
from .state import State

_REFUSED: Final = {"b": Published.BACKLOG_FULL, "t": Published.TARGET_NOT_FOUND}


async def publish(
    state: State, publisher: str, batch: int, messages: Sequence[Outgoing]
) -> Sequence[Published]:
    """See Session.publish. `publisher` is the same for all sessions of one transport."""
    state.check()
    keys, args = publish_call(state.keys, messages)
    fixed: list[Arg] = [state.me, publisher, batch]
    try:
        link = await state.commands.link()
        refused = await state.commands.answer(script("publish")(link, keys, fixed + args))
    except FencedError as exc:
        state.fence_if(exc)
        raise
    results = [Published.STORED] * len(messages)
    for word in refused.decode().split():
        results[int(word[1:])] = _REFUSED[word[0]]
    return results


def publish_call(keys: Keys, messages: Sequence[Outgoing]) -> tuple[list[str], list[Arg]]:
    """Keys and arguments of publish.lua from the number of streams on."""
    named = [keys.leases, keys.options, keys.sent, keys.targets, keys.events, keys.totals]
    streams: dict[tuple[EventMode, str], int] = {}
    descriptions: list[Arg] = []
    body: list[Arg] = []
    for message in messages:
        mode = message.mode
        place: tuple[EventMode, str]
        if mode is EventMode.BROADCAST:
            place = (mode, "")
        elif mode is EventMode.UNICAST:
            place = (mode, message.target or "")
        else:
            place = (mode, message.event)
        index = streams.get(place)
        if index is None:
            index = streams[place] = len(streams) + 1
            _describe(keys, place, named, descriptions)
        body += (index, message.event, message.data)
    return named, [len(streams), *descriptions, *body]


def _describe(
    keys: Keys, place: tuple[EventMode, str], named: list[str], descriptions: list[Arg]
) -> None:
    mode, name = place
    if mode is EventMode.BROADCAST:
        named += (keys.broadcast, keys.broadcast_counts)
        descriptions += ("b", "")
    elif mode is EventMode.UNICAST:
        inbox = keys.inbox(name)
        named += (inbox.stream, inbox.counts)
        descriptions += ("i", name)
    else:
        named += (keys.work_stream(name), keys.work_counts(name))
        descriptions += ("w", name)
