"""Every hook: called when it should be, with what it is said to get, and documented."""

import asyncio
import os
import re
import subprocess
import sys
import types
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from eventbus_core import Capabilities, EventBus, Message, Reject, hookimpl, hooks, plugins
from eventbus_core.errors import (
    PluginLoadError,
    TransportUnavailableError,
    UnsupportedError,
)
from eventbus_core.hooks import Opening
from eventbus_core.memory.plugin import eventbus_open_monitor as open_memory_monitor
from eventbus_core.memory.plugin import eventbus_open_transport as open_memory
from eventbus_core.monitoring import open_monitor
from eventbus_core.testing import wait_until

PAGE = Path(__file__).resolve().parents[2] / "docs" / "plugins.md"
HOOKS = sorted(name for name in vars(hooks) if name.startswith("eventbus_"))


class Config:
    """A typed config of a plug-in of somebody else's."""

    scheme = "other"


class Plugin(types.ModuleType):
    """A transport plug-in that notes what it was given, and opens the memory transport."""

    eventbus_open_embedded: Any
    """Not there unless a test sets it."""

    def __init__(self, **capabilities: bool) -> None:
        super().__init__("a_plugin")
        self.openings: list[Opening] = []
        declared = Capabilities(**capabilities)

        @hookimpl
        def eventbus_open_transport(opening: Opening) -> Any:
            self.openings.append(opening)
            return open_memory(opening._replace(target="memory://hooks"))

        @hookimpl
        def eventbus_capabilities() -> Capabilities:
            return declared

        @hookimpl
        def eventbus_open_monitor(opening: Opening) -> Any:
            self.openings.append(opening)
            return open_memory_monitor(opening._replace(target="memory://hooks"))

        self.eventbus_open_transport = eventbus_open_transport
        self.eventbus_capabilities = eventbus_capabilities
        self.eventbus_open_monitor = eventbus_open_monitor

    name = "other"
    value = "a_plugin"
    dist = None

    def load(self) -> "Plugin":
        """As an entry point does."""
        return self


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> Plugin:
    made = Plugin(failover=True, redrive=True, monitoring=True)
    monkeypatch.setattr(plugins, "_entry_points", lambda: [made])
    return made


def test_there_are_hooks() -> None:
    assert len(HOOKS) == 5


@pytest.mark.parametrize("hook", HOOKS)
def test_the_hook_has_a_section_in_the_documentation(hook: str) -> None:
    assert re.search(rf"^### `{hook}`$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert f"::: eventbus_core.hooks.{hook}\n" in PAGE.read_text("utf-8")
    assert getattr(hooks, hook).__doc__


@pytest.mark.parametrize("hook", HOOKS)
def test_the_hook_has_a_test(hook: str) -> None:
    assert any(name.startswith(f"test_{hook}_") for name in globals())


def test_eventbus_open_transport_gets_what_the_bus_was_given(plugin: Plugin) -> None:
    config = Config()
    EventBus(config, name="orders", publish_timeout=3)
    EventBus("OTHER://somewhere/1?x=y")
    assert plugin.openings == [
        Opening(target=config, scheme="other", bus="orders", io_timeout=3.0),
        Opening(target="OTHER://somewhere/1?x=y", scheme="other", bus="default", io_timeout=5.0),
    ]


def test_eventbus_capabilities_decides_what_can_be_asked_for(
    plugin: Plugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert plugins.capabilities_of("other").declared() == ("failover", "redrive", "monitoring")
    assert plugin.openings == []
    monkeypatch.setattr(plugins, "_entry_points", lambda: [Plugin(failover=True)])
    with pytest.raises(UnsupportedError, match="open_monitor needs a transport with 'monitoring'"):
        open_monitor("other://")


async def test_eventbus_open_monitor_gets_the_target_and_no_bus(plugin: Plugin) -> None:
    async with open_monitor("other://store", io_timeout=2.0) as monitor:
        assert await monitor.buses() == ()
    assert plugin.openings == [
        Opening(target="other://store", scheme="other", bus="", io_timeout=2.0)
    ]


async def test_eventbus_open_embedded_gives_a_server_that_is_gone_at_the_end() -> None:
    with plugins.open_embedded("redis") as url:
        async with EventBus(url) as bus:
            assert bus.health().ok
    with pytest.raises(TransportUnavailableError):
        await EventBus(url, connect_timeout=0.01).init()


def test_eventbus_open_embedded_is_refused_where_there_is_none(plugin: Plugin) -> None:
    with pytest.raises(UnsupportedError, match="'other' brings no server"):
        plugins.open_embedded("other")
    plugin.eventbus_open_embedded = hookimpl(lambda: nullcontext("other://served"))
    with plugins.open_embedded("other") as url:
        assert url == "other://served"


async def test_eventbus_incident_tells_observers_of_a_dead_letter() -> None:
    seen: list[tuple[str, str, str, dict[str, str]]] = []

    class Observer:
        @hookimpl
        def eventbus_incident(
            self, bus: str, instance: str, kind: str, details: dict[str, str]
        ) -> None:
            seen.append((bus, instance, kind, dict(details)))
            raise RuntimeError("an observer's fault harms nobody")

    bus = EventBus("memory://incidents", name="orders", plugins=[Observer()])

    @bus.on("order")
    async def refuse(message: Message) -> None:
        raise Reject("no")

    async with bus:
        sent = await bus.emit("order")
        await wait_until(lambda: seen, what="told of it")
        await asyncio.sleep(0)
    ((name, instance, kind, details),) = seen
    assert (name, instance, kind) == ("orders", bus.id, "dead letter")
    assert details.items() >= {"message": sent, "event": "order", "mode": "broadcast"}.items()


BROKEN = {
    "cannot_import": ("import a_module_that_nobody_has", "a_module_that_nobody_has"),
    "exits": ("raise SystemExit(3)", "SystemExit: 3"),
    "no_hooks": ("", "implements no hook"),
    "bad_capabilities": (
        "from eventbus_core import hookimpl\n"
        "@hookimpl\n"
        "def eventbus_capabilities():\n"
        "    return {'durable': True}\n",
        "must return a Capabilities",
    ),
}


def test_broken_plug_ins_say_why_and_hide_no_other(tmp_path: Path) -> None:
    information = tmp_path / "broken_plugins-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-plugins\n")
    entries = [f"{name.replace('_', '-')} = {name}" for name in BROKEN]
    (information / "entry_points.txt").write_text("\n".join(["[eventbus]", *entries]))
    for name, (code, _) in BROKEN.items():
        (tmp_path / f"{name}.py").write_text(code)
    listed = subprocess.run(
        [sys.executable, "-m", "eventbus_core", "transports"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    ).stdout.splitlines()
    lines = {line.split()[0]: line for line in listed}
    for name, (_, reason) in BROKEN.items():
        line = lines[name.replace("_", "-")]
        assert "broken-plugins" in line
        assert reason in line
    for scheme in ("memory", "redis"):
        assert "failover" in lines[scheme]


async def test_a_broken_plug_in_of_another_scheme_is_not_even_imported(
    plugin: Plugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(Plugin):
        name = "broken"

        def load(self) -> "Plugin":
            raise ImportError("it is broken")

    monkeypatch.setattr(plugins, "_entry_points", lambda: [Broken(), plugin])
    async with EventBus("other://") as bus:
        assert bus.health().ok
    with pytest.raises(PluginLoadError, match="it is broken"):
        EventBus("broken://")
