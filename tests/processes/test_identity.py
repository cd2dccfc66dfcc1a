"""One id, one process."""

from eventbus_core import EventBus
from eventbus_core.testing import wait_until

from .conftest import FAILOVER, Start
from .worker import REFUSED


async def test_a_second_process_with_the_same_id_is_refused(start: Start, sender: EventBus) -> None:
    first = await start(id="alpha")
    second = await start(id="alpha", waits=True)
    second.go()
    assert await second.exited(timeout=20) == REFUSED
    (joining,), (refused,) = second.said("joining"), second.said("refused")
    assert refused.details == {"error": "InstanceIdInUseError"}
    assert refused.at - joining.at <= FAILOVER

    await sender.emit("task", {"n": 1}, target="alpha")
    await wait_until(lambda: first.numbers("end") == [1], what="the first goes on")
    assert (await first.stats())["incarnations"] == 1


async def test_the_id_of_a_killed_process_is_free_soon(start: Start, sender: EventBus) -> None:
    first = await start(id="alpha")
    # Its interpreter is up already, so that only the wait for the lease is measured.
    heir = await start(id="alpha", waits=True)
    killed_at = first.kill()
    heir.go()
    await sender.emit("task", {"n": 1}, target="alpha")
    ready = await heir.until_said("ready")
    assert ready.details == {"id": "alpha"}
    assert ready.at - killed_at <= FAILOVER
    await wait_until(lambda: heir.numbers("end") == [1], what="what was sent meanwhile")


async def test_the_id_of_a_killed_process_is_free_soon_with_nobody_else_alive(start: Start) -> None:
    first = await start(id="alpha")
    heir = await start(id="alpha", waits=True)
    killed_at = first.kill()
    heir.go()
    ready = await heir.until_said("ready")
    assert ready.at - killed_at <= FAILOVER
