"""`nexus bench`: the performance contract, measured here and now, beside its peers in the same run."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from lab.errors import LabError


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the contract.

    `met` is None where nothing is promised; `ratio` tells how many times better than the peer it is.
    """

    name: str
    value: float
    unit: str
    target: str = ""
    met: bool | None = None
    peer: str = ""
    peer_value: float | None = None
    ratio: float | None = None


#: A group measures related rows on the same running platform. It says what it does as it goes.
Group = Callable[[Callable[[str], None]], Iterator[Row]]


def bench_command(*, only: str | None, target: Path | None, strict: bool) -> int:
    """Runs the groups that are asked for and prints a table; with `strict`, 1 when a promise is not kept."""
    groups = _groups()
    chosen = {name: group for name, group in groups.items() if only is None or only in name}
    if not chosen:
        raise LabError(f"no group of rows is called {only!r}; there are: {', '.join(groups)}")
    rows: list[Row] = []
    for group in chosen.values():
        rows += list(group(lambda text: print(f"  … {text}", file=sys.stderr, flush=True)))
    _print(rows)
    if target is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n", encoding="utf-8")
    return 1 if strict and any(row.met is False for row in rows) else 0


def _groups() -> dict[str, Group]:
    from lab.bench import engine, orders, seat, verdict

    return {
        "seat": seat.measure,
        "verdict": verdict.measure,
        "orders": orders.measure,
        "engine": engine.measure,
    }


def _print(rows: list[Row]) -> None:
    table = Table("what", "here", "to reach", "", "beside", "its figure", "ratio")
    for row in rows:
        table.add_row(
            row.name,
            _figure(row.value, row.unit),
            row.target or "–",
            "" if row.met is None else "[green]✓[/]" if row.met else "[red]✗[/]",
            row.peer or "–",
            "–" if row.peer_value is None else _figure(row.peer_value, row.unit),
            "–" if row.ratio is None else f"{row.ratio:.2f} ×",
        )
    Console(width=None if sys.stdout.isatty() else 120).print(table)


def _figure(value: float, unit: str) -> str:
    return f"{value:,.4g} {unit}" if value < 1000 else f"{value:,.0f} {unit}"


def middle(values: list[float]) -> float:
    """The median: this is for machines whose timings are noisy."""
    return float(median(values))
