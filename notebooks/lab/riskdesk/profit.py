"""An account's profit and loss as the platform reports it, against what its trades and prices say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.case import Incident
from lab.market import Market, Trader, until
from lab.riskdesk.common import answered, market_of, panels, waited
from lab.style import ACCENT, BAD, INK, SOFT, coloured, dollars, table

#: What happens, step by step: shares that the fund trades (0: others trade among themselves), and the price.
STEPS = ((1000, "50"), (0, "53"), (0, "47"), (500, "46"), (0, "41"), (-700, "40"), (0, "36"), (0, "44"))
#: Seconds within which a figure must have followed what happened.
PATIENCE = 0.6


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step: what happened, and the profit and loss in dollars, as reported and as it was."""

    label: str
    reported: Decimal
    true: Decimal

    @property
    def right(self) -> bool:
        return self.reported == self.true


@dataclass(frozen=True, kw_only=True)
class Day:
    """A fund's day, step by step."""

    steps: tuple[Step, ...]
    account_id: str
    symbol: str

    @property
    def worst(self) -> Step:
        """The step whose figure is furthest off."""
        return max(self.steps, key=lambda step: abs(step.reported - step.true))

    @property
    def wrong(self) -> int:
        return sum(not step.right for step in self.steps)

    def __str__(self) -> str:
        if not self.wrong:
            return f"All {len(self.steps)} figures were right."
        off = dollars(float(abs(self.worst.reported - self.worst.true)))
        return f"{self.wrong} of {len(self.steps)} figures were wrong, the worst by {off}."


class _Books:
    """The fund's own books: shares and the cash that it paid (below zero) or got for them."""

    def __init__(self) -> None:
        self.shares = self.cash = Decimal(0)

    def trade(self, shares: int, price: Decimal) -> Decimal:
        """Books a trade; returns the profit and loss at that price."""
        self.shares += shares
        self.cash -= shares * price
        return self.cash + self.shares * price


def day(incident: Incident, steps: Sequence[tuple[int, str]] = STEPS) -> Day:
    """Trades step by step and asks for the fund's profit and loss after each.

    Each step waits until risk has booked the trade and its price; then the figure has PATIENCE seconds.
    """
    market = market_of(incident)
    symbol = market.new_symbol()
    fund, other, third = (market.new_trader(cash="10000000", shares={symbol: "100000"}) for _ in range(3))
    books, done = _Books(), []
    for shares, text in steps:
        price = Decimal(text)
        _cross(market, symbol, shares, price, fund=fund, other=other, third=third)
        true = books.trade(shares, price)
        _booked(incident, fund.account_id, symbol, books.shares, price)
        done.append(Step(label=_label(shares, price), reported=_reported(fund, true), true=true))
    return Day(steps=tuple(done), account_id=fund.account_id, symbol=symbol)


def _label(shares: int, price: Decimal) -> str:
    verb = "buys" if shares > 0 else "sells"
    return f"fund {verb} {abs(shares):,}\nat ${price}" if shares else f"price moves\nto ${price}"


def _cross(
    _market: Market, symbol: str, shares: int, price: Decimal, *, fund: Trader, other: Trader, third: Trader
) -> None:
    """One trade at that price: of the fund with another, or of two others with each other."""
    quantity, side = abs(shares) or 10, "buy" if shares >= 0 else "sell"
    against = "sell" if side == "buy" else "buy"
    for trader, its_side in ((other, against), (fund if shares else third, side)):
        answered(trader.submit(symbol, its_side, quantity, str(price)), 201)


def _booked(incident: Incident, account_id: str, symbol: str, shares: Decimal, price: Decimal) -> None:
    query = (
        "SELECT 1 FROM risk_lastprice p JOIN risk_position h ON h.symbol = p.symbol "
        "WHERE p.symbol = %s AND p.price = %s AND h.account_id = %s AND h.quantity = %s"
    )
    waited(
        lambda: incident.platform.sql("orders_db", query, (symbol, price, account_id, shares)),
        f"risk books a trade in {symbol} at {price}",
    )


def _reported(fund: Trader, true: Decimal) -> Decimal:
    """What the platform reports, at once when it is right, and after PATIENCE seconds in any case."""
    seen: list[Decimal] = []

    def right() -> bool:
        answer = answered(fund.client.get(f"/v1/risk/pnl/{fund.account_id}"), 200)
        seen.append(Decimal(answer["total_pnl"]))
        return seen[-1] == true

    try:
        until(right, timeout=PATIENCE)
    except AssertionError:
        return seen[-1]
    return seen[-1]


def chart(*days: Day) -> Figure:
    """Two lines over the steps of a day: profit and loss as reported and as it was."""
    return panels(_draw, days, height=5.0, good=lambda each: not each.wrong)


def _draw(axes: Axes, each: Day) -> str:
    places = list(range(len(each.steps)))
    true = [float(step.true) / 1000 for step in each.steps]
    reported = [float(step.reported) / 1000 for step in each.steps]
    axes.axhline(0, color=SOFT, linewidth=1)
    axes.fill_between(places, true, reported, step="mid", color=BAD, alpha=0.16, linewidth=0, label="off by")
    lines = ((true, INK, "o", "-", "as it was"), (reported, ACCENT, "s", "--", "as reported"))
    for values, colour, marker, style, label in lines:
        axes.step(places, values, where="mid", color=colour, marker=marker, linestyle=style, label=label)
    labels = [step.label for step in each.steps]
    axes.set_xticks(places, labels, rotation=45, ha="right", rotation_mode="anchor", fontsize=9)
    axes.set_xlabel("")
    axes.set_ylabel("profit and loss of the fund,\nthousands of dollars")
    axes.margins(y=0.16)
    if not each.wrong:
        return "every figure is right"
    step = each.worst
    at, off = each.steps.index(step), dollars(float(abs(step.reported - step.true)), unit="k")
    middle = (true[at] + reported[at]) / 2
    axes.text(at, middle, f"{off}\noff", ha="center", va="center", color=BAD, weight="bold")
    return f"{each.wrong} of {len(each.steps)} figures are wrong, by up to {off}"


def _signed(amount: Decimal) -> str:
    return f"{'−' if amount < 0 else ''}{dollars(float(abs(amount)))}"


def compared(each: Day) -> HTML:
    """Every step's figure, as reported and as it was."""
    rows = [
        (
            step.label.replace("\n", " "),
            _signed(step.reported),
            _signed(step.true),
            coloured("right" if step.right else "wrong", good=step.right),
        )
        for step in each.steps
    ]
    return table(("step", "reported", "as it was", ""), rows)
