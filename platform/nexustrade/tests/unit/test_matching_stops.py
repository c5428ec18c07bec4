"""Stop orders: they wait for a trade, fire on its price, and follow one another in a fixed order."""

from __future__ import annotations

import pytest
from support.engine import order, resting, trades, triggered, waiting

from services.matching.commands import Cancel, EndSession
from services.matching.engine import MatchingEngine
from services.matching.executions import Cancelled
from services.matching.orders import BUY, SELL

pytestmark = pytest.mark.services("matching")


@pytest.fixture
def engine():
    return MatchingEngine("ACME")


def trade_at(engine, price, name="t"):
    """Executes one lot at that price between two orders of their own."""
    engine.apply(order(f"{name}-s{price}", SELL, 1, price))
    return engine.apply(order(f"{name}-b{price}", BUY, 1, price))


@pytest.mark.parametrize(("side", "stop", "short_of"), [(BUY, 105, 104), (SELL, 95, 96)])
def test_a_stop_waits_while_no_trade_reaches_its_price(engine, side, stop, short_of):
    """A stop order is not in the book, and a trade short of its price leaves it waiting."""
    assert engine.apply(order("stop", side, 5, None, stop_price=stop)) == []
    executions = trade_at(engine, short_of)
    assert triggered(executions) == []
    assert waiting(engine) == [("stop", stop, 5)]
    assert resting(engine) == []


@pytest.mark.parametrize(("side", "stop"), [(BUY, 105), (SELL, 95)])
def test_the_trade_that_reaches_a_stop_fires_it(engine, side, stop):
    """In the same step as the trade at its price, the stop becomes a market order and executes."""
    engine.apply(order("stop", side, 5, None, stop_price=stop))
    engine.apply(order("far", -side, 5, stop + 2 * side))
    executions = trade_at(engine, stop)
    assert triggered(executions) == [("stop", stop)]
    assert trades(executions)[-1] == ("stop", "far", stop + 2 * side, 5)
    assert waiting(engine) == []


def test_a_stop_that_the_last_price_has_reached_fires_on_arrival(engine):
    """A stop order that comes too late to wait is active at once, at the last price."""
    trade_at(engine, 100)
    engine.apply(order("ask", SELL, 5, 101))
    executions = engine.apply(order("stop", BUY, 5, None, stop_price=100))
    assert triggered(executions) == [("stop", 100)]
    assert trades(executions) == [("stop", "ask", 101, 5)]


def test_a_quiet_trade_after_the_stop_was_placed_is_enough(engine):
    """The very first trade of a symbol counts."""
    engine.apply(order("stop", SELL, 2, 99, stop_price=100))
    executions = trade_at(engine, 100)
    assert triggered(executions) == [("stop", 100)]
    assert resting(engine) == [("stop", 99, 2)]


def test_a_stop_limit_rests_at_its_limit_once_it_fired(engine):
    """What a stop-limit order cannot execute within its limit rests there."""
    engine.apply(order("stop", BUY, 5, 106, stop_price=105))
    engine.apply(order("beyond", SELL, 5, 107))
    trade_at(engine, 105)
    assert resting(engine) == [("stop", 106, 5), ("beyond", 107, 5)]


def test_a_fired_stop_market_order_that_finds_nobody_is_cancelled(engine):
    """A stop market order never rests in the book."""
    engine.apply(order("stop", BUY, 5, None, stop_price=105))
    executions = trade_at(engine, 105)
    assert executions[-1] == Cancelled(3, "stop", "acc-stop", 5, "unfilled")


def test_stops_reached_by_one_trade_fire_in_order_of_arrival(engine):
    """Whatever their stop prices, the one that came first is served first."""
    for name, stop in (("first", 104), ("second", 102), ("third", 103)):
        engine.apply(order(name, BUY, 1, None, stop_price=stop))
    for price in (110, 111, 112):
        engine.apply(order(f"ask{price}", SELL, 1, price))
    executions = trade_at(engine, 105)
    assert trades(executions)[1:] == [
        ("first", "ask110", 110, 1),
        ("second", "ask111", 111, 1),
        ("third", "ask112", 112, 1),
    ]


def test_a_cascade_runs_to_its_end_in_one_step(engine):
    """A stop's own trades fire further stops, each told with the price that reached it."""
    engine.apply(order("one", SELL, 1, None, stop_price=100))
    engine.apply(order("two", SELL, 1, None, stop_price=98))
    engine.apply(order("three", SELL, 1, None, stop_price=96))
    for price in (98, 96, 94):
        engine.apply(order(f"bid{price}", BUY, 1, price))
    executions = trade_at(engine, 100)
    assert triggered(executions) == [("one", 100), ("two", 98), ("three", 96)]
    assert engine.last_price == 94


def test_every_price_of_a_sweep_counts(engine):
    """A stop that the middle of a sweep reaches fires at that price, not at the sweep's last one."""
    trade_at(engine, 105)
    engine.apply(order("stop", SELL, 1, None, stop_price=100))
    for price in (99, 103):
        engine.apply(order(f"ask{price}", SELL, 1, price))
    executions = engine.apply(order("sweep", BUY, 2, 103))
    assert triggered(executions) == [("stop", 99)]


def test_the_rest_of_a_sweep_goes_before_the_stops_that_it_fires(engine):
    """The order that trades finishes before a stop becomes active."""
    engine.apply(order("stop", BUY, 1, None, stop_price=100))
    for price in (100, 101, 102):
        engine.apply(order(f"ask{price}", SELL, 1, price))
    executions = engine.apply(order("sweep", BUY, 2, 101))
    assert [taker for taker, *_ in trades(executions)] == ["sweep", "sweep", "stop"]


def test_a_waiting_stop_can_be_cancelled(engine):
    """A cancelled stop order gives its quantity back and never fires."""
    engine.apply(order("stop", BUY, 5, None, stop_price=100))
    assert engine.apply(Cancel("stop")) == [Cancelled(1, "stop", "acc-stop", 5, "requested")]
    assert triggered(trade_at(engine, 100)) == []


def test_a_waiting_day_stop_ends_with_its_session(engine):
    """Day stops of an ended trading date leave, good-till-cancelled ones stay."""
    engine.apply(order("day", BUY, 5, None, stop_price=100, time_in_force="day", session=10))
    engine.apply(order("gtc", BUY, 5, None, stop_price=100, session=10))
    assert engine.apply(EndSession(10)) == [Cancelled(1, "day", "acc-day", 5, "session_end")]
    assert [order_id for order_id, *_ in waiting(engine)] == ["gtc"]


def test_a_stop_sent_twice_waits_once(engine):
    """The same order id again changes nothing while the stop waits."""
    engine.apply(order("stop", BUY, 5, None, stop_price=100))
    assert engine.apply(order("stop", BUY, 5, None, stop_price=100)) == []
    assert waiting(engine) == [("stop", 100, 5)]
