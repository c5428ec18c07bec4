"""Which certificates of a folder are fit for use: whole, and good for some days more.

What makes them (`runtime.authority`) imports much; whoever runs a platform only looks into the ledger that it
leaves, tls.json, and has a process of its own make what is missing.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, Self

from runtime.errors import CorruptState, RuntimeFault, one_line
from runtime.seat import write_private

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

RESERVE_SECONDS = 7 * 86_400.0
"""A platform that is started now may stay up for so long."""

_SECONDS = 60.0


class Ledger:
    """For each name in `folder`, until when its certificate is good and what its files hold."""

    def __init__(self, folder: Path, entries: dict[str, Any] | None = None) -> None:
        self._folder = folder
        self._entries = entries or {}

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The ledger that was written there, an empty one when it cannot be read."""
        try:
            return cls(folder, dict(json.loads((folder / "tls.json").read_bytes())))
        except (OSError, ValueError, TypeError):
            return cls(folder)

    def write(self) -> None:
        write_private(self._folder / "tls.json", json.dumps(self._entries, indent=1).encode())

    def enter(self, name: str, until: float) -> None:
        """Notes the files of `name` as they are now, good until `until` (seconds since 1970)."""
        self._entries[name] = {"until": until, "digest": self._digest(name)}

    def unfit(self, names: Iterable[str]) -> list[str]:
        """Those of `names` whose files are missing, are not as they were written, or end soon."""
        return [name for name in names if not self._is_fit(name)]

    def _is_fit(self, name: str) -> bool:
        try:
            entry = self._entries[name]
            return bool(
                entry["until"] > time.time() + RESERVE_SECONDS and entry["digest"] == self._digest(name)
            )
        except (OSError, KeyError, TypeError):
            return False

    def _digest(self, name: str) -> str:
        parts = [(self._folder / f"{name}{ending}").read_bytes() for ending in (".crt", ".key")]
        return hashlib.sha256(b"".join(parts)).hexdigest()


def ensure(folder: Path, names: Sequence[str]) -> None:
    """Makes sure of certificates for all of `names` before anything runs. Raises RuntimeFault."""
    if not Ledger.read(folder).unfit(["ca", *names]):
        return
    command = [sys.executable, "-P", "-m", "runtime.authority", str(folder), *names]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise RuntimeFault(
            f"Making certificates in {folder} hangs: is the disk full, or very slow?"
        ) from None
    if done.returncode != 0:
        raise RuntimeFault(f"Certificates cannot be made in {folder}: {one_line(done.stderr)}")


def renew(folder: Path, name: str) -> None:
    """The same for one service while others run: the authority that these trust has to stay.

    Raises CorruptState when it is needed and lost.
    """
    ledger = Ledger.read(folder)
    if not ledger.unfit([name]):
        return
    if ledger.unfit(["ca"]):
        raise CorruptState(folder, "the certificate authority is not as it was made; stop the platform first")
    ensure(folder, [name])
