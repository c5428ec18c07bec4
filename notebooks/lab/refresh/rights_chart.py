"""What each log-in of a user may do, as fields, and what its access token says, as a table."""

from __future__ import annotations

import matplotlib.pyplot as plt
from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from lab.refresh.rights import Rights
from lab.style import BAD, GOOD, coloured, table

_REFUSED = 400


def claims(found: Rights) -> HTML:
    """What the access token of each log-in says about its bearer."""
    rows = [
        (
            way,
            said.get("device", "–"),
            ", ".join(said.get("roles", ())) or "–",
            f"{len(said.get('permissions', ()))} permissions",
            said.get("tenant", "–"),
            coloured("yes", good=True) if way not in _ways_refused(found) else coloured("no", good=False),
        )
        for way, said in found.claims.items()
    ]
    heads = ("log-in", "device", "roles", "permissions", "tenant", "treated like the browser")
    return table(heads, rows, caption="Claims of the access tokens")


def _ways_refused(found: Rights) -> set[str]:
    return {each.partition(":")[0] for each in found.differing}


def chart(*runs: Rights, titles: tuple[str, str] = ("Before", "After")) -> Figure:
    """A field for each request and way of log-in, with its status; two runs side by side."""
    wide = len(runs) > 1
    figure, grid = plt.subplots(
        1, len(runs), figsize=(12.4 if wide else 7.6, 3.9), sharey=True, squeeze=False, layout="constrained"
    )
    for axes, run, title in zip(grid[0], runs, titles, strict=False):
        said = f"{len(run.differing)} requests refused to devices" if run.differing else "all ways are equal"
        colour = BAD if run.differing else GOOD
        axes.set_title(f"{title}: {said}" if wide else said, fontsize=12.5, color=colour)
        _fields(axes, run)
    grid[0][0].set_ylabel("request of one trader")
    patches = [Patch(color=GOOD, alpha=0.75, label="answered"), Patch(color=BAD, alpha=0.85, label="refused")]
    figure.legend(handles=patches, loc="outside lower center", ncols=2, fontsize=9.5)
    plt.close(figure)
    return figure


def _fields(axes: Axes, run: Rights) -> None:
    for column, answers in enumerate(run.answers.values()):
        for row, status in enumerate(answers.values()):
            refused = status >= _REFUSED
            axes.barh(
                row,
                0.94,
                left=column - 0.47,
                height=0.88,
                color=BAD if refused else GOOD,
                alpha=0.85 if refused else 0.75,
                linewidth=0,
            )
            axes.text(column, row, str(status), ha="center", va="center", color="white", fontweight="bold")
    axes.set_xticks(range(len(run.answers)), list(run.answers))
    names = list(next(iter(run.answers.values())))
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(-0.52, len(run.answers) - 0.48)
    axes.set_xlabel("logged in with")
    axes.grid(visible=False)
