"""A notebook of the course: what it is about, its graded cells, the evidence that they left."""

from __future__ import annotations

import ast
import difflib
import json
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from grading import engine
from grading.catalogue import Bug, bugs
from grading.errors import GradingError
from grading.inject import copy_tree, inject
from grading.paths import NOTEBOOKS, SOLUTIONS
from grading.score import TestCase, TestResult

#: How a check tells what it did: a display of this MIME type, `{"tests": {name: outcome}}`.
EVIDENCE = "application/vnd.nexustrade.checks+json"
CHECK, REGRESSION, PATCH, DIAGNOSIS, SETUP = "check", "regression", "patch", "diagnosis", "setup"
REGRESSION_TEST = "the_learners_regression_test"


@dataclass(frozen=True, kw_only=True)
class Notebook:
    """One notebook file and the bugs that its workspace holds."""

    path: Path
    title: str
    bugs: tuple[Bug, ...]
    severity: str
    minutes: int

    @property
    def name(self) -> str:
        return self.path.stem

    def read(self) -> NotebookNode:
        cells: NotebookNode = nbformat.read(self.path, as_version=4)
        return cells

    def cases(self) -> tuple[TestCase, ...]:
        """The notebook's own checks, found by reading its graded cells."""
        services = tuple(sorted({service for bug in self.bugs for service in bug.services}))
        return tuple(
            TestCase(id=f"{self.name}::{test}", category="notebook", services=services)
            for cell in self.read().cells
            for test in expected_tests(cell)
        )


def notebook_find(name: str) -> Notebook:
    """Finds a notebook by number, letter, name or path; GradingError lists what there is."""
    stem = Path(name).stem if name.endswith(".ipynb") else name
    found = [path for path in sorted(NOTEBOOKS.glob("*.ipynb")) if path.stem == stem]
    found = found or [path for path in sorted(NOTEBOOKS.glob("*.ipynb")) if path.stem.split("-")[0] == stem]
    if len(found) != 1:
        known = ", ".join(path.stem for path in sorted(NOTEBOOKS.glob("*.ipynb")))
        raise GradingError(f"there is no notebook {name!r}; known: {known}")
    return _describe(found[0])


def notebooks() -> tuple[Notebook, ...]:
    """All notebooks of the course, in order."""
    return tuple(_describe(path) for path in sorted(NOTEBOOKS.glob("*.ipynb")))


def _describe(path: Path) -> Notebook:
    about = SOLUTIONS / path.stem / "notebook.toml"
    meta: dict[str, Any] = tomllib.loads(about.read_text(encoding="utf-8")) if about.is_file() else {}
    wanted = set(meta.get("bugs", ()))
    # An incident plays with those of its bugs that exist.
    present = tuple(bug for bug in bugs() if bug.id in wanted)
    return Notebook(
        path=path,
        title=meta.get("title", path.stem),
        bugs=present,
        severity=meta.get("severity", "–"),
        minutes=meta.get("minutes", 10),
    )


def tags(cell: NotebookNode) -> set[str]:
    """A cell's tags; graded cells are known by tag, since ids change on conversion."""
    return set(cell.metadata.get("tags", ()))


def expected_tests(cell: NotebookNode) -> list[str]:
    """Names of the test functions in a check cell, of the regression test in that cell, else none."""
    if cell.cell_type != "code":
        return []
    if REGRESSION in tags(cell):
        return [REGRESSION_TEST]
    if CHECK not in tags(cell):
        return []
    body = "\n".join("" if line.startswith("%") else line for line in cell.source.splitlines())
    return [
        node.name
        for node in ast.parse(body).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test")
    ]


def solve(notebook: Notebook, cells: NotebookNode) -> None:
    """Writes the reference fix, diagnosis and regression test into a notebook's cells.

    A patch cell whose metadata names a bug (`nexus.bug`) takes that bug out; one that names none takes out
    what is left. Raises GradingError when a bug stays in after the last of them.
    """
    sources = {DIAGNOSIS: "diagnosis.cell", REGRESSION: "regression.cell"}
    left = list(notebook.bugs)
    for cell in cells.cells:
        for tag in tags(cell) & {PATCH, *sources}:
            if tag == PATCH:
                wanted = cell.metadata.get("nexus", {}).get("bug")
                chosen = [bug for bug in left if wanted in {None, bug.id}]
                if chosen:
                    cell.source = f"%%patch\n{reference_fix(left, chosen)}"
                left = [bug for bug in left if bug not in chosen]
            else:
                cell.source = (SOLUTIONS / notebook.name / sources[tag]).read_text("utf-8").rstrip("\n")
    if left:
        raise GradingError(f"{notebook.name} has no patch cell for {', '.join(bug.id for bug in left)}")


def reference_fix(present: Sequence[Bug], out: Sequence[Bug]) -> str:
    """The unified diff that takes the bugs `out` from a tree that holds the bugs `present`."""
    with tempfile.TemporaryDirectory(prefix="nexus-fix-") as folder:
        before, after = (copy_tree(Path(folder) / name) for name in ("before", "after"))
        inject(before, present)
        inject(after, [bug for bug in present if bug not in out])
        return "".join(_diff(out, before, after))


def _diff(bugs: Iterable[Bug], before: Path, after: Path) -> Iterator[str]:
    for name in sorted({name for bug in bugs for name in patched_files(bug)}):
        old, new = _text(before / name), _text(after / name)
        yield from difflib.unified_diff(old, new, f"a/{name}", f"b/{name}")


def patched_files(bug: Bug) -> list[str]:
    """The files of a tree that a bug's patch touches."""
    lines = bug.patch.read_text(encoding="utf-8").splitlines()
    return [line.removeprefix("+++ b/").split("\t")[0] for line in lines if line.startswith("+++ b/")]


def _text(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines(keepends=True) if path.is_file() else []


def judge_checks(notebook: Notebook, executed: NotebookNode) -> tuple[TestResult, ...]:
    """What the graded cells of an executed notebook showed; no evidence means missing."""
    found: dict[str, str] = {}
    for cell in executed.cells:
        if cell.cell_type == "code" and tags(cell) & {CHECK, REGRESSION}:
            found |= _evidence(cell)
    return tuple(
        TestResult(case=case, outcome=found.get(case.id.partition("::")[2], "missing"))
        for case in notebook.cases()
    )


def _evidence(cell: NotebookNode) -> dict[str, str]:
    if engine.status(cell) not in {engine.COMPLETED, engine.FAILED}:
        return {}
    shown: dict[str, str] = {}
    for output in cell.outputs:
        data = output.get("data", {}).get(EVIDENCE)
        if data is not None:
            shown |= (json.loads(data) if isinstance(data, str) else data)["tests"]
    if engine.status(cell) == engine.FAILED:
        # The cell raised: nothing that it claims to have passed is taken for passed unless it named it so
        # before, test by test; a cell that failed without naming a failure is not believed at all.
        return shown if any(outcome != "passed" for outcome in shown.values()) else {}
    return shown
