"""When an exchange trades: sessions, early closes and holidays, on the exchange's own wall clock.

Opening and closing times are wall times of the exchange's zone, so their UTC instants move with daylight
saving. A session holds its opening instant and ends before its closing instant.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import holidays
from holidays.constants import HALF_DAY

from shared.clock import EXCHANGE_ZONE, trading_date
from shared.errors import ValidationFailed

if TYPE_CHECKING:
    from collections.abc import Container

ONE_DAY = timedelta(days=1)
SATURDAY = 5
#: Regular hours of NYSE's core session, and its early close: https://www.nyse.com/markets/hours-calendars
OPENS, CLOSES, CLOSES_EARLY = time(9, 30), time(16), time(13)


@dataclass(frozen=True, slots=True)
class Session:
    """One trading day: `opens` and `closes` are instants in UTC."""

    day: date
    opens: datetime
    closes: datetime

    def is_open(self, moment: datetime) -> bool:
        """Whether an aware `moment` is inside; the closing instant is not."""
        return self.opens <= moment < self.closes


class Calendar(Protocol):
    """What the house needs of a trading calendar; a naive moment is a ValueError everywhere."""

    name: str

    def session(self, day: date) -> Session | None:
        """The session of the exchange's date `day`; None when it does not trade."""

    def is_open(self, moment: datetime) -> bool:
        """Whether the exchange trades at `moment`."""

    def trading_date(self, moment: datetime) -> date:
        """The exchange's date at `moment`, whether it trades or not."""

    def next_session(self, moment: datetime) -> Session:
        """The session in progress at `moment`, else the next one to open."""


class _Sessions:
    """What every calendar does alike, given its sessions."""

    def session(self, day: date) -> Session | None:
        raise NotImplementedError

    def trading_date(self, moment: datetime) -> date:
        return trading_date(moment)

    def is_open(self, moment: datetime) -> bool:
        session = self.session(self.trading_date(moment))
        return session is not None and session.is_open(moment)

    def next_session(self, moment: datetime) -> Session:
        day = self.trading_date(moment)
        while (session := self.session(day)) is None or session.closes <= moment:
            day += ONE_DAY
        return session


class TradingCalendar(_Sessions):
    """The New York Stock Exchange: weekdays but holidays, 9:30 to 16:00, on some days to 13:00."""

    name = "XNYS"

    def __init__(
        self, *, closed: Container[date] | None = None, early: Container[date] | None = None
    ) -> None:
        self._closed = holidays.financial_holidays("NYSE") if closed is None else closed
        self._early = holidays.financial_holidays("NYSE", categories=HALF_DAY) if early is None else early

    def session(self, day: date) -> Session | None:
        if day.weekday() >= SATURDAY or day in self._closed:
            return None
        closes = CLOSES_EARLY if day in self._early else CLOSES
        return Session(day, _instant(day, OPENS), _instant(day, closes))


class Continuous(_Sessions):
    """Open round the clock: a session is a calendar date of New York, from midnight to midnight."""

    name = "CONTINUOUS"

    def session(self, day: date) -> Session:
        return Session(day, _instant(day, time.min), _instant(day + ONE_DAY, time.min))


CALENDARS = (TradingCalendar.name, Continuous.name)


@lru_cache
def calendar_named(name: str) -> Calendar:
    """The calendar of that name, one of CALENDARS; ValidationFailed for any other."""
    for kind in (TradingCalendar, Continuous):
        if kind.name == name:
            return kind()
    raise ValidationFailed(f"no such calendar: take one of {', '.join(CALENDARS)}", field="calendar")


def _instant(day: date, wall_time: time) -> datetime:
    return datetime.combine(day, wall_time, EXCHANGE_ZONE).astimezone(UTC)
