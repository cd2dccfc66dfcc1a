"""Messages and dead letters as a store keeps them, with ids that are always the same."""

from collections.abc import Mapping

from eventbus_core.modes import EventMode
from eventbus_core.snapshots import DeliverySnapshot, StoredMessage
from eventbus_core.transport import ChannelKind, StoredDeadLetter
from tests.tui import letters
from tests.tui.pieces import AT
from tests.tui.stub import StubSource


def message_id(number: int, seconds_ago: float) -> str:
    """Of a message that was made so long ago."""
    return letters.message_id(number, AT - round(seconds_ago * 1000))


def envelope(
    number: int,
    event: str,
    mode: EventMode = EventMode.ANYCAST,
    *,
    ago: float = 5.0,
    target: str | None = None,
    headers: Mapping[str, str] | None = None,
    body: bytes = b'{"order": 17, "total": 99.5, "items": ["tea", "cup"]}',
) -> bytes:
    """A message of the shop, made so many seconds ago."""
    return letters.packed(
        number,
        body,
        event=event,
        mode=mode,
        source="shop-1",
        target=target,
        headers=headers,
        at_ms=AT - round(ago * 1000),
    )


def stored(
    number: int, kind: ChannelKind, name: str, data: bytes, *, ago: float = 5.0
) -> StoredMessage:
    return StoredMessage(
        kind=kind,
        name=name,
        position=f"{number}-0",
        stored_ms=AT - round(ago * 1000) + 2,
        data=data,
    )


def letter(
    number: int,
    event: str,
    *,
    group: str | None = "billing",
    instance: str = "bill-1",
    ago: float = 60.0,
    error: str = "TimeoutError: the bank did not answer",
    attempts: int = 5,
) -> StoredDeadLetter:
    return StoredDeadLetter(
        id=f"{AT - round(ago * 1000)}-{number}",
        data=envelope(number, event, ago=ago + 10, headers={"trace": "4bf92f35"}),
        event=event,
        instance=instance,
        group=group,
        reason="failed",
        error=error,
        traceback=f"Traceback (most recent call last):\n  ...\n{error}",
        attempts=attempts,
        died_ms=AT - round(ago * 1000),
    )


def fill(source: StubSource, bus: str = "default") -> str:
    """A few messages of each mode and some dead letters; returns the id of the first message,
    which is in the hands of one group, settled by another and dead in a third."""
    work, cast, inbox = ChannelKind.WORK, ChannelKind.BROADCAST, ChannelKind.INBOX
    first = envelope(1, "orders", ago=20, headers={"trace": "4bf92f35", "tenant": "acme"})
    source.stored[bus] = [
        stored(1, work, "orders", first, ago=20),
        stored(2, cast, "", envelope(2, "prices", EventMode.BROADCAST, ago=12), ago=12),
        stored(
            3,
            inbox,
            "ship-7",
            envelope(3, "cmd.stop", EventMode.UNICAST, target="ship-7", body=b"null", ago=8),
            ago=8,
        ),
        stored(4, work, "orders", envelope(4, "orders", body=b'{"order": 18}', ago=3), ago=3),
        stored(5, work, "orders", b"\x00no message", ago=1),
    ]
    source.standing = {
        "1-0": [
            DeliverySnapshot(
                group="billing", state="pending", holder="life-bill-1", starts=2, due_ms=None
            ),
            DeliverySnapshot(group="mail", state="settled", holder="", starts=None, due_ms=None),
            DeliverySnapshot(
                group="search",
                state="delayed",
                holder="life-bill-2",
                starts=3,
                due_ms=AT + 4_000,
            ),
        ]
    }
    source.letters[bus] = [
        letter(10, "orders", ago=600),
        letter(11, "orders", ago=300),
        letter(12, "orders", ago=90, group="shipping", error="KeyError: 'street'"),
        letter(13, "cmd.stop", group=None, instance="ship-7", ago=30, error="ValueError: no"),
    ]
    return message_id(1, 20)
