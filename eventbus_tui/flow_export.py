"""Rows of the flow as objects of JSON. Pure."""

from .flow_rows import Audience, FlowRow, JournalRow
from .rows.figures import mode_of


def exported_row(row: FlowRow, audience: Audience) -> dict[str, object]:
    """What a row knows; texts are as the sender wrote them, the preview is harmless."""
    if isinstance(row, JournalRow):
        return {"at_ms": row.stored_ms, "journal": row.entry.kind, **row.entry.details}
    return {
        "stored_ms": row.stored_ms,
        "mode": mode_of(row.kind).word,
        "stream": row.stream,
        "position": row.position,
        "id": row.id,
        "event": row.event,
        "source": row.source,
        "target": row.target,
        "groups": list(audience.groups(row)),
        "size": row.size,
        "preview": row.preview,
        **({"problem": row.problem} if row.problem else {}),
    }
