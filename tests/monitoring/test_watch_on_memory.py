"""A Watch over a real store: what one sees of an instance that dies with work in hand."""

from eventbus_core.memory.monitor import MemoryMonitor
from eventbus_core.memory.session import MemorySession
from eventbus_core.monitoring import BusView, InstanceState, InstanceView, Thresholds, Watch
from eventbus_core.transport import Vitals
from tests.core.memory_world import LEASE, World, done, take, works


class Looks:
    """One look a second, on the world's clock."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.monitor = MemoryMonitor(world.store)
        self.watch = Watch(Thresholds())

    async def look(self) -> BusView:
        await self.world.clock.advance(1.0)
        clock = self.world.clock
        snapshot = await self.monitor.snapshot("bus")
        wall_ms = round(clock.time() * 1000)
        return self.watch.see(snapshot, now=clock.monotonic(), poll_seconds=0.01, wall_ms=wall_ms)


def of(view: BusView, session: MemorySession) -> InstanceView:
    incarnation = session._presence.member.incarnation
    return {each.key: each for each in view.instances}[incarnation]


async def test_a_death_is_seen_from_the_late_heartbeat_to_the_takeover() -> None:
    world = World()
    dies, lives = await world.join("dies", works()), await world.join("lives", works())
    looks = Looks(world)
    await world.anycast(lives, *map(str, range(5)))
    assert len(await take(dies)) == 5
    states = []
    for _ in range(int(LEASE) + 1):
        view = await looks.look()
        await lives.renew(Vitals())
        states.append(of(view, dies).state)
    late = int(LEASE / 2)
    assert states[: late - 1] == [InstanceState.LIVE] * (late - 1)
    assert states[late:-1] == [InstanceState.LATE] * (len(states) - late - 1)
    assert (states[-1], of(view, dies).declared, of(view, dies).orphaned) == (
        InstanceState.DEAD, False, 5,
    )  # fmt: skip
    dead = [finding for finding in view.findings if finding.code == "DEAD"]
    assert [finding.subject.name for finding in dead] == ["dies"]

    await lives.declare_dead((await lives.renew()).suspects)
    await lives.settle([done(delivery) for delivery in await take(lives)])
    view = await looks.look()
    shown = of(view, dies)
    assert (shown.state, shown.declared, shown.taken_over) == (InstanceState.DEAD, True, 5)
    assert shown.findings == tuple(f for f in view.findings if f.code == "DEAD")
    assert of(view, lives).state is InstanceState.LIVE


async def test_one_that_leaves_is_never_dead() -> None:
    world = World()
    leaves, stays = await world.join("leaves", works()), await world.join("stays", works())
    looks = Looks(world)
    await looks.look()
    await leaves.leave()
    await stays.renew()
    view = await looks.look()
    assert [shown.id for shown in view.instances] == ["stays"]
    assert view.findings == ()


async def test_a_healthy_bus_has_no_findings() -> None:
    world = World()
    session = await world.join("a", works())
    looks = Looks(world)
    for number in range(40):
        await world.anycast(session, *(f"{number}-{n}" for n in range(20)))
        await world.broadcast(session, f"b{number}")
        await session.settle([done(delivery) for delivery in await take(session)])
        await session.renew(Vitals(handled=20 * number))
        view = await looks.look()
        assert view.findings == ()
    assert view.totals.rate_in == 21.0
    assert view.totals.settle_rate == 20.0
