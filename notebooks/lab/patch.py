"""The `%%patch` cell: changes a workspace's code from a notebook.

Two forms. `%%patch services/risk/services.py` with whole functions or classes: each replaces the one
of the same name in that file (a method is given inside its class, where the other methods stay).
`%%patch` alone with a unified diff, as `git diff` prints it.
"""

from __future__ import annotations

import ast
import tempfile
from dataclasses import dataclass
from pathlib import Path

from grading.inject import git_apply
from lab.errors import LabError


@dataclass(frozen=True, kw_only=True)
class Patched:
    """What a patch cell did: the files that it changed, relative to the workspace."""

    files: tuple[str, ...]
    names: tuple[str, ...]

    def __str__(self) -> str:
        if not self.files:
            return "Nothing to patch yet: the cell holds only comments."
        what = ", ".join(self.names) or "diff"
        return f"Patched {', '.join(self.files)} ({what}). Restart to run it: incident.restart()"


def patch_apply(tree: Path, line: str, cell: str) -> Patched:
    """Applies a patch cell to `tree`; LabError, and nothing changed, when it does not fit."""
    target = line.strip()
    if not any(text.strip() and not text.lstrip().startswith("#") for text in cell.splitlines()):
        return Patched(files=(), names=())
    if not target:
        return _apply_diff(tree, cell)
    return _replace(tree, target, cell)


def _apply_diff(tree: Path, cell: str) -> Patched:
    files = tuple(
        line.removeprefix("+++ ").removeprefix("b/").split("\t")[0].strip()
        for line in cell.splitlines()
        if line.startswith("+++ ")
    )
    if not files:
        raise LabError("%%patch without a file name needs a unified diff, with its --- and +++ lines")
    with tempfile.NamedTemporaryFile("w", suffix=".patch", encoding="utf-8") as diff:
        diff.write(cell if cell.endswith("\n") else f"{cell}\n")
        diff.flush()
        failure = git_apply(tree, Path(diff.name))
    if failure:
        raise LabError(f"the diff does not fit the workspace, nothing was changed: {failure}")
    return Patched(files=files, names=())


def _replace(tree: Path, target: str, cell: str) -> Patched:
    path = (tree / target).resolve()
    if not path.is_relative_to(tree.resolve()) or not path.is_file():
        raise LabError(f"{target} is no file of the workspace: give its path from the workspace's root")
    source = path.read_text(encoding="utf-8")
    try:
        new = ast.parse(cell)
    except SyntaxError as error:
        raise LabError(
            f"line {error.lineno} of the cell is not Python: {error.msg}; nothing was changed"
        ) from None
    changed, names = source, []
    for node in new.body:
        if isinstance(node, ast.ClassDef):
            changed, name = _replace_class(changed, node, cell, target)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            changed, name = _replace_one(changed, [node.name], _segment(cell, node), target), node.name
        else:
            raise LabError(
                f"line {node.lineno} of the cell is no function and no class: edit {target} itself for that"
            )
        names.append(name)
    path.write_text(changed, encoding="utf-8")
    return Patched(files=(target,), names=tuple(names))


def _replace_class(source: str, new: ast.ClassDef, cell: str, target: str) -> tuple[str, str]:
    methods = [node for node in new.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    if len(methods) < len([node for node in new.body if not _is_docstring(node)]):
        # More than methods: the whole class is meant.
        return _replace_one(source, [new.name], _segment(cell, new), target), new.name
    for method in methods:
        source = _replace_one(source, [new.name, method.name], _segment(cell, method), target)
    return source, ", ".join(f"{new.name}.{method.name}" for method in methods)


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _replace_one(source: str, path: list[str], text: str, target: str) -> str:
    body: list[ast.stmt] = ast.parse(source).body
    found: ast.stmt | None = None
    for name in path:
        found = next((node for node in body if getattr(node, "name", None) == name), None)
        if found is None and (owner := _owner(source, name)) is not None and len(path) == 1:
            raise LabError(f"{name} is a method in {target}: put `class {owner}:` above it and indent it")
        if found is None:
            raise LabError(f"{target} has no {'.'.join(path)}: name a function or class that stands there")
        body = getattr(found, "body", [])
    assert found is not None
    first, last = _span(found)
    lines = source.splitlines(keepends=True)
    return "".join([*lines[: first - 1], _indented(text, found.col_offset), *lines[last:]])


def _owner(source: str, method: str) -> str | None:
    """The class of the file that has this method."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef) and any(getattr(each, "name", "") == method for each in node.body):
            return node.name
    return None


def _segment(source: str, node: ast.stmt) -> str:
    first, last = _span(node)
    return "".join(
        line[node.col_offset :] if line.strip() else line
        for line in source.splitlines(keepends=True)[first - 1 : last]
    )


def _span(node: ast.stmt) -> tuple[int, int]:
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
    assert node.end_lineno is not None
    return first, node.end_lineno


def _indented(text: str, width: int) -> str:
    text = text if text.endswith("\n") else f"{text}\n"
    return "".join(" " * width + line if line.strip() else line for line in text.splitlines(keepends=True))
