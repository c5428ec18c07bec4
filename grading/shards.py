"""Dealing tests out to processes that run side by side, each with a platform of its own.

A platform waits more than it works, so two of them keep a small machine busy. Files stay whole: what a
module starts, it starts once.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence

from grading.errors import GradingError
from grading.score import TestCase

#: Fewer tests than this are done sooner by one process than a second platform starts.
WORTH_A_PLATFORM = 100
#: Rough seconds a test, by folder; only the balance between processes hangs on them.
_SECONDS = {"chaos": 3.0, "system": 1.0, "integration": 0.3, "performance": 0.3, "security": 0.15}
_OTHERWISE = 0.05


def workers() -> int:
    """How many platforms a long run may use at once: NEXUS_WORKERS, or two where there are two cores.

    Raises GradingError when NEXUS_WORKERS is no number from 1 to 64.
    """
    given = os.environ.get("NEXUS_WORKERS")
    if given is None:
        return min(2, os.cpu_count() or 1)
    if not given.isdecimal() or not 1 <= int(given) <= 64:
        raise GradingError(f"NEXUS_WORKERS is {given!r}: give a number from 1 to 64, or leave it out")
    return int(given)


def deal(cases: Sequence[TestCase], most: int) -> list[list[TestCase]]:
    """Cuts `cases` into at most `most` shares that take about as long; files stay whole, order is kept."""
    count = max(1, min(most, len(cases) // WORTH_A_PLATFORM))
    files: dict[str, list[TestCase]] = defaultdict(list)
    for case in cases:
        files[case.id.partition("::")[0]].append(case)
    shares: list[set[str]] = [set() for _ in range(count)]
    load = [0.0] * count
    for name in sorted(files, key=lambda name: (-_cost(files[name]), name)):
        lightest = load.index(min(load))
        shares[lightest].add(name)
        load[lightest] += _cost(files[name])
    return [[case for case in cases if case.id.partition("::")[0] in share] for share in shares if share]


def _cost(cases: Sequence[TestCase]) -> float:
    return sum(_SECONDS.get(case.category, _OTHERWISE) for case in cases)
