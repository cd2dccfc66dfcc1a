"""The server itself, from what it answers to HELLO and INFO."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from eventbus_core.snapshots import ServerSnapshot

from .faults import ReplyError, refusal

_FIGURES: Final = ("used_bytes", "max_bytes", "clients", "uptime")


def server_snapshot(where: str, replies: Sequence[Any]) -> ServerSnapshot:
    """From the replies to HELLO, INFO server, INFO memory and INFO clients, errors among them."""
    hello, *infos = replies
    told: dict[str, str] = {}
    refused = ""
    for info in infos:
        if isinstance(info, ReplyError):
            refused = f"INFO: the server {refusal(info)}"
        else:
            told |= _lines(info)
    greeted = {} if isinstance(hello, ReplyError) else _pairs(hello)
    valkey = "valkey" in (told.get("server_name"), greeted.get("server"))
    version = told.get("valkey_version") or told.get("redis_version") or greeted.get("version")
    used, limit, clients, uptime = (
        int(text) if (text := told.get(name, "")).isdigit() else None
        for name in ("used_memory", "maxmemory", "connected_clients", "uptime_in_seconds")
    )
    figures = dict(zip(_FIGURES, (used, limit, clients, uptime), strict=True))
    reason = refused or "INFO of this server does not tell it"
    return ServerSnapshot(
        product="Valkey" if valkey else "Redis",
        version=version or "",
        where=where,
        used_bytes=used,
        max_bytes=limit,
        clients=clients,
        uptime=None if uptime is None else float(uptime),
        unknown={name: reason for name, figure in figures.items() if figure is None}
        | ({} if version else {"version": reason}),
    )


def _lines(info: bytes) -> Mapping[str, str]:
    parts = (line.partition(":") for line in info.decode("utf-8", "replace").splitlines())
    return {name: value for name, _, value in parts if value}


def _pairs(hello: Any) -> Mapping[str, str]:
    """Only the texts: HELLO tells numbers and lists too."""
    if not isinstance(hello, list):
        return {}
    pairs = zip(hello[::2], hello[1::2], strict=False)
    return {
        name.decode(): value.decode("utf-8", "replace")
        for name, value in pairs
        if isinstance(name, bytes) and isinstance(value, bytes)
    }
