"""A learner's workspace: a buggy tree in a git repository whose only commit is the tree as handed out."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grading.catalogue import Bug, select
from grading.errors import BadSubmission, GradingError
from grading.inject import copy_tree, inject
from grading.paths import ROOT, SCENARIOS, WORKSPACES

_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """Where a workspace is and what was put into it."""

    folder: Path
    bugs: tuple[Bug, ...]


def workspace_new(name: str, bugs: Sequence[Bug], *, into: Path = WORKSPACES) -> Workspace:
    """Makes `into/name`; GradingError when the name is bad or the folder exists. All or nothing."""
    if not _NAME.match(name):
        raise GradingError(f"{name!r} is no workspace name: use letters, digits, dots, dashes, at most 64")
    folder = into / name
    if folder.exists():
        raise GradingError(f"{folder} exists: choose another name, or remove that folder")
    into.mkdir(parents=True, exist_ok=True)
    half_done = into / f".{name}.{os.getpid()}"
    try:
        copy_tree(half_done)
        _lay_out(half_done)
        inject(half_done, bugs)
        _commit(half_done)
        half_done.rename(folder)
    except BaseException:
        shutil.rmtree(half_done, ignore_errors=True)
        raise
    _remember(folder, bugs)
    return Workspace(folder=folder, bugs=tuple(bugs))


def workspace_open(folder: Path) -> Workspace:
    """Finds a workspace made on this machine; BadSubmission when `folder` is not one."""
    note = _note(folder)
    if not (folder / "services").is_dir():
        raise BadSubmission(f"{folder} is no workspace: it has no services/ folder")
    if not note.is_file():
        raise BadSubmission(
            f"{folder} was not made by `nexus new` on this machine: name its bugs with --bugs"
        )
    return Workspace(folder=folder, bugs=select(json.loads(note.read_text(encoding="utf-8"))["bugs"]))


def _lay_out(tree: Path) -> None:
    shutil.copy2(ROOT / "docker-compose.yml", tree / "docker-compose.yml")
    shutil.copytree(SCENARIOS, tree / "scenarios", dirs_exist_ok=True)
    # Compose takes its variables from here: the code is in this folder, the runtime in the course's.
    (tree / ".env").write_text(f"NEXUS_TREE=.\nNEXUS_COURSE={ROOT}\n", encoding="utf-8")
    # What is about this machine or left by tools is no part of the learner's patch.
    ignored = (".env", "__pycache__/", "*.pyc", ".hypothesis/", ".pytest_cache/", "DIAGNOSIS.md")
    (tree / ".gitignore").write_text("".join(f"{name}\n" for name in ignored), encoding="utf-8")


def _commit(tree: Path) -> None:
    # A fixed author, date and message: the commit says nothing about what was put in.
    who = {
        "GIT_AUTHOR_NAME": "NexusTrade",
        "GIT_AUTHOR_EMAIL": "platform@nexustrade.example",
        "GIT_COMMITTER_NAME": "NexusTrade",
        "GIT_COMMITTER_EMAIL": "platform@nexustrade.example",
        "GIT_AUTHOR_DATE": "2026-01-05T09:30:00-0500",
        "GIT_COMMITTER_DATE": "2026-01-05T09:30:00-0500",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
    }
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")} | who
    for command in (
        ["git", "init", "--quiet", "--initial-branch=main"],
        ["git", "add", "--all"],
        ["git", "commit", "--quiet", "--message", "The platform as handed out"],
    ):
        result = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, text=True, check=False
        )
        if result.returncode:
            raise GradingError(
                f"{' '.join(command)} failed: {result.stderr.strip() or result.stdout.strip()}"
            )


def _note(folder: Path) -> Path:
    # Kept away from the workspace: which bugs are in it is an answer.
    from runtime.seat import state_root

    digest = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:20]
    return state_root() / "workspaces" / f"{digest}.json"


def _remember(folder: Path, bugs: Sequence[Bug]) -> None:
    note = _note(folder)
    note.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    note.write_text(json.dumps({"folder": str(folder.resolve()), "bugs": [bug.id for bug in bugs]}), "utf-8")
