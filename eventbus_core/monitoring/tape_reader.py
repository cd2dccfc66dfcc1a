"""Reads a recording line by line."""

from typing import IO

import msgspec

from ..snapshots import BusSnapshot
from .recording_format import FORMAT, VERSION, AnyRecord, Header, Look, Looks, RecordingError


class _AnyHeader(msgspec.Struct):
    """What headers of all versions have."""

    format: str
    version: int
    library: str = ""


class TapeReader:
    """One record after the other. Raises RecordingError when the file cannot be opened, is no
    recording, or is of a newer version."""

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            # Closed by `close`, or at the end of the file.
            self._file: IO[bytes] | None = open(path, "rb")  # noqa: SIM115
        except OSError as exc:
            raise RecordingError(
                f"the recording {path!r} cannot be opened: {exc.strerror}"
            ) from None
        self._line = 1
        self._decoder: msgspec.json.Decoder[AnyRecord] = msgspec.json.Decoder(AnyRecord)
        self._looks: dict[str, Looks] = {}
        self._next: AnyRecord | None = None
        self._damage: RecordingError | None = None
        self._told = False
        try:
            self.header = self._read_header()
        except BaseException:
            self.close()
            raise

    @property
    def ended(self) -> bool:
        """Whether all was taken that can be read, and damage, if there is any, was told."""
        return self.peek() is None and (self._damage is None or self._told)

    def peek(self) -> AnyRecord | None:
        """The next record; None at the end, and where the file is damaged: see `check`."""
        if self._next is None and self._file is not None:
            self._next = self._read()
        return self._next

    def check(self) -> None:
        """Raises RecordingError when the file is damaged behind the records that were taken."""
        if self._damage is not None:
            self._told = True
            raise self._damage

    def take(self) -> AnyRecord:
        """The record that was looked at before."""
        record, self._next = self._next, None
        assert record is not None
        return record

    def snapshot(self, look: Look) -> BusSnapshot:
        """What a look that was taken showed. Raises RecordingError when it does not follow those
        before it. Looks have to be asked for in their order, each once."""
        try:
            return self._looks.setdefault(look.bus, Looks()).replay(look)
        except (msgspec.ValidationError, KeyError) as exc:
            self._damaged(f"it does not follow the look before it: {exc}")
            self.check()
            raise

    def close(self) -> None:
        """Idempotent."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _read_header(self) -> Header:
        assert self._file is not None
        line = self._file.readline()
        if not line:
            raise RecordingError(f"the recording {self.path!r} is empty")
        try:
            found = msgspec.json.decode(line, type=_AnyHeader)
            if found.format != FORMAT:
                raise msgspec.ValidationError(f"format is {found.format!r}")
        except msgspec.DecodeError:
            raise RecordingError(
                f"{self.path!r} is no recording of eventbus-tui: its first line is no header"
            ) from None
        if found.version > VERSION:
            raise RecordingError(
                f"the recording {self.path!r} has format version {found.version}, made by "
                f"eventbus-streams {found.library or 'of unknown version'}; this one reads up "
                f"to version {VERSION}: use a newer eventbus-tui"
            )
        try:
            return msgspec.json.decode(line, type=Header)
        except msgspec.DecodeError as exc:
            raise self._damaged(str(exc)) from None

    def _read(self) -> AnyRecord | None:
        assert self._file is not None
        line = self._file.readline()
        self._line += 1
        try:
            if line:
                return self._decoder.decode(line)
        except msgspec.DecodeError as exc:
            # Else it is the last line of a monitor that was killed while it wrote.
            if line.endswith(b"\n"):
                self._damaged(str(exc))
        self.close()
        return None

    def _damaged(self, why: str) -> RecordingError:
        self._damage = RecordingError(
            f"the recording {self.path!r} is damaged in line {self._line}: {why}"
        )
        self._next = None
        self.close()
        return self._damage
