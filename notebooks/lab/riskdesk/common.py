"""What the risk desk's pictures share: a platform that is fit for traffic, and panels side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import httpx
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.case import Incident
from lab.errors import LabError
from lab.market import Market, until
from lab.style import BAD, GOOD

T = TypeVar("T")


def market_of(incident: Incident) -> Market:
    """The running platform's market; LabError when a service is down, a remark on code not run yet."""
    if down := incident.platform.failed:
        raise LabError(f"{', '.join(down)} did not come up: mend the code, then incident.restart()")
    if stale := incident.changed():
        print(f"Changed since it was started: {', '.join(stale)}. To run the new code: incident.restart()")
    return incident.market


def answered(response: httpx.Response, *statuses: int) -> Any:
    """The JSON of an answer that has one of these statuses; LabError in one line otherwise."""
    if response.status_code not in statuses:
        what = f"{response.request.method} {response.request.url.path}"
        raise LabError(f"{what} was answered {response.status_code}: {response.text[:200]}")
    return response.json() if response.content else None


def waited(probe: Callable[[], T], what: str, *, timeout: float = 20.0) -> T:
    """The first true answer of `probe`; LabError when there is none in time."""
    try:
        return until(probe, timeout=timeout)
    except AssertionError:
        raise LabError(f"{what}: not within {timeout:g} s. Look into incident.logs(level='error')") from None


def panels(
    draw: Callable[[Axes, Any], str],
    runs: Sequence[Any],
    *,
    height: float = 4.4,
    titles: Sequence[str] = ("Before", "After"),
    good: Callable[[Any], bool],
) -> Figure:
    """A panel a run, side by side on the same axes; `draw` returns the panel's title.

    The title is red where the run shows harm, green where a second run shows none.
    """
    wide = len(runs) > 1
    figure, grid = plt.subplots(
        1, len(runs), figsize=(12.6 if wide else 9.2, height), sharey=True, sharex=True, squeeze=False
    )
    for axes, run, name in zip(grid[0], runs, titles, strict=False):
        said = draw(axes, run)
        colour = GOOD if good(run) else BAD
        axes.set_title(f"{name}: {said}" if wide else said, fontsize=12.5, color=colour)
    for axes in grid[0][1:]:
        axes.set_ylabel("")
    legend(figure, *grid[0])
    figure.tight_layout()
    plt.close(figure)
    return figure


def legend(figure: Figure, *every: Axes) -> None:
    """One legend below the panels, each entry once."""
    drawn: dict[str, Any] = {}
    for axes in every:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            drawn.setdefault(label, handle)
    if drawn:
        columns = min(len(drawn), 4 if len(every) > 1 else 3)
        at = (0.5, 0.0)
        figure.legend(drawn.values(), drawn.keys(), ncols=columns, loc="upper center", bbox_to_anchor=at)
