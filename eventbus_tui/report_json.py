"""A report as JSON. The fields are described in docs/monitor-cli.md; a test compares."""

import json
import math
from typing import Any, Final, TypeAlias

from eventbus_core.monitoring import (
    BusView,
    ConsumerSnapshot,
    Finding,
    GroupView,
    InstanceView,
    SharedOptions,
    StreamView,
    Vitals,
)

from .filtering import Filter
from .marks import ASCII
from .report import Kept, Report, kept

SCHEMA: Final = "eventbus-tui/1"
"""Fields may be added under the same number; when one goes or changes, the number grows."""

Fields: TypeAlias = dict[str, Any]


def as_json(report: Report, chosen: Filter, *, indent: int | None = None) -> str:
    """One object, ASCII, without a newline at its end; on one line without `indent`."""
    return json.dumps(fields(report, chosen), indent=indent, allow_nan=False)


def fields(report: Report, chosen: Filter) -> Fields:
    """The object. What is not known is null; `unknown` beside it says why, by field name."""
    view = report.view
    return {
        "schema": SCHEMA,
        "status": report.status.word,
        "exit_status": int(report.status),
        "error": report.error,
        "made_ms": report.made_ms,
        "bus": report.bus or None,
        "buses": [*report.buses],
        "stored": report.stored,
        "interval": report.interval,
        "view": None if view is None else _view(view, kept(view, ASCII, chosen)),
    }


def _view(view: BusView, shown: Kept) -> Fields:
    of = view.snapshot
    dead = of.dead_letters
    server = of.server
    return {
        "at_ms": of.at_ms,
        "poll_seconds": view.poll_seconds,
        "looks": view.looks,
        "rate_in": view.totals.rate_in,
        "rate_out": view.totals.rate_out,
        "settle_rate": view.totals.settle_rate,
        "fail_rate": view.totals.fail_rate,
        "findings": [_finding(each) for each in view.findings],
        "streams": [_stream(each) for each, _ in shown.streams],
        "groups": [_group(each) for each, _ in shown.groups],
        "instances": [_instance(each) for each, _ in shown.instances],
        "absent": [*of.absent],
        "dead_letters": {
            "count": dead.count,
            "oldest_ms": dead.oldest_ms,
            "newest_ms": dead.newest_ms,
            "growth": view.dead_letter_growth,
            "unknown": {**dead.unknown},
        },
        "totals": {**of.totals},
        "journal": [
            {"at_ms": each.at_ms, "kind": each.kind, "details": {**each.details}}
            for each in of.journal
        ],
        "options": None if of.options is None else _options(of.options),
        "server": {
            "product": server.product,
            "version": server.version,
            "where": server.where,
            "used_bytes": server.used_bytes,
            "max_bytes": server.max_bytes,
            "clients": server.clients,
            "uptime": server.uptime,
            "unknown": {**server.unknown},
        },
        "unknown": {**of.unknown},
    }


def _finding(finding: Finding) -> Fields:
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "subject": {
            "kind": finding.subject.kind,
            "key": finding.subject.key,
            "name": finding.subject.name,
        },
        "text": finding.text,
        "since_ms": finding.since_ms,
        "next_step": finding.next_step,
        "runbook": finding.runbook,
    }


def _stream(stream: StreamView) -> Fields:
    of = stream.snapshot
    return {
        "key": stream.key,
        "kind": of.kind.value,
        "name": of.name,
        "length": of.length,
        "bytes": of.bytes,
        "added": of.added,
        "backlog": of.backlog,
        "oldest_ms": of.oldest_ms,
        "newest_ms": of.newest_ms,
        "rate_in": stream.rate_in,
        "rate_out": stream.rate_out,
        "margin": stream.margin,
        "findings": [each.code for each in stream.findings],
        "unknown": {**of.unknown},
    }


def _group(group: GroupView) -> Fields:
    of = group.snapshot
    drain = group.drain_seconds
    never = drain is not None and math.isinf(drain)
    return {
        "key": group.key,
        "kind": of.kind.value,
        "event": of.event,
        "name": of.name,
        "lag": of.lag,
        "pending": of.pending,
        "waiting": of.waiting,
        "delayed": of.delayed,
        "backlog": of.backlog,
        "settled": of.settled,
        "oldest_pending_ms": of.oldest_pending_ms,
        "oldest_age": group.oldest_age,
        "last_member_ms": of.last_member_ms,
        "settle_rate": group.settle_rate,
        "growth": group.growth,
        "drain_seconds": None if never else drain,
        "never_drains": never,
        "members": group.members,
        "orphaned": group.orphaned,
        "consumers": [_consumer(each) for each in of.consumers],
        "findings": [each.code for each in group.findings],
        "unknown": {**of.unknown},
    }


def _consumer(consumer: ConsumerSnapshot) -> Fields:
    return {
        "incarnation": consumer.incarnation,
        "instance": consumer.instance,
        "alive": consumer.alive,
        "pending": consumer.pending,
    }


def _instance(instance: InstanceView) -> Fields:
    of = instance.snapshot
    return {
        "incarnation": instance.key,
        "id": instance.id,
        "state": instance.state.value,
        "declared": instance.declared,
        "last_seen_ms": instance.last_seen_ms,
        "uptime": instance.uptime,
        "handled_rate": instance.handled_rate,
        "failed_rate": instance.failed_rate,
        "orphaned": instance.orphaned,
        "taken_over": instance.taken_over,
        "fixed": of and of.fixed,
        "role": of and of.role,
        "group": of and of.group,
        "host": of and of.host,
        "pid": of and of.pid,
        "version": of and of.version,
        "started_ms": of and of.started_ms,
        "lease": of and of.lease,
        "lease_left": of and of.lease_left,
        "heartbeat_age": of and of.heartbeat_age,
        "behind": of and of.behind,
        "pending": of and of.pending,
        "subscriptions": [
            {"mode": each.mode.value, "event": each.event, "group": each.group}
            for each in (of.subscriptions if of else ())
        ],
        "options": of and _options(of.options),
        "vitals": of and of.vitals and _vitals(of.vitals),
        "findings": [each.code for each in instance.findings],
        "unknown": {**of.unknown} if of else {},
    }


def _vitals(vitals: Vitals) -> Fields:
    return {name: getattr(vitals, name) for name in vitals.__struct_fields__}


def _options(options: SharedOptions) -> Fields:
    """Seconds and counts; -1 is for ever."""
    return {name: getattr(options, name) for name in options.__struct_fields__}
