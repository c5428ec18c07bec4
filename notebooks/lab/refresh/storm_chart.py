"""The picture of incident 04: log-outs and 403s a second around the opening bell."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.refresh.record import ALARM, FORBIDDEN, LOGGED_OUT, Storm, Visit
from lab.style import ACCENT, BAD, GOOD, INK, SOFT, WARM

#: Seconds of one bar.
STEP = 0.5
_CALM = "#c3d3e6"


def chart(*storms: Storm, titles: Sequence[str] = ("Before", "After")) -> Figure:
    """Above, refreshes a second and those that were refused; below, reads of the own orders, likewise.

    A column a storm: give two to compare.
    """
    wide = len(storms) > 1
    figure, grid = plt.subplots(
        2,
        len(storms),
        figsize=(12.8 if wide else 9.6, 6.4),
        sharex=True,
        sharey="row",
        squeeze=False,
        height_ratios=(3, 2.4),
        layout="constrained",
    )
    for column, (storm, title) in enumerate(zip(storms, titles, strict=False)):
        reads = [visit for visit in storm.visits if visit.what == "read"]
        _panel(grid[0][column], storm.refreshes, LOGGED_OUT, BAD, "forced log-out (401)")
        _alarm(grid[0][column])
        _panel(grid[1][column], reads, FORBIDDEN, WARM, "403 for the own orders")
        _bell(grid[0][column], named=True)
        _bell(grid[1][column], named=False)
        lead = f"{title}: " if wide else ""
        harmless = not storm.logged_out and not storm.forbidden
        grid[0][column].set_title(lead + _harm(storm), fontsize=12.5, color=GOOD if harmless else BAD)
        grid[1][column].set_xlabel("seconds since the opening bell")
    grid[0][0].set_ylabel("refreshes a second")
    grid[1][0].set_ylabel("reads of orders a second")
    _legend(figure, grid[:, 0])
    plt.close(figure)
    return figure


def _harm(storm: Storm) -> str:
    if not storm.logged_out and not storm.forbidden:
        return "nobody logged out, nobody refused"
    return f"{len(storm.logged_out)} of {storm.clients} clients logged out, {len(storm.forbidden)} × 403"


def _panel(axes: Axes, visits: Sequence[Visit], refused: int, colour: str, label: str) -> None:
    good = _rates(visit for visit in visits if visit.status != refused)
    bad = _rates(visit for visit in visits if visit.status == refused)
    every = sorted(good | bad)
    middles = [at + STEP / 2 for at in every]
    low, high = [good.get(at, 0.0) for at in every], [bad.get(at, 0.0) for at in every]
    axes.bar(middles, high, width=STEP * 0.86, color=colour, label=label, zorder=3)
    axes.bar(middles, low, width=STEP * 0.86, bottom=high, color=_CALM, label="answered", zorder=2)
    axes.grid(axis="x", visible=False)
    axes.margins(y=0.14)


def _rates(visits: Iterable[Visit]) -> dict[float, float]:
    """Visits a second, by the beginning of the bar that they fall into."""
    counts = Counter(math.floor(visit.answered / STEP) * STEP for visit in visits)
    return {at: count / STEP for at, count in counts.items()}


def _alarm(axes: Axes) -> None:
    label = f"alarm: {ALARM:g} log-out a second"
    axes.axhline(ALARM, color=INK, linestyle="--", linewidth=1.4, label=label, zorder=4)


def _bell(axes: Axes, *, named: bool) -> None:
    axes.axvline(0, color=ACCENT, linewidth=1.4, linestyle=":", zorder=1)
    if named:
        axes.annotate(
            "opening bell",
            (0, 1),
            (-5, -4),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="right",
            va="top",
            fontsize=9.5,
            color=SOFT,
        )


def _legend(figure: Figure, every: Iterable[Axes]) -> None:
    drawn = {
        label: handle
        for axes in every
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(list(drawn.values()), list(drawn), loc="outside lower center", ncols=5, fontsize=9.5)
