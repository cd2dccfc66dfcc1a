"""Names of handlers: they tell the handlers of one event apart in the store."""

from collections.abc import Awaitable, Callable

from eventbus_core import Message, RetryPolicy
from tests.core.world import World


async def test_names_stay_apart_when_one_was_removed(world: World) -> None:
    """Numbered by how many there were, a new handler got the name of one that had stayed."""
    bus = world.bus()

    def make() -> Callable[[Message], Awaitable[None]]:
        async def handle(message: Message) -> None:
            pass

        return handle

    first = make()
    bus.on("x", first)
    bus.on("x", make())
    bus.off("x", first)
    bus.on("x", make())
    bus.on("x", make())
    names = [binding.name for binding in bus._registry.all()]
    assert len(set(names)) == 3, names


async def test_a_failed_handler_is_not_skipped_for_its_namesake(world: World) -> None:
    """With one name for two, the one that had failed was taken for the one that had finished,
    and was never tried again."""
    bus = world.bus(retry=RetryPolicy(initial=1, jitter=0))
    runs: list[tuple[str, int]] = []

    def make(name: str, failures: int) -> Callable[[Message], Awaitable[None]]:
        async def handle(message: Message) -> None:
            runs.append((name, message.attempt))
            if message.attempt <= failures:
                raise ValueError

        return handle

    removed = make("removed", 0)
    bus.on("x", removed)
    bus.on("x", make("finishes", 0))
    bus.off("x", removed)
    bus.on("x", make("fails", 1))
    bus.on("x", make("fails too", 1))
    await bus.init()
    await bus.emit("x", mode="anycast")
    await world.clock.advance(60)
    assert sorted(runs) == [
        ("fails", 1),
        ("fails", 2),
        ("fails too", 1),
        ("fails too", 2),
        ("finishes", 1),
    ]
