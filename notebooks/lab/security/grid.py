"""A field for each row and column, green or red: the form of most pictures of this category."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from lab.style import BAD, GOOD

#: What the fields of a row stand for and what those of a column stand for.
Place = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Field:
    """What stands in a field, whether it is as it should be, and whether it is worth a strong colour."""

    text: str
    right: bool
    quiet: bool = False


def grid(axes: Axes, rows: Sequence[str], columns: Sequence[str], fields: Mapping[Place, Field]) -> None:
    """Draws the fields; a place that has none stays empty."""
    for (row, column), field in fields.items():
        y, x = rows.index(row), columns.index(column)
        colour = GOOD if field.right else BAD
        strength = 0.16 if field.quiet else 0.85
        axes.barh(y, 0.94, left=x - 0.47, height=0.88, color=colour, alpha=strength, linewidth=0)
        ink = colour if field.quiet else "white"
        axes.text(x, y, field.text, ha="center", va="center", color=ink, fontweight="bold", fontsize=9.5)
    axes.set_xticks(range(len(columns)), columns, fontsize=9.5)
    axes.set_yticks(range(len(rows)), rows, fontsize=9.5)
    axes.set_xlim(-0.52, len(columns) - 0.48)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.tick_params(length=0)
    axes.grid(visible=False)
