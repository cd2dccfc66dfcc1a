"""The ring of the flow: no doubles, in order, bounded, filtered."""

import sys

from eventbus_core.monitoring import BusView, ChannelKind, JournalEntry
from eventbus_tui.filtering import parse
from eventbus_tui.flow_buffer import FlowBuffer, place
from eventbus_tui.flow_export import exported_row
from eventbus_tui.flow_rows import JournalRow, MessageRow, row_text
from tests.tui.letters import sampled
from tests.tui.pieces import AT, bus_view, group, instance, snapshot
from tests.tui.worlds import HOSTILE, entry


def positions(buffer: FlowBuffer) -> list[str]:
    return [row.position if isinstance(row, MessageRow) else row.entry.kind for row in buffer.shown]


def view_of(*journal: JournalEntry) -> BusView:
    groups = [group("mail", "orders"), group("billing", "orders"), group("x", "other")]
    return bus_view(snapshot([], groups, [instance("a"), instance("b")], journal=journal))


def test_samples_that_overlap_bring_no_doubles() -> None:
    buffer = FlowBuffer()
    buffer.take([sampled(n, at_ms=AT + n) for n in range(3)])
    new = buffer.take([sampled(n, at_ms=AT + n) for n in range(1, 5)])
    assert [row.position for row in new] == ["3", "4"]
    assert positions(buffer) == ["0", "1", "2", "3", "4"]


def test_the_same_position_in_another_stream_is_another_message() -> None:
    buffer = FlowBuffer()
    buffer.take([sampled(1), sampled(1, stream="other"), sampled(1, kind=ChannelKind.BROADCAST)])
    assert len(buffer) == 3


def test_it_keeps_the_newest_and_no_more() -> None:
    buffer = FlowBuffer(kept=10)
    for n in range(35):
        buffer.take([sampled(n, at_ms=AT + n)])
    assert positions(buffer) == [str(n) for n in range(25, 35)]
    assert buffer.fallen == 25


def test_payloads_are_not_kept() -> None:
    buffer = FlowBuffer()
    body = b'"' + b"x" * 1_000_000 + b'"'
    (row,) = buffer.take([sampled(1, body=body)])
    assert sys.getsizeof(row.snippet) < 500
    assert len(row.preview) <= 200


def test_what_is_remembered_to_find_doubles_is_bounded() -> None:
    buffer = FlowBuffer(kept=5)
    for n in range(30_000):
        buffer.take([sampled(n, at_ms=AT + n)])
    assert len(buffer._known) <= 20_000
    assert len(buffer) == 5


def test_the_journal_stands_where_it_happened() -> None:
    buffer = FlowBuffer()
    buffer.take([sampled(n, at_ms=AT + n * 100) for n in range(5)])
    buffer.look(view_of(JournalEntry(at_ms=AT + 250, kind="takeover", details={"by": "life-a"})))
    assert positions(buffer) == ["0", "1", "2", "takeover", "3", "4"]


def test_an_entry_of_the_journal_comes_once() -> None:
    buffer = FlowBuffer()
    first, second = entry("retry", 5), entry("takeover", 4)
    buffer.look(view_of(first))
    buffer.look(view_of(first))
    buffer.look(view_of(first, second))
    assert positions(buffer) == ["retry", "takeover"]
    third = entry("loss", 3)
    buffer.look(view_of(second, third))  # the journal is bounded: the oldest went
    assert positions(buffer) == ["retry", "takeover", "loss"]


def test_equal_entries_are_told_apart_by_their_place() -> None:
    buffer = FlowBuffer()
    buffer.look(view_of())
    buffer.look(view_of(entry("retry", 5), entry("retry", 5)))
    assert positions(buffer) == ["retry", "retry"]


def test_a_journal_that_starts_again_is_shown() -> None:
    buffer = FlowBuffer()
    buffer.look(view_of(entry("retry", 9)))
    buffer.look(view_of())
    buffer.look(view_of(entry("loss", 5)))
    assert positions(buffer) == ["retry", "loss"]


def test_a_clock_that_is_put_back_does_not_hide_what_is_new() -> None:
    buffer = FlowBuffer()
    buffer.take([sampled(1, at_ms=AT)])
    buffer.take([sampled(2, at_ms=AT - 3_600_000)])
    assert positions(buffer) == ["1", "2"]


def test_a_place_finds_its_row_again_whatever_comes_and_goes() -> None:
    buffer = FlowBuffer(kept=50)
    for n in range(50):
        buffer.take([sampled(n, at_ms=AT + n)])
    held = place(buffer.shown[30])
    buffer.look(view_of(JournalEntry(at_ms=AT + 10, kind="retry", details={})))
    for n in range(50, 60):
        buffer.take([sampled(n, at_ms=AT + n)])
    row = buffer.shown[buffer.index_of(held)]
    assert isinstance(row, MessageRow)
    assert row.position == "30"
    for n in range(60, 200):
        buffer.take([sampled(n, at_ms=AT + n)])
    assert buffer.index_of(held) == 0


