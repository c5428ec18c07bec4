"""How the load spreads over the keys of the cache, and which of its tiers carries it."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.stampede.record import Load
from lab.style import BAD, GOOD, SOFT

#: Of the reads of the hottest key, the part that may reach Redis.
MOST = 0.5


def keys_chart(*runs: Load, titles: Sequence[str] = ("Before", "After")) -> Figure:
    """A bar a key, reads per second: those that Redis answered, and those of the copy in the process."""
    wide = len(runs) > 1
    figure, grid = plt.subplots(
        1,
        len(runs),
        figsize=(13.2 if wide else 9.6, 4.6),
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for axes, run, title in zip(grid[0], runs, titles, strict=False):
        _panel(axes, run, f"{title}: " if wide else "")
    handles, labels = grid[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2)
    plt.close(figure)
    return figure


def _panel(axes: Axes, run: Load, lead: str) -> None:
    rows = range(len(run.keys))
    shared = [each.shared / run.seconds for each in run.keys]
    near = [each.near / run.seconds for each in run.keys]
    axes.barh(rows, shared, color=BAD, alpha=0.85, label="answered by Redis")
    axes.barh(rows, near, left=shared, color=GOOD, alpha=0.8, label="answered by a copy in the process")
    axes.set_yticks(rows, [each.symbol for each in run.keys], fontsize=9.5)
    axes.set_ylim(len(run.keys) - 0.4, -0.6)
    for row, each in enumerate(run.keys):
        total = each.total / run.seconds
        axes.annotate(
            f"{total:.0f}", (total, row), (5, 0), textcoords="offset points", va="center", color=SOFT
        )
    hottest = run.hottest
    of_all = hottest.shared / max(1, sum(each.shared for each in run.keys))
    told = f"{of_all:.0%} of all that Redis is asked is {hottest.symbol}"
    if hottest.share <= MOST:
        told = f"{1 - hottest.share:.0%} of {hottest.symbol}'s reads stay in the process"
    axes.set_title(f"{lead}{told}", fontsize=12.5, color=BAD if hottest.share > MOST else GOOD)
    axes.set_xlabel("reads per second, by key")
    axes.grid(axis="y", visible=False)
    axes.margins(x=0.12)
