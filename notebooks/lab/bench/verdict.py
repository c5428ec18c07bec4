"""From a saved patch to a verdict: restart of what changed, and a bug's tests judged."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from grading import manifest
from grading.catalogue import bugs
from grading.inject import copy_tree, inject, revert
from grading.notebook import patched_files
from grading.run import run_tests
from lab.bench import Row, middle
from runtime import SERVICES, Platform

ROUNDS = 5


def measure(say: Callable[[str], None]) -> Iterator[Row]:
    """Median over the bugs that exist, each repaired in a running platform."""
    times = []
    cases = manifest.load()
    with tempfile.TemporaryDirectory(prefix="nexus-bench-") as folder:
        tree = copy_tree(Path(folder) / "tree")
        with Platform(tree=tree, seat=Path(folder) / "seat") as platform:
            for bug in [bug for bug in bugs() if bug.category != "L"][:ROUNDS]:
                wanted = manifest.cases_of([test for test in bug.killers if "/chaos/" not in test], cases)
                touched = services_of(patched_files(bug))
                for number in range(ROUNDS):
                    say(f"{bug.id}, patch {number + 1} of {ROUNDS}")
                    inject(tree, [bug])
                    for service in touched:
                        platform.restart(service)
                    began = time.monotonic()
                    revert(tree, [bug])
                    for service in touched:
                        platform.restart(service)
                    run = run_tests(tree, wanted, seat=platform.seat)
                    times.append(time.monotonic() - began)
                    if run.verdict != "pass":
                        say(f"{bug.id}: {run.verdict} {run.reason} {run.failed}")
    value = middle(times)
    yield Row(name="patch to verdict", value=value, unit="s", target="≤ 2 s median", met=value <= 2.0)


def services_of(files: list[str]) -> list[str]:
    """The services whose code is in these files; all of them where code is shared."""
    if any(not path.startswith("services/") for path in files):
        return list(SERVICES)
    return sorted({path.split("/")[1].replace("_", "-") for path in files})
