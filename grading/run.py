"""Runs tests of the course against somebody's tree, in fresh processes, and judges the outcome."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Lock

from grading.errors import BadSubmission
from grading.inject import LITTER, copy_tree
from grading.process import STALL_SECONDS, Outcome, run_process
from grading.score import TestCase, TestResult
from grading.shards import deal, workers

#: What counts of a submission; everything else, the tests before all, comes from the course.
SUBMITTED = ("services", "shared", "proto", "config", "requirements.txt", "Dockerfile")
GRADER_SEED = 7919
#: pytest's own exit statuses after which the results stand: all passed, some failed.
_TRUSTED = (0, 1)

Progress = Callable[[int, int, int], None]


@dataclass(frozen=True, kw_only=True)
class Run:
    """The outcome of one run: `verdict` is `pass`, `fail` or `invalid`; `reason` explains invalid."""

    verdict: str
    results: tuple[TestResult, ...]
    seconds: float
    seed: int
    reason: str = ""
    assertions: Mapping[str, bool] = field(default_factory=dict)

    @property
    def failed(self) -> list[str]:
        return [result.case.id for result in self.results if not result.passed]


def assemble(submission: Path, target: Path) -> Path:
    """Lays the submission's own parts over a pristine tree in `target`.

    Raises BadSubmission when there is nothing to grade or a link leads out of the submission.
    """
    if not (submission / "services").is_dir():
        raise BadSubmission(f"{submission} holds no services/ folder: give the root of a workspace")
    home = submission.resolve()
    for path in submission.rglob("*"):
        if path.is_symlink() and not path.resolve().is_relative_to(home):
            raise BadSubmission(f"{path} is a link that leads out of the submission: remove it")
    copy_tree(target)
    for name in SUBMITTED:
        source, destination = submission / name, target / name
        if destination.is_dir():
            shutil.rmtree(destination)
        elif destination.exists():
            destination.unlink()
        if source.is_dir():
            shutil.copytree(source, destination, ignore=LITTER)
        elif source.is_file():
            shutil.copy2(source, destination)
    return target


def run_submission(
    submission: Path,
    cases: Sequence[TestCase],
    *,
    seed: int = GRADER_SEED,
    progress: Progress | None = None,
) -> Run:
    """Runs `cases` against a copy of `submission` under pristine tests."""
    with tempfile.TemporaryDirectory(prefix="nexus-grade-") as folder:
        # Services may run as they like; only this process's user reads the copy.
        Path(folder).chmod(0o700)
        tree = assemble(submission, Path(folder) / "tree")
        return run_tests(tree, cases, seed=seed, progress=progress)


def run_tests(
    tree: Path,
    cases: Sequence[TestCase],
    *,
    seed: int = GRADER_SEED,
    progress: Progress | None = None,
    seat: Path | None = None,
) -> Run:
    """Runs `cases` in `tree` as it stands, on the platform of `seat` or on platforms of their own.

    Many tests are shared out among processes, see `grading.shards`. What gives no result counts as missing.
    """
    if not cases:
        # Without names pytest would run everything.
        return Run(verdict="pass", results=(), seconds=0.0, seed=seed)
    started = time.monotonic()
    shares = deal(cases, 1 if seat else workers())
    board = _Board(len(cases), len(shares), progress)
    with ThreadPoolExecutor(len(shares)) as pool:
        running = [
            pool.submit(run_process, tree, share, seed=seed, seat=seat, told=partial(board.note, number))
            for number, share in enumerate(shares)
        ]
        outcomes = [each.result() for each in running]
    return _judge(cases, outcomes, seconds=time.monotonic() - started, seed=seed)


class _Board:
    """Adds up what the processes tell of their progress."""

    def __init__(self, total: int, processes: int, progress: Progress | None) -> None:
        self._total = total
        self._counts = [(0, 0)] * processes
        self._progress = progress
        self._lock = Lock()

    def note(self, process: int, done: int, failed: int) -> None:
        with self._lock:
            self._counts[process] = (done, failed)
            if self._progress is not None:
                sums = [sum(column) for column in zip(*self._counts, strict=True)]
                self._progress(sums[0], self._total, sums[1])


def _judge(cases: Sequence[TestCase], outcomes: Sequence[Outcome], *, seconds: float, seed: int) -> Run:
    seen = {line["id"]: line for each in outcomes for line in each.lines if line["event"] == "result"}
    results = tuple(
        TestResult(
            case=case,
            outcome=seen[case.id]["outcome"] if case.id in seen else "missing",
            seconds=seen.get(case.id, {}).get("seconds", 0.0),
            message=seen.get(case.id, {}).get("message", ""),
        )
        for case in cases
    )
    reason = next(filter(None, map(_untrusted, outcomes)), "")
    passed = all(result.passed for result in results)
    return Run(
        verdict="invalid" if reason else "pass" if passed else "fail",
        results=results,
        seconds=seconds,
        seed=seed,
        reason=reason,
        assertions={test: bool(line.get("assertion")) for test, line in seen.items()},
    )


def _untrusted(outcome: Outcome) -> str:
    """Why the results of a process do not stand; empty when they do."""
    broken = [line["reason"] for line in outcome.lines if line["event"] == "infrastructure"]
    finished = any(line["event"] == "finished" for line in outcome.lines)
    if outcome.stalled:
        return f"no test ended for {STALL_SECONDS:g} s"
    if broken:
        return f"the infrastructure broke: {broken[0]}"
    if not finished or outcome.status not in _TRUSTED:
        last = next((line for line in reversed(outcome.tail.splitlines()) if line.strip()), "no output")
        return f"pytest ended with status {outcome.status}: {last}"
    return ""
