"""From the arguments of `emit` to bytes: checked before anything is sent."""

import logging
from collections.abc import Mapping
from typing import Any

from . import codec
from .envelope import FORMAT, Envelope, pack
from .errors import InvalidMessageError, MessageTooLargeError
from .ids import MessageIds
from .modes import EventMode
from .names import check_event, check_target
from .transport import Outgoing

log = logging.getLogger("eventbus_core")


def make_outgoing(
    event: str,
    data: Any,
    *,
    mode: EventMode | str | None,
    target: str | None,
    headers: Mapping[str, str] | None,
    source: str,
    ids: MessageIds,
    max_bytes: int,
) -> Outgoing:
    """Raises InvalidMessageError, EncodeError or MessageTooLargeError."""
    check_event(event)
    chosen = _mode(mode, target)
    if headers is not None:
        headers = _checked_headers(headers)
    body = codec.encode(data)
    message_id, timestamp_ms = ids.next()
    packed = pack(
        Envelope(
            format=FORMAT,
            id=message_id,
            event=event,
            mode=chosen,
            source=source,
            target=target,
            timestamp_ms=timestamp_ms,
            codec="json",
            headers=headers or None,
            body=body,
        )
    )
    if len(packed) > max_bytes:
        raise MessageTooLargeError(event, size=len(packed), limit=max_bytes)
    return Outgoing(message_id, event, chosen, target, packed)


def _mode(mode: EventMode | str | None, target: str | None) -> EventMode:
    if target is not None:
        check_target(target)
    if mode is None:
        return EventMode.UNICAST if target is not None else EventMode.BROADCAST
    try:
        chosen = EventMode(mode)
    except ValueError:
        raise InvalidMessageError(
            f"mode={mode!r} is not one of {', '.join(map(repr, map(str, EventMode)))}"
        ) from None
    if chosen is EventMode.UNICAST and target is None:
        raise InvalidMessageError("mode 'unicast' needs target=, the id of an instance")
    if chosen is not EventMode.UNICAST and target is not None:
        raise InvalidMessageError(
            f"target={target!r} goes with mode 'unicast' only, not with {str(chosen)!r}"
        )
    return chosen


def _checked_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    if not isinstance(headers, Mapping):
        raise InvalidMessageError(
            f"headers must be a mapping of str to str, not {type(headers).__name__}"
        )
    for key, value in headers.items():
        if not isinstance(key, str) or not key:
            raise InvalidMessageError(f"header name {key!r} must be a non-empty str")
        if not isinstance(value, str):
            raise InvalidMessageError(
                f"header {key!r} must be a str, not {type(value).__name__}: convert it"
            )
        for text in (key, value):
            try:
                text.encode()
            except UnicodeEncodeError:
                raise InvalidMessageError(f"header {key!r} is not valid Unicode text") from None
    # msgspec encodes dict, and only dict.
    return headers.copy() if type(headers) is dict else dict(headers)


def log_emit(message: Outgoing, source: str) -> None:
    """One line for the `debug` option; never a payload."""
    log.debug(
        "emit id=%s event=%s mode=%s source=%s target=%s size=%d",
        message.id, message.event, message.mode, source, message.target, len(message.data),
    )  # fmt: skip
