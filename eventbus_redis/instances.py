"""The living of one bus, as a monitor shows them."""

from typing import Final

import msgspec

from eventbus_core.snapshots import InstanceSnapshot
from eventbus_core.transport import Vitals

from .announced import Announced
from .faults import refusal
from .look import Registries, StreamLook, text

_NO_LINE: Final = "the store has lost what was noted when it joined"
_NO_CURSOR: Final = "its cursor is missing until its next heartbeat"
_NO_VITALS: Final = "what it told with its last heartbeat cannot be read"


def instance_snapshots(known: Registries, broadcasts: StreamLook) -> dict[str, InstanceSnapshot]:
    """Every live incarnation, with nothing in hand yet."""
    return {each: _instance(each, known, broadcasts) for each in sorted(known.leases)}


def _instance(incarnation: str, known: Registries, broadcasts: StreamLook) -> InstanceSnapshot:
    words = text(known.lines.get(incarnation, b"")).split(" ")
    noted = len(words) > 3 and words[0].isdigit()
    instance_id = words[-1] if noted else ""
    record = Announced(known.records.get(instance_id), incarnation)
    unknown = record.unknown
    if not noted:
        unknown["id"] = _NO_LINE
    lease = int(words[0]) / 1000 if noted else record.read("lease", 0.0)
    consumes = words[2] == "1" if noted else record.read("role", "") != "publisher"
    return InstanceSnapshot(
        id=instance_id,
        incarnation=incarnation,
        fixed=words[1] == "1" if noted else record.read("fixed", False),
        role=record.read("role", ""),
        group=record.read("group", ""),
        host=record.read("host", ""),
        pid=record.read("pid", 0),
        version=record.read("version", ""),
        started_ms=record.read("started_ms", 0),
        lease=lease,
        lease_left=(known.leases[incarnation] - known.at_ms) / 1000,
        subscriptions=record.subscriptions(),
        options=record.options(),
        behind=_behind(instance_id, broadcasts, unknown) if consumes else None,
        pending=0,
        vitals=_vitals(known.vitals.get(incarnation), unknown),
        unknown=unknown,
    )


def _behind(instance_id: str, broadcasts: StreamLook, unknown: dict[str, str]) -> int | None:
    """By its stored cursor: up to one heartbeat old, unless its id is fixed."""
    if broadcasts.fault is not None:
        unknown["behind"] = f"the server {refusal(broadcasts.fault)}"
    elif instance_id not in broadcasts.passed:
        unknown["behind"] = _NO_CURSOR
    return broadcasts.passed.get(instance_id)


def _vitals(written: bytes | None, unknown: dict[str, str]) -> Vitals | None:
    if written is None:
        return None
    try:
        return msgspec.json.decode(written, type=Vitals)
    except msgspec.DecodeError:
        unknown["vitals"] = _NO_VITALS
        return None
