"""What is removed, and when. Every function is one step under the store's lock."""

from ..options import FOREVER
from .bus import StoredBus
from .dead import GROUP_REMOVED, INSTANCE_FORGOTTEN
from .lives import touch_groups
from .queue import EARLY


def maintain(bus: StoredBus, now: float) -> None:
    """Trim and clean up a bus in use."""
    bus.refresh_options(now)
    for presence in bus.presences.values():
        touch_groups(bus, presence, now)
    _remove_idle_groups(bus, now)
    _forget_instances(bus, now)
    _trim(bus, now)


def sweep(bus: StoredBus, now: float) -> bool:
    """Let go of what nobody has used for long enough; return whether nothing is left.

    A bus with a live instance is in use. After the last orderly close what is handled goes after
    `stream_ttl`, what is not, and fixed ids, after `backlog_ttl`; after a crash all of it stays
    for `backlog_ttl`. Dead letters have a time of their own.
    """
    if any(presence.lives(now) for presence in bus.presences.values()):
        return False
    used_at = max([bus.used_at, *(p.last_alive(now) for p in bus.presences.values())])
    options = bus.options
    if _over(used_at, options.backlog_ttl, now):
        bus.ring()  # a fetch that still waits learns that it is over
        bus.accounts.lost("unused for backlog_ttl", _unhandled(bus))
        bus.presences.clear()
        bus.holders.clear()
        bus.remembered.clear()
        bus.inboxes.clear()
        bus.streams.clear()
        bus.log.clear()
    elif not bus.presences and _over(used_at, options.stream_ttl, now):
        bus.log.clear()
        handled = [event for event, stream in bus.streams.items() if not stream.unhandled]
        for event in handled:
            del bus.streams[event]
    _trim_dead_letters(bus, now)
    left = (bus.presences, bus.remembered, bus.inboxes, bus.streams, bus.log, bus.dead)
    return not any(len(part) for part in left)


def _remove_idle_groups(bus: StoredBus, now: float) -> None:
    """A group without a live member is removed after `backlog_ttl`; its work is buried."""
    ttl = bus.options.backlog_ttl
    for stream in tuple(bus.streams.values()):
        for group in tuple(stream.groups.values()):
            if _over(group.last_member_at, ttl, now):
                bus.drop_group(stream, group, GROUP_REMOVED, now)
        if not stream.groups and not len(stream):
            bus.streams.pop(stream.event, None)


def _forget_instances(bus: StoredBus, now: float) -> None:
    """A fixed id is forgotten `backlog_ttl` after it was last alive; its inbox is buried."""
    for name, known in tuple(bus.remembered.items()):
        if _over(known.last_alive, bus.options.backlog_ttl, now):
            del bus.remembered[name]
            bus.drop_inbox(name, INSTANCE_FORGOTTEN, now)


def _trim(bus: StoredBus, now: float) -> None:
    bus.trim_log(now)
    for stream in bus.streams.values():
        stream.trim(
            older_than=now - bus.options.message_retention, most=bus.options.max_message_count
        )
    _trim_dead_letters(bus, now)


def _trim_dead_letters(bus: StoredBus, now: float) -> None:
    lost = bus.dead.trim(
        older_than=now - bus.options.dead_letter_retention, most=bus.options.max_dead_letters
    )
    bus.accounts.lost("dead letters beyond max_dead_letters", lost)


def _unhandled(bus: StoredBus) -> int:
    work = sum(stream.unhandled for stream in bus.streams.values())
    return work + sum(inbox.backlog for inbox in bus.inboxes.values())


def _over(since: float, ttl: float, now: float) -> bool:
    return ttl != FOREVER and now - since >= ttl - EARLY
