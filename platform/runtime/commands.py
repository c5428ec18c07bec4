"""`nexus up`, `down`, `status`, `logs` and `restart`, for the platform of a workspace or of any tree."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

from runtime import logs as log_files
from runtime.errors import NotRunning, ServiceFailed
from runtime.platform import Platform
from runtime.seat import Seat
from runtime.tree import check_tree, correct_tree

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.backends import PartStatus, Step

FOLLOW_SECONDS = 0.2
"""Between two looks at the logs that are followed."""

_LEVEL_STYLES = {"warning": "yellow", "error": "red", "critical": "bold red", "debug": "dim"}


def up(tree: Path | None = None, *, backend: str = "embedded", strict: bool = False) -> Platform:
    """Starts the platform of a tree and leaves it running; one that runs already is left as it is.

    Services that fail are shown with their last log lines. Raises ServiceFailed for the first of them
    when `strict`.
    """
    chosen = _tree(tree)
    seat = Seat.of_workspace(chosen)
    if backend == "embedded" and seat.is_locked():
        print(f"The platform of {chosen} is running already.")
        return Platform.attach(seat.path)
    platform = Platform(tree=chosen, seat=seat.path, backend=backend, keep=True)
    begin = time.monotonic()
    _start_with_progress(platform)
    failed = platform.failed
    for service, tail in failed.items():
        _console().print(f"[red]{service} did not come up.[/red] Its last log lines:")
        print(tail)
    if failed and strict:
        raise ServiceFailed(*next(iter(failed.items())))
    count = len(platform.services) - len(failed)
    print(f"{count} services are up after {time.monotonic() - begin:.1f} s: {platform.url('gateway')}")
    return platform


def down(tree: Path | None = None, *, backend: str = "embedded") -> None:
    """Stops the platform of a tree and leaves no process. Raises NotRunning."""
    _running(tree, backend).stop()
    print("The platform is down.")


def status(tree: Path | None = None, *, backend: str = "embedded", as_json: bool = False) -> None:
    """Shows every part: as a table, or as a JSON list. Raises NotRunning."""
    rows = _running(tree, backend).status()
    if as_json:
        print(json.dumps([row._asdict() for row in rows], indent=2))
        return
    _console().print(status_table(rows))


def status_table(rows: list[PartStatus]) -> Any:
    """The rows as a rich table."""
    from rich.table import Table

    table = Table("service", "port", "health", "MiB", "restarts", "pid")
    for name in ("port", "MiB", "restarts", "pid"):
        next(column for column in table.columns if column.header == name).justify = "right"
    for row in rows:
        health = "[green]healthy[/green]" if row.healthy else "[red]not healthy[/red]"
        memory = f"{row.pss_mib:.1f}" if row.pss_mib else "–"
        table.add_row(
            row.service, str(row.port or "–"), health, memory, str(row.restarts), str(row.pid or "–")
        )
    table.caption = f"{sum(row.pss_mib for row in rows):.0f} MiB in all"
    return table


def logs(
    tree: Path | None = None,
    *,
    service: str | None = None,
    follow: bool = False,
    tail: int | None = 50,
    backend: str = "embedded",
) -> None:
    """Shows log lines in the order of time; with `follow`, goes on until it is interrupted.

    Raises NotRunning.
    """
    platform = _running(tree, backend)
    console = _console()
    shown = platform.logs(service)
    for record in shown if tail is None else shown[max(0, len(shown) - tail) :]:
        _show(console, record)
    while follow:
        try:
            time.sleep(FOLLOW_SECONDS)
            known = len(shown)
            shown = platform.logs(service)
            for record in shown[known:]:
                _show(console, record)
        except KeyboardInterrupt:
            return
        except NotRunning:
            print("The platform is down.")
            return


def restart(tree: Path | None, service: str, *, backend: str = "embedded") -> None:
    """Restarts a service with the code as it is now. Raises NotRunning, ServiceFailed."""
    begin = time.monotonic()
    _running(tree, backend).restart(service)
    print(f"{service} is up again after {time.monotonic() - begin:.1f} s.")


def _tree(tree: Path | None) -> Path:
    return correct_tree() if tree is None else check_tree(tree)


def _running(tree: Path | None, backend: str) -> Platform:
    chosen = _tree(tree)
    if backend != "embedded":
        return Platform(tree=chosen, backend=backend, keep=True)
    return Platform.attach(Seat.of_workspace(chosen).path)


def _start_with_progress(platform: Platform) -> None:
    console = _console()
    with console.status("Starting the infrastructure…") as line:
        done: list[str] = []

        def tell(step: Step) -> None:
            if step.state in {"ready", "failed"}:
                done.append(step.part)
            line.update(f"Starting… {len(done)} parts are up, last {step}")

        platform.start(progress=tell, strict=False)


def _show(console: Any, record: dict[str, Any]) -> None:
    from rich.markup import escape

    level = str(record.get("level", ""))
    text = escape(log_files.readable_line(json.dumps(record, default=str)))
    style = _LEVEL_STYLES.get(level)
    moment = str(record.get("timestamp", ""))[11:23]
    head = f"[dim]{moment}[/dim] [cyan]{record.get('service', ''):13}[/cyan] "
    console.print(head + (f"[{style}]{text}[/{style}]" if style else text), soft_wrap=True, highlight=False)


def _console() -> Any:
    from rich.console import Console

    return Console(file=sys.stdout)
