"""eventbus: an event bus with pluggable transports. Every public name is here."""

import logging

from ._version import __version__
from .bus import EventBus
from .capabilities import Capabilities
from .errors import (
    BacklogFullError,
    BusClosedError,
    DecodeError,
    EmitManyError,
    EncodeError,
    EventBusError,
    InstanceIdInUseError,
    InvalidMessageError,
    InvalidOptionError,
    MessageTooLargeError,
    NoRespondersError,
    NotStartedError,
    PluginLoadError,
    RemoteHandlerError,
    RequestTimeoutError,
    TargetNotFoundError,
    TransportUnavailableError,
    UnknownTransportError,
    UnsupportedError,
)
from .hooks import hookimpl
from .message import DeadLetter, Message
from .modes import EventMode
from .retry import Reject, Retry, RetryPolicy
from .stats import BusHealth, BusStats, SubscriptionStats

__all__ = [
    "BacklogFullError",
    "BusClosedError",
    "BusHealth",
    "BusStats",
    "Capabilities",
    "DeadLetter",
    "DecodeError",
    "EmitManyError",
    "EncodeError",
    "EventBus",
    "EventBusError",
    "EventMode",
    "InstanceIdInUseError",
    "InvalidMessageError",
    "InvalidOptionError",
    "Message",
    "MessageTooLargeError",
    "NoRespondersError",
    "NotStartedError",
    "PluginLoadError",
    "Reject",
    "RemoteHandlerError",
    "RequestTimeoutError",
    "Retry",
    "RetryPolicy",
    "SubscriptionStats",
    "TargetNotFoundError",
    "TransportUnavailableError",
    "UnknownTransportError",
    "UnsupportedError",
    "__version__",
    "hookimpl",
]

# The library never configures logging; without a handler of the user's it stays silent.
logging.getLogger(__name__).addHandler(logging.NullHandler())
