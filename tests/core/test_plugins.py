"""Finding and loading transports: a broken one says why, and breaks no other."""

import types
from collections.abc import Callable
from typing import Any

import pytest

from eventbus_core import plugins
from eventbus_core.capabilities import Capabilities
from eventbus_core.errors import InvalidOptionError, PluginLoadError, UnknownTransportError
from eventbus_core.hooks import Opening, hookimpl
from eventbus_core.memory import MemoryConfig
from eventbus_core.memory import plugin as memory_plugin
from eventbus_core.memory.transport import MemoryTransport

SECRET = "s3cret-pass"


class FakeEntryPoint:
    """As much of an entry point as the loader uses."""

    dist = None

    def __init__(self, name: str, load: Callable[[], object], value: str = "made_up") -> None:
        self.name = name
        self.value = value
        self.loads = 0
        self._load = load

    def load(self) -> object:
        self.loads += 1
        return self._load()


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> dict[str, FakeEntryPoint]:
    """Entry points by scheme; memory is there, a test adds others."""
    entries = {"memory": FakeEntryPoint("memory", lambda: memory_plugin)}
    monkeypatch.setattr(plugins, "_entry_points", entries.values)
    return entries


def open_(target: object) -> object:
    return plugins.open_transport(target, bus="b", io_timeout=1.0)


def module(**functions: object) -> types.ModuleType:
    made = types.ModuleType("made_up_plugin")
    made.__dict__.update(functions)
    return made


def fail(exc: BaseException) -> Callable[..., Any]:
    def raising(*args: object, **kwargs: object) -> object:
        raise exc

    return raising


@hookimpl
def eventbus_open_transport(opening: Opening) -> object:
    raise RuntimeError(f"cannot use {opening.target}")


raising_open = eventbus_open_transport


class TestMemory:
    def test_the_installed_distribution_names_the_memory_plugin(self) -> None:
        assert "memory" in plugins.installed_schemes()
        assert isinstance(open_("memory://"), MemoryTransport)

    def test_its_capabilities_are_known_without_opening_it(self) -> None:
        declared = plugins.capabilities_of("memory")
        assert declared == Capabilities(failover=True, redrive=True, monitoring=True, actions=True)
        assert declared.declared() == ("failover", "redrive", "monitoring", "actions")

    def test_a_url_and_a_config_name_the_same_store(self) -> None:
        by_url, by_config = open_("memory://one"), open_(MemoryConfig(name="one"))
        assert isinstance(by_url, MemoryTransport)
        assert isinstance(by_config, MemoryTransport)
        assert by_url.store is by_config.store

    def test_names_are_stores_of_their_own(self) -> None:
        stores = {open_(url).store for url in ("memory://", "memory://one", "MEMORY://two")}  # type: ignore[attr-defined]
        assert len(stores) == 3

    @pytest.mark.parametrize(
        ("url", "text"),
        [
            (f"memory://user:{SECRET}@name", "user information"),
            (f"memory://:{SECRET}@", "user information"),
            ("memory://name/path", "path"),
            ("memory:///", "path"),
            (f"memory://name?password={SECRET}", "query"),
            ("memory://name#part", "fragment"),
            ("memory://a b", "spaces"),
            ("memory://" + "x" * 256, "255"),
        ],
    )
    def test_a_url_takes_a_name_and_nothing_else(self, url: str, text: str) -> None:
        with pytest.raises(InvalidOptionError, match=text) as caught:
            open_(url)
        assert SECRET not in str(caught.value)

    @pytest.mark.parametrize("name", ["a/b", "a@b", "a?b", "a#b", "a b", None, 1])
    def test_a_config_refuses_names_that_no_url_could_have(self, name: Any) -> None:
        with pytest.raises(InvalidOptionError, match="name of a memory store"):
            MemoryConfig(name=name)


class TestUnknown:
    def test_an_unknown_scheme_lists_the_installed_ones(
        self, installed: dict[str, FakeEntryPoint]
    ) -> None:
        installed["zmq"] = FakeEntryPoint("zmq", fail(AssertionError("must not be imported")))
        with pytest.raises(UnknownTransportError, match="'kafka'; installed: memory, zmq") as error:
            open_(f"kafka://user:{SECRET}@host")
        assert error.value.installed == ("memory", "zmq")
        assert SECRET not in str(error.value)

    @pytest.mark.parametrize("target", ["", "memory", f"user:{SECRET}@host", "://x", f"//{SECRET}"])
    def test_a_url_without_a_scheme(self, target: str) -> None:
        with pytest.raises(InvalidOptionError, match="no scheme") as caught:
            open_(target)
        assert SECRET not in str(caught.value)

    @pytest.mark.parametrize("target", [None, 5, b"memory://", object()])
    def test_neither_a_url_nor_a_config(self, target: object) -> None:
        with pytest.raises(InvalidOptionError, match="typed config"):
            open_(target)


