"""The memory transport: the reference that authors of transports study.

It keeps every promise of `eventbus_core.transport` with plain Python objects: encoded bytes in
lists, queues and dictionaries, guarded by one lock. Read it in this order: `queue` (an inbox, or
the work of a group), `work` (a stream of anycast messages), `broadcasts`, `presence`, `bus` (all
of them together), `lives` (join, leave, death), `retention`, `session`, `transport`, `store`.
"""

from .config import MemoryConfig
from .store import MemoryStore

__all__ = ["MemoryConfig", "MemoryStore"]
