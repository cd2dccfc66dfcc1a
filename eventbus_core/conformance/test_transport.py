"""What ``pytest --pyargs eventbus_core.conformance --transport-url=URL`` runs."""

from . import TransportContract


class TestTransport(TransportContract):
    """The transport behind the URL."""
