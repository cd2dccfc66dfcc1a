"""The living of one bus, as a monitor shows them."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any, Final

import msgspec

from eventbus_core.modes import EventMode
from eventbus_core.snapshots import InstanceSnapshot
from eventbus_core.transport import Vitals

from .announced import Record
from .announcements import Announced
from .faults import refusal
from .look import StreamLook
from .registries import Registries
from .replies import text

_NO_LINE: Final = "the store has lost what was noted when it joined"
_NO_CURSOR: Final = "its cursor is missing until its next heartbeat"
_NO_VITALS: Final = "what it told with its last heartbeat cannot be read"


class _Life:
    """One live incarnation: what was read of it, kept while it is written the same."""

    def __init__(self, incarnation: str, line: bytes, records: Mapping[str, bytes]) -> None:
        words = text(line).split(" ")
        noted = len(words) > 3 and words[0].isdigit()
        self.id = words[-1] if noted else ""
        self.line, self.written = line, records.get(self.id)
        record = Record(self.written, incarnation)
        self.unknown = record.unknown
        if not noted:
            self.unknown["id"] = _NO_LINE
        self.consumes = words[2] == "1" if noted else record.read("role", "") != "publisher"
        self.subscriptions = record.subscriptions()
        self.fixed_fields: Mapping[str, Any] = {
            "id": self.id,
            "incarnation": incarnation,
            "fixed": words[1] == "1" if noted else record.read("fixed", False),
            "role": record.read("role", ""),
            "group": record.read("group", ""),
            "host": record.read("host", ""),
            "pid": record.read("pid", 0),
            "version": record.read("version", ""),
            "started_ms": record.read("started_ms", 0),
            "lease": int(words[0]) / 1000 if noted else record.read("lease", 0.0),
            "subscriptions": self.subscriptions,
            "options": record.options(),
        }
        self._told: bytes | None = None
        self._vitals: Vitals | None = None
        self._vitals_lost = False

    def snapshot(
        self,
        known: Registries,
        broadcasts: StreamLook,
        pending: int | None,
        unknown: dict[str, str],
    ) -> InstanceSnapshot:
        """How it is now. `unknown`: why there is no `pending`."""
        incarnation = self.fixed_fields["incarnation"]
        behind = None
        if self.consumes:
            behind = broadcasts.passed.get(known.cursors.get(self.id, b""))
            if broadcasts.fault is not None:
                unknown["behind"] = f"the server {refusal(broadcasts.fault)}"
            elif behind is None:
                unknown["behind"] = _NO_CURSOR
        self._read_vitals(known.vitals.get(incarnation))
        if self._vitals_lost:
            unknown["vitals"] = _NO_VITALS
        return InstanceSnapshot(
            **self.fixed_fields,
            lease_left=(known.leases[incarnation] - known.at_ms) / 1000,
            behind=behind,
            pending=pending,
            vitals=self._vitals,
            unknown={**self.unknown, **unknown} if unknown else self.unknown,
        )

    def _read_vitals(self, told: bytes | None) -> None:
        if told == self._told:
            return
        self._told, self._vitals, self._vitals_lost = told, None, False
        try:
            self._vitals = msgspec.json.decode(told or b"", type=Vitals)
        except msgspec.DecodeError:
            self._vitals_lost = told is not None


class Roster:
    """Who is alive, and who works for what. Two of them are the same object or differ."""

    def __init__(self, lives: Mapping[str, _Life]) -> None:
        self.ids: Mapping[str, str] = {incarnation: life.id for incarnation, life in lives.items()}
        """Live incarnation -> its instance id."""
        self._workers: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self._owners: defaultdict[str, set[str]] = defaultdict(set)
        for incarnation, life in lives.items():
            self._owners[life.id].add(incarnation)
            for mode, event, group in life.subscriptions:
                if mode is EventMode.ANYCAST:
                    self._workers[event, group].add(incarnation)

    def workers(self, event: str, group: str) -> Collection[str]:
        """The incarnations that are subscribed to a group's work."""
        return self._workers.get((event, group), ())

    def owners(self, instance_id: str) -> Collection[str]:
        """The incarnations with that id: at most one, unless somebody meddled."""
        return self._owners.get(instance_id, ())


class Instances:
    """The living of one bus, look after look."""

    def __init__(self) -> None:
        self._lives: dict[str, _Life] = {}  # by incarnation, sorted
        self.roster = Roster({})

    def see(self, known: Registries, announced: Announced) -> None:
        """Take in who is alive; `roster` is the same as before when nobody came, went or changed
        subscriptions."""
        before, lives = self._lives, dict[str, _Life]()
        for incarnation in sorted(known.leases.keys() - announced.left):
            line = announced.lines.get(incarnation, b"")
            life = before.get(incarnation)
            if life is None or life.line != line or life.written != announced.records.get(life.id):
                life = _Life(incarnation, line, announced.records)
            lives[incarnation] = life
        if lives != before:
            self._lives, self.roster = lives, Roster(lives)

    def snapshots(
        self,
        known: Registries,
        broadcasts: StreamLook,
        held: Mapping[str, int],
        unreadable: str,
    ) -> tuple[InstanceSnapshot, ...]:
        """All of them, sorted. `held`: how many messages each has in hand; that is not known for
        the reason `unreadable`, when there is one."""
        found = [
            life.snapshot(
                known,
                broadcasts,
                None if unreadable else held.get(incarnation, 0),
                {"pending": unreadable} if unreadable else {},
            )
            for incarnation, life in self._lives.items()
        ]
        return tuple(sorted(found, key=lambda each: (each.id, each.incarnation)))
