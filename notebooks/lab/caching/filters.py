"""How often the filter of known symbols is mistaken, against how often it may be."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.caching.probe import probe
from lab.case import Incident
from lab.riskdesk.common import panels
from lab.style import BAD, GOOD, INK

TARGET = 0.01
#: Chance makes a filter a little better or worse than its target.
LEEWAY = 2.0
MEMBERS = (100, 300, 1_000, 3_000, 10_000, 20_000)
STRANGERS = 10_000


@dataclass(frozen=True, kw_only=True)
class Mistakes:
    """A filter made for `members` symbols, and the part of all others that it takes for listed."""

    members: int
    rate: float
    denied: int

    @property
    def right(self) -> bool:
        return self.rate <= LEEWAY * TARGET and not self.denied


def filters(incident: Incident) -> list[Mistakes]:
    """Fills filters for more and more symbols, and asks each for ten thousand that nobody has listed."""
    counts = probe(incident, "mistaken", sizes=MEMBERS, rate=TARGET, strangers=STRANGERS)
    return [
        Mistakes(members=members, rate=taken / STRANGERS, denied=denied)
        for members, (taken, denied) in zip(MEMBERS, counts, strict=True)
    ]


def chart(*runs: list[Mistakes]) -> Figure:
    """The part of the unknown symbols that is taken for known, by the number of symbols."""
    return panels(_draw, runs, good=lambda run: all(each.right for each in run))


def _draw(axes: Axes, run: list[Mistakes]) -> str:
    good = all(each.right for each in run)
    colour = GOOD if good else BAD
    axes.plot(
        [each.members for each in run], [100 * each.rate for each in run], "o-", color=colour, markersize=7
    )
    axes.axhline(100 * TARGET, color=INK, linestyle="--", linewidth=1.4, label=f"the target, {TARGET:.0%}")
    axes.axhspan(0.05, 100 * TARGET * LEEWAY, color=GOOD, alpha=0.1, linewidth=0, label="near enough")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(80, 25_000)
    axes.set_ylim(0.2, 100)
    axes.set_xticks([100, 1_000, 10_000], ["100", "1,000", "10,000"])
    axes.set_yticks([1, 10, 100], ["1 %", "10 %", "100 %"])
    axes.set_xlabel("symbols in the filter, which was made for so many")
    axes.set_ylabel("unknown symbols taken for known")
    worst = max(each.rate for each in run)
    return f"{worst:.1%} mistaken where {TARGET:.0%} is the target"
