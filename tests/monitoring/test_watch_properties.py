"""Whatever a store says, a Watch gives a view, and no rate in it is negative."""

import math
from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from eventbus_core.monitoring import (
    CODES,
    HISTORY,
    BusSnapshot,
    BusView,
    ChannelKind,
    ConsumerSnapshot,
    DeadLettersSnapshot,
    EventMode,
    Finding,
    GroupSnapshot,
    InstanceSnapshot,
    JournalEntry,
    ServerSnapshot,
    SharedOptions,
    StreamSnapshot,
    Subscription,
    Thresholds,
    Vitals,
    Watch,
)

# Few names, so that looks are about the same things; some that could be taken for markup.
NAMES = st.sampled_from(["a", "b", "[/x]", ""])
COUNT = st.integers(0, 5) | st.integers(0, 2**63)
MAYBE = st.none() | COUNT
MS = st.integers(1_767_225_600_000, 1_767_225_900_000) | st.integers(0, 2**42)
MAYBE_MS = st.none() | MS
SECONDS = st.floats(0, 100) | st.floats(0, 1e9)
UNKNOWN = st.dictionaries(
    st.sampled_from(["lag", "pending", "backlog", "format", "options", "subscriptions", "count"]),
    st.text(max_size=5),
    max_size=2,
)
VITALS = st.builds(
    Vitals, handled=COUNT, failed=COUNT, running=st.integers(0, 2), slowest=NAMES,
    slowest_seconds=SECONDS,
)  # fmt: skip
OPTIONS = st.builds(
    SharedOptions, max_backlog=st.integers(-1, 10), stream_ttl=st.just(-1.0) | SECONDS
)
CONSUMERS = st.lists(
    st.builds(
        ConsumerSnapshot, incarnation=NAMES, instance=NAMES, alive=st.booleans(), pending=COUNT
    ),
    max_size=3,
).map(tuple)
STREAMS = st.builds(
    StreamSnapshot, kind=st.sampled_from(ChannelKind), name=NAMES, length=MAYBE, bytes=MAYBE,
    added=MAYBE, backlog=MAYBE, oldest_ms=MAYBE_MS, newest_ms=MAYBE_MS, unknown=UNKNOWN,
)  # fmt: skip
GROUPS = st.builds(
    GroupSnapshot, kind=st.sampled_from([ChannelKind.WORK, ChannelKind.INBOX]), event=NAMES,
    name=NAMES, lag=MAYBE, pending=MAYBE, waiting=MAYBE, delayed=MAYBE, settled=MAYBE,
    oldest_pending_ms=MAYBE_MS, consumers=CONSUMERS, last_member_ms=MAYBE_MS, unknown=UNKNOWN,
)  # fmt: skip
SUBSCRIPTIONS = st.lists(
    st.builds(Subscription, mode=st.sampled_from(EventMode), event=NAMES, group=NAMES), max_size=3
).map(tuple)
INSTANCES = st.builds(
    InstanceSnapshot, id=NAMES, incarnation=NAMES, fixed=st.booleans(),
    role=st.sampled_from(["both", "publisher", ""]), group=NAMES, host=NAMES, pid=COUNT,
    version=st.sampled_from(["", "0.1.0", "0.2", "x"]), started_ms=MS,
    lease=SECONDS, lease_left=st.floats(-100, 100), subscriptions=SUBSCRIPTIONS, options=OPTIONS,
    behind=MAYBE, pending=MAYBE, vitals=st.none() | VITALS, unknown=UNKNOWN,
)  # fmt: skip
DETAILS = ["count", "from", "channel", "by", "incarnation", "instance", "starts", "cause"]
ENTRIES = st.builds(
    JournalEntry, at_ms=MS,
    kind=st.sampled_from(["takeover", "retry", "dead letter", "loss", "declared dead", "else"]),
    details=st.dictionaries(
        st.sampled_from(DETAILS),
        NAMES | st.sampled_from(["a b", "7", "²", "-1", "9" * 40]),
        max_size=4,
    ),
)  # fmt: skip
SNAPSHOTS = st.builds(
    BusSnapshot, bus=st.sampled_from(["shop", "shop", "other", ""]), at_ms=MS,
    streams=st.lists(STREAMS, max_size=3).map(tuple),
    groups=st.lists(GROUPS, max_size=3).map(tuple),
    instances=st.lists(INSTANCES, max_size=3).map(tuple),
    absent=st.just(()),
    dead_letters=st.builds(
        DeadLettersSnapshot, count=MAYBE, oldest_ms=MAYBE_MS, newest_ms=MAYBE_MS, unknown=UNKNOWN
    ),
    totals=st.dictionaries(
        st.sampled_from(["dead letters", "lost: ", "lost: x", "refused: y"]), COUNT
    ),
    journal=st.lists(ENTRIES, max_size=6).map(tuple),
    options=st.none() | OPTIONS,
    server=st.builds(
        ServerSnapshot, product=NAMES, version=NAMES, where=NAMES, used_bytes=MAYBE,
        max_bytes=MAYBE, clients=MAYBE, uptime=st.none() | SECONDS,
    ),
    unknown=UNKNOWN,
)  # fmt: skip
LOOKS = st.lists(
    st.tuples(
        SNAPSHOTS,
        st.sampled_from([0.0, 0.01, 1.0, 1.0, 60.0, -5.0]) | st.floats(0, 1e6),
        st.floats(0, 10),
        MAYBE_MS,
        st.booleans(),
    ),
    min_size=1,
    max_size=4,
)


