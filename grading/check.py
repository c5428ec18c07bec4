"""Checks of the catalogue that need no platform: patches fit, revert, and give nothing away."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable
from pathlib import Path

from grading.catalogue import Bug
from grading.errors import PatchFailed
from grading.inject import copy_tree, inject, revert

#: Words that a diff on the learner's tree must not add: they point at what was changed.
TELLS = re.compile(
    r"\b(bug|buggy|fixme|todo|xxx|hack|intentional(ly)?|inject(ed)?|broken|wrong|race|vulnerab\w*|unsafe)\b",
    re.IGNORECASE,
)


def tree_contents(tree: Path) -> dict[str, bytes]:
    """Every file of a tree, by its path."""
    return {
        str(path.relative_to(tree)): path.read_bytes()
        for path in sorted(tree.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def check_alone(bug: Bug) -> list[str]:
    """Problems of one bug's patch by itself; an empty list when it is sound."""
    problems = [f"{bug.id}: the patch adds the word {word!r}" for word in sorted(_tells(bug))]
    with tempfile.TemporaryDirectory(prefix="nexus-check-") as folder:
        tree = copy_tree(Path(folder) / "tree")
        before = tree_contents(tree)
        try:
            inject(tree, [bug])
        except PatchFailed as error:
            return [*problems, str(error)]
        if tree_contents(tree) == before:
            problems.append(f"{bug.id}: the patch changes nothing")
        revert(tree, [bug])
        if tree_contents(tree) != before:
            problems.append(f"{bug.id}: reverting the patch does not give back the tree byte for byte")
    return problems


def check_together(bugs: Iterable[Bug]) -> list[str]:
    """Problems of all patches put in at once and taken out again."""
    bugs = tuple(bugs)
    with tempfile.TemporaryDirectory(prefix="nexus-check-") as folder:
        tree = copy_tree(Path(folder) / "tree")
        before = tree_contents(tree)
        try:
            inject(tree, bugs)
            revert(tree, bugs)
        except PatchFailed as error:
            return [f"together: {error}"]
        return (
            [] if tree_contents(tree) == before else ["together: reverting all does not give back the tree"]
        )


def _tells(bug: Bug) -> set[str]:
    added = [
        line[1:]
        for line in bug.patch.read_text(encoding="utf-8").splitlines()
        if line.startswith("+") and not line.startswith("+++")
    ]
    return {match.group(0) for line in added for match in TELLS.finditer(line)}
