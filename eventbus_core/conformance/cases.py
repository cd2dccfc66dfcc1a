"""How the kit's tests are written: plain coroutines in classes, one class for each group.

pytest runs no coroutines by itself, and the kit needs no plug-in for them: `Cases` wraps each into
a function that runs it on an event loop of its own, through the `kit` it is given.
"""

import functools
import inspect
from collections.abc import Callable
from typing import Any, ClassVar, Final, NamedTuple, TypeVar

from ..capabilities import Capabilities
from .faults import FaultDriver

PROCESS: Final = "process"
"""Among the faults of a test: it starts a process of its own, which needs no driver."""
F = TypeVar("F", bound=Callable[..., Any])


class Cases:
    """Base of every group of tests. Each ``async def test_…(self, kit)`` is made runnable."""

    group: ClassVar[str] = "own tests"

    def __init_subclass__(cls, *, group: str | None = None, **options: Any) -> None:
        super().__init_subclass__(**options)
        if group is not None:
            cls.group = group
        for name, value in tuple(vars(cls).items()):
            if name.startswith("test_") and inspect.iscoroutinefunction(value):
                setattr(cls, name, _runnable(value, cls.group))


def needs(*capabilities: str) -> Callable[[F], F]:
    """The test applies only to transports that declare all of these capabilities."""

    def mark(function: F) -> F:
        function.needs = capabilities  # type: ignore[attr-defined]
        return function

    return mark


def faults(*names: str) -> Callable[[F], F]:
    """The test needs a fault driver that can do all of these, or, for ``process``, a URL that a
    process of its own can open."""

    def mark(function: F) -> F:
        function.faults = names  # type: ignore[attr-defined]
        return function

    return mark


class NotRun(NamedTuple):
    """Why a test does not apply, or cannot be tried."""

    column: str
    """``not declared`` or ``not tried``."""
    reason: str


def not_run(
    test: Callable[..., Any], capabilities: Capabilities, driver: FaultDriver, target: object
) -> NotRun | None:
    """What keeps a test of the kit from running on a transport; None when nothing does."""
    missing = [name for name in getattr(test, "needs", ()) if not getattr(capabilities, name)]
    if missing:
        return NotRun("not declared", ", ".join(missing))
    wanted = getattr(test, "faults", ())
    if untried := [name for name in wanted if name != PROCESS and not driver.can(name)]:
        return NotRun("not tried", f"needs a fault driver with {', '.join(untried)}")
    if PROCESS in wanted and not isinstance(target, str):
        return NotRun("not tried", "a process of its own needs a URL, not a typed config")
    return None


def _runnable(function: Callable[..., Any], group: str) -> Callable[..., None]:
    @functools.wraps(function)
    def run(self: Cases, kit: Any, **parameters: Any) -> None:
        kit.run(function(self, kit, **parameters))

    # What pytest reads; and nothing by which another plug-in could take it for a coroutine.
    run.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    del run.__wrapped__
    run.group = group  # type: ignore[attr-defined]
    # pytest's -k looks at the names of a function's attributes too.
    setattr(run, f"group_{group.replace(' ', '_')}", True)
    return run
