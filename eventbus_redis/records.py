"""What an instance announces, as the store keeps it, and back."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from eventbus_core.modes import EventMode
from eventbus_core.options import SharedOptions
from eventbus_core.transport import Channel, Member, Subscription, Suspect, work

from .keys import token

FORMAT: Final = 1
"""Version of the record; a monitor shows an instance with a newer one as unreadable."""


def line(member: Member) -> str:
    """What scripts need to know, in words: lease in ms, fixed, consumes, options, id."""
    options = [repr(getattr(member.options, name)) for name in SharedOptions.__struct_fields__]
    words = [
        str(lease_ms(member)),
        str(int(member.fixed)),
        str(int(member.consumes)),
        *options,
        member.instance_id,
    ]
    return " ".join(words)


def _listed(subscription: Subscription) -> list[str]:
    return [subscription.mode.value, subscription.event, subscription.group]


def lease_ms(member: Member) -> int:
    return max(1, round(member.lease * 1000))


def record(member: Member, subscriptions: frozenset[Subscription]) -> bytes:
    """What monitors show."""
    shown: dict[str, Any] = {
        "format": FORMAT,
        "id": member.instance_id,
        "incarnation": member.incarnation,
        "fixed": member.fixed,
        "role": member.role,
        "group": member.group,
        "lease": member.lease,
        "only_new": member.only_new,
        "host": member.host,
        "pid": member.pid,
        "version": member.version,
        "started_ms": member.started_ms,
        "options": msgspec.to_builtins(member.options),
        "subscriptions": sorted(map(_listed, subscriptions)),
    }
    return msgspec.json.encode(shown)


def begins() -> bytes:
    """How a record of this format begins."""
    return b'{"format":%d,' % FORMAT


def mention(subscription: Subscription) -> bytes:
    """What a record of this format contains when it announces `subscription`. No name can
    contain it, as a quote in a text is escaped."""
    return msgspec.json.encode(_listed(subscription))


def suspect(incarnation: bytes, written: bytes, lease: float) -> Suspect:
    """An expired incarnation from its line; when that is gone, with `lease` and without an id."""
    words = written.decode().split(" ")
    if len(words) < 2:
        return Suspect(incarnation=incarnation.decode(), instance_id="", lease=lease)
    return Suspect(
        incarnation=incarnation.decode(), instance_id=words[-1], lease=int(words[0]) / 1000
    )


def options_in_force(flat: list[bytes]) -> SharedOptions | None:
    """From the reply of HGETALL; None when there are none."""
    stored = dict(zip(flat[::2], flat[1::2], strict=True))
    values: dict[str, float | int] = {}
    for name, default in msgspec.to_builtins(SharedOptions()).items():
        text = stored.get(name.encode())
        if text is None:
            return None
        values[name] = int(text) if isinstance(default, int) else float(text)
    return SharedOptions(**values)  # type: ignore[arg-type]


def work_channels(subscriptions: frozenset[Subscription]) -> Mapping[str, Channel]:
    """The work channels that these subscriptions open, by token."""
    return {
        token(s.event, s.group): work(s.event, s.group)
        for s in sorted(subscriptions)
        if s.mode is EventMode.ANYCAST
    }
