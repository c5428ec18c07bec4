"""Stop orders while the market goes up and down: which of them fire, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.case import Incident
from lab.style import BAD, GOOD, INK, SOFT, coloured, table
from lab.trading.desk import Desk
from lab.trading.panels import panels, plural

#: Prices of one-share trades; a text is a stop order to sell, booked at that point of the walk.
WALK: tuple[str | int, ...] = (
    *(100, "98.50", 99, 98, 101, 102, "100.50", 100, 103, 99, "99.50", "97.50"),
    *(98, 97, 99, "92.00", 96, 95, "94.50", 94),
)


@dataclass(frozen=True, kw_only=True)
class Stop:
    """A stop order to sell. `booked`, `fired` and `due` count the trades made before; None: never."""

    level: Decimal
    booked: int
    fired: int | None
    due: int | None
    order_id: str

    @property
    def right(self) -> bool:
        return self.fired == self.due

    @property
    def verdict(self) -> str:
        """What became of it, in a word or two."""
        if self.right:
            return "as it should be"
        if self.fired is None:
            return "slept"
        return "fired without reason" if self.due is None else "fired late"


@dataclass(frozen=True, kw_only=True)
class Walk:
    """Trades in order, and the stops that were booked between them."""

    symbol: str
    prices: tuple[Decimal, ...]
    stops: tuple[Stop, ...]

    @property
    def wrong(self) -> int:
        return sum(not stop.right for stop in self.stops)

    def __str__(self) -> str:
        said = ", ".join(f"{stop.level}: {stop.verdict}" for stop in self.stops if not stop.right)
        return f"{self.symbol}: {plural(len(self.stops), 'stop order')}, {said or 'each as it should be'}"


def stops(incident: Incident, *, walk: Sequence[str | int] = WALK) -> Walk:
    """Makes the trades of the walk one by one and books a stop to sell wherever the walk names one.

    What a stop sends to the book once it has fired asks far too much: it trades with nobody, so that the
    walk goes on as planned.
    """
    desk = Desk(incident)
    prices: list[Decimal] = []
    booked: list[tuple[str, Decimal, int]] = []
    for step in walk:
        if isinstance(step, str):
            order_id = desk.sell(1, 500, order_type="stop_limit", stop_price=step, time_in_force="gtc")
            booked.append((order_id, Decimal(step), len(prices)))
        else:
            _trade(desk, step)
            prices.append(Decimal(step))
            desk.tape(lambda trades: len(trades) >= len(prices))
    fired = _fired(desk)
    return Walk(
        symbol=desk.symbol,
        prices=tuple(prices),
        stops=tuple(
            Stop(
                level=level,
                booked=before,
                fired=fired.get(order_id),
                due=_due(prices, level, before),
                order_id=order_id,
            )
            for order_id, level, before in booked
        ),
    )


def _trade(desk: Desk, price: int) -> None:
    desk.sell(1, price, time_in_force="gtc")
    desk.buy(1, price, time_in_force="ioc")


def _due(prices: Sequence[Decimal], level: Decimal, booked: int) -> int | None:
    """After how many trades the last price is at the level or below it, from the booking on."""
    return next(
        (count for count in range(max(booked, 1), len(prices) + 1) if prices[count - 1] <= level), None
    )


def _fired(desk: Desk) -> dict[str, int]:
    """For each order that fired, how many trades had been made by then."""
    _caught_up(desk)
    rows = desk.incident.platform.sql(
        "orders_db",
        "SELECT order_id, triggered_at FROM orders_order WHERE symbol = %s AND triggered_at IS NOT NULL",
        (desk.symbol,),
    )
    made = [trade.executed_at for trade in desk.tape()]
    return {row["order_id"]: sum(at <= row["triggered_at"] for at in made) for row in rows}


def _caught_up(desk: Desk) -> None:
    """Waits until orders knows all that matching said about the symbol; the last word is a cancellation."""
    order_id = desk.buy(1, 1, time_in_force="gtc")
    desk.buyer.client.delete(f"/v1/orders/{order_id}")
    desk.ended(order_id)


def rows(run: Walk) -> HTML:
    """The stops in the order of their booking."""
    return table(
        ("stop to sell at", "last price when it was booked", "due after trade", "fired after trade", ""),
        [
            (
                f"${each.level}",
                f"${run.prices[each.booked - 1]}" if each.booked else "–",
                each.due or "–",
                each.fired or "–",
                coloured(each.verdict, good=each.right),
            )
            for each in run.stops
        ],
    )


def chart(*runs: Walk, titles: Sequence[str] = ("Before", "After")) -> Figure:
    """The last price over the trades; each stop at its level, from its booking until it fires."""
    with panels(runs, titles, width=6.8, height=5.0) as (figure, each):
        for axes, run, lead in each:
            _panel(axes, run)
            count = plural(len(run.stops), "stop")
            said = f"{run.wrong} of {count} went wrong" if run.wrong else f"all {count} as they should be"
            axes.set_title(f"{lead}{said}", fontsize=12.5)
        each[0][0].set_ylabel("last price, dollars")
        return figure


def _panel(axes: Axes, run: Walk) -> None:
    count = len(run.prices)
    numbers = [*range(1, count + 1), count + 1]
    values = [float(price) for price in run.prices]
    axes.step(numbers, [*values, values[-1]], where="post", color=INK, linewidth=1.8, label="last price")
    for stop in run.stops:
        _stop(axes, stop, count)
    axes.set_xlabel("trades, in the order in which they were made")
    axes.set_xticks(range(1, count + 1))
    axes.set_xlim(0.6, count + 1.4)
    axes.margins(y=0.12)


def _stop(axes: Axes, stop: Stop, count: int) -> None:
    level, booked, over = float(stop.level), stop.booked + 0.5, count + 0.9
    fired = over if stop.fired is None else max(float(stop.fired), booked + 0.12)
    due = over if stop.due is None else max(float(stop.due), booked + 0.12)
    never = stop.fired is None and stop.due is None
    axes.hlines(level, booked, min(due, fired), color=SOFT, linewidth=1.5, linestyle=":" if never else "-")
    axes.scatter([booked], [level], s=26, color="white", edgecolor=SOFT, zorder=4, label="stop booked")
    if stop.right:
        if not never:
            axes.scatter([fired], [level], s=90, marker="v", color=GOOD, zorder=5, label="fired when due")
        return
    axes.hlines(level, due, fired, color=BAD, linewidth=3.2, alpha=0.6, label="overdue")
    axes.scatter([due], [level], s=80, marker="v", color="white", edgecolor=BAD, zorder=4, label="was due")
    if stop.fired is None:
        axes.scatter([over], [level], s=80, marker="x", linewidth=2.4, color=BAD, zorder=5, label="slept")
    else:
        axes.scatter([fired], [level], s=90, marker="v", color=BAD, zorder=5, label="fired at the wrong time")
