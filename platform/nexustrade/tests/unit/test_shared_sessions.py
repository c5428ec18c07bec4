"""Trading sessions: wall times of New York turned into instants, and the days without one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import ValidationFailed
from shared.sessions import CALENDARS, calendar_named

XNYS = calendar_named("XNYS")
CONTINUOUS = calendar_named("CONTINUOUS")
NEW_YORK = ZoneInfo("America/New_York")
MICROSECOND = timedelta(microseconds=1)
DAYS = st.dates(date(2007, 3, 12), date(2030, 12, 31))
MOMENTS = st.datetimes(datetime(2007, 3, 12), datetime(2030, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "opens", "closes"),
    [
        ("2026-01-15", "2026-01-15T14:30", "2026-01-15T21:00"),
        ("2026-07-15", "2026-07-15T13:30", "2026-07-15T20:00"),
        ("2026-03-06", "2026-03-06T14:30", "2026-03-06T21:00"),
        ("2026-03-09", "2026-03-09T13:30", "2026-03-09T20:00"),
        ("2026-10-30", "2026-10-30T13:30", "2026-10-30T20:00"),
        ("2026-11-02", "2026-11-02T14:30", "2026-11-02T21:00"),
        ("2026-11-27", "2026-11-27T14:30", "2026-11-27T18:00"),
        ("2026-12-24", "2026-12-24T14:30", "2026-12-24T18:00"),
    ],
)
def test_a_session_opens_and_closes_by_the_clocks_of_new_york(day: str, opens: str, closes: str) -> None:
    """The same wall time is another instant in winter, in summer and around both changeovers."""
    session = XNYS.session(date.fromisoformat(day))
    assert session is not None
    assert (session.opens, session.closes) == (utc(opens), utc(closes))


@pytest.mark.parametrize("day", ["2026-11-21", "2026-11-22", "2026-11-26", "2026-12-25", "2026-07-03"])
def test_weekends_and_holidays_have_no_session(day: str) -> None:
    """The exchange stays shut on Saturdays, Sundays and its holidays, also those observed on a Friday."""
    assert XNYS.session(date.fromisoformat(day)) is None


@given(day=DAYS)
def test_the_opening_instant_trades_and_the_closing_instant_does_not(day: date) -> None:
    """A session holds its first instant and ends before its last, on every day that has one."""
    session = XNYS.session(day)
    if session is None:
        return
    assert XNYS.is_open(session.opens)
    assert not XNYS.is_open(session.opens - MICROSECOND)
    assert XNYS.is_open(session.closes - MICROSECOND)
    assert not XNYS.is_open(session.closes)


@given(moment=MOMENTS)
def test_a_moment_is_open_exactly_when_its_wall_time_is_inside(moment: datetime) -> None:
    """The answer is the same when the moment is written in another zone."""
    elsewhere = moment.astimezone(ZoneInfo("Asia/Tokyo"))
    assert XNYS.is_open(elsewhere) == XNYS.is_open(moment)
    if XNYS.is_open(moment):
        assert "09:30" <= moment.astimezone(NEW_YORK).strftime("%H:%M") < "16:00"


@given(moment=MOMENTS)
def test_the_next_session_is_the_first_that_has_not_ended(moment: datetime) -> None:
    """It is in progress or lies ahead, and no session lies between it and the moment."""
    session = XNYS.next_session(moment)
    assert moment < session.closes
    day = XNYS.trading_date(moment)
    while day < session.day:
        earlier = XNYS.session(day)
        assert earlier is None or earlier.closes <= moment
        day += timedelta(days=1)


@given(moment=MOMENTS)
def test_a_continuous_market_is_never_shut(moment: datetime) -> None:
    """Every moment is in the session of its New York date, also on the days of 23 and 25 hours."""
    assert CONTINUOUS.is_open(moment)
    assert CONTINUOUS.next_session(moment).day == moment.astimezone(NEW_YORK).date()


@pytest.mark.parametrize("name", CALENDARS)
def test_a_moment_without_a_zone_is_refused(name: str) -> None:
    """Nobody can tell whether the market is open at a naive time."""
    with pytest.raises(ValueError, match="time zone"):
        calendar_named(name).is_open(datetime(2026, 11, 23, 10))  # noqa: DTZ001


def test_an_unknown_calendar_is_refused_by_name() -> None:
    """The refusal names the field and what may stand there."""
    with pytest.raises(ValidationFailed, match="XNYS") as refused:
        calendar_named("XLON")
    assert refused.value.field == "calendar"
