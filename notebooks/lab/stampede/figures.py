"""The figures that incident 05 is judged by, before and after."""

from __future__ import annotations

from collections.abc import Sequence

from IPython.display import HTML

from lab.stampede.expiry import Expiry
from lab.stampede.record import Opening
from lab.style import coloured, table

#: p99 around an expiry over p99 between expiries, at most.
RATIO = 2.0


def figures(*runs: tuple[Opening, Sequence[Expiry]], titles: Sequence[str] = ("before", "after")) -> HTML:
    """A row a figure, a column a run; the calls are those for an expiry with all readers at once."""
    columns = [_column(opening, expiries[-1]) for opening, expiries in runs]
    names = (
        f"source calls for one expiry of one symbol, {runs[0][1][-1].readers} readers at once",
        "p99 around an expiry",
        "p99 between expiries",
        f"the one over the other (at most {RATIO:g})",
        "reads without an answer",
        "reads of the hottest key that reach Redis",
    )
    rows = list(zip(names, *columns, strict=True))
    return table(("", *titles[: len(runs)]), rows)


def _column(opening: Opening, expiry: Expiry) -> tuple[HTML | str, ...]:
    return (
        coloured(f"{expiry.calls:,}", good=expiry.calls == 1),
        f"{1e3 * opening.p99_around:,.0f} ms",
        f"{1e3 * opening.p99_between:,.0f} ms",
        coloured(f"{opening.ratio:.1f}", good=opening.ratio <= RATIO),
        f"{opening.refused:,} of {len(opening.reads):,}",
        f"{opening.load.hottest.share:.0%}",
    )
