"""From what a server or a socket says to what the core may see: the only place that maps errors.

`LinkLostError` and `ReplyError` are private to this package; nothing of redis-py or hiredis, and
neither of these two, leaves it.
"""

from typing import Final

from eventbus_core.errors import TransportUnavailableError
from eventbus_core.transport import FencedError


class LinkLostError(Exception):
    """The connection ended with this call unanswered. The text holds no credential."""


class ReplyError(Exception):
    """The server answered with an error."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


_ADVICE: Final = {
    "NOPERM": "the user lacks a permission; docs/redis.md lists the least set",
    "NOAUTH": "the server wants a password; put one into the URL or RedisConfig",
    "WRONGPASS": "the server refused the user name or password",
    "LOADING": "the server is still loading its data",
    "READONLY": "this server is a read-only replica; connect to the primary",
    "MASTERDOWN": "this replica has lost its primary",
    "MISCONF": "the server cannot save its data and refuses writes; look at its log",
    "OOM": "the server's memory is full; raise maxmemory, or consume or discard messages",
    "NOREPLICAS": "too few replicas are connected (min-replicas-to-write)",
    "CLUSTERDOWN": "the cluster is down",
    "MOVED": "this is a node of a cluster; clusters are not supported yet",
    "BUSY": "the server is busy with a script",
    "TRYAGAIN": "the slot is being moved",
    "EXECABORT": "the server aborted the transaction",
    "WRONGTYPE": "a key of this bus holds something else; another program wrote to it",
}


def mapped(fault: BaseException, where: str) -> BaseException:
    """The exception that the core sees instead of `fault`."""
    if isinstance(fault, ReplyError):
        if has_code(fault, "FENCED"):
            return FencedError("this incarnation is not alive in the store any more")
        return TransportUnavailableError(f"the server at {where} {refusal(fault)}")
    if isinstance(fault, LinkLostError):
        return TransportUnavailableError(f"no connection to {where}: {fault}")
    return fault


def has_code(fault: BaseException, code: str) -> bool:
    """Whether the server's answer is, or a script stopped with, error `code`."""
    if not isinstance(fault, ReplyError):
        return False
    if fault.text.startswith(code):
        return True
    # Up to 6.2 the error of a command within a script stands behind the place in the script.
    return "@user_script" in fault.text and (f" {code} " in fault.text or f"-{code} " in fault.text)


def is_group_gone(fault: BaseException) -> bool:
    """Whether a read or claim failed since its group or stream does not exist (any more)."""
    return has_code(fault, "NOGROUP") or (
        has_code(fault, "UNBLOCKED") and "no longer exists" in str(fault)
    )


def refusal(fault: ReplyError) -> str:
    """What the server answered, after its name; without what it may repeat of a command."""
    for code, advice in _ADVICE.items():
        if has_code(fault, code):
            return f"answered {code}: {advice}"
    # Up to here only: what follows may repeat the arguments of a command.
    return f"refused a command: {fault.text.partition(', with args')[0][:200]}"
