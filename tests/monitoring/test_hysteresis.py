"""A condition becomes a finding, and a finding goes, not before their time."""

from typing import Any

from eventbus_core.monitoring import Severity, Subject
from eventbus_core.monitoring.hysteresis import Condition, Findings

ABOUT = Subject("group", "work paid billing", "billing@paid")


def condition(**changes: Any) -> Condition:
    told = {"code": "LAGGING", "severity": Severity.WARNING, "subject": ABOUT, "text": "behind"}
    return Condition(**{**told, **changes})


class Seen:
    """Looks once a second; everything exists that is not said to be gone."""

    def __init__(self, clear: float = 5.0) -> None:
        self.findings = Findings(clear)
        self.now = 0.0

    def see(self, *conditions: Condition, gone: bool = False) -> list[tuple[str, int]]:
        """Texts and since."""
        self.now += 1.0
        found = self.findings.see(
            conditions, now=self.now, at_ms=self.at_ms, may_stay=lambda code, subject: not gone
        )
        return [(finding.text, finding.since_ms) for finding in found]

    @property
    def at_ms(self) -> int:
        return round(self.now * 1000) + 1_000_000


def test_without_a_rise_time_it_shows_at_once() -> None:
    assert Seen().see(condition()) == [("behind", 1_001_000)]


def test_it_must_hold_for_its_rise_time() -> None:
    seen = Seen()
    for _ in range(3):
        assert seen.see(condition(rise=3.0)) == []
    assert seen.see(condition(rise=3.0)) == [("behind", 1_001_000)]


def test_a_gap_begins_the_rise_anew() -> None:
    seen = Seen()
    seen.see(condition(rise=2.0))
    seen.see(condition(rise=2.0))
    seen.see()
    assert seen.see(condition(rise=2.0)) == []
    assert seen.see(condition(rise=2.0)) == []
    assert seen.see(condition(rise=2.0)) == [("behind", 1_004_000)]


def test_what_the_data_prove_needs_no_looks() -> None:
    seen = Seen()
    assert seen.see(condition(rise=60.0, since_ms=1_001_000 - 59_999)) == []
    seen = Seen()
    assert seen.see(condition(rise=60.0, since_ms=941_000)) == [("behind", 941_000)]


def test_many_looks_prove_nothing_against_the_data() -> None:
    seen = Seen()
    for _ in range(100):
        assert seen.see(condition(rise=10.0, since_ms=seen.at_ms)) == []


def test_it_goes_when_it_has_been_gone_for_long_enough() -> None:
    seen = Seen(clear=3.0)
    seen.see(condition())
    assert len(seen.see()) == 1
    assert len(seen.see()) == 1
    assert seen.see() == []


def test_one_that_comes_back_in_time_keeps_its_since() -> None:
    seen = Seen(clear=3.0)
    seen.see(condition())
    seen.see()
    seen.see()
    assert seen.see(condition()) == [("behind", 1_001_000)]


def test_it_goes_at_once_when_its_subject_is_gone() -> None:
    seen = Seen()
    seen.see(condition())
    assert seen.see(gone=True) == []


def test_since_never_moves_forward() -> None:
    seen = Seen()
    seen.see(condition(since_ms=900_000))
    assert seen.see(condition(since_ms=950_000)) == [("behind", 900_000)]
    assert seen.see(condition(since_ms=800_000)) == [("behind", 800_000)]


def test_since_is_never_in_the_future() -> None:
    assert Seen().see(condition(since_ms=9_000_000)) == [("behind", 1_001_000)]


def test_text_and_severity_follow_the_newest_look() -> None:
    seen = Seen()
    seen.see(condition())
    seen.see(condition(text="far behind", severity=Severity.CRITICAL))
    (finding,) = seen.findings.see(
        [], now=seen.now + 1, at_ms=seen.at_ms, may_stay=lambda code, subject: True
    )
    assert (finding.text, finding.severity) == ("far behind", Severity.CRITICAL)


def test_the_same_findings_are_the_same_object() -> None:
    findings = Findings(5.0)
    first, second = (
        findings.see([condition()], now=now, at_ms=1_000, may_stay=lambda code, subject: True)
        for now in (1.0, 2.0)
    )
    assert first is second


def test_the_worst_comes_first_then_the_oldest() -> None:
    def one(name: str, severity: Severity, since_ms: int) -> Condition:
        return condition(subject=Subject("bus", "", name), severity=severity, since_ms=since_ms)

    found = Findings(5.0).see(
        [
            one("young warning", Severity.WARNING, 900),
            one("old warning", Severity.WARNING, 100),
            one("young critical", Severity.CRITICAL, 800),
            one("old critical", Severity.CRITICAL, 700),
        ],
        now=1.0,
        at_ms=1_000,
        may_stay=lambda code, subject: True,
    )
    names = [finding.subject.name for finding in found]
    assert names == ["old critical", "young critical", "old warning", "young warning"]
