"""What the commands around bugs, workspaces and notebooks do."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from grading import catalogue, check, manifest, matrix
from grading.errors import BadSubmission, GradingError, RunInvalid
from grading.notebook import notebook_find
from grading.paths import ROOT, WORKSPACES
from grading.play import Played, play
from grading.workspace import Workspace, workspace_new, workspace_open

console = Console(soft_wrap=True)
errors = Console(stderr=True, soft_wrap=True)


@contextmanager
def saying() -> Iterator[Callable[[str], None]]:
    """One line of progress that overwrites itself; on a pipe, a line every ten seconds."""
    if errors.is_terminal:
        with errors.status("starting") as status:
            yield status.update
        return
    last = 0.0

    def say(text: str) -> None:
        nonlocal last
        if time.monotonic() - last >= 10.0:
            last = time.monotonic()
            print(f"  … {text}", file=sys.stderr, flush=True)

    yield say


def play_command(name: str, *, solve: bool, out: Path | None) -> int:
    """Plays a notebook, prints its score; 0 when it could be scored, 2 when the run is invalid."""
    notebook = notebook_find(name)
    folder = out or ROOT / "out" / (notebook.name + ("-solved" if solve else ""))
    console.print(f"Playing [bold]{notebook.title}[/] ({'solved' if solve else 'as handed out'})")
    with saying() as say:
        played = play(notebook, out=folder, solved=solve, say=say)
    _show(played)
    return 2 if played.verdict == "invalid" else 0


def _show(played: Played) -> None:
    own = {test for bug in played.notebook.bugs for test in bug.killers}
    judged = [
        result for result in played.results if result.case.id in own or result.case.category == "notebook"
    ]
    for result in judged:
        mark = "[green]✓[/]" if result.passed else "[red]✗[/]"
        console.print(f"  {mark} {escape(result.case.id)}  [dim]{result.outcome}[/]", highlight=False)
    for test in played.regressed if not played.reason else ():
        console.print(f"  [red]✗ {escape(test)}[/]  passed before", highlight=False)
    if played.reason:
        console.print(f"[yellow]No score can be given:[/] {escape(played.reason)}")
    console.print(
        f"[bold]{played.score:g}[/] of 100 points, verdict {played.verdict}, "
        f"weighted pass rate {played.weighted_pass_rate:.2f}, {played.seconds:.0f} s"
    )
    console.print(f"Report: {played.folder / 'report.html'}", highlight=False)


def new_command(name: str, names: str, *, into: Path | None) -> None:
    """Makes a workspace and says what to do next."""
    bugs = catalogue.select(names)
    workspace = workspace_new(name, bugs, into=(into or WORKSPACES))
    folder = workspace.folder
    console.print(f"Made [bold]{folder}[/] with {len(bugs)} bug(s) in it. Next:", highlight=False)
    console.print(f"  cd {folder}", highlight=False)
    console.print(f"  . {ROOT / '.venv/bin/activate'}", highlight=False)
    console.print("  python -m pytest tests/ -v", highlight=False)


def grade_command(paths: Sequence[Path], *, bugs: str | None, out: Path) -> int:
    """Grades each submission and writes its result; 0 when every one could be judged."""
    from grading.submission import grade

    table = Table("submission", "verdict", "score", "reward", "s")
    worst = 0
    for path in paths:
        workspace = Workspace(folder=path, bugs=catalogue.select(bugs)) if bugs else workspace_open(path)
        if not path.is_dir():
            raise BadSubmission(f"{path} is no folder: give the root of a workspace")
        with saying() as say:
            result = grade(workspace, out=out / path.resolve().name, say=say)
        worst = max(worst, 2 if result["verdict"] == "invalid" else 0)
        table.add_row(
            str(path),
            result["verdict"],
            f"{result['score']:g}",
            f"{result['reward']:g}",
            f"{result['seconds']:.0f}",
        )
    console.print(table)
    return worst


def bugs_list_command(*, as_json: bool) -> None:
    """Prints the catalogue."""
    if as_json:
        print(json.dumps([bug.as_json() for bug in catalogue.bugs()], indent=2))
        return
    table = Table("id", "title", "services", "severity", "minutes", "requires", "tests")
    for bug in catalogue.bugs():
        table.add_row(
            bug.id,
            bug.title,
            ", ".join(bug.services),
            bug.severity,
            str(bug.minutes),
            ", ".join(bug.requires) or "–",
            str(len(bug.killers)),
        )
    console.print(table)


def bugs_check_command() -> int:
    """Checks every patch, alone and together; 1 when something is wrong."""
    bugs = catalogue.bugs()
    problems = [problem for bug in bugs for problem in check.check_alone(bug)] + check.check_together(bugs)
    for problem in problems:
        console.print(f"[red]✗[/] {escape(problem)}", highlight=False)
    if not problems:
        console.print(f"[green]✓[/] {len(bugs)} patches apply alone and together, and revert byte for byte")
    return 1 if problems else 0


def bugs_manifest_command(*, write: bool) -> int:
    """Compares, or with `write` stores, the manifest; 1 when it is out of date."""
    found = manifest.collect()
    if write:
        manifest.store(found)
        console.print(f"[green]✓[/] {len(found)} tests stored")
        return 0
    stored = set(manifest.load())
    gone, come = sorted(c.id for c in stored - set(found)), sorted(c.id for c in set(found) - stored)
    for test in gone + come:
        console.print(
            f"[red]✗[/] {escape(test)} {'is no longer there' if test in gone else 'is not in the manifest'}"
        )
    if gone or come:
        console.print("Store the new list with: ./nexus bugs manifest --write")
        return 1
    console.print(f"[green]✓[/] the manifest holds the {len(found)} tests that the tree has")
    return 0


def bugs_matrix_command(
    names: str, *, target: Path | None, write: bool, exact: bool, stored: bool = False
) -> int:
    """Runs the kill matrix; 1 when a bug has too few killers or the stored matrix differs."""
    if stored and (write or exact):
        raise GradingError("--stored only checks what is stored: leave out --write and --exact")
    found: dict[str, list[str]] = {}
    problems: list[str] = []

    def complain(faults: Sequence[str]) -> None:
        # At once, not at the end: of a long run that is cut off, what was found stays on the screen.
        problems.extend(faults)
        for fault in faults:
            console.print(f"[red]✗[/] {escape(fault)}", highlight=False)

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=errors, disable=not errors.is_terminal) as progress:
        collecting = progress.add_task("collecting", total=None)
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, total: int, _failed: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=total)
            progress.update(tasks[what], completed=done, visible=done < total)

        cases = manifest.collect()
        progress.remove_task(collecting)
        chosen = catalogue.select(names)
        rows = matrix.matrix_rows(chosen, cases, exact=exact, find=write, stored=stored, progress=show)
        for row in rows:
            if isinstance(row, RunInvalid):
                complain([str(row)])
            else:
                found[row.bug.id] = list(row.killers)
                console.print(
                    f"{row.bug.id}: {len(row.killers)} tests turn red, {row.seconds:.0f} s", highlight=False
                )
                complain(row.faults if write else [*row.faults, *matrix.drift(row)])
                if write:
                    matrix.store(row)
            if target is not None:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 1 if problems else 0
