"""What each header opens at risk, as a picture and as a table."""

from __future__ import annotations

from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.authentication.doors import WORTH, Knocks
from lab.riskdesk.common import panels
from lab.style import BAD, GOOD, INK, coloured, dollars, table


def chart(*runs: Knocks) -> Figure:
    """A bar for each header: dollars of a fund's limit that the caller could set aside."""
    return panels(_draw, runs, good=lambda run: not run.let_in, height=4.6)


def _draw(axes: Axes, run: Knocks) -> str:
    rows = range(len(run.knocks))
    for row, each in zip(rows, run.knocks, strict=True):
        colour = GOOD if each.right else BAD
        axes.barh(row, float(each.used) / 1e3, height=0.66, color=colour, zorder=3)
        said = f"{each.status}" + (f", {dollars(float(each.used))}" if each.used else "")
        axes.annotate(
            said,
            (float(each.used) / 1e3, row),
            (5, 0),
            textcoords="offset points",
            va="center",
            fontsize=9.5,
            fontweight="bold",
            color=colour,
        )
    last = len(run.knocks) - 1
    axes.axhline(last - 0.5, color=INK, linestyle="--", linewidth=1.3)
    axes.annotate(
        "may not reserve ↑   may ↓",
        (0.99, last - 0.5),
        (0, 3),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        ha="right",
        va="bottom",
        fontsize=9,
        color=INK,
    )
    axes.set_yticks(rows, [each.shown for each in run.knocks], fontsize=9.5)
    axes.set_ylim(last + 0.6, -0.6)
    axes.set_xlim(0, float(WORTH) / 1e3 * 1.45)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("reserved of a fund's limit, thousands of dollars")
    axes.set_ylabel("shown to risk")
    return str(run)


def answers(run: Knocks) -> HTML:
    """A row for each header, with the answer and what it cost."""
    rows = [
        (each.shown, each.status, each.used, coloured("right" if each.right else "WRONG", good=each.right))
        for each in run.knocks
    ]
    return table(("Authorization", "answer", "dollars reserved", ""), rows)
