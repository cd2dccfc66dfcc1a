"""What instances send of themselves, and when: pure functions of the instance and the seed."""

from collections.abc import Callable, Iterator, Mapping
from itertools import count
from random import Random
from typing import Any, Final, NamedTuple

from ..modes import EventMode
from .cast import PROCESSES, trade_of


class Sending(NamedTuple):
    """One message."""

    after: float
    """Seconds after the one before of the same event, at the usual rate."""
    event: str
    data: Mapping[str, Any]
    mode: EventMode
    target: str | None = None
    headers: Mapping[str, str] | None = None


def streams_of(instance: str, seed: int) -> Mapping[str, Iterator[Sending]]:
    """Its messages without end, by event; most instances send none of themselves."""
    return {
        event: make(Random(f"{instance} {event} {seed}"))
        for event, make in _STREAMS.get(trade_of(instance), {}).items()
    }


_GOODS: Final = (
    ("lamp", 39.9),
    ("kettle", 24.5),
    ("teapot", 31.0),
    ("umbrella", 18.75),
    ("atlas", 64.0),
    ("compass", 12.25),
    ("telescope", 240.0),
    ("notebook", 4.8),
)
_CUSTOMERS: Final = (
    ("Ada", "London", "GB"),
    ("Grace", "New York", "US"),
    ("Emmy", "Göttingen", "DE"),
    ("Sofja", "Stockholm", "SE"),
    ("Hypatia", "Αλεξάνδρεια", "EG"),
    ("Chien-Shiung", "上海", "CN"),
    ("Lise", "Wien", "AT"),
    ("Mary", "Lyme Regis", "GB"),
)
_TARGETS: Final = tuple(
    instance
    for instances in PROCESSES.values()
    for instance in instances
    if trade_of(instance) in ("billing", "mail", "shipping", "search")
)


def _orders(rng: Random) -> Iterator[Sending]:
    for number in count(1001):
        name, city, country = rng.choice(_CUSTOMERS)
        lines: list[dict[str, Any]] = [
            {"item": item, "price": price, "count": rng.randint(1, 3)}
            for item, price in rng.sample(_GOODS, rng.randint(1, 3))
        ]
        total = round(sum(line["price"] * line["count"] for line in lines), 2)
        order = f"A-{number}"
        data = {
            "order": order,
            "customer": {"name": name, "email": f"{name.lower()}@example.org"},
            "address": {"city": city, "country": country},
            "lines": lines,
            "total": total,
            "currency": "EUR",
            "express": rng.random() < 0.2,
        }
        headers = {"trace": f"{rng.getrandbits(64):016x}", "order": order}
        yield Sending(
            rng.expovariate(12.0), "order:placed", data, EventMode.ANYCAST, headers=headers
        )


def _pages(rng: Random) -> Iterator[Sending]:
    while True:
        item, _ = rng.choice(_GOODS)
        data = {"page": f"/goods/{item}", "visitor": f"v{rng.randint(1, 500)}"}
        yield Sending(rng.expovariate(50.0), "page:viewed", data, EventMode.ANYCAST)


def _images(rng: Random) -> Iterator[Sending]:
    for number in count(1):
        item, _ = rng.choice(_GOODS)
        data = {"image": f"{item}-{number}.jpg", "bytes": rng.randint(20_000, 4_000_000)}
        yield Sending(rng.expovariate(3.0), "image:uploaded", data, EventMode.ANYCAST)


def _prices(rng: Random) -> Iterator[Sending]:
    while True:
        item, price = rng.choice(_GOODS)
        data = {"item": item, "price": round(price * rng.uniform(0.8, 1.2), 2)}
        yield Sending(rng.expovariate(3.0), "price:changed", data, EventMode.BROADCAST)


def _questions(rng: Random) -> Iterator[Sending]:
    for number in count(1):
        data = {"number": number, "about": rng.choice(["stock", "takings", "health"])}
        yield Sending(
            rng.expovariate(5.0), "cmd:report", data, EventMode.UNICAST, rng.choice(_TARGETS)
        )


_STREAMS: Final[Mapping[str, Mapping[str, Callable[[Random], Iterator[Sending]]]]] = {
    "storefront": {"order:placed": _orders, "page:viewed": _pages},
    "pricing": {"price:changed": _prices},
    "office": {"cmd:report": _questions, "image:uploaded": _images},
}
