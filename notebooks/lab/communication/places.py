"""Order entry while a service that it does not use at all hangs, with plenty of readers in front of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.case import Incident
from lab.market import Trader
from lab.riskdesk.common import answered, market_of, panels, waited
from lab.style import BAD, GOOD, INK, LINE, SOFT, table

SLOW = "notifications"
#: The places of one service at the gateway (config/base.yaml), and readers of the slow one: some more.
PLACES, READERS = 64, 72
#: Orders before and while it hangs, seconds from one to the next.
EARLY, LATE, EVERY = 6, 8, 0.1
#: Seconds that readers get at most to take their places, and after which the slow service goes on at the
#: earliest.
SETTLED, HANGS = 1.5, 3.5


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One order: when it was sent, in seconds since the service hung, how long it took, what was answered."""

    at: float
    seconds: float
    status: int
    said: str

    @property
    def accepted(self) -> bool:
        return self.status == 201


@dataclass(frozen=True, kw_only=True)
class Jam:
    """Every order; `places` are the places taken at the gateway when the orders came; `ended` in seconds."""

    orders: tuple[Sent, ...]
    places: tuple[tuple[str, int], ...]
    ended: float

    @property
    def late(self) -> tuple[Sent, ...]:
        """Orders that were sent while the service hung."""
        return tuple(order for order in self.orders if order.at >= 0)

    @property
    def refused(self) -> int:
        return sum(not order.accepted for order in self.late)

    def __str__(self) -> str:
        return f"{self.refused} of {len(self.late)} orders refused while {SLOW} hangs"


def run(incident: Incident) -> Jam:
    """Freezes notifications, lets many ask for theirs, and sends orders as before."""
    market = market_of(incident)
    symbol = market.new_symbol()
    reader, trader = market.new_trader(cash="0"), market.new_trader(cash="0")
    path = f"/v1/notifications?account_id={reader.account_id}"
    answered(reader.client.get(path), 200)
    answered(trader.submit(symbol, "buy", 1, "10"), 201)
    sent = [_send(trader, symbol) for _ in range(EARLY) if _pause()]
    with _readers(reader) as read, ThreadPoolExecutor(LATE) as senders:
        incident.platform.pause(SLOW)
        hung = time.time()
        try:
            read(path)
            places = _full(incident)
            late = [senders.submit(_send, trader, symbol) for _ in range(LATE) if _pause()]
            sent += [each.result() for each in late]
            threading.Event().wait(max(0.0, hung + HANGS - time.time()))
        finally:
            ended = time.time()
            incident.platform.resume(SLOW)
    waited(lambda: reader.client.get(path).status_code == 200, f"{SLOW} answers again")
    orders = tuple(
        Sent(at=each.at - hung, seconds=each.seconds, status=each.status, said=each.said) for each in sent
    )
    return Jam(orders=orders, places=places, ended=ended - hung)


def _pause() -> bool:
    # The spacing of the traffic itself.
    threading.Event().wait(EVERY)
    return True


def _send(trader: Trader, symbol: str) -> Sent:
    at, begin = time.time(), time.perf_counter()
    answer = trader.submit(symbol, "buy", 1, "10")
    seconds = time.perf_counter() - begin
    said = "" if answer.status_code == 201 else str(answer.json().get("detail", answer.text[:80]))
    return Sent(at=at, seconds=seconds, status=answer.status_code, said=said)


@contextmanager
def _readers(reader: Trader) -> Iterator[Callable[[str], object]]:
    """Yields what sends a read for each of the readers, over connections that stand already."""
    limits = httpx.Limits(max_connections=READERS, max_keepalive_connections=READERS)
    known = reader.client.http
    with (
        httpx.Client(base_url=known.base_url, headers=known.headers, limits=limits, timeout=30.0) as client,
        ThreadPoolExecutor(READERS) as pool,
    ):
        together = threading.Barrier(READERS)

        def connect() -> None:
            together.wait(30.0)
            client.get("/v1/auth/jwks")

        for future in [pool.submit(connect) for _ in range(READERS)]:
            future.result()
        yield lambda path: [pool.submit(client.get, path) for _ in range(READERS)]


def _full(incident: Incident) -> tuple[tuple[str, int], ...]:
    """The places that are taken once there are as many as one service has, by the name of their bulkhead."""
    end = time.monotonic() + SETTLED
    while True:
        taken = _places(incident)
        if sum(count for _, count in taken) >= PLACES or time.monotonic() > end:
            return taken
        time.sleep(0.02)


def _places(incident: Incident) -> tuple[tuple[str, int], ...]:
    samples = incident.platform.metrics("gateway").items()
    found = [(name, value) for name, value in samples if name.startswith("client_calls_under_way")]
    return tuple((name.partition('"')[2].partition('"')[0], int(value)) for name, value in found if value)


def chart(*runs: Jam) -> Figure:
    """How long each order took, over the time at which it was sent; two runs side by side."""
    return panels(_draw, runs, good=lambda each: not each.refused)


def _draw(axes: Axes, each: Jam) -> str:
    axes.axvspan(0, each.ended, facecolor=LINE, alpha=0.7, linewidth=0, zorder=0)
    axes.text(each.ended / 2, 5.5, f"{SLOW} hangs", ha="center", fontsize=10, color=SOFT)
    for accepted, marker, colour, label in (
        (True, "^", GOOD, "order accepted"),
        (False, "x", BAD, "order refused"),
    ):
        found = [order for order in each.orders if order.accepted is accepted]
        if found:
            x, y = [order.at for order in found], [order.seconds for order in found]
            axes.vlines(x, 0.004, y, color=colour, alpha=0.3, linewidth=1.4)
            axes.scatter(x, y, marker=marker, s=46, color=colour, label=label, zorder=4)
    usual = sorted(order.seconds for order in each.orders if order.at < 0)[EARLY // 2]
    axes.axhline(usual, color=INK, linestyle="--", linewidth=1.4, label="what an order usually takes")
    axes.set_yscale("log")
    axes.set_ylim(0.004, 9)
    axes.set_yticks([0.01, 0.1, 1.0], ["10 ms", "100 ms", "1 s"])
    axes.minorticks_off()
    axes.set_xlabel(f"seconds since {SLOW} hung")
    axes.set_ylabel("time until an order is answered")
    return (
        f"{each.refused} of {len(each.late)} orders refused"
        if each.refused
        else "order entry notices nothing"
    )


def told(each: Jam) -> HTML:
    """What those were told whose orders were sent while the service hung, and whose places were taken."""
    rows = [
        (f"{order.at:.2f} s", f"{1e3 * order.seconds:,.0f}", order.status, order.said) for order in each.late
    ]
    taken = ", ".join(f"{count} of {name}" for name, count in each.places)
    return table(
        ("sent", "took, ms", "answer", "which says"), rows, caption=f"Places taken at the gateway: {taken}"
    )