BROKEN: dict[str, tuple[Callable[[], object], str]] = {
    "import error": (fail(ImportError("no module named 'zmq'")), "no module named 'zmq'"),
    "any error": (fail(ZeroDivisionError("at import")), "ZeroDivisionError"),
    "exit": (fail(SystemExit("I give up")), "I give up"),
    "misspelt hook": (
        lambda: module(eventbus_open_transports=hookimpl(lambda opening: None)),
        "eventbus_open_transports",
    ),
    "misspelt argument": (
        lambda: module(eventbus_open_transport=hookimpl(lambda openning: None)),
        "openning",
    ),
    "no hooks": (module, "no hook"),
    "other hooks only": (
        lambda: module(eventbus_capabilities=hookimpl(lambda: Capabilities())),
        "does not implement eventbus_open_transport",
    ),
    "opens nothing": (
        lambda: module(eventbus_open_transport=hookimpl(lambda opening: None)),
        "does not implement eventbus_open_transport",
    ),
    "raising hook": (lambda: module(eventbus_open_transport=raising_open), "RuntimeError"),
}


class TestBroken:
    @pytest.mark.parametrize("kind", BROKEN)
    def test_it_says_why_and_disturbs_no_other(
        self, installed: dict[str, FakeEntryPoint], kind: str
    ) -> None:
        load, text = BROKEN[kind]
        installed["broken"] = FakeEntryPoint("broken", load)
        assert plugins.installed_schemes() == ("broken", "memory")
        assert isinstance(open_("memory://"), MemoryTransport)
        assert installed["broken"].loads == 0
        with pytest.raises(PluginLoadError, match=text) as caught:
            open_(f"broken://user:{SECRET}@host")
        assert caught.value.name == "broken"
        assert SECRET not in str(caught.value)
        assert isinstance(open_("memory://"), MemoryTransport)

    def test_the_cause_is_chained(self, installed: dict[str, FakeEntryPoint]) -> None:
        cause = ImportError("no module named 'zmq'")
        installed["broken"] = FakeEntryPoint("broken", fail(cause))
        with pytest.raises(PluginLoadError) as caught:
            open_("broken://")
        assert caught.value.__cause__ is cause

    def test_errors_of_the_library_pass_unchanged(
        self, installed: dict[str, FakeEntryPoint]
    ) -> None:
        @hookimpl
        def eventbus_open_transport(opening: Opening) -> object:
            raise InvalidOptionError(f"{opening.scheme} {opening.bus} {opening.io_timeout}")

        installed["picky"] = FakeEntryPoint(
            "picky", lambda: module(eventbus_open_transport=eventbus_open_transport)
        )
        with pytest.raises(InvalidOptionError, match=r"^picky b 1\.0$"):
            open_("picky://")

    def test_two_distributions_with_one_scheme_are_refused(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        twice = [FakeEntryPoint("db", module, "one"), FakeEntryPoint("db", module, "two")]
        monkeypatch.setattr(plugins, "_entry_points", lambda: twice)
        with pytest.raises(PluginLoadError, match="uninstall all but one"):
            open_("db://")
        assert [entry.loads for entry in twice] == [0, 0]

    def test_the_same_one_found_twice_is_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        twice = [FakeEntryPoint("memory", lambda: memory_plugin) for _ in range(2)]
        monkeypatch.setattr(plugins, "_entry_points", lambda: twice)
        assert plugins.installed_schemes() == ("memory",)
        assert isinstance(open_("memory://"), MemoryTransport)

    def test_a_transport_without_capabilities(self, installed: dict[str, FakeEntryPoint]) -> None:
        installed["mute"] = FakeEntryPoint(
            "mute", lambda: module(eventbus_open_transport=raising_open)
        )
        with pytest.raises(PluginLoadError, match="eventbus_capabilities"):
            plugins.capabilities_of("mute")


class TestObservers:
    def test_registered_observers_are_called(self) -> None:
        seen: list[str] = []

        class Observer:
            @hookimpl
            def eventbus_incident(self, kind: str) -> None:
                seen.append(kind)

        manager = plugins.observer_manager([Observer(), Observer()])
        manager.hook.eventbus_incident(bus="b", instance="i", kind="retry", details={})
        assert seen == ["retry", "retry"]

    def test_what_is_no_plugin_is_refused(self) -> None:
        with pytest.raises(PluginLoadError, match="no hook"):
            plugins.observer_manager([object()])
