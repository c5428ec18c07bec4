"""Grades a workspace without a notebook: the whole manifest, the tests of its bugs as the score."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from grading import manifest
from grading.run import run_submission
from grading.score import notebook_score, regressions, reward, weighted_pass_rate
from grading.workspace import Workspace


def grade(workspace: Workspace, *, out: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Runs the manifest against `workspace`, writes `out/result.json` and returns what it holds."""
    cases = manifest.load()
    run = run_submission(
        workspace.folder,
        cases,
        progress=lambda done, total, failed: say(f"tests {done}/{total}  {failed} not passing"),
    )
    target = {test for bug in workspace.bugs for test in bug.killers}
    judged = [result for result in run.results if result.case.id in target] or list(run.results)
    green_before = {case.id for case in cases} - target
    regressed = regressions(run.results, passed_before=green_before)
    result = {
        "notebook": None,
        "verdict": run.verdict,
        "score": notebook_score(judged, regressed=bool(regressed)),
        "weighted_pass_rate": round(weighted_pass_rate(run.results), 6),
        "reward": reward(run.results, passed_before=green_before),
        "tests": [each.as_json() for each in run.results],
        "seed": run.seed,
        "tree": str(workspace.folder.resolve().name),
        "seconds": round(run.seconds, 2),
    }
    out.mkdir(parents=True, exist_ok=True)
    half_done = out / "result.json.part"
    half_done.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    half_done.replace(out / "result.json")
    return result
