"""What the notebooks import: `incident = lab.incident("01")`."""

from __future__ import annotations

from typing import Any

__all__ = ["Incident", "LabError", "incident"]


def __getattr__(name: str) -> Any:
    # Late, because the command line imports this package too and must answer at once.
    if name in {"Incident", "incident"}:
        from lab import case

        return getattr(case, name)
    if name == "LabError":
        from lab.errors import LabError

        return LabError
    raise AttributeError(f"module 'lab' has no attribute {name!r}")
