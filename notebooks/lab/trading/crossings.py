"""A buyer and a seller name the same price: whether they meet, and what the ticket says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.case import Incident
from lab.style import BAD, GOOD, SOFT, coloured, table
from lab.trading.desk import Desk
from lab.trading.panels import panels, plural

PRICES = tuple(
    Decimal(text)
    for text in (
        *("0.07", "0.29", "0.57", "0.70", "1.10", "1.15", "2.30", "4.35", "8.41", "9.95"),
        *("10.10", "16.01", "19.99", "33.33", "64.70", "73.21", "100.01", "131.09", "262.15", "500.07"),
    )
)
CENT = Decimal("0.01")


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """A bid that rests at `price`: whether an offer at that price was filled, and the price of the trade.

    Where the two did not meet, the trade is with a second offer, one cent lower, at the price of the bid.
    """

    price: Decimal
    met: bool
    printed: Decimal | None
    order_id: str

    @property
    def off(self) -> Decimal:
        """Dollars by which the trade's price is above the bid's."""
        return (self.printed or self.price) - self.price

    @property
    def right(self) -> bool:
        return self.met and self.printed == self.price


@dataclass(frozen=True, kw_only=True)
class Crossings:
    """Pairs of orders at equal prices, and what became of them."""

    symbol: str
    pairs: tuple[Crossing, ...]

    @property
    def missed(self) -> int:
        """Pairs that did not meet."""
        return sum(not pair.met for pair in self.pairs)

    @property
    def off(self) -> int:
        """Bids that traded at another price than their own."""
        return sum(bool(pair.off) for pair in self.pairs)

    @property
    def example(self) -> str:
        """The id of a bid that was not met; of the first one when all were."""
        return next((pair for pair in self.pairs if not pair.met), self.pairs[0]).order_id

    def __str__(self) -> str:
        return (
            f"{self.symbol}: {plural(len(self.pairs), 'pair')} at equal prices, {self.missed} did not meet, "
            f"{self.off} of the bids then traded at another price than their own"
        )


def crossings(
    incident: Incident, *, prices: Sequence[Decimal] = PRICES, tick_size: str = "0.01"
) -> Crossings:
    """For each price a bid rests, and an offer at the same price is to be filled at once or not at all."""
    desk = Desk(incident, tick_size=tick_size)
    found = [(price, *_pair(desk, price)) for price in prices]
    tape = desk.tape(lambda trades: len(trades) >= len(prices))
    printed = {trade.buy_order_id: trade.price for trade in tape}
    return Crossings(
        symbol=desk.symbol,
        pairs=tuple(
            Crossing(price=price, met=met, printed=printed.get(bid), order_id=bid)
            for price, bid, met in found
        ),
    )


def _pair(desk: Desk, price: Decimal) -> tuple[str, bool]:
    bid = desk.buy(100, price, time_in_force="gtc")
    met = desk.ended(desk.sell(100, price, time_in_force="ioc"))["status"] == "filled"
    if not met:
        desk.sell(100, price - CENT, time_in_force="ioc")
    return bid, met


def rows(run: Crossings) -> HTML:
    """The pairs one by one."""
    return table(
        ("both say, dollars", "an offer at that price", "the trade says, dollars", ""),
        [
            (
                f"{pair.price:f}",
                "is filled" if pair.met else "is not filled",
                "–" if pair.printed is None else f"{pair.printed.normalize():f}",
                coloured("right" if pair.right else "wrong", good=pair.right),
            )
            for pair in run.pairs
        ],
    )


def chart(*runs: Crossings, titles: Sequence[str] = ("Before", "After")) -> Figure:
    """A mark a pair: whether it met, and how far the trade is from the price that the bid names."""
    with panels(runs, titles, width=6.6, height=4.8) as (figure, each):
        for axes, run, lead in each:
            count = plural(len(run.pairs), "equal pair")
            said = f"{run.missed} of {count} do not meet" if run.missed else f"all {count} meet"
            axes.set_title(f"{lead}{said}", fontsize=12.5)
            _panel(axes, run)
        each[0][0].set_ylabel("price of the trade − price of the bid,\nhundredths of a cent per share")
        return figure


def _panel(axes: Axes, run: Crossings) -> None:
    off = [float(pair.off * 10_000) for pair in run.pairs]
    met = [place for place, pair in enumerate(run.pairs) if pair.met and not pair.off]
    missed = [place for place, pair in enumerate(run.pairs) if not pair.met]
    wrong = [place for place, pair in enumerate(run.pairs) if pair.off]
    axes.axhline(0, color=SOFT, linewidth=1.2)
    axes.vlines(wrong, 0, [off[place] for place in wrong], color=BAD, linewidth=1.8, alpha=0.7)
    axes.scatter(met, [0.0] * len(met), color=GOOD, s=52, label="met at their price", zorder=3)
    axes.scatter(
        missed,
        [0.0] * len(missed),
        color=BAD,
        marker="x",
        s=84,
        linewidth=2.4,
        label="did not meet",
        zorder=4,
    )
    axes.scatter(
        wrong,
        [off[place] for place in wrong],
        color=BAD,
        s=52,
        label="then traded at a wrong price",
        zorder=3,
    )
    axes.set_xticks(range(len(run.pairs)), [f"{pair.price:f}" for pair in run.pairs], rotation=90, fontsize=9)
    axes.set_xlabel("price that both orders name, dollars")
    axes.grid(axis="x", visible=False)
    low, high = axes.get_ylim()
    most = max([0.5, -low, high, *(abs(each) * 1.3 for each in off)])
    axes.set_ylim(-most, most)
