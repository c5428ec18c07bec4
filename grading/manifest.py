"""The fixed list of tests that a score counts over."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from grading.errors import GradingError, RunInvalid
from grading.paths import MANIFEST, TREE
from grading.score import TestCase


def load() -> tuple[TestCase, ...]:
    """The stored manifest; GradingError when it is missing."""
    if not MANIFEST.is_file():
        raise GradingError(f"{MANIFEST} is missing: write it with `./nexus bugs manifest`")
    return tuple(_case(line) for line in json.loads(MANIFEST.read_text(encoding="utf-8")))


def store(cases: Iterable[TestCase]) -> None:
    """Writes the manifest, one test a line, so that a change reads well in a diff."""
    lines = [
        json.dumps({"id": case.id, "category": case.category, "services": list(case.services)})
        for case in sorted(cases, key=lambda case: case.id)
    ]
    MANIFEST.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


def collect(tree: Path = TREE) -> tuple[TestCase, ...]:
    """What pytest collects in `tree` now, sorted by id; RunInvalid when collection fails."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.jsonl"
        command = [sys.executable, "-m", "pytest", "tests", "--collect-only", "-q"]
        command += ["-p", "grading.reporter", f"--report-file={report}"]
        result = subprocess.run(
            command, cwd=tree, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
        lines = report.read_text(encoding="utf-8").splitlines() if report.is_file() else []
    for line in map(json.loads, lines):
        if line["event"] == "collected" and result.returncode == 0:
            return tuple(sorted(map(_case, line["tests"]), key=lambda case: case.id))
    raise RunInvalid(f"collecting the tests of {tree} failed: {_last_line(result.stdout + result.stderr)}")


def cases_of(ids: Iterable[str], cases: Iterable[TestCase]) -> tuple[TestCase, ...]:
    """The cases with these ids, in the order of `ids`; GradingError names an unknown one."""
    by_id = {case.id: case for case in cases}
    wanted = list(ids)
    unknown = [test for test in wanted if test not in by_id]
    if unknown:
        raise GradingError(f"{unknown[0]} is not in the manifest: run `./nexus bugs matrix` again")
    return tuple(by_id[test] for test in wanted)


def _case(line: dict[str, object]) -> TestCase:
    services = line["services"]
    assert isinstance(services, list)
    return TestCase(id=str(line["id"]), category=str(line["category"]), services=tuple(map(str, services)))


def _last_line(text: str) -> str:
    return next((line for line in reversed(text.splitlines()) if line.strip()), "no output")
