"""Every call that a session refuses once it is over, each made by a session of its own."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from ..transport import Delivery, FencedError, Suspect
from .peer import WORK, Peer, outgoing, works

Call = Callable[[Peer, Delivery], Awaitable[Any]]


async def _begin(peer: Peer, delivery: Delivery) -> None:
    # It may return before the store has answered; then the call after it is refused.
    await peer.session.begin(delivery, 1)
    await peer.session.renew()


CALLS: Final[dict[str, Call]] = {
    "subscribe": lambda peer, _: peer.subscribe(works(), works("other")),
    "publish": lambda peer, _: peer.publish(outgoing("late")),
    "fetch": lambda peer, _: peer.fetch(WORK),
    "begin": _begin,
    "settle": lambda peer, delivery: peer.done(delivery),
    "renew": lambda peer, _: peer.session.renew(),
    "declare_dead": lambda peer, _: peer.session.declare_dead([Suspect("nobody", "nobody", 1.0)]),
    "maintain": lambda peer, _: peer.session.maintain(),
}
LETTERS: Final[dict[str, Call]] = {
    "dead_letters": lambda peer, _: peer.session.dead_letters(1, None, None, None),
    "redrive": lambda peer, _: peer.session.redrive("no-such-letter"),
    "discard": lambda peer, _: peer.session.discard("no-such-letter"),
}


async def not_refused(over: Sequence[tuple[str, Call, Peer, Delivery]]) -> str:
    """Names of the calls that raised no FencedError."""
    passed = []
    for name, call, peer, delivery in over:
        try:
            await call(peer, delivery)
        except FencedError:
            continue
        passed.append(name)
    return ", ".join(passed)
