"""What the rules judge: one look, together with what earlier ones have told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..snapshots import BusSnapshot
from .finding import Subject
from .thresholds import Thresholds
from .views import GroupView, InstanceState, InstanceView, StreamView
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

    def may_stay(self, code: str, subject: Subject) -> bool:
        """Whether a finding may outlast its condition: not when what it is about is gone, or when
        it has become worse and is found under another code."""
        kind, key, _ = subject
        if kind == "instance":
            view = self.instances.get(key)
            return view is not None and not (code == "LATE" and view.state is InstanceState.DEAD)
        if kind == "group":
            return key in self.groups
        return kind != "stream" or key in self.streams
