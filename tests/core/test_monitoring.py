"""`eventbus_core.monitoring`: opening a monitor, and what it makes of a transport's numbers."""

import asyncio
import types
from collections.abc import Sequence
from typing import Any, cast

import pytest

from eventbus_core import (
    EventBus,
    EventMode,
    InvalidMessageError,
    InvalidOptionError,
    Message,
    PluginLoadError,
    RetryPolicy,
    TargetNotFoundError,
    TransportUnavailableError,
    UnknownTransportError,
    UnsupportedError,
    hookimpl,
    plugins,
)
from eventbus_core.capabilities import Capabilities
from eventbus_core.envelope import FORMAT, Envelope, pack
from eventbus_core.memory import MemoryConfig
from eventbus_core.memory.monitor import MemoryMonitor
from eventbus_core.monitor_source import MonitorSource
from eventbus_core.monitoring import FoundMessage, Monitor, open_monitor
from eventbus_core.snapshots import DeliverySnapshot, StoredMessage
from eventbus_core.transport import ChannelKind, Outgoing
from tests.core.world import World, session_of

SECRET = "s3cret-pass"
UNKNOWN_ID = "0" * 32
ONCE = RetryPolicy(max_deliveries=1)


@pytest.fixture
def monitor(world: World) -> Monitor:
    return open_monitor(MemoryConfig(name=world.name, clock=world.clock))


async def refused(message: Message) -> None:
    raise ValueError("no")


async def store(bus: EventBus, data: bytes, event: str = "job") -> None:
    """Store bytes as a work message, as another release or a fault of somebody might."""
    await session_of(bus).publish(10**6, [Outgoing("x", event, EventMode.ANYCAST, None, data)])


def envelope(**changed: Any) -> bytes:
    fields: dict[str, Any] = {
        "format": FORMAT,
        "id": UNKNOWN_ID,
        "event": "job",
        "mode": EventMode.ANYCAST,
        "source": "s",
        "target": None,
        "timestamp_ms": 0,
        "codec": "json",
        "headers": None,
        "body": b"{}",
    }
    return pack(Envelope(**(fields | changed)))


