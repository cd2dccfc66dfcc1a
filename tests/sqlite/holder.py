"""A process that takes two messages, starts the first one, and does nothing more.

python holder.py URL LEASE
"""

import asyncio
import sys

from eventbus_core.modes import EventMode
from eventbus_core.options import SharedOptions
from eventbus_core.plugins import open_transport
from eventbus_core.transport import Delivery, Holder, Member, Room, Subscription, work


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def main(url: str, lease: float) -> None:
    transport = open_transport(url, bus="bus", io_timeout=5.0)
    await transport.connect()
    member = Member(
        instance_id="holder",
        incarnation="holder-1",
        fixed=False,
        role="both",
        group="g",
        lease=lease,
        only_new=False,
        subscriptions=frozenset({Subscription(EventMode.ANYCAST, "job", "g")}),
        options=SharedOptions(),
    )
    session = await transport.join(member)
    assert not isinstance(session, Holder)
    say("ready")
    deliveries: list[Delivery] = []
    while len(deliveries) < 2:
        left = 2 - len(deliveries)
        deliveries += await session.fetch({work("job", "g"): Room(left, left)}, 1.0)
    await session.begin(deliveries[0], 1)
    say(f"holds {' '.join(delivery.data.decode() for delivery in deliveries)}")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2])))
