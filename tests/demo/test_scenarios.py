"""What the scenarios promise is there to see, in time, on a server and in memory."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from eventbus_core.demo import open_demo
from eventbus_core.demo.opening import EMBEDDED, MEMORY
from eventbus_core.monitoring import ChannelKind, InstanceState
from tests.demo.looking import Looker, looking

URLS = {EMBEDDED: None, MEMORY: "memory://eventbus-demo-test"}
IMAGES, PRINTER = "images@image:uploaded", "printer-1 (inbox)"
SEARCH, BILLING, MAIL = "search@page:viewed", "billing@order:placed", "mail@order:placed"
PROMISED = 15.0
"""Seconds within which a tour shows everything; tests allow for a busy machine."""
DEADLINE = 25.0


@pytest.fixture(params=URLS)
def url(request: pytest.FixtureRequest) -> str | None:
    return URLS[request.param]


def state_of(looker: Looker, instance: str) -> InstanceState | None:
    states = [view.state for view in looker.view.instances if view.id == instance]
    return states[-1] if states else None


def orphaned(looker: Looker, instance: str) -> int:
    return sum(view.orphaned for view in looker.view.instances if view.id == instance)


async def test_the_tour_shows_a_death_a_backlog_and_a_poison_message(
    url: str | None, record_property: Callable[[str, object], None]
) -> None:
    with open_demo(url=url) as demo:
        async with looking(demo) as looker:
            most = 0

            def recovered() -> bool:
                nonlocal most
                most = max(most, looker.backlog(SEARCH))
                return most >= 500 and looker.backlog(SEARCH) < 50

            await looker.until(
                DEADLINE,
                all_live=lambda: len(looker.view.snapshot.instances) == 12,
                all_modes=lambda: (
                    {s.kind for s in looker.view.snapshot.streams if s.added} == set(ChannelKind)
                ),
                dead=lambda: state_of(looker, "billing-2") is InstanceState.DEAD,
                orphans=lambda: orphaned(looker, "billing-2") > 0,
                declared=lambda: looker.journal("declared dead"),
                taken_over=lambda: looker.view.snapshot.totals.get("taken over", 0) >= 3,
                behind=lambda: looker.backlog(SEARCH) >= 500,
                recovered=recovered,
                dead_letter=lambda: looker.view.snapshot.dead_letters.count,
                found_dead=lambda: looker.finds("DEAD", "billing-2"),
                found_lagging=lambda: looker.finds("LAGGING", SEARCH),
                found_letters=lambda: looker.finds("DEAD-LETTERS"),
            )
            (letter,) = await looker.monitor.dead_letters(demo.bus, group="mail")
            assert "is not a mail address" in letter.error
            assert looker.journal("declared dead") == 1
            await looker.until(
                DEADLINE, back=lambda: state_of(looker, "billing-2") is InstanceState.LIVE
            )
    record_property("times", looker.times)


@asynccontextmanager
async def in_memory(scenario: str) -> AsyncIterator[Looker]:
    with open_demo(scenario=scenario, url=f"memory://eventbus-demo-{scenario}") as demo:
        async with looking(demo) as looker:
            yield looker


async def test_nothing_goes_wrong_when_it_is_calm() -> None:
    async with in_memory("calm") as looker:
        await looker.until(
            DEADLINE,
            much_done=lambda: looker.settled(BILLING) >= 60 and looker.settled(MAIL) >= 60,
        )
        assert looker.view.snapshot.journal == ()
        assert looker.view.snapshot.dead_letters.count == 0
        assert max(looker.backlog(view.name) for view in looker.view.groups) < 100
        assert not any(view.findings for view in looker.views)


async def test_one_group_recovers_and_another_never_does() -> None:
    async with in_memory("lag") as looker:
        await looker.until(DEADLINE, far_behind=lambda: looker.backlog(SEARCH) >= 1_000)
        images = looker.backlog(IMAGES)
        assert images >= 20
        await looker.until(
            40.0,
            recovered=lambda: looker.backlog(SEARCH) < 50,
            not_recovered=lambda: looker.backlog(IMAGES) > 2 * images,
        )


async def test_poison_messages_become_dead_letters_for_three_reasons() -> None:
    async with in_memory("poison") as looker:
        await looker.until(
            DEADLINE,
            groups=lambda: looker.dead_letter_groups() == {"mail", "billing", "shipping"},
        )
        letters = await looker.monitor.dead_letters(looker.bus)
        reasons = {letter.group: (letter.reason, letter.error) for letter in letters}
        assert reasons["mail"][0] == "failed 4 times"
        assert "is not a mail address" in reasons["mail"][1]
        assert reasons["billing"][0] == "rejected by its handler: we do not take shells"
        assert reasons["shipping"][0] == "failed 2 times"
        assert "TimeoutError" in reasons["shipping"][1]


async def test_what_is_stuck_does_not_move() -> None:
    async with in_memory("stuck") as looker:
        await looker.until(
            DEADLINE,
            hangs=lambda: looker.vitals("images-1").slowest_seconds > 3.0,
            kept=lambda: looker.backlog(PRINTER) >= 5,
        )
        settled = looker.settled(PRINTER), looker.settled(IMAGES)
        kept = looker.backlog(PRINTER)
        await looker.until(DEADLINE, more=lambda: looker.backlog(PRINTER) >= kept + 5)
        assert (looker.settled(PRINTER), looker.settled(IMAGES)) == settled
        # Nothing runs there, and yet it has them in hand: a monitor can tell the two apart.
        assert looker.vitals("printer-1").running == 0
        assert looker.vitals("images-1").running == 2
        await looker.until(
            40.0,
            stuck=lambda: looker.finds("STUCK", PRINTER),
            slow=lambda: looker.finds("SLOW-HANDLER", "images-1"),
        )
        assert not looker.finds("STUCK", IMAGES)
