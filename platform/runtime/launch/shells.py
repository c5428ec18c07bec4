"""Packages that import far more than is asked of them, made to wait until the rest is wanted."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType


def delay(name: str) -> ModuleType | None:
    """Puts package `name` in place without running its `__init__`; None when there is no such package.

    Its modules can be imported at once. It runs when a name of its own is first asked for.
    """
    if name in sys.modules:
        return sys.modules[name]
    try:
        spec = importlib.util.find_spec(name)
    except ImportError:
        return None
    if spec is None or spec.loader is None:
        return None
    package = importlib.util.module_from_spec(spec)
    loader = spec.loader

    def run_and_get(attribute: str) -> Any:
        # Tools ask any module for names of this kind; the list for `import *` is the exception.
        if attribute.startswith("__") and attribute != "__all__":
            raise AttributeError(f"module {name!r} has no attribute {attribute!r}")
        vars(package).pop("__getattr__", None)
        loader.exec_module(package)
        return getattr(package, attribute)

    vars(package)["__getattr__"] = run_and_get
    sys.modules[name] = package
    parent, _, own = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], own, package)
    return package
