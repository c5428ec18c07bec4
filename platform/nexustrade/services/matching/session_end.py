"""Ends trading dates in the books once the market clock has passed their session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared import clock
from shared.sessions import CALENDARS, calendar_named

if TYPE_CHECKING:
    from datetime import datetime

    from services.matching.services import MatchingService
    from shared.sessions import Calendar


class SessionEnd:
    """Looks at the market clock, and tells the service of each session that has ended, once per epoch."""

    def __init__(self, service: MatchingService) -> None:
        self._service = service
        self._ended: dict[str, tuple[int, int]] = {}

    def step(self) -> None:
        epoch, now = self._service.epoch, clock.now()
        if epoch is None:
            return
        for name in CALENDARS:
            session = last_ended(calendar_named(name), now)
            if self._ended.get(name) != (epoch, session):
                self._service.session_end(session=session, calendar=name)
                self._ended[name] = epoch, session


def last_ended(calendar: Calendar, moment: datetime) -> int:
    """The latest trading date (ordinal) that no order can be good for any more."""
    today = calendar.trading_date(moment)
    session = calendar.session(today)
    lasts = session is not None and moment < session.closes
    return today.toordinal() - 1 if lasts else today.toordinal()
