"""From conditions, which come and go, to findings, which are calm."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .finding import Finding, Severity, Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What a rule sees at one look."""

    code: str
    severity: Severity
    subject: Subject
    text: str
    since_ms: int | None = None
    """When it began, if the data tell. Unix milliseconds of the store's clock."""
    rise: float = 0.0
    """Seconds that it must have held before it is a finding: since `since_ms`, or, without that, in
    each look since it was first seen."""


@dataclass(slots=True)
class _Standing:
    first: float
    last: float
    since_ms: int
    finding: Finding | None = None


class Findings:
    """A condition becomes a finding when it has held for its rise time, and the finding goes when
    the condition has been gone for `clear` seconds, or at once when it may not stay."""

    def __init__(self, clear: float) -> None:
        self._clear = clear
        self._standing: dict[tuple[str, Subject], _Standing] = {}
        self._shown: tuple[Finding, ...] = ()

    def see(
        self,
        conditions: Iterable[Condition],
        *,
        now: float,
        at_ms: int,
        may_stay: Callable[[str, Subject], bool],
    ) -> tuple[Finding, ...]:
        """What holds at `now`, in seconds of a monotonic clock, and `at_ms` of the store's. Worst
        first, then oldest first; the same tuple as long as nothing changed. `may_stay`: whether one
        of that code and subject may outlast its condition."""
        seen = set()
        for condition in conditions:
            key = (condition.code, condition.subject)
            if self._holds(key, condition, now, at_ms):
                seen.add(key)
        for key, standing in list(self._standing.items()):
            if key in seen:
                continue
            risen = standing.finding is not None
            if not risen or now - standing.last >= self._clear or not may_stay(*key):
                del self._standing[key]
        found = [each.finding for each in self._standing.values() if each.finding is not None]
        found.sort(key=_order)
        if len(found) != len(self._shown) or any(map(_differ, found, self._shown)):
            self._shown = tuple(found)
        return self._shown

    def _holds(
        self, key: tuple[str, Subject], condition: Condition, now: float, at_ms: int
    ) -> bool:
        begun = condition.since_ms
        since_ms = at_ms if begun is None else min(begun, at_ms)
        if begun is not None and (at_ms - since_ms) / 1000 < condition.rise:
            return False
        standing = self._standing.get(key)
        if standing is None:
            standing = self._standing[key] = _Standing(now, now, since_ms)
        standing.last = now
        standing.since_ms = min(standing.since_ms, since_ms)
        if begun is not None or now - standing.first >= condition.rise:
            standing.finding = _found(condition, standing)
        return True


def _found(condition: Condition, standing: _Standing) -> Finding:
    """The same object as long as it says the same."""
    before = standing.finding
    if (
        before is not None
        and before.text == condition.text
        and before.severity is condition.severity
        and before.since_ms == standing.since_ms
    ):
        return before
    return Finding(
        code=condition.code,
        severity=condition.severity,
        subject=condition.subject,
        text=condition.text,
        since_ms=standing.since_ms,
    )


def _differ(one: Finding, other: Finding) -> bool:
    return one is not other


def _order(finding: Finding) -> tuple[bool, int, str, Subject]:
    return (
        finding.severity is not Severity.CRITICAL,
        finding.since_ms,
        finding.code,
        finding.subject,
    )
