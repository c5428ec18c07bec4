"""Who is served first when many wait at one price."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.case import Incident
from lab.style import BAD, GOOD, SOFT, table
from lab.trading.desk import Desk
from lab.trading.panels import panels, plural

PRICE = "100.00"
#: In shares, the first to arrive first.
SIZES = (300, 100, 500, 200, 900, 100, 400, 700, 200, 600, 100, 800)


@dataclass(frozen=True, kw_only=True)
class Queue:
    """Sell orders at one price: `served[i]` is the place in which the (i+1)-th to arrive was filled.

    None for an order that was not filled at all.
    """

    symbol: str
    sizes: tuple[int, ...]
    served: tuple[int | None, ...]

    @property
    def places(self) -> list[tuple[int, int]]:
        """(arrival, service) of each order that was filled, from 1."""
        return [(place, each) for place, each in enumerate(self.served, start=1) if each is not None]

    @property
    def out_of_turn(self) -> int:
        """How many orders were not served in the place in which they came."""
        return sum(place != served for place, served in enumerate(self.served, start=1))

    def __str__(self) -> str:
        said = f"{self.out_of_turn} out of turn" if self.out_of_turn else "each in turn"
        return f"{self.symbol}: {len(self.served)} sell orders at ${PRICE} filled, {said}"


def queue(incident: Incident, *, sizes: tuple[int, ...] = SIZES) -> Queue:
    """Sell orders come to rest at one price, one after the other; then one buyer takes them all."""
    desk = Desk(incident)
    waiting = [desk.sell(size, PRICE) for size in sizes]
    desk.buy(sum(sizes), PRICE)
    tape = desk.tape(lambda trades: sum(trade.quantity for trade in trades) == sum(sizes))
    order = list(dict.fromkeys(trade.sell_order_id for trade in tape))
    served = tuple(order.index(each) + 1 if each in order else None for each in waiting)
    return Queue(symbol=desk.symbol, sizes=sizes, served=served)


def rows(run: Queue) -> HTML:
    """The orders in the order in which they came."""
    return table(
        ("arrived as", "shares", "filled as"),
        [(place, size, served) for (place, served), size in zip(run.places, run.sizes, strict=False)],
        caption=f"Sell orders at ${PRICE}",
    )


def chart(*queues: Queue, titles: Sequence[str] = ("Before", "After")) -> Figure:
    """Arrival against service, a dot an order; who is served in turn lies on the diagonal."""
    with panels(queues, titles, width=5.6, height=5.4) as (figure, each):
        for axes, run, lead in each:
            _panel(axes, run, lead)
        each[0][0].set_ylabel("place in which it was filled")
        return figure


def _panel(axes: Axes, run: Queue, lead: str) -> None:
    count = len(run.sizes)
    axes.plot(
        [1, count], [1, count], color=SOFT, linestyle="--", linewidth=1.4, label="first come, first served"
    )
    for fair, colour, label in ((True, GOOD, "in turn"), (False, BAD, "out of turn")):
        spots = [(place, served) for place, served in run.places if (place == served) is fair]
        if spots:
            places, filled = zip(*spots, strict=True)
            axes.vlines(places, places, filled, color=colour, alpha=0.45, linewidth=1.6)
            axes.scatter(places, filled, s=64, color=colour, label=label, zorder=3)
    said = (
        f"{run.out_of_turn} of {plural(count, 'order')} out of turn"
        if run.out_of_turn
        else "everybody in turn"
    )
    axes.set_title(f"{lead}{said}", fontsize=12.5)
    axes.set_xlabel(f"place in which it arrived at ${PRICE}")
    axes.set_xticks(range(1, count + 1))
    axes.set_yticks(range(1, count + 1))
    axes.set_aspect("equal")
