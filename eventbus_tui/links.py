"""From one thing to the places of those that belong to it. Pure."""

from eventbus_core.monitoring import (
    BusView,
    ChannelKind,
    GroupView,
    InstanceView,
    JournalEntry,
    StreamView,
)

from .navigation import Place


def stream_with(view: BusView | None, key: str | None) -> StreamView | None:
    """The stream with that key."""
    return next((each for each in view.streams if each.key == key), None) if view else None


def group_with(view: BusView | None, key: str | None) -> GroupView | None:
    """The group or inbox with that key."""
    return next((each for each in view.groups if each.key == key), None) if view else None


def instance_with(view: BusView | None, key: str | None) -> InstanceView | None:
    """The incarnation with that key."""
    return next((each for each in view.instances if each.key == key), None) if view else None


def stream_place(stream: StreamView) -> Place:
    return Place("stream", stream.key, stream_title(stream))


def stream_title(stream: StreamView) -> str:
    of = stream.snapshot
    if of.kind is ChannelKind.BROADCAST:
        return "broadcasts"
    return f"{of.name} (inbox)" if of.kind is ChannelKind.INBOX else of.name


def group_place(group: GroupView) -> Place:
    return Place("group", group.key, group.name)


def instance_place(instance: InstanceView) -> Place:
    return Place("instance", instance.key, instance.id)


def entry_place(view: BusView | None, entry: JournalEntry) -> Place | None:
    """Of what an entry of the journal tells about: its group, else its instance."""
    details = entry.details
    channel = details.get("channel") or f"{details.get('event', '')} {details.get('group', '')}"
    if (group := group_with(view, f"work {channel}")) is not None:
        return group_place(group)
    life = instance_with(view, details.get("incarnation", details.get("by")))
    return None if life is None else instance_place(life)


def groups_of_stream(stream: StreamView) -> Place:
    """The table of groups, of one stream only."""
    of = stream.snapshot
    return Place("groups", "", f"groups of {stream_title(stream)}", f"stream={of.name}")


def flow_of_stream(stream: StreamView) -> Place:
    """The messages of one stream."""
    of = stream.snapshot
    wanted = {
        ChannelKind.BROADCAST: "mode=broadcast",
        ChannelKind.INBOX: f"mode=unicast target={of.name}",
        ChannelKind.WORK: f"mode=anycast event={of.name}",
    }[of.kind]
    return _flow(stream_title(stream), wanted)


def flow_of_group(group: GroupView) -> Place:
    """What a group gets, and what happened to it."""
    of = group.snapshot
    wanted = f"event={of.event} group~{of.name}" if of.event else f"target={of.name}"
    return _flow(group.name, wanted)


def flow_of_instance(instance: InstanceView) -> Place:
    """What an instance sends."""
    return _flow(instance.id, f"source={instance.id}")


def dead_letters_of_stream(stream: StreamView) -> Place:
    """The dead letters of one stream."""
    of = stream.snapshot
    wanted = {
        ChannelKind.BROADCAST: "mode=broadcast",
        ChannelKind.INBOX: f"mode=unicast instance={of.name}",
        ChannelKind.WORK: f"mode=anycast event={of.name}",
    }[of.kind]
    return _dead_letters(stream_title(stream), wanted)


def dead_letters_of_group(group: GroupView) -> Place:
    """What a group could not handle."""
    of = group.snapshot
    wanted = f"event={of.event} group={of.name}" if of.event else f"instance={of.name}"
    return _dead_letters(group.name, wanted)


def dead_letters_of_instance(instance: InstanceView) -> Place:
    """What an instance could not handle."""
    return _dead_letters(instance.id, f"instance={instance.id}")


def _flow(title: str, wanted: str) -> Place:
    return Place("flow", "", f"flow of {title}", wanted)


def _dead_letters(title: str, wanted: str) -> Place:
    return Place("dead-letters", "", f"dead letters of {title}", wanted)
