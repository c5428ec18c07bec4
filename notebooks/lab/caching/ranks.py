"""Whose copies stay in a near cache that is too small for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lab.caching.probe import probe
from lab.case import Incident
from lab.riskdesk.common import panels
from lab.style import ACCENT, BAD, GOOD, INK

#: The popular half of what there is room for streams to somebody, and has the higher priority for it.
CAPACITY, STREAMED, SYMBOLS = 64, 32, 256
READS, SEED = 40_000, 5
_BAR = 16
#: Of the reads of symbols that stream, the part that must be hits: each is missed once.
LEAST = 0.99


@dataclass(frozen=True, kw_only=True)
class Ranks:
    """Reads and hits of each symbol, the most popular first."""

    counts: tuple[tuple[int, int], ...]

    def rate(self, first: int, end: int) -> float:
        """Hits over reads of the ranks from `first` up to `end`."""
        part = self.counts[first:end]
        return sum(hits for _, hits in part) / max(1, sum(reads for reads, _ in part))

    @property
    def streamed(self) -> float:
        return self.rate(0, STREAMED)

    def __str__(self) -> str:
        others = self.rate(STREAMED, SYMBOLS)
        return f"{self.streamed:.1%} of the reads of streamed symbols are hits, {others:.1%} of the others"


def ranks(incident: Incident) -> Ranks:
    """Reads 256 symbols by popularity through a near cache with room for 64."""
    asked = {"capacity": CAPACITY, "streamed": STREAMED, "symbols": SYMBOLS, "reads": READS, "seed": SEED}
    return Ranks(counts=tuple((reads, hits) for reads, hits in probe(incident, "hits", **asked)))


def chart(*runs: Ranks) -> Figure:
    """Hit rate by popularity: a bar for sixteen symbols, those that stream in a colour of their own."""
    return panels(_draw, runs, good=_good)


def _good(run: Ranks) -> bool:
    return run.streamed >= LEAST


def _draw(axes: Axes, run: Ranks) -> str:
    firsts: Sequence[int] = range(0, SYMBOLS, _BAR)
    rates = [100 * run.rate(first, first + _BAR) for first in firsts]
    for streams, label in ((True, "streams to somebody"), (False, "read only")):
        places = [place for place, first in enumerate(firsts) if (first < STREAMED) is streams]
        colour = (GOOD if _good(run) else BAD) if streams else ACCENT
        axes.bar(places, [rates[place] for place in places], width=0.8, color=colour, alpha=0.85, label=label)
    axes.axvline(
        CAPACITY / _BAR - 0.5, color=INK, linestyle="--", linewidth=1.4, label=f"room for {CAPACITY}"
    )
    axes.set_xticks(range(len(firsts)), [f"{first + 1}" for first in firsts], fontsize=9)
    axes.set_ylim(0, 105)
    axes.set_xlabel("symbols by popularity, sixteen a bar, from rank …")
    axes.set_ylabel("hit rate of the near cache, percent")
    axes.grid(axis="x", visible=False)
    return f"{run.streamed:.0%} hits where a symbol streams"
