"""`open_replay`: a recording, looked at like a store."""

import os
import time
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Sequence

from ..capabilities import Capabilities
from ..durations import seconds
from ..errors import TransportUnavailableError, UnsupportedError
from ..snapshots import (
    BusSnapshot,
    DeadLettersSnapshot,
    DeliverySnapshot,
    ServerSnapshot,
    StoredMessage,
)
from ..transport import ChannelKind, Redriven, StoredDeadLetter
from .monitor import Monitor
from .recording_format import (
    AnyRecord,
    Buses,
    Deliveries,
    LetterGone,
    Letters,
    Look,
    Lost,
    Messages,
)
from .tape_reader import TapeReader

_KEPT_MESSAGES = 50_000
"""Of each bus, so that a long recording does not fill the memory."""


def open_replay(path: str | os.PathLike[str], *, speed: float = 1.0) -> Monitor:
    """A monitor of what `record` wrote, as it was at each moment since the first call.

    `speed`: recorded seconds that pass in one second; 0: each `snapshot` of a bus gives the next
    recorded look at it. There are no actions. A look that failed while it was recorded fails again.
    Raises InvalidOptionError for `speed`, and RecordingError when the file cannot be opened, is no
    recording or is of a newer version; every call raises it when it comes to a damaged line. A
    last line that was not finished is left out.
    """
    speed = seconds("speed", speed, minimum=0.0, maximum=1e6)
    source = ReplaySource(TapeReader(os.fspath(path)), speed)
    return _Replay(source)


class _Replay(Monitor):
    def __init__(self, source: "ReplaySource") -> None:
        redrive = "redrive" in source.tape.header.capabilities
        super().__init__(source, Capabilities(monitoring=True, redrive=redrive))
        self._replay = source

    @property
    def ended(self) -> bool:
        return self._replay.tape.ended

    @property
    def recorded(self) -> bool:
        return True

    def now(self) -> float:
        return self._replay.position


