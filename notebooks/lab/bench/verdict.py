"""From a saved patch to a verdict: restart of what changed, and a bug's tests judged."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

from grading import manifest
from grading.catalogue import Bug, bugs
from grading.inject import copy_tree, inject, revert
from grading.notebook import patched_files
from grading.run import run_tests
from lab.bench import Row, middle
from runtime import SERVICES, Platform

ROUNDS = 3


def measure(say: Callable[[str], None]) -> Iterator[Row]:
    """Median over the first bug of every category, each repaired in a running platform.

    Bugs of category L are left out: with them, nothing runs.
    """
    times = []
    cases = manifest.load()
    with tempfile.TemporaryDirectory(prefix="nexus-bench-") as folder:
        tree = copy_tree(Path(folder) / "tree")
        with Platform(tree=tree, seat=Path(folder) / "seat") as platform:
            for bug in _chosen():
                wanted = manifest.cases_of([test for test in bug.killers if "/chaos/" not in test], cases)
                touched = services_of(patched_files(bug))
                for number in range(ROUNDS):
                    say(f"{bug.id}, patch {number + 1} of {ROUNDS}")
                    inject(tree, [bug])
                    platform.restart_all(touched)
                    began = time.monotonic()
                    revert(tree, [bug])
                    platform.restart_all(touched)
                    run = run_tests(tree, wanted, seat=platform.seat)
                    times.append(time.monotonic() - began)
                    if run.verdict != "pass":
                        say(f"{bug.id}: {run.verdict} {run.reason} {run.failed}")
    value = middle(times)
    yield Row(name="patch to verdict", value=value, unit="s", target="≤ 2 s median", met=value <= 2.0)


def _chosen() -> list[Bug]:
    by_category = groupby(bugs(), key=lambda bug: bug.category)
    return [next(group) for category, group in by_category if category != "L"]


def services_of(files: list[str]) -> list[str]:
    """The services whose code is in these files; all of them where code is shared."""
    if any(not path.startswith("services/") for path in files):
        return list(SERVICES)
    return sorted({path.split("/")[1].replace("_", "-") for path in files})
