"""Replacing an order: what keeps its place in the queue, and what gives it up."""

from __future__ import annotations

import pytest
from support.engine import order, resting, trades, waiting

from services.matching.commands import Replace, SetStatus
from services.matching.engine import MatchingEngine
from services.matching.executions import Cancelled, Replaced
from services.matching.orders import BUY, SELL

pytestmark = pytest.mark.services("matching")


@pytest.fixture
def engine():
    """Two asks of ten at 100, `a` before `b`."""
    engine = MatchingEngine("ACME")
    for name in ("a", "b"):
        engine.apply(order(name, SELL, 10, 100))
    return engine


@pytest.mark.parametrize("price", [None, 100])
def test_a_smaller_quantity_keeps_the_place(engine, price):
    """Giving up a part of an order costs it nothing."""
    assert engine.apply(Replace("a", 4, price)) == [Replaced(1, "a", "acc-a", 4, 100)]
    assert resting(engine) == [("a", 100, 4), ("b", 100, 10)]
    assert engine.book.asks.depth(1) == ((100, 14),)


def test_a_larger_quantity_queues_again(engine):
    """Asking for more puts the order behind those already there."""
    assert engine.apply(Replace("a", 11, None)) == [Replaced(1, "a", "acc-a", 11, 100)]
    assert resting(engine) == [("b", 100, 10), ("a", 100, 11)]


def test_another_price_queues_again(engine):
    """A changed limit joins the end of the queue at its new price, also when it comes back."""
    engine.apply(Replace("a", 10, 101))
    assert resting(engine) == [("b", 100, 10), ("a", 101, 10)]
    engine.apply(Replace("a", 10, 100))
    assert resting(engine) == [("b", 100, 10), ("a", 100, 10)]


def test_a_price_that_crosses_trades_as_a_new_order_would(engine):
    """A replaced order becomes the taker at the price of those it meets."""
    engine.apply(order("bid", BUY, 15, 99))
    executions = engine.apply(Replace("bid", 15, 100))
    assert executions[0] == Replaced(1, "bid", "acc-bid", 15, 100)
    assert trades(executions) == [("bid", "a", 100, 10), ("bid", "b", 100, 5)]


def test_the_fills_before_count_no_more(engine):
    """The quantity asked for is what is open afterwards, however much traded before."""
    engine.apply(order("t", BUY, 6, 100))
    engine.apply(Replace("a", 3, None))
    assert resting(engine) == [("a", 100, 3), ("b", 100, 10)]


def test_nothing_left_open_is_a_cancel(engine):
    """A quantity of nought takes the order out."""
    assert engine.apply(Replace("a", 0, None)) == [Cancelled(1, "a", "acc-a", 10, "requested")]


def test_an_unknown_order_is_not_replaced(engine):
    """An order that has been filled or cancelled cannot be changed any more."""
    assert engine.apply(Replace("nobody", 5, 100)) == []


def test_a_waiting_stop_keeps_its_stop_price(engine):
    """Quantity and limit of a stop-limit order change while it waits."""
    engine.apply(order("stop", BUY, 5, 106, stop_price=105))
    assert engine.apply(Replace("stop", 7, 108)) == [Replaced(1, "stop", "acc-stop", 7, 108)]
    assert waiting(engine) == [("stop", 105, 7)]
    assert engine.open_order("stop").limit == 108


def test_a_stop_market_order_has_no_limit_to_change(engine):
    """Only the quantity of a stop market order can be replaced."""
    engine.apply(order("stop", BUY, 5, None, stop_price=105))
    assert engine.apply(Replace("stop", 2, 108)) == [Replaced(1, "stop", "acc-stop", 2, None)]


@pytest.mark.parametrize("closed", [(), ("CONTINUOUS",)])
def test_where_nothing_may_trade_only_a_smaller_quantity_is_taken(engine, closed):
    """Halted, or outside its session, an order that would lose its place is answered as it is."""
    if not closed:
        engine.apply(SetStatus("halted"))
    assert engine.apply(Replace("a", 12, 99, closed))[-1][1:] == ("a", "acc-a", 10, 100)
    assert engine.apply(Replace("a", 5, None, closed))[-1][1:] == ("a", "acc-a", 5, 100)
    assert resting(engine) == [("a", 100, 5), ("b", 100, 10)]
