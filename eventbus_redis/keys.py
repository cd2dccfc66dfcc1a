"""Every key name. All keys of one bus carry one hash tag, so they live in one cluster slot."""

from typing import Final
from urllib.parse import quote

BUSES: Final = "eventbus:buses"
"""Sorted set: name of each bus by the time its keys live to, unless it is used again. The one key
outside every bus."""

RELEASED: Final = "{released}"
"""Pseudo-consumer of what was handed back. Braces cannot be in an incarnation."""
DELAYED: Final = "{delayed}"
"""Pseudo-consumer of what was set aside for a later attempt."""


def escape(text: str) -> str:
    """Percent-encode all but letters, digits and ``-._~``: injective, and free of `:` and `{}`."""
    return quote(text, safe="")


def token(event: str, group: str) -> str:
    """A work channel as one word; names have no spaces."""
    return f"{event} {group}"


def split_token(text: str) -> tuple[str, str]:
    event, _, group = text.partition(" ")
    return event, group


class ChannelKeys:
    """The keys beside one stream for one of its groups."""

    __slots__ = ("counts", "due", "notes", "strays", "stream")

    def __init__(self, stream: str, counts: str, aside: str) -> None:
        self.stream = stream
        self.counts = counts
        """Hash: `added`, and for each group `settled:<group>`, `safe:<group>` and `made:<group>`
        (``settled entry-id`` when it was made: what it was not given from the start)."""
        self.strays = f"{aside}:strays"
        """Hash: consumer that ended with work in hand -> ``orphaned`` or ``released``."""
        self.due = f"{aside}:due"
        """Sorted set: entries set aside, by the time they are due."""
        self.notes = f"{aside}:notes"
        """Hash: entry -> what the core keeps with it."""


class Keys:
    """The keys of one bus."""

    def __init__(self, bus: str) -> None:
        self.bus: Final = bus
        self.prefix: Final = f"eventbus:{{{escape(bus)}}}:"
        name = self.prefix.__add__
        self.leases = name("leases")
        """Sorted set: live incarnation by the end of its lease. Not in it: not alive."""
        self.renewals = name("renewals")
        """Hash: incarnation -> number of renewals."""
        self.incarnations = name("incarnations")
        """Hash: live incarnation -> its line (see records.py)."""
        self.vitals = name("vitals")
        """Hash: live incarnation -> what it told with its last heartbeat, as JSON."""
        self.holders = name("holders")
        """Hash: instance id -> its latest incarnation."""
        self.instances = name("instances")
        """Hash: instance id -> what it announced, as JSON."""
        self.targets = name("targets")
        """Hash: id of an instance with an inbox -> the consumer group of that inbox."""
        self.remembered = name("remembered")
        """Sorted set: fixed id that is not alive, by the time it is forgotten."""
        self.options = name("options")
        """Hash: the options in force."""
        self.epoch = name("epoch")
        """A random text, made with the first instance: another one means that data was lost."""
        self.sent = name("sent")
        """Hash: publisher -> its last batch and what was refused of it."""
        self.events = name("events")
        """Set: events that have a work stream."""
        self.groups = name("groups")
        """Sorted set: work channel by the time it last had a live member."""
        self.abandoned = name("abandoned")
        """Hash: what is being turned into dead letters -> its consumer group (``inbox <id>``,
        ``group <channel>``, ``dropped <channel>``)."""
        self.claimable = name("claimable")
        """Sorted set: work channel by the time from which there is something to take over."""
        self.control = name("control")
        """Stream that wakes blocked instances to look at a channel."""
        self.broadcast = name("broadcast")
        self.broadcast_counts = name("broadcast:counts")
        """Hash: `added`, the number of the newest broadcast, and `last`, its entry id."""
        self.cursors = name("cursors")
        """Hash: instance id -> ``entry-id number`` of the last broadcast handled in order."""
        self.dead = name("dead")
        self.answered = name("answered")
        """Sorted set: dead letters redriven or discarded in the last minute."""
        self.journal = name("journal")
        self.totals = name("totals")
        """Hash: cause -> number of losses, refusals, takeovers and dead letters."""
        self.lock = name("maintenance")

    def channels(self, incarnation: str) -> str:
        """Set: work channels that this incarnation ever opened."""
        return f"{self.prefix}channels:{escape(incarnation)}"

    def attempts(self, instance_id: str) -> str:
        """Hash: broadcast entry -> recorded starts, or ``dead``."""
        return f"{self.prefix}attempts:{escape(instance_id)}"

    def work_stream(self, event: str) -> str:
        return f"{self.prefix}work:{escape(event)}"

    def work_counts(self, event: str) -> str:
        return f"{self.work_stream(event)}:counts"

    def work(self, event: str, group: str) -> ChannelKeys:
        aside = f"{self.prefix}group:{escape(event)}:{escape(group)}"
        return ChannelKeys(self.work_stream(event), self.work_counts(event), aside)

    def inbox(self, instance_id: str) -> ChannelKeys:
        stream = f"{self.prefix}inbox:{escape(instance_id)}"
        return ChannelKeys(stream, f"{stream}:counts", stream)

    def shared(self) -> list[str]:
        """All keys that belong to the bus as a whole and live as long as it is in use."""
        return [
            self.leases,
            self.renewals,
            self.incarnations,
            self.vitals,
            self.holders,
            self.instances,
            self.targets,
            self.remembered,
            self.options,
            self.epoch,
            self.sent,
            self.events,
            self.groups,
            self.abandoned,
            self.claimable,
            self.control,
            self.broadcast,
            self.broadcast_counts,
            self.cursors,
            self.journal,
            self.totals,
        ]