class ReplaySource:
    """A MonitorSource that plays a recording."""

    def __init__(self, tape: TapeReader, speed: float) -> None:
        self.tape = tape
        self.position = 0.0
        """When, in the recording, the look was that was given last."""
        self._speed = speed
        self._start: float | None = None
        """When, by the monotonic clock, second 0 of the recording was played."""
        self._lost: str | None = None
        self._buses: tuple[str, ...] | None = None
        self._looks: dict[str, tuple[float, BusSnapshot]] = {}
        self._messages: defaultdict[str, list[StoredMessage]] = defaultdict(list)
        self._deliveries: dict[tuple[str, ChannelKind, str, str], Sequence[DeliverySnapshot]] = {}
        self._letters: defaultdict[str, dict[str, StoredDeadLetter]] = defaultdict(dict)

    async def buses(self) -> Sequence[str]:
        self._play()
        if self._speed:
            self._reached()
        return sorted(self._looks) if self._buses is None else self._buses

    async def snapshot(self, bus: str) -> BusSnapshot:
        if self._speed:
            self._play()
        else:
            self._step(bus)
        self._reached()
        at, snapshot = self._looks.get(bus) or (self.position, self._empty(bus))
        self.position = max(self.position, at)
        return snapshot

    async def messages(
        self, bus: str, limit: int, since_ms: int = 0, until_ms: int | None = None
    ) -> Sequence[StoredMessage]:
        self._play()
        kept = self._messages[bus]
        first = bisect_left(kept, since_ms, key=_stored_ms)
        last = len(kept) if until_ms is None else bisect_right(kept, until_ms, key=_stored_ms)
        return kept[max(first, last - limit) : last]

    async def deliveries(self, bus: str, message: StoredMessage) -> Sequence[DeliverySnapshot]:
        self._play()
        return self._deliveries.get((bus, message.kind, message.name, message.position), ())

    async def dead_letters(
        self, bus: str, limit: int, after: str | None, event: str | None, group: str | None
    ) -> Sequence[StoredDeadLetter]:
        self._play()
        found = [
            letter
            for id, letter in sorted(self._letters[bus].items())
            if (after is None or id > after)
            and (event is None or letter.event == event)
            and (group is None or letter.group == group)
        ]
        return found[:limit]

    async def redrive(self, bus: str, dead_letter_id: str) -> Redriven:
        raise _refused("redrive")

    async def discard(self, bus: str, dead_letter_id: str) -> bool:
        raise _refused("discard")

    async def drop_group(self, bus: str, event: str, group: str) -> bool:
        raise _refused("drop_group")

    async def close(self) -> None:
        self.tape.close()

    def _play(self) -> None:
        """Go on to what has been recorded up to now; step by step, up to the next look. Damage is
        told by the first call that finds nothing new before it."""
        if not self._play_on():
            self.tape.check()

    def _play_on(self) -> bool:
        """Returns whether something was played, or comes later."""
        played = False
        while (record := self.tape.peek()) is not None:
            if self._speed:
                if record.at > self._elapsed(record):
                    return True
            elif isinstance(record, Look | Lost):
                return True
            self._apply(self.tape.take())
            played = True
        return played

    def _elapsed(self, record: AnyRecord) -> float:
        now = time.monotonic()
        if self._start is None:
            self._start = now
        elapsed = (now - self._start) * self._speed
        if not self._looks and record.at > elapsed:
            # Nobody waits for the first look.
            self._start -= (record.at - elapsed) / self._speed
            return record.at
        return elapsed

    def _step(self, bus: str) -> None:
        """Go on to the next look at a bus, or the next one that failed."""
        while (record := self.tape.peek()) is not None:
            self._apply(self.tape.take())
            if isinstance(record, Lost) or (isinstance(record, Look) and record.bus == bus):
                break
        else:
            self.tape.check()
        self._play_on()  # what was read between that look and the next one

    def _apply(self, record: AnyRecord) -> None:
        match record:
            case Buses(names=names):
                self._buses, self._lost = names, None
            case Look(bus=bus, at=at):
                self._looks[bus], self._lost = (at, self.tape.snapshot(record)), None
            case Lost(error=error):
                self._lost = error
            case Messages(bus=bus, messages=messages):
                kept = self._messages[bus]
                for message in messages:
                    insort(kept, message, key=_stored_ms)
                del kept[:-_KEPT_MESSAGES]
            case Deliveries(bus=bus, kind=kind, name=name, position=position):
                self._deliveries[bus, kind, name, position] = record.deliveries
            case Letters(bus=bus, letters=letters):
                self._letters[bus].update((letter.id, letter) for letter in letters)
            case LetterGone(bus=bus, id=id):
                self._letters[bus].pop(id, None)

    def _reached(self) -> None:
        """Raises TransportUnavailableError while the store could not be reached."""
        if self._lost is not None:
            raise TransportUnavailableError(self._lost)

    def _empty(self, bus: str) -> BusSnapshot:
        """A bus that was not looked at."""
        newest = max(self._looks.values(), key=lambda look: look[0], default=None)
        header = self.tape.header
        why = dict.fromkeys(
            ("used_bytes", "max_bytes", "clients", "uptime"), "nothing was recorded"
        )
        server = ServerSnapshot(
            product="recording",
            version=header.library,
            where=self.tape.path,
            used_bytes=None,
            max_bytes=None,
            clients=None,
            uptime=None,
            unknown=why,
        )
        return BusSnapshot(
            bus=bus,
            at_ms=newest[1].at_ms if newest else header.made_ms,
            streams=(),
            groups=(),
            instances=(),
            absent=(),
            dead_letters=DeadLettersSnapshot(count=0, oldest_ms=None, newest_ms=None),
            totals={},
            journal=(),
            options=None,
            server=newest[1].server if newest else server,
        )


def _stored_ms(message: StoredMessage) -> int:
    return message.stored_ms


def _refused(action: str) -> UnsupportedError:
    return UnsupportedError(f"{action}: a recording cannot be changed")