# No explanations: they trace every line, and take longer than the rest together.
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(LOOKS)
def test_any_looks(looks: list[tuple[Any, ...]]) -> None:
    watch, now = Watch(Thresholds(clear=1.0)), 100.0
    last: BusSnapshot | None = None
    for snapshot, passed, poll_seconds, wall_ms, again in looks:
        now += passed
        shown = last if again and last is not None else snapshot
        view = watch.see(shown, now=now, poll_seconds=poll_seconds, wall_ms=wall_ms)
        last = shown
        check(view)


def check(view: BusView) -> None:
    for rate in rates(view):
        assert rate is None or (rate >= 0 and math.isfinite(rate))
    attached = dict(_attached(view))
    for finding in view.findings:
        assert finding.code in CODES
        assert finding.text
        kind, key, _ = finding.subject
        assert kind in {"stream", "group", "instance", "dead letters", "bus", "monitor"}
        if kind in ("stream", "group", "instance"):
            assert finding in attached[kind, key]
    for subject, findings in attached.items():
        assert findings == tuple(f for f in view.findings if f.subject[:2] == subject)
    assert len({(f.code, f.subject) for f in view.findings}) == len(view.findings)
    for stream in view.streams:
        assert stream.margin is None or 0 <= stream.margin <= 1
        assert len(stream.history) <= HISTORY
    for group in view.groups:
        assert group.drain_seconds is None or group.drain_seconds >= 0
        assert group.oldest_age is None or group.oldest_age >= 0
        assert group.members >= 0
        assert group.orphaned >= 0


def _attached(view: BusView) -> Iterator[tuple[tuple[str, str], tuple[Finding, ...]]]:
    for stream in view.streams:
        yield ("stream", stream.key), stream.findings
    for group in view.groups:
        yield ("group", group.key), group.findings
    for instance in view.instances:
        yield ("instance", instance.key), instance.findings


def rates(view: BusView) -> Iterator[float | None]:
    for stream in view.streams:
        yield from (stream.rate_in, stream.rate_out)
    for group in view.groups:
        yield group.settle_rate
    for instance in view.instances:
        yield from (instance.handled_rate, instance.failed_rate, instance.uptime)
    totals = view.totals
    yield from (totals.rate_in, totals.rate_out, totals.settle_rate, totals.fail_rate)
