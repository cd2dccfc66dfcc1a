"""What the rules judge: one look, together with what earlier ones have told."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ..snapshots import BusSnapshot
from .finding import Subject
from .thresholds import Thresholds
from .views import GroupView, InstanceView, StreamView
from .windows import Lately


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Everything that a rule may look at."""

    snapshot: BusSnapshot
    limits: Thresholds
    streams: Mapping[str, StreamView]
    """By key, as the next two."""
    groups: Mapping[str, GroupView]
    instances: Mapping[str, InstanceView]
    groups_of: Mapping[str, Sequence[str]]
    """Keys of the groups of each event that has some."""
    quiet: Mapping[str, float]
    """For how many seconds a group has had work and settled nothing, by key; only those that do
    so at all."""
    blind: bool
    """Whether it is not known what all the living are subscribed to."""
    lately: Lately
    poll_seconds: float
    interval: float
    wall_ms: int | None
    """Unix time of the monitor's host when the snapshot came."""

    def has(self, subject: Subject) -> bool:
        """Whether what a finding is about is still there."""
        views: Mapping[str, Collection[str]] = {
            "stream": self.streams,
            "group": self.groups,
            "instance": self.instances,
        }
        return subject.kind not in views or subject.key in views[subject.kind]
