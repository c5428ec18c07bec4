"""The market clock of a seat, as all its services see it."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_OFFSET = struct.Struct("<q")
_MICROSECOND = timedelta(microseconds=1)


class MarketClock:
    """Moves the time of a running platform: the system's time plus an offset kept in a file of 8 bytes."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @property
    def offset(self) -> timedelta:
        """How far the market is ahead of the system's clock."""
        microseconds: int = _OFFSET.unpack(self._file.read_bytes()[:8])[0]
        return microseconds * _MICROSECOND

    def now(self) -> datetime:
        """The time of the market, in UTC."""
        return datetime.now(UTC) + self.offset

    def set(self, moment: datetime) -> None:
        """Makes it `moment` now; ValueError when that has no time zone."""
        if moment.tzinfo is None:
            raise ValueError("The market clock needs a time with a time zone, such as tzinfo=UTC.")
        self._write(moment - datetime.now(UTC))

    def advance(self, by: timedelta) -> None:
        """Moves the clock on by `by`, or back when that is negative."""
        self._write(self.offset + by)

    def reset(self) -> None:
        """Back to the system's time."""
        self._write(timedelta(0))

    def _write(self, offset: timedelta) -> None:
        # One write of 8 bytes into the file that the services have mapped: they see all of it at once.
        with self._file.open("r+b", buffering=0) as file:
            file.write(_OFFSET.pack(offset // _MICROSECOND))
