"""The state machine: random steps on a transport and on the model."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from eventbus_core.transport import Channel
from tests.model.comparison import Comparison
from tests.model.drain import drain
from tests.model.life_steps import LIFE_STEPS
from tests.model.message_steps import MESSAGE_STEPS
from tests.model.picks import CHANNELS, FIXED, WORK, Step
from tests.model.stores import Store
from tests.model.upkeep_steps import UPKEEP_STEPS


class TransportMachine(RuleBasedStateMachine):
    """Every step is one call, or a few; at the end everything that waits is taken."""

    failures: ClassVar[list[tuple[BaseException, list[object]]]]
    """What failed, with the steps that led to it."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._failed = False
        self._both = Comparison(store)
        self._history: list[object] = []

    @initialize(channels=CHANNELS, fixed=st.booleans())
    def begins(self, channels: frozenset[Channel], fixed: bool) -> None:
        both = self._both
        self._history.append(("begins", channels, fixed))
        self._run(both.join(FIXED[0] if fixed else both.name(), fixed=fixed, channels=channels))
        self._run(both.join(both.name(), channels=frozenset(WORK[:1])))

    def happens(self, step: Step) -> None:
        self._history.append(step)
        self._run(step.happen(self._both))

    # Each run leaves out some rules at random, and takes the others equally often. Most of what
    # it does is about messages, in any case.
    messages = rule(step=MESSAGE_STEPS)(happens)
    more_messages = rule(step=MESSAGE_STEPS)(happens)
    still_more_messages = rule(step=MESSAGE_STEPS)(happens)
    most_messages = rule(step=MESSAGE_STEPS)(happens)
    lives = rule(step=LIFE_STEPS)(happens)
    upkeep = rule(step=UPKEEP_STEPS)(happens)

    def teardown(self) -> None:
        try:
            if not self._failed:
                self._run(drain(self._both))
        finally:
            self._run(self._both.end())
            self._runner.close()

    def _run(self, step: Coroutine[Any, Any, object]) -> None:
        try:
            self._runner.run(step)
        except BaseException as error:
            self._failed = True
            self.failures.append((error, self._history))
            raise


def compare(store: Callable[[], Store], how: settings) -> None:
    """Compare stores with the model. Raises AssertionError."""

    class Machine(TransportMachine):
        failures: ClassVar[list[tuple[BaseException, list[object]]]] = []

        def __init__(self) -> None:
            super().__init__(store())

    try:
        run_state_machine_as_test(Machine, settings=how)
    except Flaky as flaky:
        if not Machine.failures:
            raise
        # On a real server the same steps need not fail again. That they did once counts.
        error, steps = Machine.failures[0]
        error.add_note("\n".join(["after", *map(repr, steps)]))
        raise error from flaky
