"""How the streams and groups of one bus are told apart, and what people call them."""

from ..transport import ChannelKind


def stream_key(kind: ChannelKind, name: str) -> str:
    """``work orders:paid``, ``inbox ID``; ``broadcast`` for the broadcasts."""
    return f"{kind.value} {name}" if name else kind.value


def stream_name(kind: ChannelKind, name: str) -> str:
    """``orders:paid``, ``ID (inbox)``; ``broadcasts``."""
    if kind is ChannelKind.WORK:
        return name
    return f"{name} (inbox)" if kind is ChannelKind.INBOX else "broadcasts"


def group_key(kind: ChannelKind, event: str, name: str) -> str:
    """``work EVENT GROUP`` or ``inbox ID``."""
    return f"{kind.value} {event} {name}" if kind is ChannelKind.WORK else f"{kind.value} {name}"


def group_name(kind: ChannelKind, event: str, name: str) -> str:
    """``GROUP@EVENT``, or ``ID (inbox)``."""
    return f"{name}@{event}" if kind is ChannelKind.WORK else f"{name} (inbox)"
