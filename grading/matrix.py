"""The kill matrix: for every bug, the tests that fail when it alone is in.

The whole suite once per bug would take a day for the whole catalogue. So bugs are tested in groups, as
blood samples are: the suite runs once on a tree that holds a group, and only the tests that turn red there
run again on each of its bugs alone. A test that stays green with the whole group is taken to be green with
each of its bugs; `exact` takes nothing for granted and runs everything on every bug.

Checking what is stored asks for less than finding it: a test that turns red with the group and is a stored
killer of another of its bugs is explained, and runs again only on that one.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from grading.catalogue import Bug
from grading.errors import RunInvalid
from grading.inject import copy_tree, inject
from grading.run import Run, run_tests
from grading.score import TestCase
from grading.shards import workers

MIN_KILLERS = 2
#: More bugs a group save time until one hides what another does, or the platform does not work any more.
GROUP_SIZE = 11

#: Told what runs, and how many of how many tests have ended, how many of them not passing.
Progress = Callable[[str, int, int, int], None]


@dataclass(frozen=True, kw_only=True)
class Row:
    """What one bug did to the suite, and what is wrong with that."""

    bug: Bug
    killers: tuple[str, ...]
    faults: tuple[str, ...]
    seconds: float


def matrix_rows(
    bugs: Sequence[Bug],
    cases: Sequence[TestCase],
    *,
    exact: bool = False,
    find: bool = False,
    stored: bool = False,
    progress: Progress,
) -> Iterator[Row | RunInvalid]:
    """A row for each bug, in groups of GROUP_SIZE or one by one; an error where a run gave no result.

    With `find`, stored killers explain nothing: every test that is red with a group runs on all its bugs.
    With `stored`, every bug runs on its stored killers and on nothing else: that they fail is checked, not
    that all others pass.
    """
    if stored:
        yield from _group_rows(bugs, None, cases, False, progress)
        return
    for group in [[bug] for bug in bugs] if exact else groups(bugs):
        try:
            together = _run(group, cases, progress)
        except RunInvalid as error:
            yield error
        else:
            yield from _group_rows(group, together, cases, find, progress)


def groups(bugs: Sequence[Bug]) -> list[list[Bug]]:
    """Deals the bugs out like cards, so that neighbours, which change the same code, part."""
    count = -(-len(bugs) // GROUP_SIZE)
    return [list(bugs[start::count]) for start in range(count)]


def _group_rows(
    group: Sequence[Bug], together: Run | None, cases: Sequence[TestCase], find: bool, progress: Progress
) -> Iterator[Row | RunInvalid]:
    """The rows of a group: each bug alone on its killers and on what else is red with the whole group."""
    if together is not None and len(group) == 1:
        yield _row(group[0], together)
        return
    stored = {test for bug in group for test in bug.killers}
    red = set(together.failed) if together is not None else set()

    def alone(bug: Bug) -> Row | RunInvalid:
        wanted = red | stored if find else red - stored | set(bug.killers)
        try:
            return _row(bug, _run([bug], [case for case in cases if case.id in wanted], progress))
        except RunInvalid as error:
            return error

    # Few tests take one platform: two bugs side by side keep the machine as busy as a whole suite does.
    with ThreadPoolExecutor(workers()) as pool:
        yield from pool.map(alone, group)


def _run(group: Sequence[Bug], cases: Sequence[TestCase], progress: Progress) -> Run:
    """Runs `cases` on a tree that holds the bugs; RunInvalid when that gave no trustworthy result."""
    names = " ".join(bug.id for bug in group)
    with tempfile.TemporaryDirectory(prefix="nexus-matrix-") as folder:
        tree = copy_tree(Path(folder) / "tree")
        inject(tree, group)
        run = run_tests(tree, cases, progress=lambda *figures: progress(names, *figures))
    if run.verdict == "invalid":
        raise RunInvalid(f"{names}: {run.reason}")
    return run


def _row(bug: Bug, run: Run) -> Row:
    return Row(
        bug=bug, killers=tuple(sorted(run.failed)), faults=tuple(_faults(bug, run)), seconds=run.seconds
    )


def _faults(bug: Bug, run: Run) -> list[str]:
    faults = []
    if len(run.failed) < MIN_KILLERS:
        faults.append(f"{bug.id} turns {len(run.failed)} tests red, at least {MIN_KILLERS} are needed")
    if bug.category != "L":
        faults += [
            f"{bug.id} breaks {test} by an error, not by an assertion"
            for test in run.failed
            if not run.assertions.get(test)
        ]
    return faults


def drift(row: Row) -> list[str]:
    """How the stored killers differ from those found now, one sentence a test."""
    stored, found = set(row.bug.killers), set(row.killers)
    gone = [f"{row.bug.id} no longer breaks {test}" for test in sorted(stored - found)]
    return gone + [
        f"{row.bug.id} also breaks {test}, which is not among its killers" for test in sorted(found - stored)
    ]


def store(row: Row) -> None:
    """Writes the killers beside the bug."""
    row.bug.killers_file.write_text(json.dumps(list(row.killers), indent=2) + "\n", encoding="utf-8")
