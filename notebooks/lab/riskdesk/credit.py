"""Orders that come in while risk does not answer, and what has become of them when it does again."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab import charts
from lab.case import Incident
from lab.errors import LabError
from lab.market import Trader
from lab.riskdesk.common import market_of, panels
from lab.style import BAD, GOOD, INK, LINE, SOFT, WARM

#: Seconds that risk stays silent: longer than the credit check is waited for, shorter than a health check.
SILENT = 5.5
EARLY, LATE = 4, 8
#: Seconds after which the platform must have made up its mind about every order.
PATIENCE = 32.0
_SAMPLE_SECONDS = 0.05
_QUERY = "SELECT status, count(*) AS orders FROM orders_order WHERE account_id = %s GROUP BY status"


@dataclass(frozen=True, kw_only=True)
class Silence:
    """Orders by status over time; seconds count from the moment at which risk fell silent.

    `samples` are (seconds, {status: orders}); every order is small and fits its account's limit.
    """

    samples: tuple[tuple[float, dict[str, int]], ...]
    orders: int
    answers: tuple[int, ...]
    account_id: str
    started_at: float
    resumed: float

    @property
    def final(self) -> dict[str, int]:
        """How many orders ended in which status."""
        return self.samples[-1][1]

    @property
    def accepted(self) -> int:
        return _accepted(self.final)

    @property
    def rejected(self) -> int:
        return self.final.get("rejected", 0)

    def __str__(self) -> str:
        stay = self.orders - self.accepted - self.rejected
        pending = f", {stay} still pending" if stay else ""
        return f"{self.accepted} of {self.orders} good orders accepted, {self.rejected} rejected{pending}"


def _accepted(counts: dict[str, int]) -> int:
    return sum(counts.get(status, 0) for status in ("accepted", "partially_filled", "filled"))


def silence(incident: Incident) -> Silence:
    """Sends good orders before and while risk is frozen, and watches them until each is decided.

    The risk process is stopped by a signal: it keeps its connections and answers nothing, then goes on.
    """
    market = market_of(incident)
    symbol = market.new_symbol()
    trader = market.new_trader(limit="10000000", used="0", cash="0")
    with _Watch(incident, trader.account_id) as watch, ThreadPoolExecutor(LATE) as pool:
        before = [_send(trader, symbol) for _ in range(EARLY)]
        watch.settle()
        watch.started_at = time.time()
        with _frozen(incident, "risk"):
            late = [pool.submit(_send_late, trader, symbol, number) for number in range(LATE)]
            _rest(watch.started_at + SILENT)
        resumed = time.time() - watch.started_at
        answers = (*before, *_results(late))
        watch.until_decided(EARLY + LATE)
    return Silence(
        samples=watch.relative(),
        orders=EARLY + LATE,
        answers=answers,
        account_id=trader.account_id,
        started_at=watch.started_at,
        resumed=resumed,
    )


@contextmanager
def _frozen(incident: Incident, service: str) -> Iterator[None]:
    incident.platform.pause(service)
    try:
        yield
    finally:
        incident.platform.resume(service)


def _send(trader: Trader, symbol: str) -> int:
    return trader.submit(symbol, "buy", 10, "100").status_code


def _send_late(trader: Trader, symbol: str, number: int) -> int:
    _rest(time.time() + 0.1 * number)
    return _send(trader, symbol)


def _results(futures: Sequence[Future[int]]) -> tuple[int, ...]:
    return tuple(future.result() for future in futures)


def _rest(until: float) -> None:
    # The spacing of the traffic itself.
    threading.Event().wait(max(0.0, until - time.time()))


class _Watch:
    """Reads the status of an account's orders every few milliseconds, as a monitor would."""

    def __init__(self, incident: Incident, account_id: str) -> None:
        self.started_at = time.time()
        self._samples: list[tuple[float, dict[str, int]]] = []
        self._incident = incident
        self._account_id = account_id
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def settle(self) -> None:
        """Lets half a second pass, for the picture to show how things were."""
        self._stop.wait(0.5)

    def until_decided(self, orders: int) -> None:
        """Waits until no order is pending, a little longer for the picture, PATIENCE seconds at most."""
        deadline = time.time() + PATIENCE
        while time.time() < deadline:
            counts = self._samples[-1][1] if self._samples else {}
            if sum(counts.values()) >= orders and not counts.get("pending"):
                self._stop.wait(1.0)
                return
            self._stop.wait(_SAMPLE_SECONDS)

    def relative(self) -> tuple[tuple[float, dict[str, int]], ...]:
        """The samples, in seconds since `started_at`."""
        if not self._samples:
            raise LabError("the orders could not be watched: is PostgreSQL running? See incident.status()")
        return tuple((at - self.started_at, counts) for at, counts in self._samples)

    def _watch(self) -> None:
        with self._incident.platform.connect("orders_db") as connection:
            connection.autocommit = True
            while not self._stop.wait(_SAMPLE_SECONDS):
                rows = connection.execute(_QUERY, (self._account_id,)).fetchall()
                self._samples.append((time.time(), {row["status"]: row["orders"] for row in rows}))


def chart(*runs: Silence) -> Figure:
    """Orders by status over the time before, while and after risk is silent; two runs side by side."""
    return panels(_draw, runs, good=lambda run: run.accepted == run.orders)


def _draw(axes: Axes, run: Silence) -> str:
    times = [at for at, _ in run.samples]
    parts = [
        [_accepted(counts) for _, counts in run.samples],
        [counts.get("pending", 0) for _, counts in run.samples],
        [counts.get("rejected", 0) for _, counts in run.samples],
    ]
    base = [0] * len(times)
    for part, colour, label in zip(
        parts, (GOOD, WARM, BAD), ("accepted", "pending", "rejected"), strict=True
    ):
        top = [low + more for low, more in zip(base, part, strict=True)]
        axes.fill_between(times, base, top, step="post", color=colour, alpha=0.8, linewidth=0, label=label)
        base = top
    axes.axvspan(0, run.resumed, facecolor=LINE, alpha=0.7, linewidth=0, zorder=0)
    axes.axhline(run.orders, color=INK, linestyle="--", linewidth=1.4, label="orders that fit their limit")
    axes.text(run.resumed / 2, run.orders * 1.06, "risk is silent", ha="center", fontsize=10, color=SOFT)
    axes.set_ylim(0, run.orders * 1.18)
    axes.set_xlim(-0.6, max(times[-1], axes.get_xlim()[1]))
    axes.set_yticks(range(0, run.orders + 1, 2))
    axes.set_xlabel("seconds since risk fell silent")
    axes.set_ylabel("orders, by status")
    lost = f", {run.rejected} rejected" if run.rejected else ""
    return f"{run.accepted} of {run.orders} good orders accepted{lost}"


def answers(incident: Incident, run: Silence) -> HTML:
    """What orders logged about the orders that were sent after risk fell silent, in the order of time."""
    rows = incident.platform.sql(
        "orders_db", "SELECT order_id FROM orders_order WHERE account_id = %s", (run.account_id,)
    )
    ids = {row["order_id"] for row in rows}
    lines: list[dict[str, Any]] = [
        line
        for line in incident.platform.logs("orders")
        if line.get("order_id") in ids and _seconds(line) > run.started_at
    ]
    fields = ("order_id", "reason", "error")
    return charts.timeline(lines, fields=fields, title="What orders logged", origin=run.started_at)


def _seconds(line: dict[str, Any]) -> float:
    return datetime.fromisoformat(str(line["timestamp"])).timestamp()
