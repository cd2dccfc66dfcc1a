"""Emit and drain: this library against the usual client code, in turns on one server.

    .venv/bin/python benchmarks/throughput.py [--messages 20000] [--rounds 5]

See benchmarks/README.md for what is compared and how to read it.
"""

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import redis.asyncio as redis_py

from eventbus_core import EventBus, Message
from eventbus_redis.embedded import EmbeddedServer

EMITTERS = 100
PAYLOAD = {"id": 12345, "name": "Ada Lovelace", "tags": ["a", "b"], "total": 12.5}

Rates = dict[str, float]


async def share(count: int, call: Callable[[], Awaitable[object]]) -> float:
    """Call it `count` times from 100 tasks; return calls a second."""
    left = iter(range(count))

    async def emitter() -> None:
        for _ in left:
            await call()

    began = time.perf_counter()
    await asyncio.gather(*(emitter() for _ in range(EMITTERS)))
    return count / (time.perf_counter() - began)


async def eventbus(url: str, messages: int) -> Rates:
    """Emit anycast messages, each awaited; then one instance handles them all."""
    name = f"bench-{uuid4().hex}"
    done, handled = asyncio.Event(), 0
    async with EventBus(url, name=name) as bus:
        emit = await share(messages, lambda: bus.emit("task", PAYLOAD, mode="anycast"))

        async def handle(message: Message) -> None:
            nonlocal handled
            handled += 1
            if handled == messages:
                done.set()

        began = time.perf_counter()
        bus.on("task", handle)
        await done.wait()
        drain = messages / (time.perf_counter() - began)
    return {"emit": emit, "drain": drain}


async def naive(url: str, messages: int) -> Rates:
    """One XADD for each emit; XREADGROUP COUNT 1 and XACK for each message."""
    stream = f"bench-{uuid4().hex}"
    client = redis_py.Redis.from_url(url, max_connections=200)
    try:
        await client.xgroup_create(stream, "g", id="0", mkstream=True)
        body = json.dumps(PAYLOAD)
        emit = await share(messages, lambda: client.xadd(stream, {"d": body}))
        return {"emit": emit, "drain": await _drain(client, stream, messages, count=1)}
    finally:
        await client.delete(stream)
        await client.aclose()


async def batched(url: str, messages: int) -> Rates:
    """Pipelines of 100 XADD, awaited as a batch; XREADGROUP COUNT 100 and one XACK a batch."""
    stream = f"bench-{uuid4().hex}"
    client = redis_py.Redis.from_url(url)
    try:
        await client.xgroup_create(stream, "g", id="0", mkstream=True)
        body = json.dumps(PAYLOAD)
        began = time.perf_counter()
        for _ in range(messages // 100):
            pipeline = client.pipeline(transaction=False)
            for _ in range(100):
                pipeline.xadd(stream, {"d": body})
            await pipeline.execute()
        emit = messages / (time.perf_counter() - began)
        return {"emit": emit, "drain": await _drain(client, stream, messages, count=100)}
    finally:
        await client.delete(stream)
        await client.aclose()


async def _drain(client: redis_py.Redis, stream: str, messages: int, *, count: int) -> float:
    handled = 0

    async def handle(data: object) -> None:
        nonlocal handled
        handled += 1

    began = time.perf_counter()
    while handled < messages:
        reply: Any = await client.xreadgroup("g", "c", {stream: ">"}, count=count, block=1000)
        for _, entries in reply:
            for _, fields in entries:
                await handle(json.loads(fields[b"d"]))
            await client.xack(stream, "g", *(entry_id for entry_id, _ in entries))
    return messages / (time.perf_counter() - began)


PEERS = {"eventbus": eventbus, "naive client": naive, "batched client": batched}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    results: dict[str, list[Rates]] = {name: [] for name in PEERS}
    with EmbeddedServer() as server:
        for _ in range(arguments.rounds):
            for name, peer in PEERS.items():
                results[name].append(asyncio.run(peer(server.url, arguments.messages)))
    print(f"{arguments.messages} messages, {arguments.rounds} rounds in turns; median [min-max]")
    for what in ("emit", "drain"):
        for name, rounds in results.items():
            rates = [rates[what] for rates in rounds]
            # Pair by pair, so that a machine that changes its speed changes both.
            ratios = [
                rate / base[what] for rate, base in zip(rates, results["naive client"], strict=True)
            ]
            print(
                f"{what:<6} {name:<15} {statistics.median(rates):>10,.0f}/s"
                f"  [{min(rates):,.0f}-{max(rates):,.0f}]"
                f"  x naive {statistics.median(ratios):.1f}"
            )


if __name__ == "__main__":
    main()
