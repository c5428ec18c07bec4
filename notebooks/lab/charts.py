"""Charts that any notebook can use: a trace as a waterfall, log lines as a timeline."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import matplotlib.pyplot as plt
from IPython.display import HTML
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from lab.errors import LabError
from lab.style import BAD, INK, SERVICES, SOFT, STATEMENTS, table


def waterfall(
    traces: dict[str, Sequence[dict[str, Any]]], *, title: str, names: Sequence[str] = ()
) -> Figure:
    """Draws traces under one clock, a bar a span, a group a trace.

    `traces` maps a label to spans as the runtime gives them (`start` and `end` in Unix seconds);
    `names` keeps only spans whose name holds one of these texts. LabError when nothing is left.
    """
    groups = {label: _kept(spans, names) for label, spans in traces.items()}
    rows = sum(len(spans) for spans in groups.values())
    if not rows:
        raise LabError(
            "there is no such span yet: send traffic first, and look for its trace after it was answered"
        )
    origin = min(span["start"] for spans in groups.values() for span in spans)
    figure, axes = plt.subplots(figsize=(9.6, 1.7 + 0.28 * rows + 0.25 * len(groups)), layout="constrained")
    position, ticks, labels = 0.0, [], []
    for label, spans in groups.items():
        axes.text(0, position - 0.62, label, fontsize=9.5, fontweight="bold", color=INK, va="center")
        for span in spans:
            start, length = (span["start"] - origin) * 1e3, max((span["end"] - span["start"]) * 1e3, 0.15)
            failed = str(span.get("status", "")).lower() == "error"
            axes.barh(
                position,
                length,
                left=start,
                height=0.68,
                color=_colour(span),
                edgecolor=BAD if failed else "none",
            )
            axes.annotate(
                f"{length:.1f} ms",
                (start + length, position),
                (4, 0),
                textcoords="offset points",
                va="center",
                fontsize=8.5,
                color=SOFT,
            )
            ticks.append(position)
            labels.append(f"{span['service']}: {span['name']}")
            position += 1.0
        position += 1.0
    axes.set_yticks(ticks, labels, fontsize=8.5)
    axes.set_ylim(position - 1.2, -1.1)
    axes.grid(axis="y", visible=False)
    axes.margins(x=0.12)
    axes.set_xlabel("milliseconds since the first span")
    axes.set_title(title)
    spans = [span for group in groups.values() for span in group]
    handles = {_kind(span): Patch(color=_colour(span), label=_kind(span)) for span in spans}
    figure.legend(handles=list(handles.values()), loc="outside lower center", ncols=5)
    plt.close(figure)
    return figure


def _kind(span: dict[str, Any]) -> str:
    """What a bar stands for in the legend: a service, or what a statement does to the database."""
    word = span["name"].split(" ", 1)[0]
    if word in {"INSERT", "UPDATE", "DELETE"}:
        return "database: write"
    if word == "SELECT":
        return "database: locking read" if "FOR UPDATE" in span["name"] else "database: read"
    return str(span["service"])


def _colour(span: dict[str, Any]) -> str:
    return STATEMENTS.get(_kind(span)) or SERVICES.get(span["service"], SOFT)


def _kept(spans: Sequence[dict[str, Any]], names: Sequence[str]) -> list[dict[str, Any]]:
    kept = [span for span in spans if not names or any(name in span["name"] for name in names)]
    return sorted(kept, key=lambda span: (span["start"], -span["end"]))


def timeline(lines: Sequence[dict[str, Any]], *, fields: Sequence[str], title: str, origin: float) -> HTML:
    """Log lines as a table: milliseconds since `origin` (Unix seconds), service, event and `fields`."""
    rows = [
        (
            f"{(_seconds(line) - origin) * 1e3:,.1f}",
            line.get("service", ""),
            line.get("event", ""),
            *(_short(line.get(field, "")) for field in fields),
        )
        for line in sorted(lines, key=_seconds)
    ]
    return table(("ms", "service", "event", *fields), rows, caption=title)


def _seconds(line: dict[str, Any]) -> float:
    return datetime.fromisoformat(str(line["timestamp"])).timestamp()


def _short(value: Any) -> Any:
    text = str(value)
    if text.replace(".", "", 1).isdigit():
        return Decimal(text)
    return f"{text[:8]}…" if len(text) == 36 and text.count("-") == 4 else text
