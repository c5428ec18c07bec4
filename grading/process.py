"""One pytest process over some tests of a tree, followed by what it reports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grading.score import TestCase

STALL_SECONDS = 300.0

#: Told how many tests have ended, and how many of them not passing.
Told = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a process left: the lines of its report, its exit status, the end of its output."""

    lines: tuple[dict[str, Any], ...]
    status: int
    stalled: bool
    tail: str


def run_process(
    tree: Path, cases: Sequence[TestCase], *, seed: int, seat: Path | None, told: Told
) -> Outcome:
    """Runs `cases` in `tree` in a fresh process, on the platform of `seat` or on one of its own."""
    with tempfile.TemporaryDirectory(prefix="nexus-run-") as folder:
        report = Path(folder) / "report.jsonl"
        names = Path(folder) / "tests.txt"
        names.write_text("".join(f"{case.id}\n" for case in cases), encoding="utf-8")
        log = Path(folder) / "pytest.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                _command(names, report, seed),
                cwd=tree,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=_environment(seat),
            )
            lines, stalled = _follow(process, report, told)
        tail = log.read_text(encoding="utf-8", errors="replace")[-2000:]
    return Outcome(lines=tuple(lines), status=process.returncode, stalled=stalled, tail=tail)


def _command(names: Path, report: Path, seed: int) -> list[str]:
    command = [sys.executable, "-m", "pytest", "-q", "--tb=short", "--no-header", "-p", "grading.reporter"]
    return [*command, "-p", "pytest_timeout", f"--report-file={report}", f"--seed={seed}", f"@{names}"]


def _environment(seat: Path | None) -> dict[str, str]:
    # No plugin that happens to be installed takes part, and no running seat is used.
    dropped = ("PYTEST_", "NEXUS_SEAT", "PYTHONPATH")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
    environment["NEXUS_REPORT_OWNER"] = str(os.getpid())
    chosen = {"NEXUS_SEAT": str(seat)} if seat else {}
    return environment | chosen | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONHASHSEED": "0"}


def _follow(process: subprocess.Popen[bytes], report: Path, told: Told) -> tuple[list[dict[str, Any]], bool]:
    """Reads the report as it grows; gives up, and ends the process, when nothing is added for long."""
    lines: list[dict[str, Any]] = []
    partial = ""
    offset = 0
    last_growth = time.monotonic()
    while True:
        ended = process.poll() is not None
        if report.is_file():
            with report.open(encoding="utf-8") as stream:
                stream.seek(offset)
                chunk = stream.read()
                offset = stream.tell()
            *complete, partial = (partial + chunk).split("\n")
            lines += [json.loads(line) for line in complete if line]
            if chunk:
                last_growth = time.monotonic()
                outcomes = [line["outcome"] for line in lines if line["event"] == "result"]
                told(len(outcomes), sum(outcome != "passed" for outcome in outcomes))
        if ended:
            return lines, False
        if time.monotonic() - last_growth > STALL_SECONDS:
            _end(process)
            return lines, True
        try:
            process.wait(0.1)
        except subprocess.TimeoutExpired:
            continue


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
