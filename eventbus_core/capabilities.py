"""What a transport can do, declared in one frozen value."""

from dataclasses import dataclass, fields

from .errors import UnsupportedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """Asked for once, when a bus starts or a method is called; never for each message."""

    durable: bool = False
    """What was confirmed survives a restart of the processes that use it."""
    shared: bool = False
    """Several processes can use one bus."""
    failover: bool = False
    """Work of a dead instance goes to a live one."""
    redrive: bool = False
    """Dead letters are kept, and can be listed, sent again and discarded."""
    monitoring: bool = False
    """It can be opened by `open_monitor`."""
    actions: bool = False
    """Its monitor can also redrive, discard and drop a group."""

    def require(self, name: str, *, transport: str, for_: str) -> None:
        """Raise UnsupportedError unless capability `name` is declared."""
        if not getattr(self, name):
            raise UnsupportedError(
                f"{for_} needs a transport with {name!r}; {transport} does not declare it"
            )

    def declared(self) -> tuple[str, ...]:
        """Names of the capabilities that are present."""
        return tuple(f.name for f in fields(self) if getattr(self, f.name))
