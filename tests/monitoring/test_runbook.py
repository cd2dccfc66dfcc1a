"""The runbook has a section for each code, which prints its thresholds."""

import re
from collections.abc import Mapping

import pytest

from eventbus_core.monitoring import CODES, THRESHOLDS, Finding, Severity, Subject, ThresholdInfo
from tests.architecture.git_files import ROOT

PAGE = (ROOT / "docs" / "runbook.md").read_text("utf-8")


def _sections() -> Mapping[str, str]:
    _, *rest = re.split(r"^## (.+)$", PAGE, flags=re.MULTILINE)
    return dict(zip(rest[::2], rest[1::2], strict=True))


def _line(info: ThresholdInfo) -> str:
    return f"- `{info.name}` ({info.default:,g} {info.unit}): {info.means}"


def test_it_has_a_section_for_each_code_in_their_order() -> None:
    assert [name for name in _sections() if name in CODES] == list(CODES)


@pytest.mark.parametrize("code", CODES)
def test_a_section_says_what_it_is_about(code: str) -> None:
    text = " ".join(_sections()[code].split())
    assert CODES[code].means in text
    assert CODES[code].next_step in text
    for heading in ("**How it is judged.**", "**First steps.**", "**How it clears.**"):
        assert heading in text


@pytest.mark.parametrize("name", THRESHOLDS)
def test_each_threshold_is_printed_where_it_belongs(name: str) -> None:
    info = THRESHOLDS[name]
    assert _line(info) in " ".join(_sections()[info.code or "When a finding goes"].split())


def test_nothing_else_is_printed_as_a_threshold() -> None:
    printed = re.findall(r"^- `(\w+)` \(", PAGE, flags=re.MULTILINE)
    assert sorted(printed) == sorted(THRESHOLDS)


@pytest.mark.parametrize("code", CODES.values(), ids=str)
def test_a_code_is_a_name_with_one_sentence_each(code: object) -> None:
    (known,) = (each for each in CODES.values() if each is code)
    assert re.fullmatch(r"[A-Z]+(-[A-Z]+)*", known.name)
    for sentence in (known.means, known.next_step):
        assert re.fullmatch(r"[A-Z][^.]+\.", sentence)


def test_a_finding_leads_to_its_section() -> None:
    finding = Finding(
        code="SLOW-HANDLER",
        severity=Severity.WARNING,
        subject=Subject("instance", "a-1", "a"),
        text="",
        since_ms=0,
    )
    assert finding.runbook == "docs/runbook.md#slow-handler"
    assert finding.next_step == CODES["SLOW-HANDLER"].next_step
