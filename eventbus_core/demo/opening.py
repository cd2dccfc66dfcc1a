"""`open_demo`: simulated services to look at, gone at the end."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from ..errors import EventBusError
from ..plugins import capabilities_of, scheme_of
from .backstage import Backstage
from .logs import logged_to
from .plan import check_scenario
from .wire import Settings

if TYPE_CHECKING:
    from .thread_stage import ThreadedShop

BUS: Final = "shop"
EMBEDDED: Final = "an embedded Valkey server"
MEMORY: Final = "memory, in this process"
GIVEN: Final = "the given server"


class Demo:
    """A shop at work. Its instances come up while you look."""

    def __init__(
        self,
        *,
        scenario: str,
        seed: int,
        bus: str,
        find: Callable[[], tuple[str, str]],
        runs: Callable[[], bool],
    ) -> None:
        self.scenario = scenario
        self.seed = seed
        self.bus = bus
        """Name of the bus."""
        self._find = find
        self._runs = runs

    @property
    def url(self) -> str:
        """Of the store. The first use waits until the server is there, for half a second or so;
        do what else you have to do before."""
        return self._found[0]

    @property
    def where(self) -> str:
        """What the store is, in words. Waits like `url`."""
        return self._found[1]

    @property
    def running(self) -> bool:
        """False when what carries out the plan has ended by itself, which it should not."""
        return self._runs()

    @cached_property
    def _found(self) -> tuple[str, str]:
        return self._find()


def open_demo(
    *,
    scenario: str = "tour",
    seed: int = 0,
    url: str | None = None,
    log_file: str | None = None,
) -> AbstractContextManager[Demo]:
    """Simulated services for the time of a ``with`` block, in which `Demo.url` and `Demo.bus` say
    where to look. Returns at once. At its end, and when this process is killed, nothing is left.

    `scenario` is a name in SCENARIOS; the same `seed` repeats it. Without `url` they are child
    processes on a server of their own or, where none is installed, run in a thread of this process
    on a memory store. With it they use that store, on a bus of a new name, whose keys expire
    within seconds of the end. What the library logs is appended to `log_file`, or dropped.

    Raises InvalidOptionError for a bad scenario, and UnknownTransportError, PluginLoadError or
    InvalidOptionError for a bad `url`.
    """
    check_scenario(scenario)
    if url is None:
        return _on_own_server(Settings(bus=BUS, scenario=scenario, seed=seed), log_file)
    bus = f"demo-{uuid4().hex[:8]}"
    settings = Settings(url=url, bus=bus, scenario=scenario, seed=seed)
    if capabilities_of(scheme_of(url)).shared:
        return _on_given_server(settings, log_file)
    return _in_thread(settings, log_file)


@contextmanager
def _on_own_server(settings: Settings, log_file: str | None) -> Iterator[Demo]:
    with ExitStack() as stack:
        backstage = Backstage(settings, log_file)
        stack.callback(backstage.stop)
        shops: list[ThreadedShop] = []

        def find() -> tuple[str, str]:
            try:
                opened = backstage.opened()
                if opened.url:
                    return opened.url, EMBEDDED
            except (EventBusError, OSError):
                pass  # whatever keeps processes from running, a thread can do without them
            from ..memory import MemoryStore

            name = f"eventbus-demo-{uuid4().hex[:8]}"
            stack.callback(MemoryStore.forget, name)
            shops.append(stack.enter_context(_shop(settings, f"memory://{name}", log_file)))
            return f"memory://{name}", MEMORY

        yield _demo(settings, find, lambda: any(shop.runs for shop in shops) or backstage.runs)


@contextmanager
def _on_given_server(settings: Settings, log_file: str | None) -> Iterator[Demo]:
    backstage = Backstage(settings, log_file)
    try:
        yield _demo(settings, lambda: (settings.url, GIVEN), lambda: backstage.runs)
    finally:
        backstage.stop()


@contextmanager
def _in_thread(settings: Settings, log_file: str | None) -> Iterator[Demo]:
    with _shop(settings, settings.url, log_file) as shop:
        yield _demo(settings, lambda: (settings.url, MEMORY), lambda: shop.runs)


@contextmanager
def _shop(settings: Settings, url: str, log_file: str | None) -> Iterator["ThreadedShop"]:
    # Imported here: with a server it is not needed, and somebody waits for a first screen.
    from .thread_stage import ThreadedShop

    shop = ThreadedShop(url=url, bus=settings.bus, scenario=settings.scenario, seed=settings.seed)
    with logged_to(log_file):
        shop.start()
        try:
            yield shop
        finally:
            shop.stop()


def _demo(
    settings: Settings, find: Callable[[], tuple[str, str]], runs: Callable[[], bool]
) -> Demo:
    return Demo(
        scenario=settings.scenario, seed=settings.seed, bus=settings.bus, find=find, runs=runs
    )
