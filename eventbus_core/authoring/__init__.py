"""For authors of transports on a store with transactions and a client that blocks.

Nobody has to use it: the boundary is `eventbus_core.transport`, and the memory transport is written
against that alone. But on a store with transactions most of a transport is the same everywhere:
who lives and whom the messages are for is a small document of each bus (`Books`), and each call of
the boundary is a step of one transaction. What is left to the author is how messages are stored:

- a class with the methods of `Rows`, derived from `BusTransaction`;
- a `BlockingClient` that opens a connection, with a method `transaction` (see `Client`);
- the hooks, which give these to `TransactionalTransport` and `TransactionalMonitor`.

The example is ``examples/eventbus-sqlite``.
"""

from .blocking import BlockingClient
from .bus import BusTransaction
from .client import Client
from .monitor import TransactionalMonitor
from .rows import Back, Copy, Held, Rows, State, Stored, Taken, Whole
from .transport import TransactionalTransport

__all__ = [
    "Back",
    "BlockingClient",
    "BusTransaction",
    "Client",
    "Copy",
    "Held",
    "Rows",
    "State",
    "Stored",
    "Taken",
    "TransactionalMonitor",
    "TransactionalTransport",
    "Whole",
]
