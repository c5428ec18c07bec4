"""An order that is filled bit by bit: what its fills add up to, and what the order says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate

from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lab.case import Incident
from lab.style import BAD, GOOD, SOFT, table
from lab.trading.desk import Desk
from lab.trading.panels import panels, plural

#: A symbol that is priced to a hundredth of a cent.
TICK, PRICE = "0.0001", Decimal("3.3349")
#: Shares of each fill.
SIZES = (1, 3, 7, 5, 1, 11, 9, 3, 13, 1, 5, 7, 15, 3, 1, 9, 17, 5, 1, 11)


@dataclass(frozen=True, kw_only=True)
class Filled:
    """A buy order after each of its fills, in dollars: what the order says, and what the fills add up to."""

    order_id: str
    sizes: tuple[int, ...]
    said: tuple[Decimal, ...]
    summed: tuple[Decimal, ...]

    @property
    def difference(self) -> tuple[Decimal, ...]:
        """Dollars by which the order's value is ahead of its fills."""
        return tuple(said - summed for said, summed in zip(self.said, self.summed, strict=True))

    @property
    def right(self) -> bool:
        return not any(self.difference)

    def __str__(self) -> str:
        return (
            f"{plural(len(self.said), 'fill')}: together ${self.summed[-1]:,.4f}, "
            f"the order says ${self.said[-1]:,.4f}, difference ${self.difference[-1]:+,.4f}"
        )


def filled(incident: Incident, *, sizes: Sequence[int] = SIZES, price: Decimal = PRICE) -> Filled:
    """One buyer's order rests; sellers come with a few shares each until it is full."""
    desk = Desk(incident, tick_size=TICK)
    order_id = desk.buy(sum(sizes), price, time_in_force="gtc")
    said = []
    for done, size in zip(accumulate(sizes), sizes, strict=True):
        desk.sell(size, price, time_in_force="ioc")
        said.append(_value(desk, order_id, Decimal(done)))
    tape = desk.tape(lambda trades: len(trades) >= len(sizes))
    summed = tuple(accumulate(trade.price * trade.quantity for trade in tape))
    return Filled(order_id=order_id, sizes=tuple(sizes), said=tuple(said), summed=summed)


def _value(desk: Desk, order_id: str, quantity: Decimal) -> Decimal:
    """What the order is worth so far, once that many shares are filled."""
    query = "SELECT filled_quantity, filled_value FROM orders_order WHERE order_id = %s"
    row = desk.wait(
        lambda: desk.incident.platform.sql("orders_db", query, (order_id,))[0],
        lambda row: row["filled_quantity"] >= quantity,
    )
    return Decimal(row["filled_value"])


def rows(run: Filled, *, count: int = 8) -> HTML:
    """The first fills, one by one."""
    steps = zip(run.sizes, run.said, run.summed, strict=True)
    before, lines = (Decimal(0), Decimal(0)), []
    for number, (size, said, summed) in enumerate(list(steps)[:count], start=1):
        lines.append((number, size, f"{summed - before[1]:.4f}", f"{said - before[0]:.4f}"))
        before = said, summed
    return table(("fill", "shares", "price × shares, dollars", "added to the order, dollars"), lines)


def chart(*runs: Filled, titles: Sequence[str] = ("Before", "After")) -> Figure:
    """Dollars by which the order's value differs from the sum of its fills, after each fill."""
    with panels(runs, titles, width=6.2, height=4.6) as (figure, each):
        for axes, run, lead in each:
            _panel(axes, run)
            last = run.difference[-1]
            word = "short of" if last < 0 else "above"
            said = (
                "the fills add up to the order"
                if run.right
                else f"an order ${abs(last):.3f} {word} its fills"
            )
            axes.set_title(f"{lead}{said}", fontsize=12.5)
        each[0][0].set_ylabel("order value − sum of its fills,\ndollars")
        return figure


def _panel(axes: Axes, run: Filled) -> None:
    numbers = range(len(run.said) + 1)
    values = [0.0, *(float(each) for each in run.difference)]
    colour = GOOD if run.right else BAD
    axes.axhline(0, color=SOFT, linestyle="--", linewidth=1.4, label="order = sum of its fills")
    axes.step(numbers, values, where="post", color=colour)
    axes.scatter(numbers, values, color=colour, s=22, zorder=3)
    axes.fill_between(numbers, 0, values, step="post", color=colour, alpha=0.14, linewidth=0)
    axes.annotate(
        f"{'−' if values[-1] < 0 else ''}${abs(values[-1]):.4f}",
        (numbers[-1], values[-1]),
        (0, 10 if values[-1] >= 0 else -18),
        textcoords="offset points",
        ha="right",
        fontweight="bold",
        color=colour,
    )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel(f"fills of one order, {sum(run.sizes)} shares at ${PRICE}")
    # Both panels share the axis: the first one's room for its label must stay.
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, 1.2 * min(values) - 0.01), max(high, 1.2 * max(values) + 0.02))
