"""Which handlers there are: a plain object without I/O."""

import functools
import inspect
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

from .durations import Duration, seconds
from .errors import InvalidOptionError
from .message import Message
from .modes import EventMode
from .names import check_option_name
from .retry import RetryPolicy
from .transport import Subscription

K = TypeVar("K")
Handler = Callable[[Message[Any]], Awaitable[Any] | Any]

ALL_MODES = frozenset(EventMode)
NOT_LIVE = 1 << 200
"""`Binding.since` of a subscription that the store does not know yet: above every position."""
MAX_CONCURRENCY = 10_000


class Binding:
    """One subscription: a handler of one event, with its options. Compared by identity."""

    __slots__ = (
        "concurrency",
        "event",
        "group",
        "handler",
        "is_async",
        "modes",
        "name",
        "once",
        "removed",
        "retry",
        "since",
        "timeout",
    )

    def __init__(
        self,
        event: str,
        handler: Handler,
        *,
        group: str,
        modes: frozenset[EventMode],
        concurrency: int,
        retry: RetryPolicy,
        timeout: float | None,
        once: bool,
    ) -> None:
        self.event = event
        self.handler = handler
        self.group = group
        self.modes = modes
        self.concurrency = concurrency
        self.retry = retry
        self.timeout = timeout
        self.once = once
        self.is_async = is_async(handler)
        self.name = handler_name(handler)
        self.removed = False
        self.since = NOT_LIVE
        """Position of the newest broadcast that was stored before this subscription was live."""

    def announced(self) -> Iterable[Subscription]:
        for mode in self.modes:
            group = self.group if mode is EventMode.ANYCAST else ""
            yield Subscription(mode, self.event, group)


class Registry:
    """The subscriptions of one bus, in the order they were made."""

    def __init__(self) -> None:
        self.version = 0
        """Grows with every change."""
        self._bindings: dict[Binding, None] = {}
        self._by_event: dict[str, tuple[Binding, ...]] = {}
        self._by_mode: dict[tuple[str, EventMode], tuple[Binding, ...]] = {}
        self._by_group: dict[tuple[str, str], tuple[Binding, ...]] = {}

    def __len__(self) -> int:
        return len(self._bindings)

    def all(self) -> tuple[Binding, ...]:
        return tuple(self._bindings)

    def add(self, binding: Binding) -> None:
        """Add a new one, or one that was removed; the latter keeps its name."""
        taken = {other.name for other in self._by_event.get(binding.event, ())}
        plain, number = binding.name, 1
        while binding.name in taken:
            # The name tells handlers of one event apart in the note of a partly failed message.
            number += 1
            binding.name = f"{plain}#{number}"
        binding.removed = False
        self._bindings[binding] = None
        self._index(binding, lambda known: (*known, binding))

    def remove(self, event: str, handler: Handler | None = None) -> list[Binding]:
        """Remove all subscriptions of `event`, or those of one handler; return them."""
        gone = [
            binding
            for binding in self._by_event.get(event, ())
            # Bound methods are equal, not identical, at each access.
            if handler is None or binding.handler == handler
        ]
        for binding in gone:
            self.remove_binding(binding)
        return gone

    def remove_binding(self, binding: Binding) -> None:
        binding.removed = True
        del self._bindings[binding]
        self._index(binding, lambda known: tuple(b for b in known if b is not binding))

    def listeners(self, event: str, mode: EventMode) -> tuple[Binding, ...]:
        """Who handles a broadcast or unicast of `event` here."""
        return self._by_mode.get((event, mode), ())

    def workers(self, event: str, group: str) -> tuple[Binding, ...]:
        """Who handles an anycast of `event` for `group` here."""
        return self._by_group.get((event, group), ())

    def work_channels(self) -> Iterable[tuple[str, str]]:
        """Each (event, group) with an anycast subscription."""
        return self._by_group.keys()

    def announced(self) -> frozenset[Subscription]:
        return frozenset(item for binding in self._bindings for item in binding.announced())

    def _index(
        self, binding: Binding, change: Callable[[tuple[Binding, ...]], tuple[Binding, ...]]
    ) -> None:
        self.version += 1
        _update(self._by_event, binding.event, change)
        for mode in binding.modes:
            if mode is EventMode.ANYCAST:
                _update(self._by_group, (binding.event, binding.group), change)
            else:
                _update(self._by_mode, (binding.event, mode), change)


def _update(
    index: dict[K, tuple[Binding, ...]],
    key: K,
    change: Callable[[tuple[Binding, ...]], tuple[Binding, ...]],
) -> None:
    if changed := change(index.get(key, ())):
        index[key] = changed
    else:
        index.pop(key, None)


def make_binding(
    event: str,
    handler: object,
    *,
    group: str | None,
    default_group: str,
    modes: Iterable[EventMode | str] | None,
    concurrency: int,
    retry: RetryPolicy,
    timeout: Duration | None,
    once: bool,
) -> Binding:
    """Validate the arguments of `on` and `once`. Raises InvalidOptionError."""
    if not callable(handler):
        raise InvalidOptionError(f"handler={handler!r} must be callable with one Message")
    _check_takes_one(handler)
    chosen = _modes(modes)
    if group is not None:
        check_option_name("group", group)
        if EventMode.ANYCAST not in chosen:
            raise InvalidOptionError(f"group={group!r} has no effect without mode 'anycast'")
    if isinstance(concurrency, bool) or not isinstance(concurrency, int):
        raise InvalidOptionError(f"concurrency={concurrency!r} must be an int")
    if not 1 <= concurrency <= MAX_CONCURRENCY:
        raise InvalidOptionError(
            f"concurrency={concurrency} must be between 1 and {MAX_CONCURRENCY}"
        )
    if not isinstance(retry, RetryPolicy):
        raise InvalidOptionError(f"retry={retry!r} must be a RetryPolicy")
    limit = None if timeout is None else seconds("timeout", timeout, minimum=0.001)
    return Binding(
        event,
        handler,
        group=group or default_group,
        modes=chosen,
        concurrency=1 if once else concurrency,
        retry=retry,
        timeout=limit,
        once=once,
    )


def is_async(handler: object) -> bool:
    """Whether calling it gives a coroutine: an `async def`, or an object or partial of one."""
    while isinstance(handler, functools.partial):
        handler = handler.func
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(
        getattr(handler, "__call__", None)  # noqa: B004 - the method itself is inspected
    )


def handler_name(handler: object) -> str:
    """A name for logs and dead letters that is the same in every process running this code."""
    while isinstance(handler, functools.partial):
        handler = handler.func
    qualified = getattr(handler, "__qualname__", None) or type(handler).__qualname__
    module = getattr(handler, "__module__", None) or type(handler).__module__
    return f"{module}.{qualified}"


def _modes(modes: Iterable[EventMode | str] | None) -> frozenset[EventMode]:
    if modes is None:
        return ALL_MODES
    if isinstance(modes, str):
        modes = (modes,)
    try:
        chosen = frozenset(EventMode(mode) for mode in modes)
    except (ValueError, TypeError):
        raise InvalidOptionError(
            f"modes={modes!r} must be EventMode values: {', '.join(EventMode)}"
        ) from None
    if not chosen:
        raise InvalidOptionError("modes must name at least one mode")
    return chosen


def _check_takes_one(handler: Callable[..., Any]) -> None:
    try:
        signature = inspect.signature(handler)
    except (TypeError, ValueError):
        return  # some built-in callables have no signature to look at
    try:
        signature.bind(object())
    except TypeError as exc:
        raise InvalidOptionError(
            f"handler {handler_name(handler)} must take one positional argument, the Message: {exc}"
        ) from None
