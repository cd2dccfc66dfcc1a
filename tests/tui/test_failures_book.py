"""Dead letters as a monitor knows them: read in pages, read again when some are gone."""

from collections.abc import Callable

import pytest

from eventbus_core.monitoring import DeadLetter, DeadLettersSnapshot
from eventbus_tui.letter_book import LetterBook, letter_of
from tests.tui.letters import dead_letter, packed, stored_letter
from tests.tui.pieces import AT
from tests.tui.stub import StubMonitor


class Store(StubMonitor):
    """Counts the pages that are read; `waits` is called for each."""

    def __init__(self, count: int, waits: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self._waits = waits
        self.pages: list[int] = []
        self.source.letters["bus"] = [stored_letter(n) for n in range(count)]

    async def dead_letters(
        self,
        bus: str,
        *,
        limit: int = 100,
        after: str | None = None,
        event: str | None = None,
        group: str | None = None,
    ) -> tuple[DeadLetter, ...]:
        self.pages.append(limit)
        self._waits()
        return await super().dead_letters(bus, limit=limit, after=after, event=event, group=group)

    @property
    def look(self) -> DeadLettersSnapshot:
        letters = self.source.letters["bus"]
        return DeadLettersSnapshot(
            count=len(letters),
            oldest_ms=letters[0].died_ms if letters else None,
            newest_ms=letters[-1].died_ms if letters else None,
        )

    def add(self, *numbers: int) -> None:
        self.source.letters["bus"] += [stored_letter(n) for n in numbers]

    def remove(self, *numbers: int) -> None:
        gone = {f"{n:08d}" for n in numbers}
        self.source.letters["bus"] = [x for x in self.source.letters["bus"] if x.id not in gone]


def numbers(book: LetterBook) -> list[int]:
    return [int(letter.id) for letter in book.letters]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def refresh(book: LetterBook, store: Store) -> None:
    await book.refresh(store, "bus", store.look)


async def test_everything_is_read_in_pages_that_grow() -> None:
    book, store = LetterBook(clock=Clock()), Store(1_000)
    await refresh(book, store)
    assert numbers(book) == list(range(1_000))
    assert store.pages == [50, 100, 200, 400, 500]
    assert not book.wants("bus", store.look)


async def test_slow_pages_become_small() -> None:
    clock = Clock()

    def slowly() -> None:
        clock.now += 0.21

    book, store = LetterBook(clock=clock), Store(80, slowly)
    await refresh(book, store)
    assert store.pages[:3] == [50, 25, 12]


async def test_only_what_is_new_is_read_later() -> None:
    book, store = LetterBook(clock=Clock()), Store(300)
    await refresh(book, store)
    store.pages.clear()
    store.add(300, 301)
    assert book.wants("bus", store.look)
    await refresh(book, store)
    assert numbers(book)[-2:] == [300, 301]
    assert len(store.pages) == 1


@pytest.mark.parametrize("gone", [(0,), (5, 9), (9,), tuple(range(10))])
async def test_what_is_gone_goes(gone: tuple[int, ...]) -> None:
    book, store = LetterBook(clock=Clock()), Store(10)
    await refresh(book, store)
    store.remove(*gone)
    await refresh(book, store)
    assert numbers(book) == [n for n in range(10) if n not in gone]


async def test_one_gone_and_one_new_are_noticed_though_the_count_is_the_same() -> None:
    book, store = LetterBook(clock=Clock()), Store(10)
    await refresh(book, store)
    store.remove(3)
    store.add(10)
    await refresh(book, store)
    assert numbers(book) == [0, 1, 2, 4, 5, 6, 7, 8, 9, 10]


async def test_those_that_came_since_the_look_are_no_reason_to_read_all_again() -> None:
    book, store = LetterBook(clock=Clock()), Store(10)
    look = store.look
    store.add(10, 11)
    await book.refresh(store, "bus", look)
    assert numbers(book) == list(range(12))
    assert len(store.pages) == 1


async def test_the_newest_are_kept_and_the_others_counted() -> None:
    book, store = LetterBook(kept=100, clock=Clock()), Store(350)
    await refresh(book, store)
    assert numbers(book) == list(range(250, 350))
    assert book.older == 250
    store.add(350)
    await refresh(book, store)
    assert (len(book.letters), book.older) == (100, 251)


async def test_an_error_is_kept_until_the_next_success() -> None:
    clock = Clock()
    book, store = LetterBook(clock=clock), Store(10)
    store.source.lose("gone away")
    await refresh(book, store)
    assert "gone away" in book.error
    assert book.letters == ()
    assert not book.wants("bus", store.look)
    clock.now += 3.0
    assert book.wants("bus", store.look)
    store.source.find_again()
    await refresh(book, store)
    assert book.error == ""
    assert len(book.letters) == 10


async def test_after_an_action_it_is_read_at_once() -> None:
    book, store = LetterBook(clock=Clock()), Store(10)
    await refresh(book, store)
    before = book.changes
    store.remove(4)
    book.forget(["00000004", "00000005"])  # the other one could not be done
    assert book.changes > before
    assert book.wants("bus", store.look)
    await refresh(book, store)
    assert numbers(book) == [0, 1, 2, 3, 5, 6, 7, 8, 9]


async def test_another_bus_starts_from_nothing() -> None:
    book, store = LetterBook(clock=Clock()), Store(10)
    await refresh(book, store)
    empty = DeadLettersSnapshot(count=0, oldest_ms=None, newest_ms=None)
    assert book.wants("other", empty)
    await book.refresh(store, "other", empty)
    assert book.letters == ()


async def test_a_letter_is_fetched_whole() -> None:
    book, store = LetterBook(clock=Clock()), Store(10)
    await refresh(book, store)
    letter = await book.fetch(store, "bus", "00000004")
    assert letter is not None
    assert (letter.id, letter.traceback) == ("00000004", "Traceback: …")
    first = await book.fetch(store, "bus", "00000000")
    assert first is not None
    store.remove(4)
    assert await book.fetch(store, "bus", "00000004") is None


def test_what_is_kept_of_a_letter() -> None:
    letter = letter_of(dead_letter(error="shop.errors.CardRefused: no funds " + "x" * 2_000))
    assert letter.error_type == "shop.errors.CardRefused"
    assert len(letter.error) == 500
    assert letter.owner == "billing"
    assert letter.died_ms == AT + 5_000
    lost = letter_of(dead_letter(error="", reason="never finished", group=None, known=False))
    assert (lost.error_type, lost.message_id, lost.owner) == ("never finished", "", "bill-1")


async def test_bytes_that_are_no_message_are_a_letter_without_id() -> None:
    book, store = LetterBook(clock=Clock()), Store(0)
    store.source.letters["bus"] = [stored_letter(1, data=b"\xff"), stored_letter(2, data=packed(2))]
    await refresh(book, store)
    assert [bool(each.message_id) for each in book.letters] == [False, True]
