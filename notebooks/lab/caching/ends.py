"""When entries that were made together come to their end."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.riskdesk.common import panels
from lab.stampede.lives import Life, differ
from lab.style import ACCENT, BAD, INK

#: What the configuration asks of the bars: at most so many seconds, by chance up to a fifth less.
LONGEST, SHORTEST = 30.0, 24.0
_STEP = 0.5


def chart(*runs: Sequence[Life]) -> Figure:
    """A histogram of the lives, in half seconds, over the span in which chance should spread them."""
    return panels(_draw, runs, good=differ)


def _draw(axes: Axes, run: Sequence[Life]) -> str:
    edges = [SHORTEST - 1 + _STEP * number for number in range(int((LONGEST - SHORTEST + 2) / _STEP) + 1)]
    colour = ACCENT if differ(run) else BAD
    counts, _, _ = axes.hist([life.about for life in run], bins=edges, color=colour, alpha=0.85)
    axes.axvspan(
        SHORTEST, LONGEST, color=ACCENT, alpha=0.08, linewidth=0, label="where chance should spread them"
    )
    axes.axhline(len(run), color=INK, linestyle="--", linewidth=1.2, label=f"all {len(run)} entries")
    axes.set_ylim(0, len(run) + 1.5)
    axes.set_xlabel("seconds from the load to the end of the entry")
    axes.set_ylabel("entries that end within half a second")
    most = int(max(counts))
    if differ(run):
        spread = max(life.about for life in run) - min(life.about for life in run)
        return f"{len(run)} entries end over {spread:.1f} seconds"
    return f"{most} of {len(run)} entries end within half a second"
