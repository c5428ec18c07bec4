"""The picture of incident 02: orders around the close, a strip a day, against the exchange's session."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from lab.closing.record import CLOSES, DAYS, OPENS, Day, Probe, Record
from lab.style import ACCENT, BAD, GOOD, INK, SOFT

#: (accepted, right) → marker, colour, size in points, label
_LOOKS = {
    (True, True): ("^", GOOD, 6.0, "accepted, exchange open"),
    (False, True): ("x", SOFT, 6.0, "refused, exchange closed"),
    (True, False): ("^", BAD, 9.0, "accepted while CLOSED"),
    (False, False): ("x", BAD, 8.0, "refused while OPEN"),
}
_STRIP = 0.62
_TICKS = {
    "day": [time(hour) for hour in range(8, 19)],
    "close": [time(15, 55), time(15, 57), time(15, 59), time(16, 1), time(16, 3), time(16, 5)],
}


def chart(
    *records: Record, titles: Sequence[str] = ("Before", "After"), days: Sequence[Day] = DAYS
) -> Figure:
    """A strip a day: every half hour on the left, every minute around the close on the right.

    A row of panels a record: give two to compare.
    """
    figure, grid = plt.subplots(
        len(records),
        2,
        figsize=(12.4, (0.74 * len(days) + 1.0) * len(records) + 0.7),
        sharey=True,
        squeeze=False,
        width_ratios=(3, 2),
        layout="constrained",
    )
    for (whole, close), record, title in zip(grid, records, titles, strict=False):
        _panel(whole, days, _TICKS["day"], [p for day in days for p in record.of(day) if _coarse(p)])
        _panel(close, days, _TICKS["close"], record.probes)
        whole.set_title(f"{title}: {_harm(record)}" if len(records) > 1 else _harm(record), fontsize=12.5)
        close.set_title("around the close, minute by minute", fontsize=11, fontweight="normal")
    for axes in grid[-1]:
        axes.set_xlabel("time in New York")
    figure.legend(handles=_legend(records), loc="outside lower center", ncols=6, fontsize=10)
    plt.close(figure)
    return figure


def _harm(record: Record) -> str:
    if not record.let_in and not record.kept_out:
        return "accepted when open, refused when closed"
    return f"{len(record.let_in)} accepted while closed, {len(record.kept_out)} refused while open"


def _panel(axes: Axes, days: Sequence[Day], ticks: Sequence[time], probes: Sequence[Probe]) -> None:
    first, last = _minutes(ticks[0]), _minutes(ticks[-1])
    margin = (last - first) * 0.045
    axes.set_xlim(first - margin, last + margin)
    axes.set_xticks([_minutes(tick) for tick in ticks], [f"{tick:%H:%M}" for tick in ticks])
    opens, closes = _minutes(OPENS), _minutes(CLOSES)
    for row, day in enumerate(days):
        axes.add_patch(
            Rectangle(
                (opens, row - _STRIP / 2), closes - opens, _STRIP, color=ACCENT, alpha=0.13, linewidth=0
            )
        )
        shown = [probe for probe in probes if probe.at.date() == day.date]
        for (accepted, right), (marker, colour, size, _) in _LOOKS.items():
            at = [_minutes(p.at.time()) for p in shown if (p.accepted, p.right) == (accepted, right)]
            axes.plot(at, [row] * len(at), marker, color=colour, markersize=size, mew=1.8, zorder=3)
    axes.axvline(closes, color=INK, linestyle="--", linewidth=1.4, zorder=2)
    axes.annotate(
        f"close {CLOSES:%H:%M}",
        (closes, -0.62),
        (4, 0),
        textcoords="offset points",
        fontsize=9.5,
        va="center",
    )
    names = [f"{day.date:%a %d %b %Y}\n{day.season}" for day in days]
    axes.set_yticks(range(len(days)), names, fontsize=9.5)
    axes.set_ylim(len(days) - 0.5, -0.85)
    axes.grid(axis="y", visible=False)


def _legend(records: Sequence[Record]) -> list[Line2D | Patch]:
    seen = {(probe.accepted, probe.right) for record in records for probe in record.probes}
    marks: list[Line2D | Patch] = [
        Line2D([], [], marker=marker, color=colour, markersize=size, mew=1.8, linestyle="none", label=label)
        for look, (marker, colour, size, label) in _LOOKS.items()
        if look in seen
    ]
    return [Patch(color=ACCENT, alpha=0.13, label="session, 9:30 to 16:00"), *marks]


def _coarse(probe: Probe) -> bool:
    return probe.at.minute % 30 == 0


def _minutes(moment: time) -> float:
    return moment.hour * 60 + moment.minute + moment.second / 60
