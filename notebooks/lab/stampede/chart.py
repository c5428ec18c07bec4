"""The picture of incident 05: calls to the source, expiries, and how long readers wait, on one time axis."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.stampede.record import SYMBOLS, Opening, p99
from lab.style import ACCENT, BAD, GOOD, INK, SOFT, WARM

_BIN = 0.25
#: Calls for an expiry: one, and now and then one that is early.
A_LITTLE_MORE = 1.1


def chart(*runs: Opening, titles: Sequence[str] = ("Before", "After")) -> Figure:
    """A column a run: calls a second against the limit, the source's answers by symbol, and the p99."""
    wide = len(runs) > 1
    figure, grid = plt.subplots(
        3,
        len(runs),
        figsize=(13.2 if wide else 9.6, 8.0),
        sharex=True,
        sharey="row",
        squeeze=False,
        height_ratios=(1.5, 1.4, 1.5),
    )
    # By hand: a layout that makes room for titles would take it from panels narrower than their titles.
    figure.subplots_adjust(left=0.08, right=0.99, top=0.95, bottom=0.08, hspace=0.27, wspace=0.05)
    for column, (run, title) in enumerate(zip(runs, titles, strict=False)):
        lead = f"{title}: " if wide else ""
        _calls(grid[0][column], run, lead)
        _expiries(grid[1][column], run)
        _latency(grid[2][column], run)
    grid[0][0].set_ylabel("calls to the source\nper second")
    grid[1][0].set_yticks(range(len(SYMBOLS)), SYMBOLS, fontsize=8)
    grid[1][0].set_ylim(len(SYMBOLS) - 0.4, -0.6)
    grid[2][0].set_ylabel("p99 of the readers,\nmilliseconds")
    grid[2][0].set_ylim(bottom=0)  # once all are drawn: a limit ends the scaling that they share
    plt.close(figure)
    return figure


def _edges(run: Opening) -> np.ndarray:
    return np.arange(0.0, run.plan.seconds + _BIN / 2, _BIN)


def _calls(axes: Axes, run: Opening, lead: str) -> None:
    times, counts = zip(*run.counted, strict=True)
    edges = _edges(run)
    rates = np.diff(np.interp(edges, times, counts)) / _BIN
    over = rates > run.plan.limit
    axes.bar(edges[:-1], rates, width=_BIN, align="edge", color=np.where(over, BAD, ACCENT), linewidth=0)
    axes.axhline(run.plan.limit, color=BAD, linestyle="--", linewidth=1.5)
    axes.annotate(
        f"the source's limit, {run.plan.limit:.0f} a second",
        (1.0, run.plan.limit),
        (0, 4),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        ha="right",
        fontsize=9.5,
        color=BAD,
    )
    told, good = _harm(run, float(max(rates)))
    axes.set_title(f"{lead}{told}", color=GOOD if good else BAD, fontsize=12.5)


def _harm(run: Opening, peak: float) -> tuple[str, bool]:
    """What the upper panel says, and whether it is good news."""
    if peak > run.plan.limit:
        return f"up to {peak:.0f} calls a second where {run.plan.limit:.0f} are allowed", False
    if run.calls_per_expiry > A_LITTLE_MORE:
        return f"{run.calls_per_expiry:.1f} calls for each expiry", False
    return f"{len(run.calls)} calls, never past the limit", True


def _expiries(axes: Axes, run: Opening) -> None:
    for row, symbol in enumerate(SYMBOLS):
        times = [at for at, its in run.calls if its == symbol]
        axes.plot(times, [row] * len(times), "|", color=INK, markersize=8, mew=1.3, alpha=0.75)
    said = (
        f"a mark is an answer of the source: {run.calls_per_expiry:.1f} an expiry, {run.worst_expiry} at most"
    )
    axes.set_title(said, fontsize=10.5, fontweight="normal", color=SOFT)
    axes.grid(axis="y", visible=False)


def _latency(axes: Axes, run: Opening) -> None:
    edges = _edges(run)
    bins: list[list[float]] = [[] for _ in edges]
    for read in run.reads:
        bins[min(int(read.start / _BIN), len(bins) - 1)].append(read.seconds)
    values = [1e3 * p99(each) for each in bins[:-1]]
    axes.step(edges[:-1], values, where="post", color=WARM, linewidth=1.8)
    axes.fill_between(edges[:-1], values, step="post", color=WARM, alpha=0.25, linewidth=0)
    refused = [read.start for read in run.reads if read.status != 200]
    axes.plot(refused, [0] * len(refused), "x", color=BAD, markersize=5, mew=1.2, clip_on=False)
    told = f"p99 {1e3 * run.p99_around:,.0f} ms around an expiry, {1e3 * run.p99_between:,.0f} ms between"
    if refused:
        told += f"; {len(refused)} reads failed (crosses)"
    axes.set_title(told, fontsize=10.5, fontweight="normal", color=SOFT)
    axes.set_xlabel("seconds since the opening")
    axes.set_xlim(0, run.plan.seconds)
