"""A service that is frozen for a while, and what becomes of a steady stream of callers meanwhile."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from time import time

from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.case import Incident
from lab.communication.house import beside, last_words
from lab.errors import LabError
from lab.riskdesk.common import market_of, panels
from lab.style import ACCENT, BAD, GOOD, INK, LINE, SOFT, table

TARGET, PATH = "settlement", "/v1/balances/no-such-account"
#: Seconds: what a caller waits at most, what is seen before, of and after the outage. The outage is shorter
#: than it takes Consul to strike the service off.
PATIENCE, BEFORE, SILENT, AFTER = 0.5, 0.5, 5.0, 2.5


@dataclass(frozen=True, kw_only=True)
class Call:
    """One caller: when he asked, in seconds since the outage began, how long he waited, what he got."""

    at: float
    waited: float
    outcome: str


@dataclass(frozen=True, kw_only=True)
class Outage:
    """Every caller before, during and after; `ended` is in seconds since the outage began."""

    calls: tuple[Call, ...]
    ended: float

    @property
    def during(self) -> tuple[Call, ...]:
        return tuple(call for call in self.calls if 0 <= call.at < self.ended)

    @property
    def in_vain(self) -> int:
        """Callers who waited for an answer that did not come."""
        return sum(call.outcome == "in vain" for call in self.during)

    @property
    def refused(self) -> int:
        """Callers who were told at once."""
        return sum(call.outcome == "refused" for call in self.during)

    @property
    def recovered(self) -> bool:
        """Whether the last callers were answered again."""
        return all(call.outcome == "answered" for call in self.calls[-5:])

    def __str__(self) -> str:
        return (
            f"{self.in_vain} of {len(self.during)} callers waited in vain, {self.refused} were told at once"
        )


def run(incident: Incident) -> Outage:
    """Freezes settlement for five seconds while somebody asks it twenty times a second.

    The asking is done with the client of the workspace, in a process of its own that says it is orders.
    """
    market_of(incident)
    words = (TARGET, PATH, str(PATIENCE))
    process = beside(incident, "caller", *words, service="orders", tree=incident.workspace.folder)
    try:
        if process.stdout is None or not process.stdout.readline():
            raise LabError(last_words(process) or f"{TARGET} was never reached: see incident.status()")
        began, ended = _freeze(incident)
        calls = json.loads(last_words(process).splitlines()[-1])
    finally:
        process.kill()
    return Outage(
        calls=tuple(
            Call(at=each["sent"] - began, waited=each["seconds"], outcome=each["outcome"]) for each in calls
        ),
        ended=ended - began,
    )


def _freeze(incident: Incident) -> tuple[float, float]:
    """When the outage began and ended, in Unix seconds."""
    _watch(BEFORE)
    incident.platform.pause(TARGET)
    began = time()
    try:
        _watch(SILENT)
    finally:
        ended = time()
        incident.platform.resume(TARGET)
    _watch(AFTER)
    return began, ended


def _watch(seconds: float) -> None:
    # How long the picture shows each part.
    threading.Event().wait(seconds)


def chart(*runs: Outage) -> Figure:
    """How long each caller waited, over the time at which he asked; two runs side by side."""
    return panels(_draw, runs, good=lambda each: each.refused > each.in_vain)


def _draw(axes: Axes, each: Outage) -> str:
    axes.axvspan(0, each.ended, facecolor=LINE, alpha=0.7, linewidth=0, zorder=0)
    axes.text(each.ended / 2, 1.15 * PATIENCE, f"{TARGET} is frozen", ha="center", fontsize=10, color=SOFT)
    axes.axhline(PATIENCE, color=INK, linestyle="--", linewidth=1.4, label="what a caller waits at most")
    kinds = (
        ("answered", "o", GOOD, 16, "answered"),
        ("in vain", "x", BAD, 30, "waited in vain"),
        ("refused", "^", ACCENT, 22, "told at once"),
    )
    for outcome, marker, colour, size, label in kinds:
        found = [call for call in each.calls if call.outcome == outcome]
        if found:
            x, y = [call.at for call in found], [call.waited for call in found]
            axes.scatter(x, y, marker=marker, s=size, color=colour, label=label, zorder=4)
    axes.set_ylim(-0.02, PATIENCE * 1.25)
    axes.set_xlabel(f"seconds since {TARGET} froze")
    axes.set_ylabel("seconds that a caller waits")
    return f"{each.in_vain} of {len(each.during)} callers wait in vain"


def by_second(each: Outage) -> HTML:
    """What the callers of each second got."""
    rows = []
    for second in range(int(min(call.at for call in each.calls)) - 1, int(each.calls[-1].at) + 1):
        calls = [call for call in each.calls if second <= call.at < second + 1]
        if calls:
            counts = [
                sum(call.outcome == kind for call in calls) for kind in ("answered", "in vain", "refused")
            ]
            mean = round(1e3 * sum(call.waited for call in calls) / len(calls), 1)
            rows.append((f"{second} to {second + 1} s", *counts, mean))
    return table(("asked at", "answered", "waited in vain", "told at once", "mean wait, ms"), rows)
