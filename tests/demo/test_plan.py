"""What happens, and what is sent, are pure functions of scenario, instance and seed."""

from collections.abc import Iterator
from itertools import islice, pairwise

import msgspec
import pytest

from eventbus_core import InvalidOptionError
from eventbus_core.demo import QUICK_THRESHOLDS, SCENARIOS, open_demo
from eventbus_core.demo.cast import HEARTBEAT, LEASE, PROCESSES, VICTIMS, process_of
from eventbus_core.demo.plan import FAULTS, Action, Step, plan
from eventbus_core.demo.traffic import Sending, streams_of
from eventbus_core.demo.worker import spoiled
from eventbus_core.monitoring import EventMode, Thresholds

INSTANCES = [instance for instances in PROCESSES.values() for instance in instances]
BY_CHANCE = ["tour", "crash", "lag", "poison"]


def steps(scenario: str, seed: int = 0, count: int = 300) -> list[Step]:
    return list(islice(plan(scenario, seed), count))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_same_seed_plans_the_same(scenario: str) -> None:
    assert steps(scenario, 7) == steps(scenario, 7)


@pytest.mark.parametrize("scenario", BY_CHANCE)
def test_another_seed_plans_something_else(scenario: str) -> None:
    assert steps(scenario, 7) != steps(scenario, 8)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_steps_come_in_order_and_name_whom_there_is(scenario: str) -> None:
    planned = steps(scenario)
    assert all(one.at <= next_one.at for one, next_one in pairwise(planned))
    for step in planned:
        if step.action in (Action.KILL, Action.START):
            assert step.who in VICTIMS
        else:
            assert step.who in INSTANCES
        assert (step.detail in FAULTS) == (step.action is Action.SPOIL)


@pytest.mark.parametrize("scenario", ["tour", "crash"])
@pytest.mark.parametrize("seed", range(5))
def test_who_dies_is_declared_dead_before_it_is_started_again(scenario: str, seed: int) -> None:
    planned = steps(scenario, seed)
    for victim in VICTIMS:
        lives = [s for s in planned if s.who == victim and s.action in (Action.KILL, Action.START)]
        assert len(lives) > 4
        assert [step.action for step in lives[:4]] == [Action.KILL, Action.START] * 2
        for death, restart in zip(lives[::2], lives[1::2], strict=False):
            assert restart.at - death.at > LEASE + 2 * HEARTBEAT


@pytest.mark.parametrize("seed", range(5))
def test_the_tour_shows_everything_soon_and_again(seed: int) -> None:
    planned = steps("tour", seed)
    kinds = {Action.KILL, Action.START, Action.SPOIL, Action.RUSH, Action.SLOW}
    first = [step for step in planned if step.at < 15]
    assert {step.action for step in first} == kinds
    assert [step.who for step in first if step.action is Action.KILL] == ["billing-2"]
    assert next(step.at for step in first if step.action is Action.KILL) <= 4
    for start in range(20, 200, 60):
        assert {step.action for step in planned if start <= step.at < start + 60} == kinds


def test_nothing_happens_when_it_is_calm() -> None:
    assert steps("calm") == []


def test_everything_that_gets_slow_or_busy_in_the_tour_recovers() -> None:
    state: dict[tuple[str, str], float] = {}
    normal = 0
    for step in steps("tour"):
        if step.action in (Action.SLOW, Action.RUSH):
            state[step.who, step.detail] = step.factor
        elif step.action is Action.START:
            state[step.who, ""] = 1.0  # a new process
        normal += all(factor == 1.0 for factor in state.values())
    assert normal > 20


def test_a_wrong_scenario_is_told_the_right_ones() -> None:
    with pytest.raises(InvalidOptionError, match="'nosuch' must be one of tour, calm, crash"):
        open_demo(scenario="nosuch")


def test_every_instance_has_one_process() -> None:
    assert len(INSTANCES) == len(set(INSTANCES)) == 12
    assert all(instance in PROCESSES[process_of(instance)] for instance in INSTANCES)
    assert all(PROCESSES[victim] == (victim,) for victim in VICTIMS)


def first(stream: Iterator[Sending], count: int = 400) -> list[Sending]:
    return list(islice(stream, count))


@pytest.mark.parametrize("instance", INSTANCES)
def test_the_same_seed_sends_the_same(instance: str) -> None:
    once, again, other = (streams_of(instance, seed) for seed in (3, 3, 4))
    for event in once:
        sent = first(once[event])
        assert sent == first(again[event])
        assert sent != first(other[event])
        assert {sending.event for sending in sent} == {event}
        msgspec.json.encode([sending.data for sending in sent])


def test_all_modes_are_sent_at_a_bearable_rate() -> None:
    modes: set[EventMode] = set()
    rate = 0.0
    for instance in INSTANCES:
        for stream in streams_of(instance, 0).values():
            sent = first(stream)
            modes |= {sending.mode for sending in sent}
            rate += len(sent) / sum(sending.after for sending in sent)
            assert all(s.target in INSTANCES for s in sent if s.mode is EventMode.UNICAST)
    assert modes == set(EventMode)
    assert 50 < rate < 150


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_changes_the_order_alone(fault: str) -> None:
    order = first(streams_of("storefront-1", 0)["order:placed"], 1)[0].data
    before = msgspec.json.encode(order)
    wrong = spoiled(order, fault)
    assert wrong != order
    assert wrong["order"] == order["order"]
    assert msgspec.json.encode(order) == before


def test_the_quick_thresholds_are_thresholds() -> None:
    Thresholds(**QUICK_THRESHOLDS)  # type: ignore[arg-type] # some are int, as they should be
