"""Memory of processes as the kernel counts it."""

from __future__ import annotations

from pathlib import Path


def children(pid: int) -> list[int]:
    """The direct children of process `pid`."""
    found: list[int] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text(encoding="ascii").split())
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found


def family(pid: int, without: frozenset[int] = frozenset()) -> list[int]:
    """Process `pid` and all below it, except those in `without` and what is below them."""
    found = [pid]
    for each in found:
        found += [child for child in children(each) if child not in without]
    return found


def pss_mib(pid: int, without: frozenset[int] = frozenset()) -> float:
    """Memory of process `pid` and its children, in MiB: shared pages are split among those who share."""
    return round(sum(map(_pss_kib, family(pid, without))) / 1024, 1)


def _pss_kib(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
