"""Finding the tree to run."""

from __future__ import annotations

from pathlib import Path

from runtime.errors import NotATree


def correct_tree() -> Path:
    """The project's own platform/nexustrade. Raises NotATree when the runtime is installed without it."""
    return check_tree(Path(__file__).parents[1] / "nexustrade")


def is_tree(path: Path) -> bool:
    """Whether `path` is laid out like the platform."""
    return (path / "services").is_dir()


def check_tree(path: Path) -> Path:
    """The absolute path of a tree. Raises NotATree."""
    absolute = path.expanduser().resolve()
    if not is_tree(absolute):
        raise NotATree(absolute)
    return absolute
