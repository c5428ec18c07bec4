"""Calls that one expiry costs the source, by the number of readers who come at once."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.riskdesk.common import panels
from lab.stampede.expiry import Expiry
from lab.style import BAD, GOOD, INK


def chart(*runs: Sequence[Expiry]) -> Figure:
    """A bar for each number of readers, calls on a scale of powers of ten, against the one that is needed."""
    return panels(_draw, runs, good=lambda run: all(one.calls == 1 for one in run))


def _draw(axes: Axes, run: Sequence[Expiry]) -> str:
    for place, one in enumerate(run):
        colour = GOOD if one.calls == 1 else BAD
        axes.bar(place, max(one.calls, 0.75) - 0.7, bottom=0.7, width=0.6, color=colour, alpha=0.85)
        axes.annotate(
            f"{one.calls:,}",
            (place, max(one.calls, 0.75)),
            (0, 4),
            textcoords="offset points",
            ha="center",
            fontweight="bold",
            color=colour,
        )
    axes.axhline(1, color=INK, linestyle="--", linewidth=1.4, label="one call for one expiry")
    axes.set_yscale("log")
    axes.set_ylim(0.7, 1000)
    axes.set_yticks([1, 10, 100, 1000], ["1", "10", "100", "1,000"])
    axes.set_xticks(range(len(run)), [f"{one.readers:,}" for one in run])
    axes.set_xlabel("readers at once")
    axes.set_ylabel("calls to the source")
    axes.grid(axis="x", visible=False)
    most = max(one.calls for one in run)
    return "one call for each expiry" if most == 1 else f"up to {most:,} calls for one expiry"
