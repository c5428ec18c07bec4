"""Putting bugs into a tree and taking them out again."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from grading.catalogue import Bug
from grading.errors import PatchFailed
from grading.paths import TREE

#: Never part of a tree: what tools leave behind.
LITTER = shutil.ignore_patterns(
    "__pycache__", "*.pyc", ".hypothesis", ".pytest_cache", ".git", ".coverage*", ".venv", "*.egg-info"
)


def copy_tree(target: Path, *, source: Path = TREE) -> Path:
    """Copies a tree without the litter of tools into `target`, which must not exist yet."""
    shutil.copytree(source, target, ignore=LITTER)
    return target


def inject(tree: Path, bugs: Iterable[Bug]) -> None:
    """Turns `tree` buggy, in catalogue order; nothing is changed when one patch does not fit."""
    _apply(tree, [bug.patch for bug in bugs])


def revert(tree: Path, bugs: Iterable[Bug]) -> None:
    """Takes the bugs out of `tree`: the reference fix."""
    _apply(tree, [bug.patch for bug in reversed(tuple(bugs))], "--reverse")


def _apply(tree: Path, patches: list[Path], *options: str) -> None:
    done: list[Path] = []
    for patch in patches:
        failure = git_apply(tree, patch, *options)
        if failure:
            undo = [option for option in options if option != "--reverse"]
            undo += [] if "--reverse" in options else ["--reverse"]
            for earlier in reversed(done):
                git_apply(tree, earlier, *undo)
            raise PatchFailed(f"{patch.parent.name}: the patch does not fit {tree}: {failure}")
        done.append(patch)


def git_apply(tree: Path, patch: Path, *options: str) -> str:
    """Runs `git apply` on `tree`, whether or not that is a repository; returns the error or ''."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    # Without the ceiling, git would take a tree inside another repository for a part of that one
    # and skip every file.
    environment["GIT_CEILING_DIRECTORIES"] = str(tree.resolve().parent)
    command = ["git", "-c", "core.autocrlf=false", "apply", "--whitespace=nowarn", *options, str(patch)]
    result = subprocess.run(
        command,
        cwd=tree,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if result.returncode == 0:
        return ""
    return (result.stderr.strip() or f"git apply ended with status {result.returncode}").splitlines()[0]
