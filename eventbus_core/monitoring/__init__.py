"""Looking at buses from outside: everything that a monitoring tool needs.

    async with open_monitor("redis://localhost:6379/0") as monitor:
        for bus in await monitor.buses():
            snapshot = await monitor.snapshot(bus)

A monitor takes part in nothing: it reads no message away, joins no group and creates nothing.
`Watch` turns one snapshot after the other into rates, trends and findings.
"""

from .._version import __version__
from ..capabilities import Capabilities
from ..errors import (
    EventBusError,
    InvalidMessageError,
    InvalidOptionError,
    TargetNotFoundError,
    TransportUnavailableError,
    UnknownTransportError,
    UnsupportedError,
)
from ..message import DeadLetter
from ..modes import EventMode
from ..options import SharedOptions
from ..snapshots import (
    BusSnapshot,
    ConsumerSnapshot,
    DeadLettersSnapshot,
    DeliverySnapshot,
    GroupSnapshot,
    InstanceSnapshot,
    JournalEntry,
    ServerSnapshot,
    StreamSnapshot,
)
from ..transport import ChannelKind, Subscription, Vitals
from .finding import CODES, Code, Finding, Severity, Subject
from .keys import group_key, group_name, stream_key, stream_name
from .monitor import FoundMessage, Monitor, SampledMessage, open_monitor
from .recording import record
from .recording_format import RecordingError
from .replay import open_replay
from .thresholds import THRESHOLDS, ThresholdInfo, Thresholds
from .trends import HISTORY
from .views import BusView, GroupView, InstanceState, InstanceView, StreamView, TotalsView
from .watch import Watch

__all__ = [
    "CODES",
    "HISTORY",
    "THRESHOLDS",
    "BusSnapshot",
    "BusView",
    "Capabilities",
    "ChannelKind",
    "Code",
    "ConsumerSnapshot",
    "DeadLetter",
    "DeadLettersSnapshot",
    "DeliverySnapshot",
    "EventBusError",
    "EventMode",
    "Finding",
    "FoundMessage",
    "GroupSnapshot",
    "GroupView",
    "InstanceSnapshot",
    "InstanceState",
    "InstanceView",
    "InvalidMessageError",
    "InvalidOptionError",
    "JournalEntry",
    "Monitor",
    "RecordingError",
    "SampledMessage",
    "ServerSnapshot",
    "Severity",
    "SharedOptions",
    "StreamSnapshot",
    "StreamView",
    "Subject",
    "Subscription",
    "TargetNotFoundError",
    "ThresholdInfo",
    "Thresholds",
    "TotalsView",
    "TransportUnavailableError",
    "UnknownTransportError",
    "UnsupportedError",
    "Vitals",
    "Watch",
    "__version__",
    "group_key",
    "group_name",
    "open_monitor",
    "open_replay",
    "record",
    "stream_key",
    "stream_name",
]
