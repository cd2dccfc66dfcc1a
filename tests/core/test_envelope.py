"""The stored form of a message: it must be readable for ever, and never misread."""

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventbus_core.envelope import FORMAT, Envelope, NewerFormatError, pack, unpack
from eventbus_core.errors import DecodeError
from eventbus_core.modes import EventMode

STORED = Envelope(
    format=1,
    id="019b76da80000000000123456789abcd",
    event="user:created",
    mode=EventMode.UNICAST,
    source="api-1",
    target="worker-1",
    timestamp_ms=1_767_225_600_000,
    codec="json",
    headers={"trace": "abc"},
    body=b'{"id":1}',
)
STORED_HEX = (
    "9a01d9203031396237366461383030303030303030303031323334353637383961626364ac757365"
    "723a63726561746564a7756e6963617374a56170692d31a8776f726b65722d31cf0000019b76daa8"
    "00a46a736f6e81a57472616365a3616263c4087b226964223a317d"
)
"""What release 0.1 wrote for STORED. Do not change it: data in stores looks like this."""

envelopes = st.builds(
    Envelope,
    format=st.just(FORMAT),
    id=st.text(),
    event=st.text(),
    mode=st.sampled_from(EventMode),
    source=st.text(),
    target=st.none() | st.text(),
    timestamp_ms=st.integers(0, 2**48),
    codec=st.text(),
    headers=st.none() | st.dictionaries(st.text(), st.text()),
    body=st.binary(),
)


@given(envelopes)
def test_what_was_packed_comes_back(envelope: Envelope) -> None:
    assert unpack(pack(envelope)) == envelope


def test_format_1_is_written_and_read_as_it_was_first_stored() -> None:
    assert pack(STORED).hex() == STORED_HEX
    assert unpack(bytes.fromhex(STORED_HEX)) == STORED


def test_fields_that_a_later_release_added_are_passed_over() -> None:
    fields = [*msgspec.msgpack.decode(bytes.fromhex(STORED_HEX)), "added later"]
    assert unpack(msgspec.msgpack.encode(fields)) == STORED


@pytest.mark.parametrize(
    "fields",
    [
        [FORMAT + 1],
        [FORMAT + 1, "a", {"wholly": "different"}],
        [FORMAT + 1, *msgspec.msgpack.decode(bytes.fromhex(STORED_HEX))[1:]],
    ],
)
def test_a_newer_format_is_told_apart_from_garbage(fields: list[object]) -> None:
    with pytest.raises(NewerFormatError, match=f"format {FORMAT + 1}.*update"):
        unpack(msgspec.msgpack.encode(fields))


@pytest.mark.parametrize("length", range(len(bytes.fromhex(STORED_HEX))))
def test_truncated_bytes_are_no_message(length: int) -> None:
    with pytest.raises(DecodeError) as caught:
        unpack(bytes.fromhex(STORED_HEX)[:length])
    assert not isinstance(caught.value, NewerFormatError)


@pytest.mark.parametrize(
    "data",
    [
        b"{}",
        b"\x91" * 100_000,
        msgspec.msgpack.encode([]),
        msgspec.msgpack.encode(["1"]),
        msgspec.msgpack.encode({"format": 9}),
        msgspec.msgpack.encode([1, "id", "event", "no mode", "s", None, 0, "json", None, b""]),
    ],
)
def test_garbage_is_a_decode_error(data: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        unpack(data)
    assert not isinstance(caught.value, NewerFormatError)


@given(st.binary(max_size=80))
def test_unpack_raises_nothing_but_decode_error(data: bytes) -> None:
    with suppress(DecodeError):
        unpack(data)
