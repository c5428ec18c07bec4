"""Starts a tree of the platform on one machine, and gives handles on everything that runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime.names import SERVICES

if TYPE_CHECKING:
    from runtime.platform import Platform

__all__ = ["SERVICES", "Platform"]


def __getattr__(name: str) -> Any:
    """Loads `Platform` when it is first asked for: service processes import this package, but not that."""
    if name == "Platform":
        from runtime.platform import Platform

        return Platform
    raise AttributeError(f"module 'runtime' has no attribute {name!r}")
