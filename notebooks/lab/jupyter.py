"""Opens JupyterLab on the course."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from grading.notebook import notebook_find
from grading.paths import ROOT


def serve(notebook: str, *, port: int, browser: bool) -> None:
    """Replaces this process by JupyterLab with the notebook open; a busy port moves on to the next."""
    path = notebook_find(notebook).path.relative_to(ROOT)
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={ROOT}", f"--port={port}"]
    command.append(f"--LabApp.default_url=/lab/tree/{path.as_posix()}")
    # Kernels talk over TCP: on a shared machine nobody else is to listen.
    command.append("--KernelManager.transport_encryption=required")
    if not browser:
        command.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        # Containers often run as root; Jupyter wants that said.
        command.append("--allow-root")
    _no_announcements()
    print(f"nexus: JupyterLab opens {path}; stop it with Ctrl-C", file=sys.stderr)
    os.chdir(ROOT)
    os.execv(command[0], command)  # noqa: S606 -- nothing of ours is left to do


def _no_announcements() -> None:
    """Keeps JupyterLab from asking about its news: a class does not need that, and may have no network."""
    page = Path(sys.prefix) / "etc" / "jupyter" / "labconfig" / "page_config.json"
    if not page.exists():
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(
            json.dumps({"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}),
            "utf-8",
        )