class TestOpening:
    async def test_by_url_config_and_environment(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await world.bus(name="shop").init()
        monkeypatch.setenv("EVENTBUS_URL", f"memory://{world.name}")
        for target in (f"MEMORY://{world.name}", MemoryConfig(name=world.name), None):
            async with open_monitor(target) as monitor:
                assert monitor.capabilities.actions
                assert await monitor.buses() == ("shop",)

    def test_without_a_url(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("EVENTBUS_URL", raising=False)
        with pytest.raises(InvalidOptionError, match="EVENTBUS_URL"):
            open_monitor()

    @pytest.mark.parametrize(
        ("target", "error", "text"),
        [
            (f"kafka://u:{SECRET}@host", UnknownTransportError, "'kafka'"),
            (f"u:{SECRET}@host", InvalidOptionError, "no scheme"),
            (f"memory://u:{SECRET}@x", InvalidOptionError, "user information"),
            (5, InvalidOptionError, "typed config"),
        ],
    )
    def test_a_wrong_target(self, target: object, error: type[Exception], text: str) -> None:
        with pytest.raises(error, match=text) as caught:
            open_monitor(target)
        assert SECRET not in str(caught.value)

    @pytest.mark.parametrize("io_timeout", [0, -1.0, float("nan"), "5", None, True])
    def test_a_wrong_timeout(self, io_timeout: Any) -> None:
        with pytest.raises(InvalidOptionError, match="io_timeout"):
            open_monitor("memory://", io_timeout=io_timeout)

    @pytest.mark.parametrize(
        ("declared", "error", "text"),
        [
            (Capabilities(redrive=True), UnsupportedError, "'monitoring'; made-up does not"),
            (Capabilities(monitoring=True), PluginLoadError, "eventbus_open_monitor"),
        ],
    )
    def test_a_transport_that_cannot_be_monitored(
        self,
        monkeypatch: pytest.MonkeyPatch,
        declared: Capabilities,
        error: type[Exception],
        text: str,
    ) -> None:
        @hookimpl
        def eventbus_capabilities() -> Capabilities:
            return declared

        plugin = types.ModuleType("made_up_plugin")
        plugin.__dict__["eventbus_capabilities"] = eventbus_capabilities
        entry = types.SimpleNamespace(
            name="made-up", value="made_up", dist=None, load=lambda: plugin
        )
        monkeypatch.setattr(plugins, "_entry_points", lambda: [entry])
        with pytest.raises(error, match=text):
            open_monitor("made-up://host")

    async def test_it_sees_a_bus_that_comes_later(self, world: World, monitor: Monitor) -> None:
        assert await monitor.buses() == ()
        assert (await monitor.snapshot("default")).instances == ()
        assert await monitor.sample("default") == ()
        assert await monitor.buses() == ()
        bus = world.bus()
        await bus.init()
        assert [i.id for i in (await monitor.snapshot("default")).instances] == [bus.id]

    async def test_it_works_again_when_the_store_is_back(
        self, world: World, monitor: Monitor
    ) -> None:
        await world.bus().init()
        world.store.unavailable = True
        with pytest.raises(TransportUnavailableError):
            await monitor.snapshot("default")
        world.store.unavailable = False
        assert len((await monitor.snapshot("default")).instances) == 1


class TestSample:
    async def test_what_senders_wrote_in_order(self, world: World, monitor: Monitor) -> None:
        bus, end = world.bus("a"), asyncio.Event()

        @bus.on("mail")
        async def hangs(message: Message) -> None:
            await end.wait()

        await bus.init()
        ids = [
            await bus.emit("note", {"n": 1}, headers={"b": "2", "a": "1"}),
            await bus.emit("mail", target="a"),
        ]
        await world.clock.advance(1.0)
        ids.append(await bus.emit("job", [3], mode="anycast"))
        note, mail, job = await monitor.sample("default")
        assert [note.id, mail.id, job.id] == ids
        assert [x.kind for x in (note, mail, job)] == list(ChannelKind)
        assert [x.mode for x in (note, mail, job)] == [
            EventMode.BROADCAST,
            EventMode.UNICAST,
            EventMode.ANYCAST,
        ]
        assert [x.stream for x in (note, mail, job)] == ["", "a", "job"]
        assert (note.event, note.source, note.target) == ("note", "a", None)
        assert (note.headers, note.codec) == ((("a", "1"), ("b", "2")), "json")
        assert (note.body, note.problem) == (b'{"n":1}', "")
        assert mail.target == "a"
        assert job.stored_ms == job.timestamp_ms == note.stored_ms + 1_000
        assert job.size > len(job.body)
        assert [x.id for x in await monitor.sample("default", limit=2)] == ids[1:]
        assert await monitor.sample("default", since_ms=job.stored_ms) == (job,)
        assert await monitor.sample("default", since_ms=job.stored_ms + 1) == ()
        assert await monitor.sample("default", since_ms=note.stored_ms) == (note, mail, job)
        stored = await monitor._source.messages("default", 3)
        assert [x.position for x in (note, mail, job)] == [x.position for x in stored]
        end.set()

    @pytest.mark.parametrize(
        ("data", "problem"),
        [
            (b"\xc1 no message", "not a message"),
            (envelope(format=FORMAT + 1), "update the package"),
        ],
    )
    async def test_one_that_cannot_be_read(
        self, world: World, monitor: Monitor, data: bytes, problem: str
    ) -> None:
        bus = world.bus()
        await bus.init()
        await store(bus, data)
        (found,) = await monitor.sample("default")
        assert problem in found.problem
        assert (found.kind, found.stream, found.size) == (ChannelKind.WORK, "job", len(data))
        assert found.position == "1"
        assert (found.id, found.event, found.mode, found.body) == ("", "", None, b"")

    @pytest.mark.parametrize("limit", [0, 10_001, 1.5, True, "1"])
    async def test_a_wrong_limit(self, monitor: Monitor, limit: Any) -> None:
        with pytest.raises(InvalidOptionError, match="limit="):
            await monitor.sample("default", limit=limit)
        with pytest.raises(InvalidOptionError, match="limit="):
            await monitor.dead_letters("default", limit=limit)


class TestFind:
    async def find(self, monitor: Monitor, message_id: str) -> FoundMessage:
        found = await monitor.find("default", message_id)
        assert found is not None
        return found

    async def test_a_message_in_a_running_handler(self, world: World, monitor: Monitor) -> None:
        bus, end = world.bus("a"), asyncio.Event()

        @bus.on("job", group="g")
        async def hangs(message: Message) -> None:
            await end.wait()

        await bus.init()
        await bus.ready()
        sent = await bus.emit("job", "x", mode="anycast")
        await world.settle()
        found = await self.find(monitor, sent)
        assert found.message is not None
        assert (found.message.id, found.message.body) == (sent, b'"x"')
        (delivery,) = found.deliveries
        assert (delivery.group, delivery.state) == ("g", "pending")
        assert delivery.holder == (await monitor.snapshot("default")).instances[0].incarnation
        assert found.dead_letters == ()
        end.set()
        await world.settle()
        assert [d.state for d in (await self.find(monitor, sent)).deliveries] == ["settled"]

    async def test_a_broadcast_has_no_deliveries(self, world: World, monitor: Monitor) -> None:
        bus = world.bus()
        await bus.init()
        sent = await bus.emit("note")
        found = await self.find(monitor, sent)
        assert found.message is not None
        assert (found.message.event, found.deliveries) == ("note", ())

    async def test_a_dead_letter_and_what_became_of_its_redrive(
        self, world: World, monitor: Monitor
    ) -> None:
        bus = world.bus("a", retry=ONCE)
        bus.on("job", group="g")(refused)
        await bus.init()
        sent = await bus.emit("job", mode="anycast")
        await world.settle()
        found = await self.find(monitor, sent)
        assert [(d.group, d.state) for d in found.deliveries] == [("g", "settled")]
        (letter,) = found.dead_letters
        assert (letter.group, letter.error) == ("g", "ValueError: no")
        assert bus.off("job", refused) == 1
        assert await monitor.redrive("default", letter.id)
        found = await self.find(monitor, sent)
        # It is stored twice now; the later one tells where it stands.
        assert [(d.group, d.state) for d in found.deliveries] == [("g", "waiting")]
        assert found.dead_letters == ()

    async def test_when_only_its_dead_letter_is_left(self, world: World, monitor: Monitor) -> None:
        bus = world.bus("a", retry=ONCE, max_message_count=0, message_retention=0.0)
        bus.on("note")(refused)
        await bus.init()
        sent = await bus.emit("note")
        await world.clock.advance(5.0)
        found = await self.find(monitor, sent)
        assert (found.message, found.deliveries) == (None, ())
        assert [x.message.id for x in found.dead_letters if x.message] == [sent]

    async def test_one_whose_payload_cannot_be_decoded(
        self, world: World, monitor: Monitor
    ) -> None:
        bus = world.bus("a")
        bus.on("job", group="g")(refused)
        await bus.init()
        made_ms = int(world.clock.time() * 1000)
        sent = f"{made_ms:012x}" + "0" * 20
        await store(bus, envelope(id=sent, body=b"{"))
        await world.settle()
        found = await self.find(monitor, sent)
        assert found.message is not None
        assert found.message.body == b"{"
        assert [(x.message, x.reason) for x in found.dead_letters] == [(None, "undecodable")]

    async def test_one_that_only_quotes_the_id_is_another(
        self, world: World, monitor: Monitor
    ) -> None:
        bus = world.bus()
        await bus.init()
        sent = await bus.emit("job", mode="anycast")
        await bus.emit("job", {"about": sent}, mode="anycast")
        await store(bus, b"\xc1" + sent.encode())
        found = await self.find(monitor, sent)
        assert found.message is not None
        assert found.message.id == sent

    async def test_what_is_not_there(self, world: World, monitor: Monitor) -> None:
        bus = world.bus()
        await bus.init()
        sent = await bus.emit("note")
        assert await monitor.find("default", UNKNOWN_ID) is None
        assert await monitor.find("default", sent[:-1] + ("0" if sent[-1] != "0" else "1")) is None
        assert await monitor.find("other", sent) is None

    @pytest.mark.parametrize("message_id", ["", "x", "G" * 32, "0" * 31, None, 5, b"0" * 32])
    async def test_what_is_no_id(self, monitor: Monitor, message_id: Any) -> None:
        with pytest.raises(InvalidMessageError, match="message_id="):
            await monitor.find("default", message_id)

    async def test_it_is_found_among_more_than_one_call_gives(self) -> None:
        """On a busy bus the newest messages of ten minutes are others."""
        made_ms = 1_000_000_000
        sent = f"{made_ms:012x}" + "0" * 20

        class Busy:
            async def messages(
                self, bus: str, limit: int, since_ms: int, until_ms: int
            ) -> Sequence[StoredMessage]:
                at = [made_ms + 10 * n for n in range(60_000)]
                newest = [ms for ms in at if since_ms <= ms <= until_ms][-limit:]
                return [stored(ms, sent if ms == made_ms else UNKNOWN_ID) for ms in newest]

            async def deliveries(
                self, bus: str, message: StoredMessage
            ) -> Sequence[DeliverySnapshot]:
                return ()

        def stored(ms: int, message_id: str) -> StoredMessage:
            return StoredMessage(
                kind=ChannelKind.WORK,
                name="job",
                position=str(ms),
                stored_ms=ms,
                data=envelope(id=message_id) if message_id == sent else b"",
            )

        monitor = Monitor(cast(MonitorSource, Busy()), Capabilities(monitoring=True))
        found = await self.find(monitor, sent)
        assert found.message is not None
        assert found.message.stored_ms == made_ms


class TestDeadLetters:
    async def test_listed_filtered_and_in_pages(self, world: World, monitor: Monitor) -> None:
        bus = world.bus("a", retry=ONCE)
        for event, group in (("x", "g"), ("x", "h"), ("y", "g")):
            bus.on(event, group=group)(refused)
        await bus.init()
        for event in ("x", "y"):
            await bus.emit(event, mode="anycast")
        await world.settle()
        letters = await monitor.dead_letters("default")
        ids = [letter.id for letter in letters]
        assert ids == [letter.id for letter in await bus.dead_letters.list()]
        owners = sorted((x.message.event, x.group) for x in letters if x.message)
        assert owners == [("x", "g"), ("x", "h"), ("y", "g")]
        assert len(await monitor.dead_letters("default", event="x")) == 2
        assert len(await monitor.dead_letters("default", group="h")) == 1
        pages = [
            await monitor.dead_letters("default", limit=1),
            await monitor.dead_letters("default", after=ids[0]),
        ]
        assert [[letter.id for letter in page] for page in pages] == [ids[:1], ids[1:]]
        with pytest.raises(InvalidMessageError, match="event name"):
            await monitor.dead_letters("default", event="a b")
        with pytest.raises(InvalidOptionError, match="group="):
            await monitor.dead_letters("default", group="")

    async def test_sent_again_and_discarded(self, world: World, monitor: Monitor) -> None:
        bus, got = world.bus("a", retry=ONCE), list[str]()

        @bus.on("mail")
        async def once_refused(message: Message) -> None:
            got.append(message.data)
            if len(got) < 3:
                raise ValueError

        await bus.init()
        await bus.emit("mail", "1", target="a")
        await bus.emit("mail", "2", target="a")
        await world.settle()
        one, two = await monitor.dead_letters("default")
        assert await monitor.discard("default", one.id)
        assert not await monitor.discard("default", one.id)
        assert not await monitor.redrive("default", one.id)
        assert await monitor.redrive("default", two.id)
        await world.settle()
        assert got == ["1", "2", "2"]
        assert await monitor.dead_letters("default") == ()

    async def test_one_whose_owner_is_gone(self, world: World, monitor: Monitor) -> None:
        bus = world.bus(retry=ONCE)
        bus.on("mail")(refused)
        await bus.init()
        await bus.emit("mail", target=bus.id)
        await world.settle()
        await world.run(bus.close())
        (letter,) = await monitor.dead_letters("default")
        with pytest.raises(TargetNotFoundError, match="is gone") as caught:
            await monitor.redrive("default", letter.id)
        assert letter.id in str(caught.value)
        assert [x.id for x in await monitor.dead_letters("default")] == [letter.id]

    async def test_what_the_transport_does_not_declare(self, world: World) -> None:
        monitor = Monitor(MemoryMonitor(world.store), Capabilities(monitoring=True))
        calls: list[Any] = [
            monitor.dead_letters("default"),
            monitor.redrive("default", "x"),
            monitor.discard("default", "x"),
            monitor.drop_group("default", "e", "g"),
        ]
        for call, capability in zip(calls, ["redrive", *["actions"] * 3], strict=True):
            with pytest.raises(UnsupportedError, match=f"'{capability}'"):
                await call
        assert await monitor.find("default", UNKNOWN_ID) is None  # without the dead letters


async def test_a_group_is_dropped_when_nobody_works_in_it(world: World, monitor: Monitor) -> None:
    bus, other = world.bus(), world.bus()
    bus.on("job", group="g")(refused)
    await bus.init()
    await other.init()
    assert not await monitor.drop_group("default", "job", "g")
    await world.run(bus.close())
    await other.emit("job", mode="anycast")
    assert await monitor.drop_group("default", "job", "g")
    assert not await monitor.drop_group("default", "job", "g")
    assert [x.group for x in await monitor.dead_letters("default")] == ["g"]


@pytest.mark.parametrize("name", ["", "a b", "{x}", None, 5])
async def test_a_wrong_name_is_refused(monitor: Monitor, name: Any) -> None:
    calls: list[Any] = [
        monitor.snapshot(name),
        monitor.sample(name),
        monitor.find(name, UNKNOWN_ID),
        monitor.dead_letters(name),
        monitor.redrive(name, "x"),
        monitor.discard(name, "x"),
        monitor.drop_group(name, "e", "g"),
        monitor.drop_group("default", "e", name),
    ]
    for call in calls:
        with pytest.raises(InvalidOptionError):
            await call
    with pytest.raises(InvalidMessageError):
        await monitor.drop_group("default", name, "g")
