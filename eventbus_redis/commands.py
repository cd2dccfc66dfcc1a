"""Every command that is not part of a script, typed, on the link for commands.

What these methods raise is what the core may see: TransportUnavailableError or FencedError.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any, TypeVar

from .faults import LinkLostError, ReplyError, mapped
from .link import Arg, Line, Link
from .scripts import script

T = TypeVar("T")
Entry = tuple[bytes, list[bytes]]
"""An entry of a stream: id, then names and values in turn. A deleted one has None."""


class Commands:
    """The commands of one bus on one line."""

    def __init__(self, line: Line, where: str) -> None:
        self.line = line
        self.where = where

    async def link(self) -> Link:
        """The open link; opened now if need be."""
        return await self.answer(self.line.open())

    async def run(self, name: str, keys: Sequence[Arg], args: Sequence[Arg]) -> Any:
        """Run a script and wait for its result."""
        link = await self.link()
        return await self.answer(script(name)(link, keys, args))

    async def answer(self, waiting: Awaitable[T]) -> T:
        """Wait for a reply; what fails is raised as the core may see it."""
        try:
            return await waiting
        except (LinkLostError, ReplyError) as exc:
            raise mapped(exc, self.where) from None

    async def ask(self, *args: Arg) -> Any:
        link = await self.link()
        return await self.answer(link.call(*args))

    async def ask_all(self, calls: Sequence[tuple[Arg, ...]]) -> list[Any]:
        """Send all together and wait for all; the first failure is raised."""
        link = await self.link()
        futures = [link.call(*args) for args in calls]
        done = await asyncio.gather(*futures, return_exceptions=True)
        for reply in done:
            if isinstance(reply, BaseException):
                raise mapped(reply, self.where) from None
        return done

    async def answers(self, waiting: Sequence[Awaitable[Any]]) -> list[Any]:
        """Wait for all; a ReplyError stands in place of an answer. Raises when the link is lost."""
        done = await asyncio.gather(*waiting, return_exceptions=True)
        for reply in done:
            if isinstance(reply, BaseException) and not isinstance(reply, ReplyError):
                raise mapped(reply, self.where) from None
        return done

    async def members(self, key: str) -> list[str]:
        """Members of a set."""
        found: list[bytes] = await self.ask("SMEMBERS", key)
        return [member.decode() for member in found]

    async def fields(self, key: str) -> dict[str, str]:
        """A hash of texts."""
        flat: list[bytes] = await self.ask("HGETALL", key)
        texts = [item.decode() for item in flat]
        return dict(zip(texts[::2], texts[1::2], strict=True))

    async def entries(self, stream: str, first: bytes, last: bytes, count: int) -> list[Entry]:
        found: list[Entry] = await self.ask("XRANGE", stream, first, last, "COUNT", count)
        return found

    async def entries_by_id(self, stream: str, ids: Sequence[bytes]) -> dict[bytes, list[bytes]]:
        """Those of the entries that are still stored, in one round trip."""
        replies = await self.ask_all([("XRANGE", stream, each, each) for each in ids])
        return {reply[0][0]: reply[0][1] for reply in replies if reply}


def read_group(
    group: str, consumer: str, count: int, streams: Sequence[str], block_ms: int | None
) -> tuple[Arg, ...]:
    """New entries of some streams for one group; `count` holds for each stream."""
    blocking: tuple[Arg, ...] = () if block_ms is None else ("BLOCK", block_ms)
    ids: tuple[Arg, ...] = (">",) * len(streams)
    return (
        "XREADGROUP", "GROUP", group, consumer, "COUNT", count, *blocking,
        "STREAMS", *streams, *ids,
    )  # fmt: skip


def read(
    count: int, positions: Sequence[tuple[str, bytes]], block_ms: int | None
) -> tuple[Arg, ...]:
    """Entries after a position of each stream."""
    blocking: tuple[Arg, ...] = () if block_ms is None else ("BLOCK", block_ms)
    streams = [stream for stream, _ in positions]
    after = [position for _, position in positions]
    return ("XREAD", "COUNT", count, *blocking, "STREAMS", *streams, *after)


def own_pending(
    stream: str, group: str, consumer: str, first: bytes, count: int
) -> tuple[Arg, ...]:
    """What a consumer has in hand, from an id on."""
    return ("XPENDING", stream, group, first, "+", count, consumer)
