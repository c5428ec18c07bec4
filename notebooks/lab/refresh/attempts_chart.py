"""How often each call of a client was put to auth, as a picture and as a table."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.refresh.attempts import Tries
from lab.style import ACCENT, BAD, GOOD, SOFT, table


def chart(*runs: Tries, titles: Sequence[str] = ("Before", "After")) -> Figure:
    """A row a call, a dot for each time that auth was asked, over time; two runs side by side."""
    wide = len(runs) > 1
    figure, grid = plt.subplots(
        1, len(runs), figsize=(12.8 if wide else 9.6, 4.6), sharex=True, sharey=True, squeeze=False
    )
    for axes, run, title in zip(grid[0], runs, titles, strict=False):
        colour = BAD if run.repeated else GOOD
        said = f"{title}: {len(run.calls)} calls, {run.at_auth} at auth" if wide else str(run)
        axes.set_title(said, fontsize=12.5, color=colour)
        _rows(axes, run)
    figure.legend(
        *grid[0][0].get_legend_handles_labels(), loc="upper center", ncols=3, bbox_to_anchor=(0.5, 0)
    )
    figure.tight_layout()
    plt.close(figure)
    return figure


def _rows(axes: Axes, run: Tries) -> None:
    numbers = range(len(run.calls))
    firsts = [(call.moments[0], row) for row, call in zip(numbers, run.calls, strict=True) if call.moments]
    more = [(at, row) for row, call in zip(numbers, run.calls, strict=True) for at in call.moments[1:]]
    for row, call in zip(numbers, run.calls, strict=True):
        if call.attempts > 1:
            axes.plot([call.moments[0], call.moments[-1]], [row, row], color=BAD, alpha=0.3, linewidth=1.4)
        axes.annotate(
            f"× {call.attempts}",
            (1.0, row),
            (6, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            va="center",
            fontsize=9.5,
            color=BAD if call.attempts > 1 else GOOD,
            fontweight="bold",
        )
    axes.plot(*zip(*firsts, strict=True), "o", color=ACCENT, markersize=7, label="first call at auth")
    if more:
        axes.plot(*zip(*more, strict=True), "o", color=BAD, markersize=7, label="the same call again")
    kinds = [(f"{call.what}: {call.status}", row) for row, call in zip(numbers, run.calls, strict=True)]
    shown = [kinds[row] for row in numbers if not row or run.calls[row].what != run.calls[row - 1].what]
    axes.set_yticks([row for _, row in shown], [name for name, _ in shown], fontsize=9.5)
    for _, row in shown[1:]:
        axes.axhline(row - 0.5, color=SOFT, linewidth=0.6, alpha=0.5)
    axes.set_ylim(len(run.calls) - 0.5, -0.5)
    axes.grid(axis="y", visible=False)
    axes.margins(x=0.06)
    axes.set_xlabel("milliseconds since the call reached the gateway")


def counted(run: Tries) -> HTML:
    """A row for each kind of call: how many clients sent, how many auth answered."""
    kinds = dict.fromkeys((call.what, call.status) for call in run.calls)
    rows = [
        (what, status, len(own), sum(call.attempts for call in own))
        for what, status in kinds
        if (own := [call for call in run.calls if (call.what, call.status) == (what, status)])
    ]
    return table(("call", "answer", "sent by clients", "answered by auth"), rows)
