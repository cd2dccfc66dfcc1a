"""The stored form of a message: one MessagePack array, versioned, the same on every transport."""

from collections.abc import Mapping
from typing import Final

import msgspec

from .errors import DecodeError
from .modes import EventMode

FORMAT: Final = 1
"""Version of the stored form that this release writes. It reads this one and older ones."""


class NewerFormatError(DecodeError):
    """The bytes were written by a later release: leave them to an instance that knows it."""


class Envelope(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One message as it is stored. New fields go at the end, with defaults, so that a release
    reads what the one before it wrote; any other change needs a new FORMAT."""

    format: int
    id: str
    event: str
    mode: EventMode
    source: str
    target: str | None
    timestamp_ms: int
    codec: str
    headers: Mapping[str, str] | None
    body: bytes


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Envelope)


def pack(envelope: Envelope) -> bytes:
    """The bytes to store."""
    return _encoder.encode(envelope)


def unpack(data: bytes) -> Envelope:
    """Read stored bytes. Raises NewerFormatError, or DecodeError when they are no message."""
    try:
        envelope = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        if (written := _format_of(data)) > FORMAT:
            raise _newer(written) from None
        raise DecodeError(f"the stored bytes are not a message: {exc}") from exc
    if envelope.format > FORMAT:
        raise _newer(envelope.format)
    return envelope


def _newer(written: int) -> NewerFormatError:
    return NewerFormatError(
        f"the message has format {written}, this release reads up to {FORMAT}: update the package"
    )


def _format_of(data: bytes) -> int:
    """The format number of bytes that could not be decoded; 0 when there is none."""
    try:
        raw = msgspec.msgpack.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        return 0
    if isinstance(raw, list) and raw and isinstance(raw[0], int):
        return raw[0]
    return 0
