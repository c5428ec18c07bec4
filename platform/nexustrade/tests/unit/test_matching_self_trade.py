"""Nobody trades with himself."""

from __future__ import annotations

import pytest
from support.engine import order, resting, trades

from services.matching.engine import MatchingEngine
from services.matching.orders import BUY, SELL

pytestmark = pytest.mark.services("matching")


@pytest.fixture
def engine():
    """Asks: a stranger's five at 100, then one's own five at 101, a stranger's five at 102."""
    engine = MatchingEngine("ACME")
    for name, account, price in (("x", "other", 100), ("own", "me", 101), ("y", "other", 102)):
        engine.apply(order(name, SELL, 5, price, account_id=account))
    return engine


@pytest.mark.parametrize("time_in_force", ["gtc", "day", "ioc"])
def test_an_order_stops_short_of_its_own_account(engine, time_in_force):
    """Strangers ahead fill it; the rest is cancelled and one's own resting order stays."""
    executions = engine.apply(order("t", BUY, 12, 105, account_id="me", time_in_force=time_in_force))
    assert trades(executions) == [("t", "x", 100, 5)]
    assert executions[-1][1:] == ("t", "me", 7, "self_trade")
    assert resting(engine) == [("own", 101, 5), ("y", 102, 5)]


def test_an_order_that_does_not_get_so_far_is_not_touched(engine):
    """Filled before it meets its own account, an order is filled."""
    assert trades(engine.apply(order("t", BUY, 5, 105, account_id="me"))) == [("t", "x", 100, 5)]


def test_fill_or_kill_counts_only_what_it_may_trade_with(engine):
    """An order that could be filled only by itself is killed whole."""
    before = resting(engine)
    executions = engine.apply(order("t", BUY, 6, 105, account_id="me", time_in_force="fok"))
    assert [each[1:] for each in executions] == [("t", "me", 6, "self_trade")]
    assert resting(engine) == before
    filled = engine.apply(order("u", BUY, 5, 105, account_id="me", time_in_force="fok"))
    assert trades(filled) == [("u", "x", 100, 5)]


def test_a_fired_stop_does_not_trade_with_its_own_account_either(engine):
    """The rule holds for orders that became active by a trade."""
    engine.apply(order("stop", BUY, 3, None, account_id="me", stop_price=100))
    executions = engine.apply(order("t", BUY, 5, 100))
    assert executions[-1][1:] == ("stop", "me", 3, "self_trade")
