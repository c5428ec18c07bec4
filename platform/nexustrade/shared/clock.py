"""The only source of time.

`now()` is the market clock: the system's clock, plus an offset in simulation. `wall_time()` is the machine's
own clock, for what must not move when the market clock does (deadlines of requests, lifetimes of tokens).
`monotonic()` measures durations.
"""

from __future__ import annotations

import mmap
import os
import time
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EXCHANGE_ZONE = ZoneInfo("America/New_York")
CLOCK_FILE_VARIABLE = "NEXUS_CLOCK_FILE"
_OFFSET_BYTES = 8


class Clock(Protocol):
    """What the house needs of a clock."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class OffsetClock:
    """The machine's clock plus an offset in microseconds that other processes may change at any moment.

    The file holds the offset as a little-endian signed 64-bit integer and is memory-mapped, so a change is
    seen by the next call. Raises OSError or ValueError when the file is missing or too short.
    """

    def __init__(self, path: str | Path) -> None:
        with open(path, "rb") as file:  # noqa: PTH123 - a path or its text
            self._memory = mmap.mmap(file.fileno(), _OFFSET_BYTES, access=mmap.ACCESS_READ)

    def offset(self) -> timedelta:
        # One slice is one eight-byte copy: a writer is never seen half-way.
        return timedelta(microseconds=int.from_bytes(self._memory[:_OFFSET_BYTES], "little", signed=True))

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset()

    def monotonic(self) -> float:
        return time.monotonic()


_clock: Clock | None = None


def current_clock() -> Clock:
    """The clock in use: an OffsetClock when NEXUS_CLOCK_FILE is set, else the SystemClock."""
    global _clock  # noqa: PLW0603 - one clock per process is the point
    if _clock is None:
        path = os.environ.get(CLOCK_FILE_VARIABLE)
        _clock = OffsetClock(path) if path else SystemClock()
    return _clock


@contextmanager
def use_clock(clock: Clock) -> Iterator[Clock]:
    """Make `clock` the clock of the whole process, all threads, for the length of the block."""
    global _clock  # noqa: PLW0603 - one clock per process is the point
    previous, _clock = _clock, clock
    try:
        yield clock
    finally:
        _clock = previous


def now() -> datetime:
    """The market time, aware, in UTC."""
    return current_clock().now()


def monotonic() -> float:
    """Seconds since an arbitrary start; never goes back, never jumps with the market clock."""
    return current_clock().monotonic()


def wall_time() -> float:
    """Unix seconds of the machine, not moved by the simulation."""
    return time.time()


def trading_date(moment: datetime) -> date:
    """The exchange's calendar date (New York) at an aware `moment`; ValueError when it is naive."""
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone has no trading date")
    return moment.astimezone(EXCHANGE_ZONE).date()
