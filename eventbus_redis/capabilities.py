"""What this transport can do, known without loading a client library."""

from typing import Final

from eventbus_core.capabilities import Capabilities

CAPABILITIES: Final = Capabilities(
    durable=True, shared=True, failover=True, redrive=True, monitoring=True, actions=True
)
