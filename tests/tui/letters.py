"""Stored messages and dead letters for a `StubSource`, and what a monitor makes of them."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from eventbus_core.envelope import FORMAT, Envelope, pack
from eventbus_core.message import Message
from eventbus_core.monitoring import ChannelKind, DeadLetter, EventMode, SampledMessage
from eventbus_core.snapshots import StoredMessage
from eventbus_core.transport import StoredDeadLetter
from tests.tui.pieces import AT

KINDS = {
    EventMode.BROADCAST: ChannelKind.BROADCAST,
    EventMode.UNICAST: ChannelKind.INBOX,
    EventMode.ANYCAST: ChannelKind.WORK,
}


def message_id(number: int, at_ms: int = AT) -> str:
    """As emit makes them."""
    return f"{at_ms:012x}{number:06x}{'0' * 14}"


def body_of(payload: object) -> bytes:
    return payload if isinstance(payload, bytes) else json.dumps(payload).encode()


def packed(
    number: int,
    payload: object = None,
    *,
    event: str = "orders",
    mode: EventMode = EventMode.ANYCAST,
    source: str = "bill-1",
    target: str | None = None,
    codec: str = "json",
    headers: Mapping[str, str] | None = None,
    at_ms: int = AT,
) -> bytes:
    return pack(
        Envelope(
            format=FORMAT,
            id=message_id(number, at_ms),
            event=event,
            mode=mode,
            source=source,
            target=target,
            timestamp_ms=at_ms,
            codec=codec,
            headers=headers,
            body=body_of(payload),
        )
    )


def stored(
    number: int,
    payload: object = None,
    *,
    event: str = "orders",
    mode: EventMode = EventMode.ANYCAST,
    source: str = "bill-1",
    target: str | None = None,
    codec: str = "json",
    headers: Mapping[str, str] | None = None,
    at_ms: int = AT,
    data: bytes | None = None,
) -> StoredMessage:
    """One that is stored two milliseconds after it was made, at position `number`."""
    if data is None:
        data = packed(
            number,
            payload,
            event=event,
            mode=mode,
            source=source,
            target=target,
            codec=codec,
            headers=headers,
            at_ms=at_ms,
        )
    name = {EventMode.BROADCAST: "", EventMode.UNICAST: target or ""}.get(mode, event)
    return StoredMessage(
        kind=KINDS[mode], name=name, position=str(number), stored_ms=at_ms + 2, data=data
    )


def sampled(
    number: int,
    *,
    kind: ChannelKind = ChannelKind.WORK,
    stream: str = "orders",
    event: str = "orders",
    source: str = "bill-1",
    target: str | None = None,
    body: bytes = b'{"n":1}',
    at_ms: int = AT,
    timestamp_ms: int | None = None,
    problem: str = "",
) -> SampledMessage:
    """As a monitor gives it."""
    modes = {kind: mode for mode, kind in KINDS.items()}
    return SampledMessage(
        kind=kind,
        stream=stream,
        position=str(number),
        stored_ms=at_ms,
        size=len(body) + 80,
        problem=problem,
        id="" if problem else message_id(number, at_ms),
        event="" if problem else event,
        mode=None if problem else modes[kind],
        source="" if problem else source,
        target=target,
        timestamp_ms=at_ms - 2 if timestamp_ms is None else timestamp_ms,
        codec="json",
        body=body,
    )


def stored_letter(
    number: int,
    *,
    event: str = "orders",
    group: str | None = "billing",
    instance: str = "bill-1",
    reason: str = "failed 5 times",
    error: str = "TimeoutError: no answer",
    traceback: str = "Traceback: …",
    attempts: int = 5,
    died_ms: int = AT,
    data: bytes | None = None,
) -> StoredDeadLetter:
    """Number `number` in the order of death."""
    return StoredDeadLetter(
        id=f"{number:08d}",
        data=packed(number, {"n": number}, event=event) if data is None else data,
        event=event,
        instance=instance,
        group=group,
        reason=reason,
        error=error,
        traceback=traceback,
        attempts=attempts,
        died_ms=died_ms + number,
    )


def dead_letter(
    number: int = 1,
    *,
    group: str | None = "billing",
    instance: str = "bill-1",
    reason: str = "failed 5 times",
    error: str = "TimeoutError: no answer",
    attempts: int = 5,
    died_ms: int = AT + 5_000,
    known: bool = True,
) -> DeadLetter:
    """As a monitor gives it; one that is not `known` cannot be decoded."""
    message = Message[object](
        id=message_id(number),
        event="orders",
        data={"n": number},
        mode=EventMode.ANYCAST,
        source="bill-1",
        timestamp_ms=AT,
    )
    return DeadLetter(
        id=f"{number:08d}",
        message=message if known else None,
        reason=reason,
        error=error,
        traceback="Traceback (most recent call last):\n  …",
        attempts=attempts,
        instance=instance,
        group=group,
        died_at=datetime.fromtimestamp(died_ms / 1000, UTC),
    )
