"""A picture of what impostors were sent."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.authentication.impostors import Masquerade
from lab.riskdesk.common import panels
from lab.style import BAD, GOOD


def chart(*runs: Masquerade) -> Figure:
    """A bar for each certificate: requests that whoever showed it was sent; two runs side by side."""
    return panels(_draw, runs, good=lambda run: not run.believed, height=3.8)


def _draw(axes: Axes, run: Masquerade) -> str:
    for row, each in enumerate(run.impostors):
        axes.barh(row, each.requests, height=0.62, color=BAD, zorder=3)
        said = f"{each.requests} sent, {each.tokens} with a token" if each.requests else "nothing sent"
        axes.annotate(
            said,
            (each.requests, row),
            (6, 0),
            textcoords="offset points",
            va="center",
            fontsize=9.5,
            fontweight="bold",
            color=BAD if each.requests else GOOD,
        )
    axes.set_yticks(range(len(run.impostors)), [each.shown for each in run.impostors])
    axes.set_ylim(len(run.impostors) - 0.4, -0.6)
    axes.set_xlim(0, max(axes.get_xlim()[1], 1.7 * max(each.requests for each in run.impostors), 6))
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("requests of the gateway that he got")
    axes.set_ylabel("certificate of the impostor")
    return str(run)
