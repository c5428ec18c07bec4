"""Programs that run beside the platform: on a tree of one's choice, with the environment of one service."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from lab.case import Incident
from lab.errors import LabError


def beside(incident: Incident, program: str, *words: str, service: str, tree: Path) -> subprocess.Popen[str]:
    """Starts a program of this folder that is to be `service` to the others; who gets and gives text.

    What it does is no part of the service's own traces.
    """
    environment = {**os.environ, **incident.platform.environment(service), "PYTHONPATH": str(tree)}
    environment.pop("NEXUS_TRACE_FILE", None)
    return subprocess.Popen(
        [sys.executable, "-P", str(Path(__file__).with_name(f"{program}.py")), *words],
        cwd=tree,
        env={**environment, "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def last_words(process: subprocess.Popen[str], words: str | None = None, *, seconds: float = 60.0) -> str:
    """Gives the program its last input and returns what it printed by its end; LabError when it failed."""
    try:
        said, complaint = process.communicate(words, timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        said, complaint = process.communicate()
        complaint = f"{complaint}\nit did not end within {seconds:g} s"
    if process.returncode:
        lines = complaint.strip().splitlines() or ["no word"]
        raise LabError(f"the workspace's code could not be run: {lines[-1]}")
    return said
