"""The picture of incident 03: how far each book drifts from exact, trade by trade, symbol by symbol."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.pennies.books import BOOKS, HALF_A_CENT, Book
from lab.pennies.record import Day
from lab.style import ACCENT, BAD, GOOD, INK, SOFT, WARM

_LOOKS = ((ACCENT, "o"), (WARM, "s"), ("#7a5195", "^"), ("#0f8b8d", "D"))


def chart(*days: Day, titles: Sequence[str] = ("Before", "After")) -> Figure:
    """A panel for each book, dollars of drift over trades, a line for each symbol; a row of panels a day."""
    figure = plt.figure(figsize=(12.6, 4.3 * len(days) + 0.3), layout="constrained")
    rows = figure.subfigures(len(days), 1, squeeze=False)[:, 0]
    panels: list[Axes] = []
    for row, day, title in zip(rows, days, titles, strict=False):
        lead = f"{title}: " if len(days) > 1 else ""
        row.suptitle(lead + _harm(day), x=0.01, ha="left", fontweight="bold", fontsize=14)
        panels += _row(row, day, panels[0] if panels else None)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=6, fontsize=10)
    plt.close(figure)
    return figure


def _harm(day: Day) -> str:
    off = sum(book.off(day) for book in BOOKS)
    if all(book.right(day) for book in BOOKS):
        return f"{day.trades} partial fills, and every book is exact"
    return f"{day.trades} partial fills, and the books are off by ${off:.2f}"


def _row(row: Any, day: Day, first: Axes | None) -> list[Axes]:
    panels = row.subplots(1, len(BOOKS), sharey=True)
    if first is not None:
        # Before and after are read against one scale.
        panels[0].sharey(first)
    for axes, book in zip(panels, BOOKS, strict=True):
        _panel(axes, book, day)
    panels[0].set_ylabel("reported − exact, dollars")
    panels[0].yaxis.set_major_formatter(
        lambda dollars, _: f"{dollars:+.2f}".replace("-", "−") if round(dollars, 4) else "0"
    )
    return list(panels)


def _panel(axes: Axes, book: Book, day: Day) -> None:
    half = float(HALF_A_CENT)
    axes.axhspan(-half, half, color=GOOD, alpha=0.16, linewidth=0, label="within half a cent")
    axes.axhline(0, color=INK, linestyle="--", linewidth=1.3, label="exact")
    for number, (symbol, (colour, marker)) in enumerate(zip(day.symbols, _LOOKS, strict=False)):
        steps = ((0, Decimal(0)), *book.drift(day, symbol))
        price = day.bids[[bid.symbol for bid in day.bids].index(symbol)].price
        axes.plot(
            [count for count, _ in steps],
            [float(dollars) for _, dollars in steps],
            color=colour,
            marker=marker,
            # Lines that lie on each other are told apart by where their markers are.
            markevery=(number, 6) if len(steps) > 12 else None,
            markersize=4.5,
            linewidth=1.8,
            label=f"symbol {number + 1}, about ${price:.2f}",
        )
    right = book.right(day)
    verdict = "exact" if right else f"off by ${book.off(day):.2f}"
    axes.set_title(f"{book.name}: {verdict}", color=GOOD if right else BAD, fontsize=12)
    axes.set_xlabel("trades of the symbol")
    axes.annotate(book.means, (0.02, 0.02), xycoords="axes fraction", fontsize=9, color=SOFT, va="bottom")
    axes.margins(y=0.12)
