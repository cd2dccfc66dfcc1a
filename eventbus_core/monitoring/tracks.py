"""What is remembered of one stream, group or instance from look to look, with its newest view."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

from .finding import Finding
from .views import GroupView, InstanceView, StreamView

V = TypeVar("V", StreamView, GroupView, InstanceView)
S = TypeVar("S")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When a look is."""

    at_ms: int
    """By the store's clock."""
    now: float
    """By a monotonic clock, in seconds."""
    last_now: float
    """When the look before it was."""
    look: int
    """How many there were, with this one."""


class Roll(Generic[S, T]):
    """The tracks of what the newest snapshot lists, in its order. Others are forgotten."""

    def __init__(self, name: Callable[[S], Hashable], make: Callable[[S], T]) -> None:
        self._name = name
        self._make = make
        self._snapshots: Sequence[S] = ()
        self._tracks: dict[Hashable, T] = {}
        self._order: Sequence[T] = ()

    def call(self, snapshots: Sequence[S]) -> bool:
        """Bring the tracks in the order of `snapshots`; False when they are so already."""
        before, self._snapshots = self._snapshots, snapshots
        name = self._name
        if len(before) == len(snapshots) and all(
            each is last or name(each) == name(last)
            for each, last in zip(snapshots, before, strict=True)
        ):
            return False
        tracks = self._tracks
        # No name is there twice; if a store says otherwise, the last one counts.
        unique = {name(each): each for each in snapshots}
        self._snapshots = tuple(unique.values())
        self._tracks = {
            each: tracks.get(each) or self._make(snapshot) for each, snapshot in unique.items()
        }
        self._order = tuple(self._tracks.values())
        return True

    def __iter__(self) -> Iterator[tuple[T, S]]:
        """Each track with its newest snapshot."""
        return zip(self._order, self._snapshots, strict=True)

    @property
    def tracks(self) -> Sequence[T]:
        return self._order


class Track(Protocol[V]):
    """Something with a view that may be replaced."""

    view: V


def attach(tracks: Mapping[str, Track[V]], found: Mapping[str, tuple[Finding, ...]]) -> None:
    """Give each view its findings; both are by key. Others get none."""
    for key, track in tracks.items():
        findings = found.get(key, ())
        if track.view.findings != findings:
            track.view = replace(track.view, findings=findings)
