"""Clocks that a test moves."""

from __future__ import annotations

from datetime import UTC, datetime


class StillClock:
    """A source of time for `use_clock` that stands at `moment` until it is moved."""

    def __init__(self, moment: datetime = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()


class Stopwatch:
    """Monotonic seconds for whoever takes them as a function; `time` stands until it is moved."""

    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time
