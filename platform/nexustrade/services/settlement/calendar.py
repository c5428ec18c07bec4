"""Trading days of the exchange, and when a trade settles."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.sessions import Calendar

ONE_DAY = timedelta(days=1)


class ExchangeCalendar:
    """The business days of an exchange are those on which it has a session.

    `settlement_days` is the n of T+n, in business days.
    """

    def __init__(self, exchange: Calendar, *, settlement_days: int = 1) -> None:
        if settlement_days < 0:
            raise ValueError("settlement_days must not be negative")
        self._exchange = exchange
        self._settlement_days = settlement_days

    def is_business_day(self, day: date) -> bool:
        """Whether the exchange trades and settles on `day`."""
        return self._exchange.session(day) is not None

    def roll_forward(self, day: date) -> date:
        """`day` itself when it is a business day, else the first one after it."""
        while not self.is_business_day(day):
            day += ONE_DAY
        return day

    def add_business_days(self, day: date, count: int) -> date:
        """The `count`-th business day after `day`; for 0, `day` rolled forward."""
        day = self.roll_forward(day) if count == 0 else day
        for _ in range(count):
            day = self.roll_forward(day + ONE_DAY)
        return day

    def trading_day(self, moment: datetime) -> date:
        """The day that a trade executed at an aware `moment` is netted on; ValueError when it is naive.

        It is the exchange's: late evening in New York is already tomorrow in UTC.
        """
        return self._exchange.trading_date(moment)

    def settlement_date(self, executed_at: datetime) -> date:
        """The day on which a trade executed at this instant (aware) settles: T plus n business days."""
        return self.add_business_days(self.trading_day(executed_at), self._settlement_days)
