"""Where the course keeps its parts."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TREE = ROOT / "platform" / "nexustrade"
BUGS = ROOT / "grading" / "bugs"
NOTEBOOKS = ROOT / "notebooks"
SOLUTIONS = ROOT / "grading" / "solutions"
SCENARIOS = ROOT / "scenarios"
WORKSPACES = ROOT / "workspaces"
MANIFEST = ROOT / "grading" / "manifest.json"
