"""Faults that the group "lifecycle" must find."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from eventbus_core.memory import lives
from eventbus_core.transport import (
    Channel,
    Delivery,
    FencedError,
    Holder,
    Member,
    Outgoing,
    Published,
    Renewal,
    Room,
    Session,
    Vitals,
)

from .base import BrokenSession, BrokenTransport
from .inside import bus_of, groups_of, now, presence_of


class RefusesASecondConnect(BrokenTransport, meant=["test_connecting_twice_does_no_harm"]):
    """Connecting again is taken for a mistake of the caller."""

    connected = False

    async def connect(self) -> None:
        if self.connected:
            raise RuntimeError("already connected")
        self.connected = True
        await super().connect()


class CannotCloseWhatWasNeverConnected(
    BrokenTransport, meant=["test_closing_a_transport_twice_does_no_harm"]
):
    """Closing assumes that there is a connection."""

    connection: Any = None

    async def connect(self) -> None:
        await super().connect()
        self.connection = self.inner

    async def close(self) -> None:
        await self.connection.close()


class _ClosesAfterItsFetch(BrokenSession):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.fetching = asyncio.Lock()

    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        async with self.fetching:
            return await super().fetch(room, wait)

    async def close(self) -> None:
        async with self.fetching:
            await super().close()


class ClosesAfterItsFetch(
    BrokenTransport, meant=["test_closing_while_a_fetch_waits_does_not_wait_for_it"]
):
    """Closing a session waits for its reader, which waits for messages."""

    session = _ClosesAfterItsFetch


class _ListensFromItsFirstFetch(BrokenSession):
    listening = False

    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        if not self.listening:
            self.listening = True
            await self.inner.subscribe(self.member.subscriptions)
        return await super().fetch(room, wait)


class ListensFromItsFirstFetch(
    BrokenTransport, meant=["test_what_comes_right_after_a_join_is_seen"]
):
    """Subscriptions are opened when somebody reads them for the first time."""

    session = _ListensFromItsFirstFetch

    async def join(self, member: Member, replace: Holder | None = None) -> Session | Holder:
        silent = msgspec.structs.replace(member, subscriptions=frozenset())
        joined = await self.inner.join(silent, replace)
        return joined if isinstance(joined, Holder) else self.session(self, member, joined)


class _LeavesLikeACrash(BrokenSession):
    async def leave(self) -> None:
        await self.inner.close()


class LeavesLikeACrash(
    BrokenTransport,
    meant=[
        "test_who_leaves_hands_back_what_it_holds",
        "test_who_left_is_not_found",
        "test_the_inbox_of_who_left_becomes_dead_letters",
        "test_every_call_after_leaving_is_refused",
        "test_the_most_generous_options_of_the_living_hold",
        "test_leaving_again_after_a_cancellation_leaves",
        "test_an_id_is_free_after_it_has_left",
        "test_who_has_left_holds_no_broadcasts",
    ],
):
    """Leaving tells the store nothing: its lease has to run out."""

    session = _LeavesLikeACrash


class _LeavesByItsId(BrokenSession):
    async def leave(self) -> None:
        bus = bus_of(self)
        if (holder := bus.holders.get(self.member.instance_id)) is not None:
            lives.leave(bus, holder, now(self))
            bus.ring()


class LeavesByItsId(BrokenTransport, meant=["test_leaving_twice_does_no_harm"]):
    """Whoever holds the id now is ended, also when that is a later one."""

    session = _LeavesByItsId


class _ClosesLikeALeave(BrokenSession):
    async def close(self) -> None:
        with suppress(FencedError):
            await self.inner.leave()
        await super().close()


class ClosesLikeALeave(BrokenTransport, meant=["test_closing_a_session_says_nothing_to_the_store"]):
    """Closing is made the same as leaving, for who forgets to leave."""

    session = _ClosesLikeALeave


class _TellsItsOwnOptions(BrokenSession):
    async def renew(self, vitals: Vitals | None = None) -> Renewal:
        renewal = await super().renew(vitals)
        return msgspec.structs.replace(renewal, options=self.member.options)


class TellsItsOwnOptions(
    BrokenTransport, meant=["test_the_most_generous_options_of_the_living_hold"]
):
    """Each instance holds its own options for those in force."""

    session = _TellsItsOwnOptions


class _RenewsInWordsOnly(BrokenSession):
    async def renew(self, vitals: Vitals | None = None) -> Renewal:
        expires_at = presence_of(self).expires_at
        try:
            return await super().renew(vitals)
        finally:
            presence_of(self).expires_at = expires_at


class RenewsInWordsOnly(
    BrokenTransport,
    meant=["test_renewing_prolongs_the_lease", "test_a_suspect_that_renews_is_not_declared_dead"],
):
    """A lease runs from the join on, however often it is renewed."""

    session = _RenewsInWordsOnly


class _ReadsBeyondItsEnd(BrokenSession):
    reading = False

    async def fetch(self, room: Mapping[Channel, Room], wait: float) -> Sequence[Delivery]:
        self.reading = True
        deliveries = await super().fetch(room, wait)
        self.reading = False
        return deliveries

    async def leave(self) -> None:
        await super().leave()
        bus_of(self).left_reading = self.reading

    async def publish(self, batch: int, messages: Sequence[Outgoing]) -> Sequence[Published]:
        answers = await super().publish(batch, messages)
        if getattr(bus_of(self), "left_reading", False):
            for group in groups_of(bus_of(self)):
                group._fresh.popleft()
        return answers


class ReadsBeyondItsEnd(
    BrokenTransport, meant=["test_a_fetch_that_waits_takes_nothing_from_beyond_a_leave"]
):
    """A read that waits in the store when its session leaves takes the next message with it."""

    session = _ReadsBeyondItsEnd
