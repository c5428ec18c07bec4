"""Start-up time and memory of a seat, against the same services as ordinary processes."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from lab.bench import Row, middle
from runtime import Platform

ROUNDS = 5
#: Longer than services keep database sessions that nobody uses.
IDLE_SECONDS = 35.0


def measure(say: Callable[[str], None]) -> Iterator[Row]:
    """Cold and warm start, and the memory of an idle seat; the peers share the infrastructure code."""
    with tempfile.TemporaryDirectory(prefix="nexus-bench-") as folder:
        ours, theirs = _Seat(Path(folder) / "seat", "forkserver"), _Seat(Path(folder) / "peer", "subprocess")
        for number in range(ROUNDS + 1):
            # In turns: what else the machine does meets both.
            for seat in (ours, theirs):
                say(f"start {number + 1} of {ROUNDS + 1}, {seat.launcher}")
                seat.start()
        for seat in (ours, theirs):
            say(f"idle for {IDLE_SECONDS:g} s, {seat.launcher}")
            seat.idle()
    cold, warm, memory = ours.times[0], middle(ours.times[1:]), ours.memory
    peer_warm, peer_memory = middle(theirs.times[1:]), theirs.memory
    peer = "ordinary processes"
    yield Row(name="start, warm", value=warm, unit="s", target="≤ 4 s", met=warm <= 4.0)
    yield Row(
        name="start, warm, beside its peer",
        value=warm,
        unit="s",
        target="≥ 3 × faster",
        met=peer_warm / warm >= 3.0,
        peer=peer,
        peer_value=peer_warm,
        ratio=peer_warm / warm,
    )
    yield Row(name="start, empty state folder", value=cold, unit="s", target="≤ 8 s", met=cold <= 8.0)
    yield Row(name="memory of an idle seat", value=memory, unit="MiB", target="≤ 450 MiB", met=memory <= 450)
    yield Row(
        name="memory, beside its peer",
        value=memory,
        unit="MiB",
        target="≤ 1/2",
        met=memory / peer_memory <= 0.5,
        peer=peer,
        peer_value=peer_memory,
        ratio=peer_memory / memory,
    )


class _Seat:
    """A seat that is started again and again; the first time from an empty folder."""

    def __init__(self, folder: Path, launcher: str) -> None:
        self.launcher = launcher
        self.times: list[float] = []
        self.memory = 0.0
        self._folder = folder

    def start(self) -> None:
        """Starts and stops it once; keeps the seconds until all was healthy."""
        platform = Platform(seat=self._folder, launcher=self.launcher)
        began = time.monotonic()
        try:
            platform.start()
            self.times.append(time.monotonic() - began)
        finally:
            platform.stop()

    def idle(self) -> None:
        """Leaves it alone for a while, then keeps the MiB that all its processes take."""
        with Platform(seat=self._folder, launcher=self.launcher) as platform:
            threading.Event().wait(IDLE_SECONDS)
            self.memory = sum(part.pss_mib for part in platform.status())
