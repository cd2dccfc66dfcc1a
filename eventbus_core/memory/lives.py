"""How an incarnation begins and ends. Every function is one step under the store's lock."""

from collections.abc import Sequence
from itertools import islice

from ..transport import Holder, Member, Suspect
from .broadcasts import Reader
from .bus import StoredBus
from .dead import INSTANCE_CLOSED, INSTANCE_DIED
from .inbox import Inbox
from .presence import Bell, Presence, Remembered

MOST_SUSPECTS = 100


def enter(
    bus: StoredBus, member: Member, replace: Holder | None, resume: Reader | None, now: float
) -> Presence | Holder:
    """Announce `member`, or return the holder of its id and change nothing.

    `resume` is where an earlier session of the same transport stood in the broadcasts.
    """
    present = bus.holders.get(member.instance_id)
    if present is not None and present.member.incarnation != member.incarnation:
        holder = _holder(present, now)
        if not (holder.expired and replace is not None and _same(holder, replace)):
            return holder
        kill(bus, present, now)
        present = None
    if present is None:
        present = _announce(bus, member, resume)
    present.bell = Bell()
    present.renew(now)
    bus.used_at = now
    bus.refresh_options(now)
    bus.open_groups(present, now)
    return present


def _announce(bus: StoredBus, member: Member, resume: Reader | None) -> Presence:
    presence = Presence(member, member.subscriptions)
    if member.consumes:
        bus.inboxes.setdefault(member.instance_id, Inbox())
        if known := bus.remembered.pop(member.instance_id, None):
            # What was trimmed while nobody read under this id is not a loss of this life.
            presence.reader = known.reader.next_life(bus.log.oldest)
        elif resume is not None:
            presence.reader = resume.next_life(bus.log.oldest)
        else:
            start = bus.log.newest if member.only_new else bus.log.oldest - 1
            presence.reader = Reader(start)
            presence.replayed = bus.log.newest - start
    bus.presences[member.incarnation] = presence
    bus.holders[member.instance_id] = presence
    return presence


def leave(bus: StoredBus, presence: Presence, now: float) -> None:
    """End it in an orderly way: what it holds goes back, what cannot be handled is buried."""
    for hold in presence.held:
        hold.item.orphaned = False  # it was taken over already
    _end(bus, presence, now, INSTANCE_CLOSED)


def kill(bus: StoredBus, presence: Presence, now: float) -> None:
    """Fence it for ever: what it held comes back as orphaned."""
    for hold in presence.held:
        hold.item.orphaned = True
    member = presence.member
    bus.accounts.declared_dead(instance=member.instance_id, incarnation=member.incarnation)
    _end(bus, presence, now, INSTANCE_DIED)


def suspects(bus: StoredBus, but: Presence, now: float) -> list[Suspect]:
    """Those whose lease has run out, at most `MOST_SUSPECTS`, without the one that asks."""
    expired = (p for p in bus.presences.values() if p is not but and not p.lives(now))
    return [
        Suspect(p.member.incarnation, p.member.instance_id, p.member.lease)
        for p in islice(expired, MOST_SUSPECTS)
    ]


def declare_dead(bus: StoredBus, suspected: Sequence[Suspect], now: float) -> list[Suspect]:
    """Kill those whose lease is still expired; return them."""
    dead = []
    for suspect in suspected:
        presence = bus.presences.get(suspect.incarnation)
        if presence is not None and not presence.lives(now):
            kill(bus, presence, now)
            dead.append(suspect)
    return dead


def touch_groups(bus: StoredBus, presence: Presence, now: float) -> None:
    """Note how long the groups that it works for have had a live member."""
    alive_at = presence.last_alive(now)
    for event, name in presence.work():
        if (group := bus.group(event, name)) is not None:
            group.last_member_at = max(group.last_member_at, alive_at)


def _end(bus: StoredBus, presence: Presence, now: float, reason: str) -> None:
    member = presence.member
    touch_groups(bus, presence, now)
    for hold in tuple(presence.held):
        hold.queue.drop(hold)
        hold.queue.put_back(hold.item)
    del bus.presences[member.incarnation]
    del bus.holders[member.instance_id]
    bus.used_at = max(bus.used_at, presence.last_alive(now))
    if presence.reader is not None:
        _let_go(bus, presence.reader, presence, now, reason)
    presence.ring()  # a fetch of its own learns that it is over


def _let_go(bus: StoredBus, reader: Reader, presence: Presence, now: float, reason: str) -> None:
    name = presence.member.instance_id
    if presence.member.fixed:
        alive_at = presence.last_alive(now)
        bus.remembered[name] = Remembered(alive_at, reader)
    else:
        bus.drop_inbox(name, reason, now)


def _same(holder: Holder, watched: Holder) -> bool:
    return (holder.incarnation, holder.renewals) == (watched.incarnation, watched.renewals)


def _holder(presence: Presence, now: float) -> Holder:
    return Holder(
        incarnation=presence.member.incarnation,
        lease=presence.member.lease,
        renewals=str(presence.renewals),
        expired=not presence.lives(now),
    )
