"""What a finding is, and the table of all that there are."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

RUNBOOK: Final = "docs/runbook.md"


class Severity(StrEnum):
    """How bad it is. `WARNING`: look at it today. `CRITICAL`: work stands still or is lost."""

    WARNING = "warning"
    CRITICAL = "critical"


class Subject(NamedTuple):
    """What a finding is about, in the form that finds it again in a view."""

    kind: str
    """``group``, ``instance``, ``stream``, ``dead letters``, ``bus`` or ``monitor``."""
    key: str
    """The `key` of that view; empty for the last three."""
    name: str
    """As a person would say it, as ``billing@orders``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One kind of finding. Codes are stable: alerts may be made of them."""

    name: str
    severity: Severity
    """The worst that it can have."""
    means: str
    next_step: str

    @property
    def runbook(self) -> str:
        """Where its section is."""
        return f"{RUNBOOK}#{self.name.lower()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is wrong with one subject, and since when."""

    code: str
    severity: Severity
    subject: Subject
    text: str
    """The figures, as ``nothing settled for 3m, 1,204 pending``."""
    since_ms: int
    """When the monitor first saw it, or when the store says that it began. Unix milliseconds of
    the store's clock."""

    @property
    def next_step(self) -> str:
        return CODES[self.code].next_step

    @property
    def runbook(self) -> str:
        return CODES[self.code].runbook


CODES: Final[Mapping[str, Code]] = MappingProxyType(
    {
        code.name: code
        for code in (
            Code(
                name="STUCK",
                severity=Severity.CRITICAL,
                means="A group has work, settles nothing, and no handler is reported as running.",
                next_step="Open the group, see who holds the messages, and restart that instance.",
            ),
            Code(
                name="SLOW-HANDLER",
                severity=Severity.WARNING,
                means="One handler has been running for very long.",
                next_step="Look at what the handler waits for, and give it a timeout.",
            ),
            Code(
                name="NO-CONSUMER",
                severity=Severity.CRITICAL,
                means="Messages wait and no live instance is there that would take them.",
                next_step="Start an instance that subscribes to the event, or the absent target.",
            ),
            Code(
                name="MEMBERLESS-GROUP",
                severity=Severity.WARNING,
                means="A group has no live member, while other groups of its stream have.",
                next_step="Start a member of the group, or drop the group if it is no longer used.",
            ),
            Code(
                name="CONFIG-DRIFT",
                severity=Severity.WARNING,
                means="Live instances announce different values for options of the whole bus.",
                next_step="Give all services the same values, and restart those that differ.",
            ),
            Code(
                name="VERSION",
                severity=Severity.WARNING,
                means="Live instances run different minor releases, or one announces itself in a "
                "format that this monitor does not know.",
                next_step="Finish the upgrade, and update this monitor too.",
            ),
            Code(
                name="LAGGING",
                severity=Severity.WARNING,
                means="A large backlog grows.",
                next_step="Add instances, raise concurrency, or find out why handlers are slow.",
            ),
            Code(
                name="DEAD",
                severity=Severity.CRITICAL,
                means="An instance stopped renewing its lease without leaving.",
                next_step="Find out from its host and log why the process ended, and restart it.",
            ),
            Code(
                name="LATE",
                severity=Severity.WARNING,
                means="The heartbeat of an instance is overdue; its lease still holds.",
                next_step="Look for a blocked event loop, a paused host or a bad network there.",
            ),
            Code(
                name="ORPHANED",
                severity=Severity.CRITICAL,
                means="Messages of a dead instance have not all been taken over.",
                next_step="Make sure that a live instance is subscribed and has a free handler.",
            ),
            Code(
                name="POISON",
                severity=Severity.WARNING,
                means="One message was started again and again without success.",
                next_step="Read its errors under Failures, and repair the handler or the sender.",
            ),
            Code(
                name="DEAD-LETTERS",
                severity=Severity.CRITICAL,
                means="Messages became dead letters a short while ago.",
                next_step="Read their errors under Failures, repair the cause, then redrive them.",
            ),
            Code(
                name="RETENTION-RISK",
                severity=Severity.CRITICAL,
                means="Soon broadcasts get lost or emits are refused: max_backlog, or the memory "
                "of the store, is nearly used up.",
                next_step="Speed up whoever is behind, or raise max_backlog or the store's memory.",
            ),
            Code(
                name="LOST",
                severity=Severity.CRITICAL,
                means="Messages are gone that somebody had yet to handle.",
                next_step="Read the loss in the journal, and send again what cannot be missed.",
            ),
            Code(
                name="LAG-UNKNOWN",
                severity=Severity.WARNING,
                means="The store does not give a figure that says how far behind somebody is.",
                next_step="Read the reason; most often the server is too old or forbids a command.",
            ),
            Code(
                name="MONITOR",
                severity=Severity.WARNING,
                means="The monitor itself does not see well: looks are slow, or clocks differ.",
                next_step="Raise the interval, move the monitor nearer, or set the clocks right.",
            ),
        )
    }
)
"""Every code, by name."""
