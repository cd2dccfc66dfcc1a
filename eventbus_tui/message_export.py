"""A message as an object of JSON, and its payload as bytes. Pure."""

import base64
import json
from typing import NamedTuple

from eventbus_core.monitoring import DeadLetter, FoundMessage

from .lifecycle_steps import Life, Step, died_ms
from .payload import UnreadableError, parse


class PayloadBytes(NamedTuple):
    """What there is to show of a payload."""

    body: bytes
    codec: str
    note: str
    """Something to know about it; empty mostly."""


def payload_of(found: FoundMessage) -> PayloadBytes:
    """As it is stored; of a message that is kept as a dead letter only, encoded again."""
    if found.message is not None:
        return PayloadBytes(found.message.body, found.message.codec, "")
    for letter in found.dead_letters:
        if letter.message is not None:
            text = json.dumps(letter.message.data, ensure_ascii=False)
            note = "encoded again from the dead letter"
            return PayloadBytes(text.encode("utf-8", "backslashreplace"), "json", note)
    return PayloadBytes(b"", "json", "the stored bytes cannot be decoded")


def exported_message(found: FoundMessage, life: Life | None) -> dict[str, object]:
    """All that is known of a message. A payload that is no JSON is in base64."""
    message = found.message
    stored: dict[str, object] = {}
    if message is not None:
        stored = {
            "id": message.id,
            "event": message.event,
            "mode": str(message.mode or ""),
            "source": message.source,
            "target": message.target,
            "timestamp_ms": message.timestamp_ms,
            "stored_ms": message.stored_ms,
            "stream": f"{message.kind} {message.stream}".strip(),
            "position": message.position,
            "size": message.size,
            "headers": dict(message.headers),
            "codec": message.codec,
        }
    return {
        **stored,
        **_exported_payload(payload_of(found)),
        "life": [] if life is None else [_step("", step) for step in life.steps],
        "deliveries": [
            {
                **_step(lane.name, lane.state),
                "past": [_step("", step) for step in lane.past],
            }
            for lane in (() if life is None else life.lanes)
        ],
        "dead_letters": [_letter(each) for each in found.dead_letters],
    }


def _exported_payload(payload: PayloadBytes) -> dict[str, object]:
    try:
        parse(payload.body, payload.codec)
        # As Python reads it: an export is read by programs.
        return {"payload": json.loads(payload.body)}
    except (UnreadableError, ValueError, RecursionError):
        return {"payload_base64": base64.b64encode(payload.body).decode()}


def _step(name: str, step: Step) -> dict[str, object]:
    return {
        **({"to": name} if name else {}),
        "state": step.word,
        "text": step.text,
        "at_ms": step.at_ms,
    }


def _letter(letter: DeadLetter) -> dict[str, object]:
    return {
        "id": letter.id,
        "group": letter.group,
        "instance": letter.instance,
        "reason": letter.reason,
        "error": letter.error,
        "traceback": letter.traceback,
        "attempts": letter.attempts,
        "died_ms": died_ms(letter),
    }
