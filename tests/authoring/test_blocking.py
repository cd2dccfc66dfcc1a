"""A client that blocks, in a thread of its own."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from eventbus_core import TransportUnavailableError
from eventbus_core.authoring import BlockingClient


class DriverError(Exception):
    pass


class Connection:
    def __init__(self) -> None:
        self.thread = threading.current_thread()
        self.closed_in: threading.Thread | None = None

    def close(self) -> None:
        self.closed_in = threading.current_thread()


class Client(BlockingClient[Connection]):
    def __init__(self) -> None:
        super().__init__("the store", DriverError)
        self.made: list[Connection] = []
        self.refuses = False

    def open(self) -> Connection:
        self.made.append(Connection())
        return self.made[-1]

    def prepare(self, connection: Connection) -> None:
        if self.refuses:
            raise DriverError("not today")

    def use(self) -> Connection:
        with self.connection() as connection:
            return connection


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    client = Client()
    yield client
    await client.close()


async def test_one_connection_is_used_in_one_thread(client: Client) -> None:
    first, second = await client.run(client.use), await client.run(client.use)
    assert first is second
    assert first.thread is not threading.current_thread()
    await client.close()
    assert first.closed_in is first.thread
    assert not first.thread.is_alive()


async def test_errors_of_the_client_do_not_leave_it(client: Client) -> None:
    def fail() -> None:
        with client.connection():
            raise DriverError("broken pipe")

    with pytest.raises(TransportUnavailableError, match="the store: broken pipe") as caught:
        await client.run(fail)
    assert isinstance(caught.value.__cause__, DriverError)


async def test_a_connection_that_is_not_ready_is_closed_and_made_again(client: Client) -> None:
    before = set(threading.enumerate())
    client.refuses = True
    with pytest.raises(TransportUnavailableError, match="not today"):
        await client.connect()
    assert client.made[0].closed_in is not None
    assert set(threading.enumerate()) == before
    client.refuses = False
    await client.connect()
    assert await client.run(client.use) is client.made[1]


async def test_a_step_that_was_begun_ends_though_its_caller_is_gone(client: Client) -> None:
    begun, go, ended = threading.Event(), threading.Event(), threading.Event()

    def step() -> None:
        begun.set()
        assert go.wait(10)
        ended.set()

    running = asyncio.create_task(client.run(step))
    waiting = asyncio.create_task(client.run(lambda: pytest.fail("it was dropped")))
    await asyncio.to_thread(begun.wait, 10)
    running.cancel()
    waiting.cancel()
    await asyncio.wait([running, waiting])
    go.set()
    await client.close()
    assert ended.is_set()


async def test_after_close_nothing_is_opened_by_a_late_call(client: Client) -> None:
    await client.connect()
    await client.close()
    await client.close()
    with pytest.raises(TransportUnavailableError, match="closed"):
        await client.run(client.use)
    assert len(client.made) == 1
    await client.connect()
    assert len(client.made) == 2
