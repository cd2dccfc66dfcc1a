"""Helpers for tests of programs that use the bus.

Import what you need, or write ``pytest_plugins = ["eventbus_core.testing"]`` in your top
``conftest.py`` to have the fixtures `memory_url` and `manual_clock`. pytest is imported only when
it is installed. (PYTEST_DONT_REWRITE: there are no asserts here, and without this word pytest
would warn when a test module has imported this one before.)
"""

import asyncio
import importlib.util
import time
from collections.abc import Callable, Mapping

from .clock import SystemClock
from .ids import MessageIds
from .manual_clock import ManualClock
from .message import NO_HEADERS, Message, T
from .modes import EventMode

__all__ = ["ManualClock", "make_message", "wait_until"]

if importlib.util.find_spec("pytest") is not None:
    from .testing_fixtures import manual_clock, memory_url

    __all__ += ["manual_clock", "memory_url"]

_ids = MessageIds(SystemClock())


async def wait_until(
    predicate: Callable[[], object], *, timeout: float = 5.0, what: str = "the condition"
) -> None:
    """Return once `predicate()` is true, looking often, on the real clock.

    Raises AssertionError that names `what` after `timeout` seconds. The text has the last value
    of the predicate, so return something that tells more than False where you can. What the
    predicate itself raises is not caught.
    """
    deadline = time.monotonic() + timeout
    while not (value := predicate()):
        if time.monotonic() >= deadline:
            raise AssertionError(
                f"{what} did not come true within {timeout:g} s; the last value was {value!r}"
            )
        await asyncio.sleep(0.002)


def make_message(
    event: str = "test:event",
    data: T = None,  # type: ignore[assignment] # None is the default of an unparametrised message
    *,
    mode: EventMode | None = None,
    source: str = "test-source",
    target: str | None = None,
    headers: Mapping[str, str] = NO_HEADERS,
    attempt: int = 1,
    group: str | None = None,
    id: str | None = None,
    timestamp_ms: int | None = None,
) -> Message[T]:
    """A message to call a handler with in a unit test.

    The mode follows from the rest when it is not given: UNICAST with a `target`, ANYCAST with a
    `group`, else BROADCAST. The id is a new one and the timestamp the one in it.
    """
    if mode is None:
        mode = EventMode.BROADCAST
        if target is not None:
            mode = EventMode.UNICAST
        elif group is not None:
            mode = EventMode.ANYCAST
    new_id, now_ms = _ids.next()
    return Message(
        id=new_id if id is None else id,
        event=event,
        data=data,
        mode=mode,
        source=source,
        target=target,
        timestamp_ms=now_ms if timestamp_ms is None else timestamp_ms,
        headers=headers,
        attempt=attempt,
        group=group,
    )
