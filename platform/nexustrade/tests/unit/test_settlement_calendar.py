"""Business days and settlement dates of the exchange."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.settlement.calendar import ExchangeCalendar
from shared.sessions import calendar_named

pytestmark = pytest.mark.services("settlement")

NEW_YORK = ZoneInfo("America/New_York")
DAYS = st.dates(min_value=date(2020, 1, 1), max_value=date(2035, 12, 31))


@pytest.fixture(scope="module")
def calendar():
    return ExchangeCalendar(calendar_named("XNYS"))


@pytest.mark.parametrize(
    ("traded", "settles"),
    [
        (date(2026, 11, 17), date(2026, 11, 18)),  # Tuesday
        (date(2026, 11, 20), date(2026, 11, 23)),  # Friday, over the weekend
        (date(2026, 11, 25), date(2026, 11, 27)),  # the day before Thanksgiving
        (date(2026, 12, 24), date(2026, 12, 28)),  # Christmas Eve on a Thursday
        (date(2026, 7, 2), date(2026, 7, 6)),  # Independence Day observed on Friday the 3rd
        (date(2026, 4, 2), date(2026, 4, 6)),  # Good Friday: no federal holiday, yet the exchange is closed
        (date(2026, 12, 31), date(2027, 1, 4)),  # over the turn of the year
    ],
)
def test_a_trade_settles_on_the_next_business_day(calendar, traded, settles):
    """T+1 counts business days of the exchange, over weekends and holidays."""
    noon = datetime(traded.year, traded.month, traded.day, 12, tzinfo=NEW_YORK)
    assert calendar.settlement_date(noon) == settles


def test_days_on_which_only_banks_close_are_business_days(calendar):
    """Columbus Day and Veterans Day close banks, not the exchange."""
    assert calendar.is_business_day(date(2026, 10, 12))
    assert calendar.is_business_day(date(2026, 11, 11))


@pytest.mark.parametrize(
    ("instant", "settles"),
    [
        # Standard time: 04:30 UTC is 23:30 of the day before in New York.
        (datetime(2026, 11, 18, 4, 30, tzinfo=UTC), date(2026, 11, 18)),
        (datetime(2026, 11, 18, 5, 0, tzinfo=UTC), date(2026, 11, 19)),
        # Daylight saving: midnight in New York is 04:00 UTC.
        (datetime(2026, 6, 17, 3, 59, tzinfo=UTC), date(2026, 6, 17)),
        (datetime(2026, 6, 17, 4, 0, tzinfo=UTC), date(2026, 6, 18)),
        # The two Sundays on which the clocks change.
        (datetime(2026, 3, 8, 4, 59, tzinfo=UTC), date(2026, 3, 9)),
        (datetime(2026, 11, 2, 4, 30, tzinfo=UTC), date(2026, 11, 2)),
    ],
)
def test_the_trading_day_is_new_yorks(calendar, instant, settles):
    """A trade belongs to the calendar day of New York, in winter and in summer."""
    assert calendar.settlement_date(instant) == settles


def test_a_naive_instant_is_refused(calendar):
    """An instant without a time zone has no trading day."""
    with pytest.raises(ValueError, match="zone"):
        calendar.settlement_date(datetime(2026, 11, 18, 12))  # noqa: DTZ001


@pytest.mark.parametrize("days", [0, 1, 2, 3])
def test_the_settlement_cycle_is_configurable(days):
    """T+n counts n business days from the trading day."""
    calendar = ExchangeCalendar(calendar_named("XNYS"), settlement_days=days)
    tuesday = datetime(2026, 11, 24, 12, tzinfo=NEW_YORK)
    expected = [date(2026, 11, 24), date(2026, 11, 25), date(2026, 11, 27), date(2026, 11, 30)]
    assert calendar.settlement_date(tuesday) == expected[days]


@given(day=DAYS, count=st.integers(min_value=1, max_value=30))
def test_adding_business_days_lands_on_one_and_passes_exactly_that_many(day, count):
    """The n-th business day after a day has n - 1 business days between."""
    calendar = ExchangeCalendar(calendar_named("XNYS"))
    target = calendar.add_business_days(day, count)
    between = [day + timedelta(days=n) for n in range(1, (target - day).days)]
    assert calendar.is_business_day(target)
    assert sum(map(calendar.is_business_day, between)) == count - 1
