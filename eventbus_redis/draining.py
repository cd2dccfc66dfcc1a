"""Turning into dead letters what an inbox or a group without an owner still holds."""

from typing import Final

from .commands import Commands
from .keys import Keys, split_token

_DRAINED: Final = 200
"""Most messages in one step."""
_REASONS: Final = {
    "inbox": "the instance it was sent to is gone",
    "group": "its group had no live member for backlog_ttl",
    "dropped": "group dropped by an operator",
}


async def drain_all(commands: Commands, keys: Keys, steps: int) -> None:
    """Go on with all that is in `abandoned`, at most so many steps for each."""
    for field, group in (await commands.fields(keys.abandoned)).items():
        for _ in range(steps):
            if not await drain(commands, keys, field, group):
                break


async def drain(commands: Commands, keys: Keys, field: str, group: str) -> bool:
    """Go one step on with one field of `abandoned`. Returns whether there is more to do."""
    kind, _, name = field.partition(" ")
    inbox = kind == "inbox"
    place = keys.inbox(name) if inbox else keys.work(*split_token(name))
    more = await commands.run(
        "drain",
        [
            keys.abandoned,
            keys.options,
            keys.totals,
            keys.journal,
            keys.dead,
            place.stream,
            place.counts,
            place.strays,
            place.due,
            place.notes,
            keys.claimable,
            keys.groups,
        ],
        [
            field,
            "inbox" if inbox else "group",
            group,
            name if inbox else split_token(name)[0],
            name,
            _REASONS[kind],
            _DRAINED,
        ],
    )
    return bool(more)
