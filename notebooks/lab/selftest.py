"""`nexus test`: everything that checks the project, one section after another."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from grading.paths import ROOT, TREE
from grading.shards import workers

if TYPE_CHECKING:
    from grading.notebook import Notebook
    from grading.play import Played

PACKAGES = ("runtime", "grading", "environment", "lab", "shared")
OWN_TESTS = ("platform/runtime/tests", "grading/tests", "notebooks/lab/tests")
#: Lines under services/ and shared/ that the tree's tests must execute, in per cent.
COVERAGE_FLOOR = 80


@dataclass(frozen=True, kw_only=True)
class Section:
    """One part of the self-test; `run` returns True when it passed."""

    title: str
    run: Callable[[], bool]


def run_all(*, full: bool, coverage: bool, repeat: int, words: Sequence[str]) -> int:
    """Runs every section, also after one has failed; returns the exit status.

    Raises GradingError when NEXUS_WORKERS makes no sense, before anything runs.
    """
    workers()
    words = [word for word in words if word != "--"]
    sections: list[Section] = []
    if full:
        sections += [
            Section(title="ruff", run=_ruff),
            Section(title="mypy", run=_mypy),
        ]
    if not words:
        sections.append(Section(title="tests of the course", run=_own_tests))
    for number in range(1, repeat + 1):
        title = "tests of the platform" + (f", round {number} of {repeat}" if repeat > 1 else "")
        sections.append(Section(title=title, run=lambda: _tree_tests(words, coverage=coverage)))
    if full:
        sections += [
            Section(title="patches", run=lambda: _nexus("bugs", "check")),
            Section(title="manifest", run=lambda: _nexus("bugs", "manifest")),
            Section(title="kill matrix", run=lambda: _nexus("bugs", "matrix", "--stored")),
            Section(title="notebooks", run=_notebooks),
        ]
    return _run(sections)


def _run(sections: Sequence[Section]) -> int:
    failed: list[str] = []
    for section in sections:
        print(f"\n── {section.title} " + "─" * max(4, 90 - len(section.title)), flush=True)
        started = time.monotonic()
        passed = section.run()
        took = time.monotonic() - started
        print(f"{'✓' if passed else '✗'} {section.title}, {took:.1f} s", flush=True)
        if not passed:
            failed.append(section.title)
    print("\n" + ("All passed." if not failed else f"Failed: {', '.join(failed)}."), flush=True)
    return 1 if failed else 0


def _call(command: Sequence[str | Path], *, cwd: Path = ROOT, **environment: str) -> bool:
    return (
        subprocess.run(
            list(command), cwd=cwd, env=os.environ | environment, check=False, stdin=subprocess.DEVNULL
        ).returncode
        == 0
    )


def _nexus(*words: str) -> bool:
    return _call([sys.executable, "-P", "-m", "lab", *words])


def _ruff() -> bool:
    check = _call([sys.executable, "-m", "ruff", "check", "."])
    return _call([sys.executable, "-m", "ruff", "format", "--check", "."]) and check


def _mypy() -> bool:
    command = [sys.executable, "-m", "mypy"]
    for package in PACKAGES:
        command += ["-p", package]
    return _call(command)


def _own_tests() -> bool:
    # One folder after the other, without plugins that they do not use: the first test runs within seconds.
    command = [sys.executable, "-P", "-m", "pytest", "-q", "-p", "no:hypothesispytest", "-p", "no:xdist"]
    passed = [_call([*command, folder]) for folder in OWN_TESTS]
    return all(passed)


def _tree_tests(words: Sequence[str], *, coverage: bool) -> bool:
    command = [sys.executable, "-P", "-m", "pytest", *(words or ["-q"])]
    if not coverage:
        # A module that starts a platform of its own starts it once: files go to the workers whole.
        side_by_side = [] if words else ["-n", str(workers()), "--dist", "loadfile"]
        return _call([*command, *side_by_side], cwd=TREE)
    with tempfile.TemporaryDirectory(prefix="nexus-coverage-") as folder:
        measure = [sys.executable, "-P", "-m", "coverage"]
        options = [f"--rcfile={ROOT / 'pyproject.toml'}"]
        data = {"COVERAGE_FILE": str(Path(folder) / ".coverage"), "NEXUS_COVERAGE": folder}
        passed = _call(
            [*measure, "run", *options, "--parallel-mode", f"--source={TREE}", *command[2:]], cwd=TREE, **data
        )
        _call([*measure, "combine", "--quiet", *options, folder], cwd=TREE, **data)
        report = ["--include=services/*,shared/*", "--skip-covered", f"--fail-under={COVERAGE_FLOOR}"]
        return _call([*measure, "report", *options, *report], cwd=TREE, **data) and passed


def _notebooks() -> bool:
    """Every notebook is full with the reference fix, and every incident low as handed out.

    The first one with bugs is played whole as handed out. Otherwise cells are played and checks judged: that
    the tests of the bugs fail has been seen by then, and a repaired tree is the correct one, byte for byte.
    Notebooks of categories, which take longest with their bugs still in, are played solved only.
    """
    from grading.notebook import notebooks

    tasks = [
        (notebook, solved)
        for notebook in notebooks()
        for solved in (False, True)
        if solved or notebook.name[0].isdigit()
    ]
    with tempfile.TemporaryDirectory(prefix="nexus-notebooks-") as folder:
        first = next(notebook for notebook, _ in tasks if notebook.bugs)
        tasks.remove((first, False))
        passed = _judged(_played(first, False, folder, suite=True), solved=False)
        # Plays set the environment of their process: each worker is one of its own.
        with ProcessPoolExecutor(workers(), mp_context=get_context("spawn")) as pool:
            # The longest first: those with bugs still in wait for what does not come.
            tasks.sort(key=lambda task: (task[1], -len(task[0].bugs)))
            running = {pool.submit(_played, *task, folder, suite=False): task[1] for task in tasks}
            for each in as_completed(running):
                passed = _judged(each.result(), solved=running[each]) and passed
    if not passed:
        print("  a notebook must score at most 30 as handed out and 100 solved", flush=True)
    return passed


def _played(notebook: Notebook, solved: bool, folder: str, *, suite: bool) -> Played:
    from grading.play import play

    out = Path(folder) / f"{notebook.name}-{solved}"
    return play(notebook, out=out, solved=solved, say=lambda _: None, suite=suite)


def _judged(played: Played, *, solved: bool) -> bool:
    """Prints how a notebook went, and what stands in the way when that is not as it should be."""
    # A notebook without bugs has nothing to repair: it is full either way.
    wanted = played.score == 100 if solved or not played.notebook.bugs else played.score <= 30
    good = wanted and played.verdict != "invalid"
    how = "solved" if solved else "as handed out"
    print(
        f"  {'✓' if good else '✗'} {played.notebook.name} {how}: "
        f"{played.score:g} points, {played.seconds:.0f} s",
        flush=True,
    )
    if played.reason:
        print(f"    {played.reason}", flush=True)
    for result in played.results:
        if solved and not result.passed:
            print(f"    {result.case.id} {result.outcome}: {result.message[:600]}", flush=True)
    return good
