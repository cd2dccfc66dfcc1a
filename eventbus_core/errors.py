"""Every exception of the library, in one tree.

EventBusError
├── InvalidOptionError (ValueError)       an option of the constructor, `on` or a transport is wrong
├── InvalidMessageError (ValueError)      a name, mode, target or header given to a call is wrong
├── EncodeError                           a payload cannot be encoded without changing it
├── DecodeError                           stored bytes cannot be decoded
├── MessageTooLargeError                  an encoded message is above `max_message_bytes`
├── EmitManyError                         some entries of one `emit_many` were refused
├── UnknownTransportError                 no installed plug-in has the URL's scheme
├── PluginLoadError                       a plug-in is installed but cannot be loaded
├── TransportUnavailableError (ConnectionError)  the store cannot be reached
├── NotStartedError                       the bus has not been started with `init()`
├── BusClosedError                        the bus was closed
├── InstanceIdInUseError                  a live process has this instance id
├── TargetNotFoundError                   no instance has the target's id
├── NoRespondersError                     no live instance answers a request
├── RequestTimeoutError (TimeoutError)    no reply came in time
├── RemoteHandlerError                    the handler of a request failed
├── BacklogFullError                      a group or inbox has `max_backlog` unhandled messages
└── UnsupportedError                      the transport or the role cannot do this

No exception of a transport's client library leaves a transport.
"""

from collections.abc import Sequence


class EventBusError(Exception):
    """Base of every error that the library raises."""


class InvalidOptionError(EventBusError, ValueError):
    """An option has a wrong value; the text names the option and what it takes."""


class InvalidMessageError(EventBusError, ValueError):
    """A call names a wrong event, mode, target or header; nothing was sent."""


class EncodeError(EventBusError):
    """A payload cannot be encoded as it is; `path` says where (as in ``$.user.age``)."""

    def __init__(self, reason: str, *, path: str = "$") -> None:
        self.path = path
        super().__init__(f"cannot encode the payload at {path}: {reason}")


class DecodeError(EventBusError):
    """Stored bytes are not a message this version can read."""


class MessageTooLargeError(EventBusError):
    """An encoded message is larger than `max_message_bytes`; nothing was sent."""

    def __init__(self, event: str, *, size: int, limit: int) -> None:
        self.event, self.size, self.limit = event, size, limit
        super().__init__(
            f"a message of event {event!r} has {size} bytes, above max_message_bytes={limit}; "
            "send a reference to the data instead, or raise the limit on every instance"
        )


class EmitManyError(EventBusError):
    """Some entries of one `emit_many` failed; `results` has one id or exception per entry."""

    def __init__(self, results: Sequence[str | EventBusError]) -> None:
        self.results = tuple(results)
        failed = sum(isinstance(result, EventBusError) for result in self.results)
        super().__init__(
            f"{failed} of {len(self.results)} entries were not stored; "
            "`results` has the id or the error of each, in order"
        )


class UnknownTransportError(EventBusError):
    """No installed plug-in handles the URL's scheme."""

    def __init__(self, scheme: str, *, installed: Sequence[str]) -> None:
        self.scheme, self.installed = scheme, tuple(installed)
        super().__init__(
            f"no transport for scheme {scheme!r}; installed: {', '.join(installed) or 'none'}. "
            "Check the URL, or install the plug-in that provides it"
        )


class PluginLoadError(EventBusError):
    """A plug-in is installed but cannot be used; the cause is chained."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        super().__init__(f"plug-in {name!r} cannot be loaded: {reason}")


class TransportUnavailableError(EventBusError, ConnectionError):
    """The store cannot be reached, or did not answer in time.

    Raised by `emit`, it leaves open whether the message was stored.
    """


class NotStartedError(EventBusError):
    """The call needs a started bus."""

    def __init__(self, call: str) -> None:
        super().__init__(f"{call} needs a started bus: use `async with bus:` or `await bus.init()`")


class BusClosedError(EventBusError):
    """The bus is closed or closing."""

    def __init__(self, call: str) -> None:
        super().__init__(f"{call} was called on a closed bus: `await bus.init()` starts it again")


class InstanceIdInUseError(EventBusError):
    """Another live process uses this instance id."""

    def __init__(self, instance_id: str, *, bus: str) -> None:
        self.instance_id, self.bus = instance_id, bus
        super().__init__(
            f"instance_id={instance_id!r} is in use by a live instance of bus {bus!r}; "
            "give each process its own id, or stop the other one"
        )


class TargetNotFoundError(EventBusError):
    """No instance has this id: it never existed, was closed or was declared dead."""

    def __init__(self, target: str, *, bus: str, text: str | None = None) -> None:
        self.target, self.bus = target, bus
        super().__init__(
            text
            or f"no instance {target!r} on bus {bus!r}; it may have closed or died. "
            "A fixed instance_id keeps its inbox over restarts"
        )


class NoRespondersError(EventBusError):
    """Nobody alive handles this request."""


class RequestTimeoutError(EventBusError, TimeoutError):
    """No reply came before the deadline."""


class RemoteHandlerError(EventBusError):
    """The handler of a request raised; its type and text are in the message."""


class BacklogFullError(EventBusError):
    """A group or inbox already has `max_backlog` unhandled messages; nothing was stored."""

    def __init__(self, where: str, *, limit: int) -> None:
        self.where, self.limit = where, limit
        super().__init__(
            f"{where} has max_backlog={limit} unhandled messages; add consumers, slow down, "
            "or raise max_backlog"
        )


class UnsupportedError(EventBusError):
    """The transport does not have what this needs, or the bus's role does not allow it."""
