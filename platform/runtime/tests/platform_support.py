"""What the tests of the platform share."""

from __future__ import annotations

import urllib.request
from pathlib import Path


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
