"""What each instance does with the messages that it gets."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from ..message import Message
from ..modes import EventMode
from ..retry import Reject, Retry, RetryPolicy
from .worker import Worker

ANYCAST, UNICAST, BROADCAST = EventMode.ANYCAST, EventMode.UNICAST, EventMode.BROADCAST
_RETRY: Final = RetryPolicy(max_deliveries=4, initial=0.4, factor=2.0, jitter=0.1)
_ONCE_AGAIN: Final = RetryPolicy(max_deliveries=2, initial=0.4, jitter=0.1)
_FOR_LATER: Final = 3_600.0
_HEAVY: Final = 1_000


def employ(worker: Worker) -> None:
    """Subscribe the handlers of its trade."""
    _TRADES[worker.trade](worker)


async def charge(worker: Worker, message: Message) -> None:
    """Billing: takes its time, as banks do."""
    order = message.data
    if order["currency"] != "EUR":
        raise Reject(f"we do not take {order['currency']}")
    await worker.work(0.4, 0.8)
    paid = {"order": order["order"], "total": order["total"], "lines": order["lines"]}
    await worker.emit("payment:taken", paid, mode=ANYCAST, headers=dict(message.headers))


async def confirm(worker: Worker, message: Message) -> None:
    """Mail about an order."""
    email = message.data["customer"]["email"]
    if "@" not in email:
        raise ValueError(f"{email!r} is not a mail address")
    await worker.work(0.01, 0.03)


async def pack(worker: Worker, message: Message) -> None:
    """Shipping: the subscription has a time limit, and some things are too heavy for it."""
    order = message.data
    heavy = any(line.get("kilograms", 0) > _HEAVY for line in order["lines"])
    await worker.work(60.0, 60.0) if heavy else await worker.work(0.2, 0.4)
    headers = dict(message.headers)
    await worker.emit("parcel:sent", {"order": order["order"]}, mode=ANYCAST, headers=headers)
    if order["total"] > 150:
        await worker.emit("label:print", {"order": order["order"]}, target="printer-1")


async def announce(worker: Worker, message: Message) -> None:
    """Mail about a parcel."""
    await worker.work(0.01, 0.03)


async def index_order(worker: Worker, message: Message) -> None:
    """Search: what is bought together."""
    await worker.work(0.001, 0.003)


async def count_view(worker: Worker, message: Message) -> None:
    """Search: what is looked at."""
    await worker.work(0.001, 0.003)


async def make_thumbnails(worker: Worker, message: Message) -> None:
    """Images: slow work, two at a time."""
    await worker.work(0.15, 0.3)


async def print_label(worker: Worker, message: Message) -> None:
    """The printer. Out of paper, it keeps what it has been given, and everything behind that."""
    if worker.refuses:
        raise Retry(_FOR_LATER)
    await worker.work(0.01, 0.02)


async def show_price(worker: Worker, message: Message) -> None:
    """Whoever shows or indexes prices."""


async def report(worker: Worker, message: Message) -> None:
    """Anybody who is asked answers whoever asked."""
    answer = {"number": message.data["number"], "about": message.data["about"], "ok": True}
    await worker.emit("cmd:reported", answer, target=message.source)


async def file_report(worker: Worker, message: Message) -> None:
    """The office gets the answers."""


def _on(
    worker: Worker,
    event: str,
    handler: Callable[[Worker, Message], Any],
    mode: EventMode,
    **options: Any,
) -> None:
    options = {"retry": _RETRY, **options}
    worker.bus.on(event, partial(handler, worker), modes=(mode,), **options)


def _storefront(worker: Worker) -> None:
    _on(worker, "price:changed", show_price, BROADCAST)


def _office(worker: Worker) -> None:
    _on(worker, "cmd:reported", file_report, UNICAST)


def _pricing(worker: Worker) -> None:
    """It only sends."""


def _billing(worker: Worker) -> None:
    _on(worker, "order:placed", charge, ANYCAST, group="billing", concurrency=6)
    _on(worker, "cmd:report", report, UNICAST)


def _mail(worker: Worker) -> None:
    _on(worker, "order:placed", confirm, ANYCAST, group="mail", concurrency=2)
    _on(worker, "parcel:sent", announce, ANYCAST, group="mail", concurrency=2)
    _on(worker, "cmd:report", report, UNICAST)


def _shipping(worker: Worker) -> None:
    limits = {"concurrency": 4, "timeout": 3.0, "retry": _ONCE_AGAIN}
    _on(worker, "payment:taken", pack, ANYCAST, group="shipping", **limits)
    _on(worker, "cmd:report", report, UNICAST)


def _search(worker: Worker) -> None:
    _on(worker, "page:viewed", count_view, ANYCAST, group="search")
    _on(worker, "order:placed", index_order, ANYCAST, group="search")
    _on(worker, "price:changed", show_price, BROADCAST)
    _on(worker, "cmd:report", report, UNICAST)


def _images(worker: Worker) -> None:
    _on(worker, "image:uploaded", make_thumbnails, ANYCAST, group="images", concurrency=2)


def _printer(worker: Worker) -> None:
    _on(worker, "label:print", print_label, UNICAST)


_TRADES: Final[Mapping[str, Callable[[Worker], None]]] = {
    "storefront": _storefront,
    "office": _office,
    "pricing": _pricing,
    "billing": _billing,
    "mail": _mail,
    "shipping": _shipping,
    "search": _search,
    "images": _images,
    "printer": _printer,
}
