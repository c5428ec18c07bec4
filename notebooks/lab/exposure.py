"""Incident 01: fifteen orders of one fund at once, and what that does to its exposure."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

import matplotlib.pyplot as plt
from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab import charts
from lab.case import Incident
from lab.errors import LabError
from lab.market import Trader, expect, held_row, until
from lab.style import ACCENT, BAD, GOOD, dollars

LIMIT = Decimal(50_000_000)
USED_BEFORE = Decimal(42_000_000)
ORDERS = 15
WINDOW_MS = 200.0
#: 15 × $1,066,000 = $15.99 million: $58.0 million in all if every order is let through.
PRICE, QUANTITY = Decimal("106.60"), 10_000
_SAMPLE_SECONDS = 0.004


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One order: when it was sent and answered, in milliseconds since the first was sent."""

    number: int
    sent_ms: float
    answered_ms: float
    accepted: bool
    order_id: str
    trace_id: str
    amount: Decimal


@dataclass(frozen=True, kw_only=True)
class Burst:
    """What happened to a burst of orders: `samples` are (milliseconds, exposure in use in dollars)."""

    limit: Decimal
    shots: tuple[Shot, ...]
    samples: tuple[tuple[float, Decimal], ...]
    started_at: float
    account_id: str

    @property
    def used(self) -> Decimal:
        """The exposure at the end, in dollars."""
        return self.samples[-1][1]

    @property
    def accepted(self) -> int:
        return sum(shot.accepted for shot in self.shots)

    def __str__(self) -> str:
        over = self.used - self.limit
        verdict = f"{dollars(float(over))} OVER the limit" if over > 0 else "within the limit"
        return (
            f"{self.accepted} of {len(self.shots)} orders accepted; exposure {dollars(float(self.used))} "
            f"of {dollars(float(self.limit))}: {verdict}"
        )


def burst(
    incident: Incident,
    *,
    limit: Decimal | int = LIMIT,
    used: Decimal | int = USED_BEFORE,
    orders: int = ORDERS,
    price: Decimal | int = PRICE,
    quantity: int = QUANTITY,
    window_ms: float = WINDOW_MS,
) -> Burst:
    """Sends `orders` buy orders of a new fund within `window_ms`, while the exposure report is being made.

    The report holds the row of the fund's limit until every order is on its way through the risk
    service, as the real one did: that is what makes the burst come out the same each time.
    """
    if down := incident.platform.failed:
        raise LabError(f"{', '.join(down)} did not come up: mend the code, then incident.restart()")
    if stale := incident.changed():
        print(f"Changed since it was started: {', '.join(stale)}. To run the new code: incident.restart()")
    market = incident.market
    symbol = market.new_symbol()
    fund = market.new_trader(limit=str(limit), used=str(used), cash="0")
    # The first order of an account is slower: its owner is looked up. It must not blur the picture.
    expect(fund.client.get(f"/v1/risk/limits/{fund.account_id}"), 200)
    with (
        _Sampler(incident, fund.account_id) as sampler,
        ThreadPoolExecutor(max_workers=orders) as pool,
    ):
        started_at = time.time()
        with held_row(incident.platform, fund.account_id) as report:
            futures = [
                pool.submit(
                    _shoot, fund, number, symbol, price, quantity, started_at, number * window_ms / orders
                )
                for number in range(orders)
            ]
            report.release_when_settled(orders)
        shots = tuple(future.result() for future in futures)
        sampler.settle(fund)
    return Burst(
        limit=Decimal(limit),
        shots=shots,
        samples=tuple(((at - started_at) * 1e3, value) for at, value in sampler.samples),
        started_at=started_at,
        account_id=fund.account_id,
    )


def _shoot(
    fund: Trader,
    number: int,
    symbol: str,
    price: Decimal | int,
    quantity: int,
    started_at: float,
    delay_ms: float,
) -> Shot:
    # The spacing of the traffic itself: fifteen orders spread over the window.
    threading.Event().wait(max(0.0, started_at + delay_ms / 1e3 - time.time()))
    sent = time.time()
    answer = fund.submit(symbol, "buy", quantity, str(price))
    answered = time.time()
    if answer.status_code == 202:
        raise LabError(
            f"order {number + 1} is left pending: risk did not answer it. "
            'See why with incident.logs("risk", level="error"), or in the code that you changed'
        )
    if answer.status_code not in {201, 409}:
        raise LabError(f"order {number + 1} was answered {answer.status_code}: {answer.text[:200]}")
    return Shot(
        number=number + 1,
        sent_ms=(sent - started_at) * 1e3,
        answered_ms=(answered - started_at) * 1e3,
        accepted=answer.status_code == 201,
        order_id=answer.json().get("order_id", ""),
        trace_id=answer.headers.get("x-trace-id", ""),
        amount=Decimal(price) * quantity,
    )


