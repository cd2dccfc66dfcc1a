"""The end of a run: everybody who died is declared dead, and everything that waits is taken."""

from typing import Final

from eventbus_core.modes import EventMode
from eventbus_core.transport import Outcome, Room, Settlement, work
from tests.model.actors import Actor
from tests.model.comparison import PATIENCE, Comparison

_ALL: Final = Room(1000, 1000)


async def drain(both: Comparison) -> None:
    """Nothing was lost, nothing comes twice, and nothing keeps a place in a backlog."""
    helper = await _gather(both)
    await _take_everything(both)
    for actor in both.here:
        await both.renew(actor)
        if actor.life.reader is not None:
            actor.life.reader.report(0)
    await both.letters(helper)
    for event in both.model.streams:
        await _fill(both, helper, event)
    await both.letters(helper)


async def _gather(both: Comparison) -> Actor:
    """The dead are declared dead, fixed ids come back, and every group has a member."""
    groups = {
        work(event, group)
        for event, stream in both.model.streams.items()
        for group in stream.groups
    }
    helper = await both.join(both.name(), channels=frozenset(groups))
    assert helper is not None
    for actor in both.actors:
        if actor.fenced:
            await both.close(actor)
        if actor.crashed:
            await both.store.pass_time(both.store.lease)
            await both.declare_dead(helper, actor.life)
            assert actor.life.over
    for name in tuple(both.model.remembered):
        assert await both.join(name, fixed=True) is not None
    await both.store.pass_time(max(both.store.delays))
    return helper


async def _take_everything(both: Comparison) -> None:
    ends = both.store.now() + PATIENCE
    while True:
        for actor in both.here:
            await _take_all(both, actor)
        if not (left := _left(both)):
            break
        assert both.store.now() < ends and not both.store.takes_at_once, f"never came: {left}"
        for actor in both.here:
            await both.renew(actor)
            await both.maintain(actor)
    for actor in both.here:
        await _take_all(both, actor)


async def _take_all(both: Comparison, actor: Actor) -> None:
    while True:
        for held in tuple(actor.held):
            await both.settle(actor, [(held, Settlement(held.delivery, Outcome.DONE))])
        await both.fetch(actor, dict.fromkeys(both.channels(actor), _ALL))
        if not actor.held:
            return


def _left(both: Comparison) -> list[object]:
    model = both.model
    queues = [q for stream in model.streams.values() for q in stream.groups.values()]
    works = [w for q in [*queues, *model.inboxes.values()] for w in q.works if not w.maybe]
    readers = [actor.life.reader for actor in both.here if actor.life.reader is not None]
    return [*works, *(message for reader in readers for message in reader.unread())]


async def _fill(both: Comparison, helper: Actor, event: str) -> None:
    """What is settled is in nobody's way: a whole backlog fits, and not one message more."""
    limit = both.store.options.max_backlog
    if not both.model.streams[event].groups:
        return
    for queue in both.model.streams[event].groups.values():
        # What was trimmed never came; what was for others alone was passed by.
        queue.works.clear()
    ends = both.store.now() + PATIENCE
    while True:
        await both.publish(helper, [(EventMode.ANYCAST, event, None)] * (limit + 1))
        full = helper.link.answers[limit - 1].name == "STORED"
        await _take_everything(both)
        if full:
            break
        assert both.store.now() < ends and not both.store.takes_at_once, "something keeps a place"
