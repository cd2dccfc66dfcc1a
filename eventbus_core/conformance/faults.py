"""What a kit can do to a store, when somebody tells it how."""


class FaultDriver:
    """Override what you can do to your store; tests of what is not overridden are reported as not
    tried, and what stands here is never called. Each method returns when the fault has happened."""

    async def cut(self) -> None:
        """Make the store unreachable from this process: calls fail, those under way too."""
        raise NotImplementedError

    async def mend(self) -> None:
        """End a `cut`. Override it together with `cut`; also called when nothing is cut."""

    async def restart(self) -> None:
        """End the store as a crash would, and start it again with all that it had confirmed."""
        raise NotImplementedError

    async def flush(self) -> None:
        """Lose all data of the store at once."""
        raise NotImplementedError

    async def trim(self, bus: str) -> None:
        """Delete every stored message of a bus, as an operator would, behind the transport's back:
        broadcasts, inboxes and work; not who lives, nor groups, nor counters."""
        raise NotImplementedError

    async def skew_clock(self, seconds: float) -> None:
        """Let the store's clock jump by `seconds`, forwards or back."""
        raise NotImplementedError

    def can(self, fault: str) -> bool:
        """Whether this driver overrides the fault of that name."""
        return getattr(type(self), fault) is not getattr(FaultDriver, fault)
