"""Plays a notebook headless from start to score."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from grading import engine, manifest
from grading.errors import GradingError
from grading.notebook import SETUP, Notebook, judge_checks, solve, tags
from grading.run import Run, run_submission
from grading.score import TestResult, notebook_score, regressions, reward, weighted_pass_rate
from grading.workspace import Workspace, workspace_new

Say = Callable[[str], None]
#: The cell of a notebook that runs the tests of its bugs.
SCORE = "incident.score()"


@dataclass(frozen=True, kw_only=True)
class Played:
    """What came of a notebook: the same facts as `result.json`, and the folder that holds the files."""

    notebook: Notebook
    verdict: str
    score: float
    weighted_pass_rate: float
    reward: float
    results: tuple[TestResult, ...]
    regressed: tuple[str, ...]
    seed: int
    tree: str
    seconds: float
    folder: Path
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "notebook": self.notebook.name,
            "verdict": self.verdict,
            "score": self.score,
            "weighted_pass_rate": round(self.weighted_pass_rate, 6),
            "reward": self.reward,
            "tests": [result.as_json() for result in self.results],
            "seed": self.seed,
            "tree": self.tree,
            "seconds": round(self.seconds, 2),
        }


def play(
    notebook: Notebook,
    *,
    out: Path,
    solved: bool,
    say: Say,
    suite: bool = True,
) -> Played:
    """Executes `notebook` on a fresh workspace under `out`, runs its tests and writes the three files.

    `say` gets one line of progress at a time.
    Without `suite` the notebook's own checks are all that is judged, and its score cell is left out.
    Raises GradingError when `out` cannot be used.
    """
    started = time.monotonic()
    workspace = _workspace(notebook, out)
    cells = notebook.read()
    if solved:
        solve(notebook, cells)
    if not suite:
        cells.cells = [cell for cell in cells.cells if cell.source.strip() != SCORE]
    with _environment(NEXUS_WORKSPACE=str(workspace.folder)):
        executed = engine.execute(
            cells,
            out / "executed.ipynb",
            cwd=notebook.path.parent,
            progress=lambda number, total, title: say(f"cell {number}/{total}  {title}"),
        )
    checks = judge_checks(notebook, executed)
    run = _run(workspace, say) if suite else None
    played = _judge(notebook, workspace, executed, checks, run, out=out, seconds=time.monotonic() - started)
    write(played, executed)
    return played


def _workspace(notebook: Notebook, out: Path) -> Workspace:
    if out.exists() and not out.is_dir():
        raise GradingError(f"{out} is a file: give a folder with --out")
    out.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(out / "workspace", ignore_errors=True)
    return workspace_new("workspace", notebook.bugs, into=out)


def _run(workspace: Workspace, say: Say) -> Run | None:
    """The tests of the workspace's bugs; when it was changed at all, the whole manifest."""
    if not workspace.bugs:
        return None
    cases = manifest.load()
    if not changed(workspace.folder):
        cases = manifest.cases_of(killers(workspace), cases)
    return run_submission(
        workspace.folder,
        cases,
        progress=lambda done, total, failed: say(f"tests {done}/{total}  {failed} not passing"),
    )


def killers(workspace: Workspace) -> list[str]:
    """Ids of the tests that the workspace's bugs turn red, sorted."""
    return sorted({test for bug in workspace.bugs for test in bug.killers})


def changed(tree: Path) -> bool:
    """Tells whether anything differs from the workspace as handed out."""
    command = ["git", "status", "--porcelain", "--untracked-files=all"]
    return bool(subprocess.run(command, cwd=tree, capture_output=True, text=True, check=True).stdout.strip())


def _judge(
    notebook: Notebook,
    workspace: Workspace,
    executed: NotebookNode,
    checks: Sequence[TestResult],
    run: Run | None,
    *,
    out: Path,
    seconds: float,
) -> Played:
    target = set(killers(workspace))
    tests = run.results if run else ()
    judged = (*(result for result in tests if result.case.id in target), *checks)
    green_before = {result.case.id for result in tests} - target
    regressed = tuple(regressions(tests, passed_before=green_before))
    reason = _invalid(executed, run)
    passed = all(result.passed for result in judged) and not regressed
    return Played(
        notebook=notebook,
        verdict="invalid" if reason else "pass" if passed else "fail",
        score=notebook_score(judged, regressed=bool(regressed)) if judged else (100.0 if not reason else 0.0),
        weighted_pass_rate=weighted_pass_rate(judged) if judged else 1.0,
        reward=reward(tests or judged, passed_before=green_before),
        results=(*judged, *(result for result in tests if result.case.id not in target)),
        regressed=regressed,
        seed=run.seed if run else 0,
        tree=_tree_digest(workspace.folder),
        seconds=seconds,
        folder=out,
        reason=reason,
    )


def _invalid(executed: NotebookNode, run: Run | None) -> str:
    if run is not None and run.verdict == "invalid":
        return run.reason
    for cell in executed.cells:
        if cell.cell_type == "code" and SETUP in tags(cell) and engine.status(cell) != engine.COMPLETED:
            return f"the set-up cell {engine.status(cell)}: {cell.source.splitlines()[0]}"
    return ""


def _tree_digest(tree: Path) -> str:
    """Git's name for the tree as it stands: equal trees have equal names."""
    with _environment(GIT_INDEX_FILE=str(tree / ".git" / f"index.{secrets.token_hex(4)}")) as environment:
        index = Path(environment["GIT_INDEX_FILE"])
        try:
            subprocess.run(
                ["git", "add", "--all"], cwd=tree, check=True, capture_output=True, env=environment
            )
            name = subprocess.run(
                ["git", "write-tree"], cwd=tree, check=True, capture_output=True, text=True, env=environment
            )
        finally:
            index.unlink(missing_ok=True)
    return name.stdout.strip()


def write(played: Played, executed: NotebookNode) -> None:
    """Writes `result.json` and `report.html` beside the executed notebook."""
    from grading.report import render

    target = played.folder / "result.json"
    half_done = target.with_suffix(".part")
    half_done.write_text(json.dumps(played.as_json(), indent=2) + "\n", encoding="utf-8")
    half_done.replace(target)
    (played.folder / "report.html").write_text(render(played, executed), encoding="utf-8")


@contextmanager
def _environment(**values: str) -> Iterator[dict[str, str]]:
    """Sets environment variables for a block: a kernel inherits them."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield dict(os.environ)
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
