"""Incident 02: four days, the orders that were sent on them, and when the exchange was open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from holidays import financial_holidays
from holidays.constants import HALF_DAY

NEW_YORK = ZoneInfo("America/New_York")
OPENS, CLOSES, CLOSES_EARLY = time(9, 30), time(16), time(13)
SATURDAY = 5
_CLOSED, _EARLY = financial_holidays("NYSE"), financial_holidays("NYSE", categories=HALF_DAY)


@dataclass(frozen=True, kw_only=True)
class Day:
    """A trading day of the New York Stock Exchange; all four are regular ones, 9:30 to 16:00."""

    date: date
    season: str


DAYS = (
    Day(date=date(2026, 1, 14), season="winter"),
    Day(date=date(2026, 3, 9), season="clocks went forward"),
    Day(date=date(2026, 7, 15), season="summer"),
    Day(date=date(2026, 11, 2), season="clocks went back"),
)
#: Every half hour of the day, and every minute around the close.
MARKS = tuple(
    sorted(
        {time(minutes // 60, minutes % 60) for minutes in range(8 * 60, 18 * 60 + 1, 30)}
        | {time(15, minute) for minute in range(55, 60)}
        | {time(16, minute) for minute in range(6)}
    )
)


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One order: what time it was in New York when it was sent, and what became of it."""

    at: datetime
    accepted: bool
    status: str
    order_id: str
    trace_id: str

    @property
    def in_session(self) -> bool:
        """Whether the exchange is open at that time; the closing instant is not part of the session."""
        day = self.at.date()
        closes = CLOSES_EARLY if day in _EARLY else CLOSES
        works = day.weekday() < SATURDAY and day not in _CLOSED
        return works and OPENS <= self.at.time() < closes

    @property
    def right(self) -> bool:
        return self.accepted == self.in_session

    def __str__(self) -> str:
        was = "open" if self.in_session else "closed"
        verdict = "as it should be" if self.right else "WRONG"
        when = f"{self.at:%a %d %b %Y} {self.at.time().isoformat()} {self.at:%Z}"
        return f"{when}: the exchange is {was}, the order {self.status}: {verdict}"


@dataclass(frozen=True, kw_only=True)
class Record:
    """All orders of some days, in the order of time."""

    probes: tuple[Probe, ...]
    symbol: str
    account_id: str

    @property
    def let_in(self) -> list[Probe]:
        """Orders that were accepted while the exchange was closed."""
        return [probe for probe in self.probes if probe.accepted and not probe.in_session]

    @property
    def kept_out(self) -> list[Probe]:
        """Orders that were refused while the exchange was open."""
        return [probe for probe in self.probes if probe.in_session and not probe.accepted]

    @property
    def example(self) -> Probe:
        """An order that was treated wrongly, best one that got in; else the first."""
        traced = [probe for probe in self.probes if probe.trace_id]
        wrong = [probe for probe in traced if not probe.right]
        return next(iter([*(probe for probe in wrong if probe.accepted), *wrong, *traced]))

    def of(self, day: Day) -> list[Probe]:
        return [probe for probe in self.probes if probe.at.date() == day.date]

    def __str__(self) -> str:
        filled = sum(probe.status == "filled" for probe in self.let_in)
        return (
            f"{len(self.probes)} orders: {len(self.let_in)} accepted while the exchange was closed "
            f"({filled} of them filled), {len(self.kept_out)} refused while it was open"
        )
