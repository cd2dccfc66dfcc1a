"""What a monitor shows, and what it may do."""

import asyncio

import pytest

from ...errors import TargetNotFoundError, TransportUnavailableError
from ...modes import EventMode
from ...transport import INBOX, ChannelKind, Vitals
from ..cases import Cases, faults, needs
from ..handler_calls import Calls, emit_all
from ..kit import SHORT, Kit
from ..looking import counts_of, group_of, instance_of, stream_of, without_reason
from ..peer import EVENT, GROUP, WORK, Peer, listens, outgoing, works

BROADCAST = ChannelKind.BROADCAST


async def three_of_each(kit: Kit) -> tuple[Peer, Peer]:
    """Two peers and three broadcasts, three messages of mail for ``a`` and three of work."""
    a, b = await kit.join("a", works()), await kit.join("b")
    await b.broadcast("all 1", "all 2", "all 3")
    await b.unicast("a", "mail 1", "mail 2", "mail 3")
    await b.anycast("1", "2", "3")
    return a, b


class Monitoring(Cases, group="monitoring"):
    @needs("monitoring")
    async def test_a_snapshot_counts_what_each_stream_keeps(self, kit: Kit) -> None:
        monitor = kit.monitor()
        await three_of_each(kit)
        snapshot = await monitor.snapshot(kit.bus)
        for kind, name in ((BROADCAST, ""), (ChannelKind.INBOX, "a"), (ChannelKind.WORK, EVENT)):
            stream = stream_of(snapshot, kind, name)
            assert (stream.length, stream.added, stream.backlog) == (3, 3, 3), stream
            assert "bytes" in stream.unknown or (stream.bytes or 0) > 0
            assert stream.oldest_ms is not None
            assert stream.newest_ms is not None
            assert stream.oldest_ms <= stream.newest_ms <= snapshot.at_ms + 1

    @needs("monitoring")
    async def test_a_backlog_shrinks_with_what_is_handled(self, kit: Kit) -> None:
        monitor = kit.monitor()
        a, b = await three_of_each(kit)
        await a.hear(3)
        await b.hear(1)
        await a.texts(2, INBOX)
        await a.texts(1)
        for peer in (a, b):
            await peer.maintain()  # a place in the broadcasts may be stored with a heartbeat
        snapshot = await monitor.snapshot(kit.bus)
        # Of the broadcasts: of the instance that is furthest behind.
        assert stream_of(snapshot, BROADCAST).backlog == 2
        assert (instance_of(snapshot, "a").behind, instance_of(snapshot, "b").behind) == (0, 2)
        assert stream_of(snapshot, ChannelKind.INBOX, "a").backlog == 1
        assert stream_of(snapshot, ChannelKind.WORK, EVENT).backlog == 2
        assert {stream.added for stream in snapshot.streams if stream.name != "b"} == {3}

    @needs("monitoring")
    @pytest.mark.parametrize("kind", [ChannelKind.WORK, ChannelKind.INBOX])
    async def test_a_snapshot_tells_in_which_state_messages_are(
        self, kit: Kit, kind: ChannelKind
    ) -> None:
        monitor, a = kit.monitor(), await kit.join("a", works())
        inbox = kind is ChannelKind.INBOX
        channel, mode = (INBOX, EventMode.UNICAST) if inbox else (WORK, EventMode.ANYCAST)
        await a.publish(*(outgoing(f"{n}", mode, "a" if inbox else None) for n in range(15)))
        before = group_of(await monitor.snapshot(kit.bus), kind)
        assert counts_of(before) == {
            "lag": 15, "pending": 0, "waiting": 0, "delayed": 0, "settled": 0,
        }  # fmt: skip
        assert before.oldest_pending_ms is None
        done, dead, *rest = await a.take(14, channel)
        await a.done(done)
        await a.bury(dead)
        await a.release(*rest[:3])
        await a.fail(*rest[3:7], delay=60.0)
        group = group_of(await monitor.snapshot(kit.bus), kind)
        assert counts_of(group) == {
            "lag": 1, "pending": 5, "waiting": 3, "delayed": 4, "settled": 2,
        }  # fmt: skip
        assert group.backlog == 13
        assert group.oldest_pending_ms is not None
        assert (group.last_member_ms is None) == inbox

    @needs("monitoring")
    async def test_a_snapshot_tells_who_has_what_in_hand(self, kit: Kit) -> None:
        monitor = kit.monitor()
        a, b = await kit.join("a", works()), await kit.join("b", works())
        await a.anycast(*"12345")
        await a.take(2)
        await b.take(1)
        await a.unicast("a", "mail")
        await a.mail(1)
        snapshot = await monitor.snapshot(kit.bus)
        consumers = group_of(snapshot).consumers
        shown = [(c.instance, c.incarnation, c.alive, c.pending) for c in consumers]
        expected = [(p.id, p.member.incarnation, True, n) for p, n in ((a, 2), (b, 1))]
        assert sorted(shown) == sorted(expected)
        assert [instance_of(snapshot, id).pending for id in "ab"] == [3, 1]

    @needs("monitoring")
    async def test_a_snapshot_shows_instances_as_they_announced_themselves(self, kit: Kit) -> None:
        monitor = kit.monitor()
        a = await kit.join("a", works(), listens("note"), fixed=True, max_backlog=10)
        b = await kit.join("b", role="publisher", group="other", max_backlog=20)
        snapshot = await monitor.snapshot(kit.bus)
        assert sorted(each.id for each in snapshot.instances) == ["a", "b"]
        for peer in (a, b):
            shown = instance_of(snapshot, peer.id)
            for name in ("incarnation", "fixed", "role", "group", "lease", "options"):
                assert getattr(shown, name) == getattr(peer.member, name), name
            assert 0 < shown.lease_left <= shown.lease
            assert shown.heartbeat_age >= 0
            assert shown.subscriptions == tuple(sorted(peer.member.subscriptions))
        assert (instance_of(snapshot, "a").behind, instance_of(snapshot, "b").behind) == (0, None)
        # Of each option the most generous value holds.
        assert snapshot.options is not None
        assert snapshot.options.max_backlog == 20

    @needs("monitoring")
    async def test_a_snapshot_shows_what_the_last_heartbeat_told(self, kit: Kit) -> None:
        monitor, a = kit.monitor(), await kit.join("a")
        assert instance_of(await monitor.snapshot(kit.bus), "a").vitals is None
        told = Vitals(emitted=7, running=2, slowest="handle", slowest_seconds=1.5)
        await a.session.renew(Vitals(emitted=6))
        await a.session.renew(told)
        assert instance_of(await monitor.snapshot(kit.bus), "a").vitals == told
        bus = kit.make_bus("whole", lease=0.4, heartbeat_interval=0.1)
        bus.on("x", lambda message: None)
        await bus.init()
        await emit_all(bus, "x", range(3))

        async def shown() -> Vitals | None:
            return instance_of(await monitor.snapshot(kit.bus), "whole").vitals

        await kit.eventually(shown, lambda v: v and (v.emitted, v.handled) == (3, 3), "vitals")

    @needs("monitoring", "failover")
    async def test_a_snapshot_shows_a_death_and_what_was_taken_over(self, kit: Kit) -> None:
        monitor = kit.monitor()
        doomed, other = await kit.join("doomed", works(), lease=SHORT), await kit.join("b", works())
        await other.anycast("1", "2", "3")
        await doomed.take(2)
        await other.until_suspected(doomed)
        expired = instance_of(await monitor.snapshot(kit.bus), "doomed")
        assert expired.lease_left < 0
        assert expired.pending == 2
        await other.bury_dead(doomed)
        snapshot = await monitor.snapshot(kit.bus)
        assert [each.id for each in snapshot.instances] == ["b"]
        assert counts_of(group_of(snapshot)) == {
            "lag": 1, "pending": 0, "waiting": 2, "delayed": 0, "settled": 0,
        }  # fmt: skip
        await other.take(3)
        totals = (await monitor.snapshot(kit.bus)).totals
        assert totals["declared dead"] == 1
        assert totals["taken over"] == 2

    @needs("monitoring")
    async def test_a_snapshot_shows_fixed_ids_that_are_away(self, kit: Kit) -> None:
        monitor, other = kit.monitor(), await kit.join("other")
        for life in range(2):
            fixed = await kit.join("a", fixed=True)
            assert (await monitor.snapshot(kit.bus)).absent == ()
            await fixed.leave()
            await other.unicast("a", f"mail {life}")
            snapshot = await monitor.snapshot(kit.bus)
            assert snapshot.absent == ("a",)
            assert [each.id for each in snapshot.instances] == ["other"]
            assert stream_of(snapshot, ChannelKind.INBOX, "a").backlog == life + 1
            assert group_of(snapshot, ChannelKind.INBOX).lag == life + 1

    @needs("monitoring", "redrive")
    async def test_a_snapshot_counts_dead_letters_and_what_became_of_them(self, kit: Kit) -> None:
        monitor, a = kit.monitor(), await kit.join("a", works())
        empty = (await monitor.snapshot(kit.bus)).dead_letters
        assert (empty.count, empty.oldest_ms, empty.newest_ms) == (0, None, None)
        await a.anycast("fails", "1", "2", "3")
        fails, *dead = await a.take(4)
        await a.fail(fails)
        await a.bury(*dead)
        snapshot = await monitor.snapshot(kit.bus)
        letters = snapshot.dead_letters
        assert letters.count == 3
        assert letters.oldest_ms is not None
        assert letters.newest_ms is not None
        assert letters.oldest_ms <= letters.newest_ms <= snapshot.at_ms + 1
        first, second, _ = await a.session.dead_letters(9, None, None, None)
        await a.session.redrive(first.id)
        await a.session.discard(second.id)
        snapshot = await monitor.snapshot(kit.bus)
        assert snapshot.dead_letters.count == 1
        counted = {"dead letters": 3, "redriven": 1, "discarded": 1, "retries": 1}
        assert {cause: snapshot.totals.get(cause) for cause in counted} == counted

    @needs("monitoring")
    async def test_what_a_snapshot_cannot_tell_has_a_reason(self, kit: Kit) -> None:
        monitor = kit.monitor()
        a, _ = await three_of_each(kit)
        await a.session.renew(Vitals())
        await a.take(2)
        snapshot = await monitor.snapshot(kit.bus)
        # Before the first heartbeat there are no vitals.
        vitals = {f"snapshot.instances[{n}].vitals" for n in range(2)}
        assert set(without_reason(snapshot)) <= vitals
        empty = await monitor.snapshot("a-bus-that-nobody-uses")
        assert [*without_reason(empty)] == ["snapshot.options"]

    @needs("monitoring")
    async def test_a_monitor_lists_the_buses_that_are_stored(self, kit: Kit) -> None:
        await kit.join("a", bus=f"{kit.bus}-other")  # a store may begin to be with its first use
        monitor = kit.monitor()
        assert kit.bus not in await monitor.buses()
        snapshot = await monitor.snapshot(kit.bus)
        assert (snapshot.bus, snapshot.streams, snapshot.groups) == (kit.bus, (), ())
        assert (snapshot.instances, snapshot.absent, snapshot.totals) == ((), (), {})
        assert (snapshot.dead_letters.count, snapshot.options) == (0, None)
        assert await monitor.sample(kit.bus) == ()
        assert kit.bus not in await monitor.buses()
        a = await kit.join("a")
        await a.maintain()  # a store may list what is used with each heartbeat
        buses = await monitor.buses()
        assert kit.bus in buses
        assert list(buses) == sorted(buses)

    @needs("monitoring")
    async def test_a_monitor_takes_no_part(self, kit: Kit) -> None:
        monitor, bus, calls = kit.monitor(), kit.make_bus("worker", group=GROUP), Calls(kit)
        bus.on("x", calls.handler(bus))
        await bus.init()
        looking = True

        async def look() -> None:
            while looking:
                await asyncio.sleep(0)
                await monitor.snapshot(kit.bus)
                await monitor.sample(kit.bus)
                for id in ids:
                    await monitor.find(kit.bus, id)

        ids: list[str] = []
        polling = asyncio.create_task(look())
        for n in range(10):
            ids = await emit_all(bus, "x", [f"all {n}"])
            ids += await emit_all(bus, "x", [f"one {n}"], mode="anycast")
            ids += await emit_all(bus, "x", [f"mail {n}"], target=bus.id)
            await calls.until(3 * (n + 1))
        looking = False
        await polling
        await calls.exactly(30)
        for what in ("all", "one", "mail"):
            came = [data for data in calls.data() if data.startswith(what)]
            assert came == [f"{what} {n}" for n in range(10)]
        snapshot = await monitor.snapshot(kit.bus)
        assert [each.id for each in snapshot.instances] == ["worker"]
        assert sorted((g.event, g.name) for g in snapshot.groups) == [("", "worker"), ("x", GROUP)]

    @needs("monitoring")
    async def test_a_sample_is_the_newest_messages_of_all_modes(self, kit: Kit) -> None:
        monitor, bus = kit.monitor(), kit.make_bus("sender")
        await bus.init()
        await kit.join("a")
        shouts = await emit_all(bus, "x", range(4), headers={"a": "b"})
        jobs = await emit_all(bus, "x", range(4), mode="anycast")
        mail = await emit_all(bus, "x", range(4), target="a")
        sample = await monitor.sample(kit.bus)
        assert [each.id for each in sample if each.kind is BROADCAST] == shouts
        assert [each.id for each in sample if each.kind is ChannelKind.WORK] == jobs
        assert [each.id for each in sample if each.kind is ChannelKind.INBOX] == mail
        assert len(sample) == 12
        stored = [each.stored_ms for each in sample]
        assert stored == sorted(stored)
        limited = await monitor.sample(kit.bus, limit=3)
        assert [each.stored_ms for each in limited] == stored[-3:]
        one = next(each for each in sample if each.kind is BROADCAST)
        other = next(each for each in sample if each.kind is ChannelKind.WORK)
        assert (one.kind, one.stream, one.event, one.mode) == (BROADCAST, "", "x", "broadcast")
        assert (one.source, one.headers, one.body) == ("sender", (("a", "b"),), b"0")
        assert one.size > 0
        assert (other.kind, other.stream, other.mode) == (ChannelKind.WORK, "x", "anycast")

    @needs("monitoring")
    async def test_a_message_is_found_with_where_it_stands(self, kit: Kit) -> None:
        monitor, bus = kit.monitor(), kit.make_bus()
        await bus.init()
        a = await kit.join("a", works("x"))
        b = await kit.join("b", works("x", "other"), group="other")
        channel = WORK._replace(event="x")
        sent = await bus.emit("x", 1, mode="anycast")

        async def standing() -> dict[str, tuple[str, str, int | None]]:
            found = await monitor.find(kit.bus, sent)
            assert found is not None
            assert found.message is not None
            assert found.message.id == sent
            return {d.group: (d.state, d.holder, d.starts) for d in found.deliveries}

        assert {g: state for g, (state, _, _) in (await standing()).items()} == {
            GROUP: "new", "other": "new",
        }  # fmt: skip
        (delivery,) = await a.take(1, channel)
        await a.session.begin(delivery, 1)
        await a.session.renew()  # a start may be recorded with the next call
        state = await standing()
        assert state[GROUP] == ("pending", a.member.incarnation, 1)
        assert state["other"][0] == "new"
        await a.fail(delivery, delay=60.0)
        await b.done(*await b.take(1, channel._replace(group="other")))
        state = await standing()
        assert (state[GROUP][0], state["other"][0]) == ("delayed", "settled")
        shout = await bus.emit("x", 2)
        found = await monitor.find(kit.bus, shout)
        assert found is not None
        assert found.deliveries == ()
        assert (
            await monitor.find(kit.bus, shout[::-1].translate({ord(c): "0" for c in "f"})) is None
        )

    @needs("monitoring", "redrive")
    async def test_dead_letters_are_found_with_their_message(self, kit: Kit) -> None:
        monitor, bus = kit.monitor(), kit.make_bus()
        await bus.init()
        a = await kit.join("a", works("y"))
        sent = await bus.emit("y", "this", mode="anycast")
        (delivery,) = await a.take(1, WORK._replace(event="y"))
        await a.bury(delivery, reason="because")
        found = await monitor.find(kit.bus, sent)
        assert found is not None
        (letter,) = found.dead_letters
        assert (letter.reason, letter.group, letter.instance) == ("because", GROUP, "a")
        listed = await monitor.dead_letters(kit.bus, event="y", group=GROUP)
        assert [each.id for each in listed] == [letter.id]
        assert await monitor.dead_letters(kit.bus, event="z") == ()
        assert await monitor.dead_letters(kit.bus, after=letter.id) == ()

    @needs("monitoring", "actions", "redrive")
    async def test_a_monitor_redrives_and_discards_dead_letters(self, kit: Kit) -> None:
        monitor, a = kit.monitor(), await kit.join("a", works())
        await a.anycast("1", "2")
        await a.bury(*await a.take(2))
        first, second = await monitor.dead_letters(kit.bus)
        assert await monitor.redrive(kit.bus, first.id) is True
        (again,) = await a.take(1)
        assert (bytes(again.data), again.starts) == (b"1", 0)
        assert await monitor.redrive(kit.bus, first.id) is False
        assert await monitor.discard(kit.bus, second.id) is True
        assert await monitor.discard(kit.bus, second.id) is False
        assert await monitor.dead_letters(kit.bus) == ()
        await a.unicast("a", "mail")
        await a.bury(*await a.mail(1))
        (letter,) = await monitor.dead_letters(kit.bus)
        await a.leave()
        with pytest.raises(TargetNotFoundError):
            await monitor.redrive(kit.bus, letter.id)
        assert len(await monitor.dead_letters(kit.bus)) == 1

    @needs("monitoring", "actions")
    async def test_a_monitor_drops_only_groups_that_nobody_works_in(self, kit: Kit) -> None:
        monitor, sender = kit.monitor(), await kit.join("sender")
        a, other = await kit.join("a", works()), await kit.join("o", works(EVENT, "other"))
        await sender.anycast("1", "2")
        assert await monitor.drop_group(kit.bus, EVENT, GROUP) is False
        assert await monitor.drop_group(kit.bus, EVENT, "nobody") is False
        assert await monitor.drop_group(kit.bus, "nothing", GROUP) is False
        assert group_of(await monitor.snapshot(kit.bus)).lag == 2
        await a.leave()
        assert await monitor.drop_group(kit.bus, EVENT, GROUP) is True
        assert await monitor.drop_group(kit.bus, EVENT, GROUP) is False

        async def groups() -> list[str]:
            snapshot = await monitor.snapshot(kit.bus)
            return [g.name for g in snapshot.groups if g.kind is ChannelKind.WORK]

        assert await groups() == ["other"]
        assert await other.texts(2, WORK._replace(group="other")) == ["1", "2"]
        if kit.capabilities.redrive:

            async def letters() -> list[str | None]:
                await sender.maintain()
                return [
                    each.group for each in await sender.session.dead_letters(9, None, None, None)
                ]

            await kit.eventually(letters, lambda found: found == [GROUP] * 2, "two dead letters")

    @needs("monitoring")
    @faults("cut")
    async def test_a_monitor_survives_an_outage(self, kit: Kit) -> None:
        monitor = kit.monitor()
        await kit.join("a")
        assert len((await monitor.snapshot(kit.bus)).instances) == 1
        await kit.faults.cut()
        for _ in range(2):
            for look in (monitor.buses(), monitor.snapshot(kit.bus), monitor.sample(kit.bus)):
                with pytest.raises(TransportUnavailableError):
                    await look
        await kit.faults.mend()

        async def shown() -> int:
            try:
                return len((await monitor.snapshot(kit.bus)).instances)
            except TransportUnavailableError:
                return 0

        await kit.eventually(
            shown, lambda count: count == 1, "what it shows when the store is back"
        )
