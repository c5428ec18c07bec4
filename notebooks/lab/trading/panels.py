"""Pictures of one or two runs side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

T = TypeVar("T")


@contextmanager
def panels(
    runs: Sequence[T], titles: Sequence[str], *, width: float, height: float, sharey: bool = True
) -> Iterator[tuple[Figure, list[tuple[Axes, T, str]]]]:
    """A figure of one panel a run; gives (axes, run, what its title begins with) for each.

    `width` and `height` are inches of one panel. A run alone needs no lead.
    """
    count = len(runs)
    shape = (width * count if count > 1 else max(width, 7.0), height)
    figure, axes = plt.subplots(1, count, figsize=shape, sharey=sharey, squeeze=False, layout="constrained")
    leads = [f"{title}: " for title in titles] if count > 1 else [""]
    try:
        yield figure, list(zip(axes[0], runs, leads, strict=False))
        _legend(figure, list(axes[0]))
    finally:
        plt.close(figure)


def _legend(figure: Figure, every: Sequence[Axes]) -> None:
    """One legend below the panels, each entry once."""
    drawn: dict[str, Any] = {}
    for axes in every:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            drawn.setdefault(label, handle)
    if drawn:
        figure.legend(list(drawn.values()), list(drawn), loc="outside lower center", ncols=min(len(drawn), 4))


def plural(count: int, word: str) -> str:
    """`plural(1, "order")` → `1 order`, `plural(3, "order")` → `3 orders`."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"
