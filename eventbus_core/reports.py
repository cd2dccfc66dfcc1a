"""`stats()`, `health()` and what heartbeats tell: read off the parts of a bus."""

from typing import TYPE_CHECKING

from .dispatcher import Dispatcher
from .settler import Settler
from .stats import BusHealth, BusStats, Counters, SubscriptionStats
from .transport import Vitals

if TYPE_CHECKING:
    from .runtime import Runtime


def vitals_of(counters: Counters, dispatcher: Dispatcher, settler: Settler) -> Vitals:
    """What a heartbeat tells monitors."""
    lanes = tuple(dispatcher.lanes.values())
    now = dispatcher.clock.monotonic()
    oldest = min(
        ((begun, lane.binding.name) for lane in lanes for begun in lane.begun.values()),
        default=(now, ""),
    )
    return Vitals(
        emitted=counters.emitted,
        received=counters.received,
        handled=counters.handled,
        failed=counters.failed,
        dead_lettered=counters.dead_lettered,
        running=sum(lane.active for lane in lanes),
        waiting=sum(lane.waiting for lane in lanes),
        unsettled=settler.unsettled,
        slowest=oldest[1],
        slowest_seconds=now - oldest[0],
    )


def stats_of(counters: Counters, runtime: "Runtime | None") -> BusStats:
    """A frozen copy of the counters with what is in hand now."""
    lanes = () if runtime is None else tuple(runtime.dispatcher.lanes.values())
    subscriptions = tuple(
        SubscriptionStats(
            event=lane.binding.event,
            handler=lane.binding.name,
            group=lane.binding.group,
            handled=lane.stats.handled,
            failed=lane.stats.failed,
            retried=lane.stats.retried,
            running=lane.active,
            waiting=lane.waiting,
            mean_seconds=lane.stats.mean_seconds,
        )
        for lane in lanes
    )
    return BusStats(
        **{name: getattr(counters, name) for name in counters.__slots__ if name != "lost"},
        lost=dict(counters.lost),
        running=sum(item.running for item in subscriptions),
        waiting=sum(item.waiting for item in subscriptions),
        unsettled=0 if runtime is None else runtime.settler.unsettled,
        subscriptions=subscriptions,
    )


def health_of(state: str, runtime: "Runtime | None") -> BusHealth:
    """Judge by the lease and the store's last answers."""
    if runtime is None:
        return BusHealth(
            ok=False,
            state=state,
            problems=(f"the bus is {state}",),
            store_reachable=False,
            since=0.0,
            lease_left=0.0,
            last_fetch_age=None,
        )
    now = runtime.clock.monotonic()
    lease_left = max(0.0, runtime.membership.lease_until - now)
    problems: list[str] = []
    if state == "live" and runtime.membership.session is None:
        state = "rejoining"
        problems.append("declared dead or the store lost its data; joining again")
    elif state != "live":
        problems.append(f"the bus is {state}")
    elif lease_left <= 0:
        problems.append("the lease has run out; no handler starts before it is renewed")
    problems += [f"{name} has ended, which is a bug" for name in runtime.crashed()]
    if runtime.store.error is not None:
        problems.append(f"the store cannot be reached: {runtime.store.error}")
    fetched = runtime.intake.last_fetch
    return BusHealth(
        ok=not problems,
        state=state,
        problems=tuple(problems),
        store_reachable=runtime.store.error is None,
        since=runtime.store.since,
        lease_left=lease_left,
        last_fetch_age=None if fetched is None else now - fetched,
    )
