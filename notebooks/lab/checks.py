"""Checks in notebooks: `%%patch`, `%%ipytest` with evidence for the grader, and `%%regression`."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipytest
import pytest
from IPython.core.getipython import get_ipython
from IPython.display import HTML, display

from grading.errors import GradingError
from grading.notebook import EVIDENCE, REGRESSION_TEST, Notebook
from grading.score import TestResult
from lab.errors import LabError
from lab.patch import patch_apply
from lab.style import coloured, one_line, table
from runtime.errors import RuntimeFault

if TYPE_CHECKING:
    from lab.case import Incident

_REGRESSION_FILE = Path("tests") / "integration" / "test_learners_regression.py"
_outcomes: dict[str, str] = {}


def install(incident: Incident) -> None:
    """Sets up pytest in the notebook and registers its cell magics for `incident`."""
    shell = get_ipython()
    if shell is None:
        return
    _outcomes.clear()
    # Settings of its own: the course's make warnings errors, and this plugin is imported already.
    options = ["-q", "--no-header", "--tb=short", "-c", str(Path(__file__).with_name("ipytest.ini"))]
    options += ["-p", "lab.checks", "-p", "no:cacheprovider"]
    ipytest.autoconfig(raise_on_error=True, addopts=options, defopts="auto", clean="test*")
    shell.register_magic_function(_patch_magic(incident), "cell", "patch")
    shell.register_magic_function(_regression_magic(incident), "cell", "regression")
    shell.set_custom_exc((LabError, GradingError, RuntimeFault), _show_lab_error)


def checks_so_far(notebook: Notebook) -> tuple[TestResult, ...]:
    """What this notebook's checks showed when they last ran; missing where they did not."""
    return tuple(
        TestResult(case=case, outcome=_outcomes.get(case.id.partition("::")[2], "missing"))
        for case in notebook.cases()
    )


def _show_lab_error(_shell: Any, kind: type, error: BaseException, _trace: Any, **_: Any) -> Any:
    # One line that says what to do; a learner is not helped by our stack.
    print(f"{error}", file=sys.stderr)
    return [f"{kind.__name__}: {error}"]


def _patch_magic(incident: Incident) -> Any:
    def patch(line: str, cell: str) -> None:
        """Changes the workspace's code: see lab.patch."""
        print(patch_apply(incident.workspace.folder, line, cell))

    return patch


# -- evidence: a pytest plugin inside ipytest -----------------------------------------------------

_phases: dict[str, str] = {}


def pytest_sessionstart() -> None:
    """Forgets the run before."""
    _phases.clear()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keeps the worst phase of each test; a test counts as passed only when its body ran."""
    name = report.nodeid.rpartition("::")[2]
    if report.failed:
        _phases[name] = "failed"
    elif report.skipped:
        _phases.setdefault(name, "skipped")
    elif report.when == "call":
        _phases.setdefault(name, "passed")


def pytest_sessionfinish() -> None:
    """Shows the outcomes, to the learner as text and to the grader as data."""
    _show(dict(_phases))


def _show(outcomes: dict[str, str]) -> None:
    _outcomes.update(outcomes)
    passed = sum(outcome == "passed" for outcome in outcomes.values())
    data = {EVIDENCE: {"tests": outcomes}, "text/plain": f"{passed} of {len(outcomes)} checks pass"}
    display(data, raw=True)


# -- the learner's own regression test --------------------------------------------------------------


def _regression_magic(incident: Incident) -> Any:
    def regression(_line: str, cell: str) -> None:
        """Runs the cell's tests on the tree as handed out, where they must fail, and on the workspace."""
        if not _test_names(cell):
            print("No test yet: write a function test_… in this cell.")
            return
        print("Running your test on the tree as handed out, on a platform of its own, and on yours …")
        (handed_out, why), (own, own_why) = _run_both(incident, cell)
        rows = [
            (
                "as handed out",
                handed_out,
                _verdict(handed_out == "failed", "notices the trouble", "misses it"),
                why,
            ),
            ("your workspace", own, _verdict(own == "passed", "passes", "does not pass"), own_why),
        ]
        display(table(("tree", "outcome", "", "why"), rows))
        _show({REGRESSION_TEST: "passed" if (handed_out, own) == ("failed", "passed") else "failed"})

    return regression


def _verdict(good: bool, yes: str, no: str) -> HTML:
    return coloured(yes if good else no, good=good)


def _test_names(cell: str) -> list[str]:
    try:
        body = ast.parse(cell).body
    except SyntaxError as error:
        raise LabError(f"line {error.lineno} of the cell is not Python: {error.msg}") from None
    return [node.name for node in body if isinstance(node, ast.FunctionDef) and node.name.startswith("test")]


def _run_both(incident: Incident, cell: str) -> tuple[tuple[str, str], tuple[str, str]]:
    with tempfile.TemporaryDirectory(prefix="nexus-regression-") as folder:
        handed_out = Path(folder) / "tree"
        handed_out.mkdir()
        _lay_out_as_handed_out(incident.workspace.folder, handed_out)
        # The workspace has a platform running already: the learner's own.
        seat = {"NEXUS_SEAT": str(incident.platform.seat)}
        return (
            _run(handed_out, cell, {}),
            _run(incident.workspace.folder, cell, seat),
        )


def _lay_out_as_handed_out(workspace: Path, target: Path) -> None:
    """Writes the workspace's first commit into `target`."""
    roots = subprocess.run(
        ["git", "rev-list", "--max-parents=0", "HEAD"],
        cwd=workspace,
        capture_output=True,
        text=True,
        check=True,
    )
    first = roots.stdout.split()[0]
    archive = subprocess.run(
        ["git", "archive", "--format=tar", first], cwd=workspace, capture_output=True, check=True
    )
    subprocess.run(["tar", "-xf", "-", "-C", str(target)], input=archive.stdout, check=True)


def _run(tree: Path, cell: str, environment: dict[str, str]) -> tuple[str, str]:
    """The worst outcome of the cell's tests in `tree`, in a fresh process, and one line that says why.

    The outcome is `error` when the run broke.
    """
    test = tree / _REGRESSION_FILE
    test.write_text(cell, encoding="utf-8")
    report = tree / ".regression.jsonl"
    report.unlink(missing_ok=True)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "grading.reporter",
        f"--report-file={report}",
        str(test),
    ]
    inherited = {
        key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "NEXUS_SEAT"))
    }
    result = subprocess.run(
        command,
        cwd=tree,
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    lines = [json.loads(line) for line in report.read_text("utf-8").splitlines()] if report.is_file() else []
    report.unlink(missing_ok=True)
    results = [line for line in lines if line["event"] == "result"]
    if not results:
        print(result.stdout[-1500:], file=sys.stderr)
        return "error", "the test could not be run"
    for line in results:
        if line["outcome"] == "failed" and not line.get("assertion"):
            # A test that breaks by itself notices nothing.
            line["outcome"] = "error"
    worst = _worst([line["outcome"] for line in results])
    return worst, one_line(next(line.get("message", "") for line in results if line["outcome"] == worst))


def _worst(outcomes: Sequence[str]) -> str:
    order = ("error", "failed", "skipped", "passed")
    return min(outcomes, key=order.index)
