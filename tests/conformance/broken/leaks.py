"""Faults of ending."""

import asyncio
import socket
import threading
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from eventbus_core.transport import Channel, Delivery, Holder, Member, Room, Session

from .base import BrokenSession, BrokenTransport


class LeavesASocket(
    BrokenTransport,
    meant=[
        "test_a_closed_bus_leaves_nothing_in_the_process",
        "test_twenty_connections_leave_nothing_in_the_process",
        "test_a_failed_start_leaves_nothing_in_the_process",
        "test_a_start_that_is_given_up_leaves_nothing_in_the_process",
    ],
):
    """`close` forgets a connection."""

    kept: ClassVar[list[socket.socket]] = []

    async def connect(self) -> None:
        self.kept.append(socket.socket())
        await super().connect()


class LeavesATask(
    BrokenTransport,
    meant=[
        "test_a_closed_bus_leaves_nothing_in_the_process",
        "test_a_start_that_is_given_up_leaves_nothing_in_the_process",
    ],
):
    """A task that `join` starts is not ended by anybody."""

    kept: ClassVar[list[asyncio.Task[Any]]] = []

    async def join(self, member: Member, replace: Holder | None = None) -> Session | Holder:
        self.kept.append(asyncio.create_task(asyncio.Event().wait(), name="reader"))
        return await super().join(member, replace)


class LeavesAThread(
    BrokenTransport,
    meant=["test_twenty_connections_leave_nothing_in_the_process"],
):
    """A connection works in a thread that does not end with it."""

    async def connect(self) -> None:
        forever = threading.Event()
        threading.Thread(target=forever.wait, name="connection", daemon=True).start()
        await super().connect()


class _LeavesWithoutAWord(BrokenSession):
    async def leave(self) -> None:
        pass


class LeavesToTheLease(BrokenTransport, meant=["test_who_has_closed_is_forgotten_at_once"]):
    """`leave` only stops renewing the lease."""

    session = _LeavesWithoutAWord


class _Deaf(BrokenSession):
    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        reading = asyncio.ensure_future(super().fetch(room, wait))
        try:
            return await asyncio.shield(reading)
        except asyncio.CancelledError:
            await asyncio.wait([reading])
            raise


class CannotBeCancelled(
    BrokenTransport,
    meant=[
        "test_a_bus_closes_in_time_while_its_fetch_waits",
        "test_a_bus_closes_in_time_whatever_its_handlers_do",
    ],
):
    """A fetch that is cancelled ends when its time is over, and no sooner."""

    session = _Deaf
