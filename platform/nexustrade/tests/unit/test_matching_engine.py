"""The matching engine: what each kind of order does to the book."""

from __future__ import annotations

import pytest

from services.matching.commands import DAY, FOK, GTC, IOC, EndSession, Submit
from services.matching.engine import MatchingEngine
from services.matching.executions import Cancelled, Trade
from services.matching.orders import BUY, SELL

pytestmark = pytest.mark.services("matching")


@pytest.fixture
def engine() -> MatchingEngine:
    return MatchingEngine("ACME")


def order(order_id, side, quantity, price, time_in_force=GTC, session=0):
    return Submit(order_id, f"acc-{order_id}", side, quantity, price, time_in_force, session)


def trades(executions):
    return [(e.maker_order_id, e.price, e.quantity) for e in executions if isinstance(e, Trade)]


def resting(engine):
    return [(o.order_id, o.price, o.remaining) for o in engine.book.in_queue_order()]


def test_an_order_that_crosses_nothing_rests(engine):
    """A limit order away from the other side executes nothing and rests."""
    engine.apply(order("s", SELL, 10, 101))
    assert engine.apply(order("b", BUY, 10, 100)) == []
    assert resting(engine) == [("b", 100, 10), ("s", 101, 10)]


@pytest.mark.parametrize(("maker_side", "maker_price", "taker_price"), [(SELL, 100, 105), (BUY, 100, 95)])
def test_a_crossing_order_trades_at_the_resting_price(engine, maker_side, maker_price, taker_price):
    """A trade is made at the price of the order that was there first."""
    engine.apply(order("m", maker_side, 10, maker_price))
    executions = engine.apply(order("t", -maker_side, 10, taker_price))
    assert executions == [Trade(1, 100, 10, -maker_side, "t", "acc-t", "m", "acc-m")]
    assert resting(engine) == []
    assert engine.last_price == 100


def test_equal_prices_match(engine):
    """Orders at the very same price cross."""
    engine.apply(order("s", SELL, 5, 100))
    assert trades(engine.apply(order("b", BUY, 5, 100))) == [("s", 100, 5)]


def test_the_oldest_order_of_a_price_fills_first(engine):
    """Ties on price are broken by arrival."""
    for order_id in ("late-name", "another", "b"):
        engine.apply(order(order_id, SELL, 10, 100))
    executions = engine.apply(order("t", BUY, 25, 100))
    assert trades(executions) == [("late-name", 100, 10), ("another", 100, 10), ("b", 100, 5)]
    assert resting(engine) == [("b", 100, 5)]


def test_a_better_price_goes_before_an_earlier_arrival(engine):
    """Price counts before time."""
    engine.apply(order("early", SELL, 10, 102))
    engine.apply(order("cheap", SELL, 10, 101))
    assert trades(engine.apply(order("t", BUY, 15, 102))) == [("cheap", 101, 10), ("early", 102, 5)]


def test_a_limit_order_stops_at_its_limit_and_rests_with_the_rest(engine):
    """Levels beyond the limit are left alone; what is left of the order rests at its price."""
    engine.apply(order("near", SELL, 10, 100))
    engine.apply(order("far", SELL, 10, 103))
    assert trades(engine.apply(order("t", BUY, 15, 102))) == [("near", 100, 10)]
    assert resting(engine) == [("t", 102, 5), ("far", 103, 10)]


def test_a_market_order_takes_every_price_and_never_rests(engine):
    """A market order fills at any price; what finds no counterpart is cancelled as unfilled."""
    engine.apply(order("a", SELL, 10, 100))
    engine.apply(order("b", SELL, 10, 900))
    executions = engine.apply(order("t", BUY, 30, None, DAY))
    assert trades(executions) == [("a", 100, 10), ("b", 900, 10)]
    assert executions[-1] == Cancelled(3, "t", "acc-t", 10, "unfilled")
    assert resting(engine) == []


def test_immediate_or_cancel_fills_what_it_can(engine):
    """An IOC order executes at once and its remainder is cancelled."""
    engine.apply(order("s", SELL, 4, 100))
    executions = engine.apply(order("t", BUY, 10, 100, IOC))
    assert trades(executions) == [("s", 100, 4)]
    assert executions[-1].quantity == 6
    assert resting(engine) == []


def test_fill_or_kill_fills_completely_over_several_levels(engine):
    """A FOK order that the book can fill within its limit is filled completely."""
    engine.apply(order("a", SELL, 6, 100))
    engine.apply(order("b", SELL, 6, 101))
    assert trades(engine.apply(order("t", BUY, 12, 101, FOK))) == [("a", 100, 6), ("b", 101, 6)]


@pytest.mark.parametrize("limit", [99, 100, 101])
def test_fill_or_kill_that_cannot_be_filled_touches_nothing(engine, limit):
    """A FOK order larger than what its limit reaches is cancelled whole; the book is as before."""
    engine.apply(order("a", SELL, 6, 100))
    engine.apply(order("b", SELL, 6, 101))
    before = resting(engine)
    assert engine.apply(order("t", BUY, 13, limit, FOK)) == [Cancelled(1, "t", "acc-t", 13, "unfilled")]
    assert resting(engine) == before


def test_cancelling_returns_what_was_left(engine):
    """A cancel reports the unexecuted quantity; a second cancel reports nothing."""
    engine.apply(order("s", SELL, 10, 100))
    engine.apply(order("t", BUY, 4, 100))
    assert engine.cancel("s") == [Cancelled(2, "s", "acc-s", 6, "requested")]
    assert engine.cancel("s") == []


def test_an_order_sent_twice_rests_once(engine):
    """The same order id again changes nothing while the order rests."""
    engine.apply(order("s", SELL, 10, 100))
    assert engine.apply(order("s", SELL, 10, 100)) == []
    assert resting(engine) == [("s", 100, 10)]


def test_the_end_of_a_session_expires_its_day_orders_only(engine):
    """Day orders of ended trading dates leave; later ones and good-till-cancelled ones stay."""
    engine.apply(order("old", BUY, 1, 100, DAY, session=10))
    engine.apply(order("today", BUY, 1, 100, DAY, session=11))
    engine.apply(order("gtc", BUY, 1, 100, GTC, session=10))
    assert engine.apply(EndSession(10)) == [Cancelled(1, "old", "acc-old", 1, "session_end")]
    assert [order_id for order_id, *_ in resting(engine)] == ["today", "gtc"]


def test_sequences_number_every_execution_without_a_gap(engine):
    """Each execution has the next number."""
    for index in range(3):
        engine.apply(order(f"s{index}", SELL, 1, 100 + index))
    executions = engine.apply(order("t", BUY, 5, None)) + engine.cancel("none")
    assert [e.sequence for e in executions] == [1, 2, 3, 4]
    assert engine.next_sequence() == 5
