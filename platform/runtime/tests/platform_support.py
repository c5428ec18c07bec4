"""What the tests of the platform share."""

from __future__ import annotations

import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def until(ask: Callable[[], Any], timeout: float = 15.0, message: str = "") -> Any:
    """Waits until `ask()` is true and returns what it said."""
    deadline = time.monotonic() + timeout
    while not (answer := ask()):
        assert time.monotonic() < deadline, message or f"{ask} is still {answer!r}"
        time.sleep(0.02)
    return answer


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310
        return response.read().decode()


def processes_of(seat: Path | str, *, besides: int = 0) -> list[int]:
    """Live processes whose command line, folder or open files are in a seat, but for process `besides`."""
    numbers = [folder for folder in Path("/proc").iterdir() if folder.name.isdigit()]
    return [int(each.name) for each in numbers if each.name != str(besides) and _touches(each, str(seat))]


def _touches(process: Path, seat: str) -> bool:
    try:
        if "State:\tZ" in (process / "status").read_text():
            return False
        if seat in (process / "cmdline").read_text() or str((process / "cwd").readlink()).startswith(seat):
            return True
        return any(str(handle.readlink()).startswith(seat) for handle in (process / "fd").iterdir())
    except OSError:
        return False
