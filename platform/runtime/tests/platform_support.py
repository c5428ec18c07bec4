"""What the tests of the platform share."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def get(platform: Any, service: str, path: str) -> str:
    """What a service answers to the operator; an error when it is not 200."""
    with platform.http(service, timeout=5) as client:
        return client.get(path).raise_for_status().text


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
