"""Trimming, expiry and cleaning up after the dead. One instance at a time does it for all."""

from collections.abc import Sequence
from typing import Any, Final

from eventbus_core.options import FOREVER, SharedOptions

from .draining import drain_all
from .inventory import Stream, all_keys, chunks, rest, streams
from .keys import BUSES, DELAYED, RELEASED, split_token
from .presence import Presence
from .state import State

_WORKING_MS: Final = 30_000
"""A maintainer that hangs is replaced after this; one that is not alive, at once."""
_RESTING_MS: Final = 250
"""For so long nobody else starts after one has finished."""
_WINDOW: Final = 100
"""Streams looked after in one call; the next call goes on with the others."""
_ROUNDS: Final = 20
"""Most repetitions of a bounded step in one call."""
_TIDY_EVERY: Final = 15.0
_PRESENT_EVERY: Final = 30.0


class Maintenance:
    """What one session does, beyond its own messages, so that the bus stays small and correct."""

    def __init__(self, state: State, presence: Presence) -> None:
        self._state = state
        self._presence = presence
        self._next_stream = 0
        self._tidied = self._shown = self._refreshed = float("-inf")
        self._refreshed_with: SharedOptions | None = None

    async def run(self) -> None:
        """See Session.maintain."""
        state = self._state
        state.check()
        await self._show_presence()
        commands, lock = state.commands, [state.keys.lock, state.keys.leases]
        if not await commands.run("lead", lock, [state.me, _WORKING_MS]):
            return
        await self._trim()
        now = state.loop.time()
        if now - self._tidied >= min(_TIDY_EVERY, self._backlog_ttl() / 4):
            self._tidied = now
            await self._tidy()
        await self.drain()
        await self._refresh()
        await commands.run("lead", lock, [state.me, _RESTING_MS])

    async def drain(self) -> None:
        """Go on turning into dead letters what lost its owner."""
        await drain_all(self._state.commands, self._state.keys, _ROUNDS)

    async def left(self, others: int) -> None:
        """After leaving: clean up behind oneself and, as the last one, let idle keys expire."""
        await self.drain()
        if others == 0:
            await rest(self._state.commands, self._state.keys)

    async def _trim(self) -> None:
        state, keys = self._state, self._state.keys
        broadcast = [
            keys.options,
            keys.totals,
            keys.journal,
            keys.broadcast,
            keys.broadcast_counts,
            keys.cursors,
            keys.holders,
            keys.leases,
        ]
        await self._repeat("trim_broadcast", broadcast, [])
        known = await streams(state.commands, keys)
        for place, groups in self._window(known):
            event = split_token(groups[0][1])[0] if groups else ""
            named = [keys.options, place.stream, place.counts, keys.groups]
            await self._repeat("trim_work", [*named, keys.totals, keys.journal], [event])
            for group, channel, strays, due in groups:
                named = [
                    keys.leases,
                    keys.options,
                    keys.claimable,
                    keys.control,
                    place.stream,
                    strays,
                    due,
                ]
                args = [group, channel, RELEASED, DELAYED]
                await state.commands.run("sweep", named, args)

    def _window(self, known: Sequence[Stream]) -> Sequence[Stream]:
        """The streams whose turn it is."""
        if len(known) <= _WINDOW:
            return known
        start = self._next_stream % len(known)
        self._next_stream = start + _WINDOW
        return [*known, *known][start : start + _WINDOW]

    async def _tidy(self) -> None:
        state, keys = self._state, self._state.keys
        over = await state.commands.run(
            "tidy",
            [keys.options, keys.dead, keys.sent, keys.groups, keys.abandoned, keys.remembered],
            [],
        )
        for instance in over:
            instance_id = instance.decode()
            named = [
                keys.options,
                keys.remembered,
                keys.targets,
                keys.abandoned,
                keys.cursors,
                keys.instances,
                keys.holders,
                keys.attempts(instance_id),
            ]
            await state.commands.run("forget", named, [instance_id])

    async def _show_presence(self) -> None:
        """Note that the groups of this instance have a live member."""
        state, now = self._state, self._state.loop.time()
        channels = [c.token for c in state.named() if c.token and c.open]
        if now - self._shown < min(_PRESENT_EVERY, self._backlog_ttl() / 4) or not channels:
            return
        await state.run("present", [state.keys.groups], [*channels])
        self._shown = now

    async def _refresh(self) -> None:
        """Prolong all expiries, long before they end, or at once when the options changed."""
        state, now = self._state, self._state.loop.time()
        options = self._presence.options or SharedOptions()
        ttls = (options.stream_ttl, options.backlog_ttl)
        ttl = FOREVER if FOREVER in ttls else max(*ttls, 3 * state.member.lease)
        every = 600.0 if ttl == FOREVER else min(600.0, ttl / 4)
        if options == self._refreshed_with and now - self._refreshed < every:
            return
        commands = state.commands
        stored = await commands.ask("HGET", state.keys.options, "ttl")
        if stored is not None:
            for some in chunks(await all_keys(commands, state.keys)):
                await commands.run("refresh", some, [stored])
            await commands.run("buses", [BUSES], [state.keys.bus, stored])
        self._refreshed, self._refreshed_with = now, options

    async def _repeat(self, name: str, keys: list[str], args: list[Any]) -> None:
        """Run a bounded script until it finds nothing more, or until it is enough for now."""
        for _ in range(_ROUNDS):
            if not await self._state.commands.run(name, keys, args):
                return

    def _backlog_ttl(self) -> float:
        options = self._presence.options or SharedOptions()
        return float("inf") if options.backlog_ttl == FOREVER else options.backlog_ttl
