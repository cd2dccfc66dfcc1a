"""Bad arguments that no other test file covers: each is refused with a text that names it."""

from typing import Any

import pytest

from eventbus_core import (
    EventBus,
    InvalidMessageError,
    InvalidOptionError,
    PluginLoadError,
    Retry,
    UnknownTransportError,
)


@pytest.mark.parametrize("limit", [0, -1, 10_001, True, 1.5, "5", None])
async def test_limit_of_a_page_of_dead_letters(limit: Any) -> None:
    async with EventBus("memory://bad-limit") as bus:
        with pytest.raises(InvalidOptionError, match="limit="):
            await bus.dead_letters.list(limit=limit)


async def test_names_given_to_dead_letters() -> None:
    async with EventBus("memory://bad-letters") as bus:
        with pytest.raises(InvalidMessageError, match="event name"):
            await bus.dead_letters.list(event="a b")
        with pytest.raises(InvalidOptionError, match="group"):
            await bus.dead_letters.discard_all(group="")
        assert await bus.dead_letters.redrive("no-such-letter") is False
        assert await bus.dead_letters.discard("0-0") is False


@pytest.mark.parametrize(
    ("transport", "error", "says"),
    [
        ("localhost:6379", InvalidOptionError, "scheme"),
        ("://x", InvalidOptionError, "scheme"),
        ("nosuch://user:secret@host", UnknownTransportError, "nosuch"),
        (5, InvalidOptionError, "URL or a typed config"),
        (object(), InvalidOptionError, "URL or a typed config"),
    ],
)
def test_transport(transport: object, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says) as caught:
        EventBus(transport)
    assert "secret" not in str(caught.value)


def test_plugins() -> None:
    with pytest.raises(InvalidOptionError, match="plugins="):
        EventBus("memory://", plugins="observer")
    with pytest.raises(InvalidOptionError, match="plugins="):
        EventBus("memory://", plugins=5)  # type: ignore[arg-type]
    with pytest.raises(PluginLoadError, match="no hook"):
        EventBus("memory://", plugins=[object()])


@pytest.mark.parametrize("delay", [-1, float("nan"), "soon", True])
def test_delay_of_retry(delay: Any) -> None:
    with pytest.raises(InvalidOptionError, match="delay="):
        Retry(delay)


def test_an_unknown_option_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="retention"):
        EventBus("memory://", retention=5)  # type: ignore[call-arg]
