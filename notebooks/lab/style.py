"""How the course's charts and tables look."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from decimal import Decimal
from html import escape
from typing import Any

import matplotlib as mpl
from IPython.display import HTML

INK, SOFT, LINE = "#1c2430", "#5b6675", "#dfe4ea"
GOOD, BAD, ACCENT, WARM = "#11734b", "#b3261e", "#1f5fa8", "#c77700"
#: One colour a service, the same in every chart; told apart by the usual forms of colour blindness.
SERVICES = {
    "gateway": "#1f5fa8",
    "auth": "#7a5195",
    "users": "#8c6d31",
    "orders": "#0f8b8d",
    "matching": "#c77700",
    "risk": "#b3261e",
    "settlement": "#4c7a34",
    "market-data": "#5b6675",
    "notifications": "#a05195",
    "audit": "#3b3f46",
}
#: What a statement does to the database, in tints, so that none is taken for a service.
STATEMENTS = {
    "database: read": "#9cc3ec",
    "database: locking read": "#63c29b",
    "database: write": "#f5c469",
}


def use_house_style() -> None:
    """Sets matplotlib's defaults for the course: quiet axes, text that can be read in a report."""
    mpl.rcParams.update(
        {
            "figure.dpi": 110,
            "figure.figsize": (9.6, 4.6),
            "figure.facecolor": "white",
            "savefig.bbox": "tight",
            "font.size": 11,
            "axes.titlesize": 13,
            "axes.titleweight": "bold",
            "axes.titlelocation": "left",
            "axes.titlepad": 12,
            "axes.edgecolor": SOFT,
            "axes.labelcolor": INK,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.color": LINE,
            "grid.linewidth": 0.8,
            "axes.axisbelow": True,
            "xtick.color": SOFT,
            "ytick.color": SOFT,
            "text.color": INK,
            "legend.frameon": False,
            "lines.linewidth": 2.0,
        }
    )


def table(heads: Sequence[str], rows: Sequence[Sequence[Any]], *, caption: str = "") -> HTML:
    """An HTML table; numbers stand right, a cell that is HTML already stays as it is."""
    style = "text-align:left;padding:3px 12px 3px 0;vertical-align:top"
    head = "".join(f"<th style='{style}'>{escape(text)}</th>" for text in heads)
    body = "".join("<tr>" + "".join(_cell(cell, style) for cell in row) + "</tr>" for row in rows)
    title = f"<caption style='text-align:left;font-weight:600;padding:4px 0'>{escape(caption)}</caption>"
    return HTML(
        f"<table>{title if caption else ''}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _cell(value: Any, style: str) -> str:
    if isinstance(value, HTML):
        return f"<td style='{style}'>{value.data}</td>"
    if isinstance(value, Decimal):
        value = int(value) if value == value.to_integral_value() else value.normalize()
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return f"<td style='{style};text-align:right;font-variant-numeric:tabular-nums'>{value:,}</td>"
    return f"<td style='{style}'>{escape(str(value))}</td>"


def coloured(text: str, *, good: bool) -> HTML:
    """A word in the colour of good or bad news, with a mark for those who do not see colour."""
    mark, colour = ("✓", GOOD) if good else ("✗", BAD)
    style = f"color:{colour};font-weight:600;white-space:nowrap"
    return HTML(f"<span style='{style}'>{mark} {escape(text)}</span>")


def noted(text: str, note: str) -> HTML:
    """A text with a remark in small print below it."""
    remark = f"<br><small style='color:{SOFT}'>{escape(note)}</small>" if note else ""
    return HTML(f"{escape(text)}{remark}")


def one_line(message: str) -> str:
    """An error's message short enough for a table, what was asserted first."""
    lines = [line.strip() for line in message.splitlines()]
    lines.sort(key=lambda line: not line.startswith("assert "))
    return textwrap.shorten(" · ".join(lines), 160, placeholder=" …")


def dollars(value: float, *, unit: str = "") -> str:
    """`dollars(58_000_000, unit="M")` → `$58.0 M`; without a unit, whole dollars."""
    scale = {"": 1.0, "k": 1e3, "M": 1e6}[unit]
    return f"${value / scale:,.1f} {unit}" if unit else f"${value:,.0f}"
