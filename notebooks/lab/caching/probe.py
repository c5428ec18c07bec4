"""Has parts of the cache tried by themselves, with the code of a workspace, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from lab.case import Incident
from lab.errors import LabError

SECONDS = 120.0


def probe(incident: Incident, what: str, **arguments: Any) -> Any:
    """What the workspace's code makes of it, see `parts`; LabError when the process fails."""
    tree = incident.workspace.folder
    done = subprocess.run(
        [
            sys.executable,
            "-P",
            str(Path(__file__).with_name("parts.py")),
            json.dumps({"what": what, **arguments}),
        ],
        env={**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=tree,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["no word"]
        raise LabError(f"the cache of the workspace could not be tried: {said[-1]}")
    return json.loads(done.stdout.splitlines()[-1])
