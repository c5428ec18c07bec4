"""The second picture of incident 02: the days that trades are booked on, and those where they belong."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from lab.closing.bookings import HOLIDAYS, Booked, Books
from lab.style import BAD, GOOD, INK, LINE, SOFT

_SATURDAY = 5
_DAY, _SETTLES = "o", "s"


def chart(*books: Books, titles: Sequence[str] = ("Before", "After")) -> Figure:
    """Above, a row a trade from its trading day to its settlement; below, the shares netted on each day.

    Hollow is where a trade belongs, full where it is booked. A column a week of trades: give two to compare.
    """
    wide = len(books) > 1
    figure, grid = plt.subplots(
        2,
        len(books),
        figsize=(13.2 if wide else 9.6, 6.6),
        sharex="col",
        sharey="row",
        squeeze=False,
        height_ratios=(3, 1.5),
        layout="constrained",
    )
    days = _days(books)
    for column, (each, title) in enumerate(zip(books, titles, strict=False)):
        _trades(grid[0][column], each, days)
        _netted(grid[1][column], each, days)
        said = str(each) if each.wrong else "every trade is on its day"
        grid[0][column].set_title(f"{title}: {said}" if wide else said, fontsize=12.5)
    grid[0][0].set_ylabel("trade, time in New York")
    grid[1][0].set_ylabel("shares bought,\nby trading day")
    figure.legend(handles=_legend(books), loc="outside lower center", ncols=6 if wide else 3, fontsize=10)
    plt.close(figure)
    return figure


def _days(books: Sequence[Books]) -> list[date]:
    shown = [
        day
        for each in books
        for trade in each.trades
        for day in (trade.trading_day, trade.settles, trade.deal.trading_day, trade.deal.settles)
    ]
    first, last = min(shown), max(shown)
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _trades(axes: Axes, books: Books, days: Sequence[date]) -> None:
    _columns(axes, days)
    for row, trade in enumerate(books.trades):
        where = {day: number for number, day in enumerate(days)}
        belongs = [where[trade.deal.trading_day], where[trade.deal.settles]]
        booked = [where[trade.trading_day], where[trade.settles]]
        if not trade.right:
            _bar(axes, row - 0.2, belongs, SOFT, fill="white", style=":")
        _bar(axes, row + (0 if trade.right else 0.2), booked, _colour(trade), fill=_colour(trade), style="-")
    names = [f"{trade.deal.at:%a %d %b %H:%M}" for trade in books.trades]
    axes.set_yticks(range(len(names)), names, fontsize=9.5)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)


def _bar(axes: Axes, row: float, ends: Sequence[int], colour: str, *, fill: str, style: str) -> None:
    axes.plot(ends, [row, row], color=colour, linestyle=style, linewidth=1.6, zorder=3)
    for at, marker in zip(ends, (_DAY, _SETTLES), strict=True):
        axes.plot([at], [row], marker, color=colour, markerfacecolor=fill, markersize=8, mew=1.6, zorder=4)


def _netted(axes: Axes, books: Books, days: Sequence[date]) -> None:
    _columns(axes, days)
    expected, reported = books.per_day_expected(), books.per_day()
    for number, day in enumerate(days):
        good = reported[day] == expected[day]
        axes.bar(number, reported[day], width=0.56, color=GOOD if good else BAD, alpha=0.75, zorder=3)
        if expected[day]:
            axes.bar(number, expected[day], width=0.72, fill=False, edgecolor=INK, linewidth=1.3, zorder=4)
    axes.set_xticks(range(len(days)), [f"{day:%a}\n{day.day} {day:%b}" for day in days], fontsize=9.5)
    axes.set_xlabel("date in New York")
    axes.grid(axis="x", visible=False)
    axes.margins(y=0.12)


def _columns(axes: Axes, days: Sequence[date]) -> None:
    for number, day in enumerate(days):
        if day.weekday() >= _SATURDAY or day in HOLIDAYS:
            axes.axvspan(number - 0.5, number + 0.5, color=LINE, alpha=0.7, linewidth=0, zorder=0)
    axes.set_xlim(-0.5, len(days) - 0.5)


def _colour(trade: Booked) -> str:
    return GOOD if trade.right else BAD


def _legend(books: Sequence[Books]) -> list[Line2D | Patch]:
    wrong = any(each.wrong for each in books)
    marks = [
        Line2D([], [], color=GOOD, marker=_DAY, markersize=8, label="trading day"),
        Line2D([], [], color=GOOD, marker=_SETTLES, markersize=8, label="settlement"),
    ]
    hollow = Line2D([], [], color=SOFT, linestyle=":", marker=_DAY, markersize=8, label="where it belongs")
    hollow.set_markerfacecolor("white")
    bad = [Line2D([], [], color=BAD, marker=_DAY, markersize=8, label="booked on a wrong day"), hollow]
    shade = Patch(color=LINE, alpha=0.7, label="exchange closed")
    outline = Patch(fill=False, edgecolor=INK, label="shares that belong there")
    return [*marks, *(bad if wrong else []), outline, shade]
