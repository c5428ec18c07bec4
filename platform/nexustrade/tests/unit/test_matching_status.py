"""When a symbol trades: its status, and the sessions of its orders' calendars."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from support.engine import order, resting, trades, waiting

from services.matching.codec import to_command
from services.matching.commands import Cancel, EndSession, Refuse, SetStatus, Submit
from services.matching.engine import MatchingEngine
from services.matching.executions import Cancelled, StatusChanged
from services.matching.orders import BUY, SELL
from services.matching.session_end import last_ended
from shared.errors import ValidationFailed
from shared.events.types import ReplaceOrder, SetTradingStatus, SubmitOrder
from shared.money import Price, Quantity
from shared.sessions import calendar_named

pytestmark = pytest.mark.services("matching")


@pytest.fixture
def engine():
    return MatchingEngine("ACME")


@pytest.mark.parametrize(("status", "reason"), [("halted", "halted"), ("closed", "market_closed")])
def test_new_orders_are_refused_while_nothing_trades(engine, status, reason):
    """Neither a crossing order nor a resting nor a stop order gets in; what rests stays."""
    engine.apply(order("ask", SELL, 5, 100))
    assert engine.apply(SetStatus(status)) == [StatusChanged(1, status)]
    refused = [order("b", BUY, 5, 100), order("c", BUY, 5, 99), order("d", BUY, 5, None, stop_price=101)]
    assert [engine.apply(each)[0].reason for each in refused] == [reason] * 3
    assert resting(engine) == [("ask", 100, 5)]
    assert waiting(engine) == []


def test_orders_can_be_cancelled_while_nothing_trades(engine):
    """A halt does not lock anybody in."""
    engine.apply(order("ask", SELL, 5, 100))
    engine.apply(SetStatus("halted"))
    assert engine.apply(Cancel("ask")) == [Cancelled(2, "ask", "acc-ask", 5, "requested")]


def test_trading_goes_on_after_a_halt(engine):
    """What rested before the halt trades after it, in the order it stood in."""
    for name in ("a", "b"):
        engine.apply(order(name, SELL, 5, 100))
    engine.apply(SetStatus("halted"))
    engine.apply(SetStatus("open"))
    assert trades(engine.apply(order("t", BUY, 6, 100))) == [("t", "a", 100, 5), ("t", "b", 100, 1)]


def test_the_same_status_again_is_no_news(engine):
    """Opening what is open says nothing."""
    assert engine.apply(SetStatus("open")) == []


def test_sessions_of_another_calendar_end_nobody_elses_orders(engine):
    """The close of the exchange expires its day orders, not those that trade round the clock."""
    engine.apply(order("xnys", BUY, 1, 100, time_in_force="day", session=10, calendar="XNYS"))
    engine.apply(order("round", BUY, 1, 100, time_in_force="day", session=10))
    assert [e.order_id for e in engine.apply(EndSession(10, "XNYS"))] == ["xnys"]
    assert resting(engine) == [("round", 100, 1)]


def submit(moment, calendar):
    return SubmitOrder(
        order_id="o",
        account_id="a",
        symbol="ACME",
        side="buy",
        order_type="limit",
        time_in_force="day",
        price=Price("10"),
        quantity=Quantity(5),
        submitted_at=datetime.fromisoformat(moment).replace(tzinfo=UTC),
        calendar=calendar,
    )


@pytest.mark.parametrize(
    ("moment", "taken"),
    [
        ("2026-11-23T14:29:59.999999", False),
        ("2026-11-23T14:30:00", True),
        ("2026-11-23T20:59:59.999999", True),
        ("2026-11-27T18:00:00", False),
        ("2026-11-26T16:00:00", False),
        ("2026-07-15T13:30:00", True),
    ],
)
def test_an_order_from_outside_its_session_is_refused(moment, taken):
    """Opening hours, early closes, holidays and daylight saving decide, at the moment of submission."""
    command = to_command(submit(moment, "XNYS"))
    if taken:
        assert isinstance(command, Submit)
    else:
        assert command == Refuse("o", "a", 5 * 10**9, "market_closed")


def test_an_order_without_a_calendar_trades_at_any_hour():
    """Orders that were sent before there were calendars trade round the clock."""
    assert to_command(submit("2026-11-22T03:00:00", "")).calendar == "CONTINUOUS"


def test_an_unknown_status_is_no_command():
    """A status that nobody knows is refused, not applied."""
    event = SetTradingStatus(symbol="ACME", status="paused", requested_at=datetime.now(UTC))
    with pytest.raises(ValidationFailed):
        to_command(event)


def test_a_replacement_knows_which_calendars_were_closed():
    """Whether the order may trade again is decided by the moment of the request."""
    asked = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
    event = ReplaceOrder(
        order_id="o",
        account_id="a",
        symbol="ACME",
        quantity=Quantity(5),
        price=None,
        requested_at=asked,
    )
    assert to_command(event).closed == ("XNYS",)


@pytest.mark.parametrize(
    ("calendar", "moment", "ended"),
    [
        ("XNYS", "2026-11-23T20:59:59", "2026-11-22"),
        ("XNYS", "2026-11-23T21:00:00", "2026-11-23"),
        ("XNYS", "2026-11-27T18:00:00", "2026-11-27"),
        ("CONTINUOUS", "2026-11-24T04:59:59", "2026-11-22"),
        ("CONTINUOUS", "2026-11-24T05:00:00", "2026-11-23"),
    ],
)
def test_a_trading_date_ends_with_its_session(calendar, moment, ended):
    """The exchange's date is over at its close, the calendar date at midnight in New York."""
    now = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    last = last_ended(calendar_named(calendar), now)
    assert datetime.fromordinal(last).date().isoformat() == ended