def test_a_filter_keeps_what_fits_and_what_comes_later() -> None:
    buffer = FlowBuffer(kept=10)
    buffer.look(view_of())
    buffer.take([sampled(n, at_ms=AT + n, event=f"e{n % 2}", stream="e") for n in range(6)])
    buffer.filter_by(parse("event=e1"))
    assert positions(buffer) == ["1", "3", "5"]
    buffer.take([sampled(n, at_ms=AT + n, event=f"e{n % 2}", stream="e") for n in range(6, 14)])
    assert positions(buffer) == ["5", "7", "9", "11", "13"]
    buffer.filter_by(parse(""))
    assert len(buffer.shown) == 10


def test_many_rows_are_filtered_in_turns_and_those_that_come_meanwhile_too() -> None:
    buffer = FlowBuffer(kept=5_000)
    buffer.take(sampled(n, at_ms=AT + n, event=f"e{n % 2}") for n in range(5_000))
    assert buffer.filter_by(parse("event=e1"))
    assert positions(buffer) == [str(n) for n in range(3_001, 5_000, 2)]
    buffer.take(sampled(n, at_ms=AT + n, event="e1") for n in range(5_000, 5_010))
    buffer.look(view_of(JournalEntry(at_ms=AT + 20, kind="retry", details={"event": "e1"})))
    buffer.look(view_of(JournalEntry(at_ms=AT + 4_000, kind="loss", details={"event": "e1"})))
    while buffer.filter_more():
        pass
    wanted = [row for row in buffer._rows if buffer._matches(row)]
    assert list(buffer.shown) == wanted
    assert len(wanted) == 2_506
    assert positions(buffer)[:4] == ["13", "15", "17", "19"]


def test_what_a_filter_may_ask_for() -> None:
    buffer = FlowBuffer()
    buffer.look(view_of(entry("takeover", 1, channel="orders billing", by="life-a")))
    buffer.take(
        [
            sampled(1, source="web-1", body=b'{"name":"Ada"}'),
            sampled(2, kind=ChannelKind.INBOX, stream="b", target="b", source="web-2"),
            sampled(3, kind=ChannelKind.BROADCAST, stream="", body=b"x" * 500),
        ]
    )
    for text, wanted in {
        "mode=anycast": ["1"],
        "mode=unicast target=b": ["2"],
        "mode=broadcast": ["3"],
        "source~web": ["1", "2"],
        "group~billing": ["takeover", "1"],
        "event=orders mode=anycast": ["1"],
        "kind=takeover": ["takeover"],
        "size>400": ["3"],
        "ada": ["1"],
        "re:web-[2-9]": ["2"],
        "!kind=message": ["takeover"],
        "took over": ["takeover"],
        "id~" + sampled(2).id: ["2"],
    }.items():
        buffer.filter_by(parse(text))
        assert positions(buffer) == wanted, text


def test_who_gets_a_message_is_told() -> None:
    buffer = FlowBuffer()
    buffer.look(view_of())
    work, inbox, all_, lonely = buffer.take(
        [
            sampled(1),
            sampled(2, kind=ChannelKind.INBOX, stream="b", target="b"),
            sampled(3, kind=ChannelKind.BROADCAST, stream="", event="prices"),
            sampled(4, stream="nobody", event="nobody"),
        ]
    )
    told = buffer.audience.told
    assert told(work) == "billing, mail"
    assert told(inbox) == "b"
    assert told(all_) == "all (2 instances)"
    assert told(lonely) == "no group yet"


def test_a_look_says_whether_rows_look_different() -> None:
    buffer = FlowBuffer()
    assert buffer.look(view_of())
    assert not buffer.look(view_of())
    assert buffer.look(bus_view(snapshot([], [group("new", "orders")])))


def test_an_unreadable_message_says_why() -> None:
    buffer = FlowBuffer()
    (row,) = buffer.take([sampled(1, problem="written by \x1b[31m a later release")])
    assert row.preview == "written by ␛[31m a later release"
    assert exported_row(row, buffer.audience)["problem"]


def test_hostile_texts_are_harmless() -> None:
    buffer = FlowBuffer()
    for text in HOSTILE:
        body = text.encode("utf-8", "surrogatepass") + b"\xff\xfe\x1b"
        (row,) = buffer.take(
            [sampled(hash(text), event=text, source=text, stream=text, target=text, body=body)]
        )
        buffer.look(bus_view(snapshot([], [group(text, text)], journal=[entry(text, 1, by=text)])))
        assert row_text(row, buffer.audience).isprintable()
        for shown in buffer.shown:
            if isinstance(shown, JournalRow):
                assert "".join(cell.text for cell in shown.told).isprintable()
        assert exported_row(row, buffer.audience)


def test_another_bus_starts_from_nothing() -> None:
    buffer = FlowBuffer()
    buffer.filter_by(parse("orders"))
    buffer.take([sampled(1)])
    buffer.look(view_of(entry("retry", 5)))
    buffer.clear()
    assert len(buffer) == 0
    buffer.take([sampled(1)])
    assert positions(buffer) == ["1"]
