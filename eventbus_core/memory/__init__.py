"""The memory transport: the reference that authors of transports study.

It keeps every promise of `eventbus_core.transport` with plain Python objects: encoded bytes in
lists, queues and dictionaries, guarded by one lock. Read it in this order: `queue` (what an inbox
and the work of a group have in common), `inbox`, `work` (a stream of anycast messages),
`broadcasts`, `presence`, `dead`, `accounts` (what is counted), `bus` (all of them together),
`lives` (join, leave, death), `retention`, `session`, `transport`, `store`, `snapshot`, `monitor`.
"""

from .config import MemoryConfig
from .store import MemoryStore

__all__ = ["MemoryConfig", "MemoryStore"]