class _Sampler:
    """Reads the committed exposure every few milliseconds, as a monitor would."""

    def __init__(self, incident: Incident, account_id: str) -> None:
        self.samples: list[tuple[float, Decimal]] = []
        self._incident = incident
        self._account_id = account_id
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        until(lambda: self.samples, timeout=10, message="the first sample of the exposure")
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def settle(self, fund: Trader) -> None:
        """Waits until the monitor has seen the exposure that the platform reports."""
        final = Decimal(fund.limit()["used"])
        until(lambda: self.samples[-1][1] == final, timeout=10, message="the monitor catches up")

    def _watch(self) -> None:
        with self._incident.platform.connect("orders_db") as connection:
            connection.autocommit = True
            while not self._stop.wait(_SAMPLE_SECONDS):
                row = connection.execute(
                    "SELECT used FROM risk_exposurelimit WHERE account_id = %s", (self._account_id,)
                ).fetchone()
                assert row is not None
                self.samples.append((time.time(), row["used"]))


def chart(*bursts: Burst, titles: Sequence[str] = ("Before", "After")) -> Figure:
    """Exposure over time with the limit as a line; below it every order from sending to answer.

    A column a burst: give two to compare.
    """
    wide = len(bursts) > 1
    figure, grid = plt.subplots(
        2,
        len(bursts),
        figsize=(12.4 if wide else 9.6, 6.2),
        sharex="col",
        sharey="row",
        squeeze=False,
        height_ratios=(3, 2),
    )
    for column, (each, title) in enumerate(zip(bursts, titles, strict=False)):
        _exposure(grid[0][column], each)
        _orders(grid[1][column], each)
        lead = f"{title}: " if wide else ""
        over = each.used - each.limit
        said = f"{dollars(float(over), unit='M')} over the limit" if over > 0 else "the limit holds"
        grid[0][column].set_title(
            f"{lead}{each.accepted} of {len(each.shots)} accepted, {said}", fontsize=12.5
        )
    grid[0][0].set_ylabel("exposure in use,\nmillions of dollars")
    grid[1][0].set_ylabel("order, from sending\nto answer")
    drawn = dict(zip(*reversed(grid[0][0].get_legend_handles_labels()), strict=True))
    for axes in grid[1]:
        drawn |= dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    figure.legend(drawn.values(), drawn.keys(), loc="lower center", ncols=4, bbox_to_anchor=(0.5, -0.06))
    figure.tight_layout()
    plt.close(figure)
    return figure


def _end(each: Burst) -> float:
    return max([shot.answered_ms for shot in each.shots] + [each.samples[-1][0]])


def _exposure(axes: Axes, each: Burst) -> None:
    end = _end(each)
    limit = float(each.limit) / 1e6
    times = [*(at for at, _ in each.samples), end]
    values = [float(value) / 1e6 for _, value in each.samples]
    values.append(values[-1])
    over = values[-1] > limit
    axes.step(times, values, where="post", color=ACCENT, label="exposure in use", zorder=3)
    label = f"limit {dollars(float(each.limit), unit='M')}"
    axes.axhline(limit, color=BAD, linestyle="--", linewidth=1.6, label=label)
    breach = [value > limit for value in values]
    axes.fill_between(times, limit, values, where=breach, step="post", color=BAD, alpha=0.16, linewidth=0)
    axes.annotate(
        dollars(values[-1] * 1e6, unit="M"),
        (end, values[-1]),
        (-4, 6 if over else -16),
        textcoords="offset points",
        ha="right",
        fontweight="bold",
        color=BAD if over else GOOD,
    )
    axes.set_xlim(-12, end * 1.04)
    axes.margins(y=0.14)


def _orders(axes: Axes, each: Burst) -> None:
    outcomes = ((True, "^", GOOD, "order accepted"), (False, "x", BAD, "order refused"))
    for accepted, marker, colour, label in outcomes:
        shots = [shot for shot in each.shots if shot.accepted is accepted]
        numbers = [shot.number for shot in shots]
        ends = [shot.answered_ms for shot in shots]
        axes.hlines(numbers, [shot.sent_ms for shot in shots], ends, color=colour, alpha=0.35, linewidth=1.6)
        axes.scatter(
            ends, numbers, marker=marker, s=40, color=colour, label=label if shots else None, zorder=4
        )
    axes.set_yticks([1, len(each.shots)] if len(each.shots) < 6 else [1, 5, 10, len(each.shots)])
    if not axes.yaxis_inverted():
        axes.invert_yaxis()
    axes.set_xlabel("milliseconds since the first order")


def evidence(incident: Incident, each: Burst, *, orders: int = 3) -> dict[str, list[dict[str, Any]]]:
    """What risk did for the first `orders` orders before it answered, labelled, for a waterfall."""
    chosen = {f"order {shot.number}": incident.trace(shot.trace_id) for shot in each.shots[:orders]}
    return {
        label: [
            span for span in spans if span["service"] == "risk" and not span["name"].startswith("consume")
        ]
        for label, spans in chosen.items()
    }


def decisions(incident: Incident, each: Burst) -> HTML:
    """What risk logged about the fund's orders, in the order of time."""
    lines = incident.platform.logs("risk", account_id=each.account_id)
    return charts.timeline(
        lines,
        fields=("order_id", "amount", "used", "limit"),
        title="What risk decided",
        origin=each.started_at,
    )
