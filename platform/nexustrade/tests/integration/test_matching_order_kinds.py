"""Stops, replacements, halts, equal prices and queues on the running platform."""

from __future__ import annotations

import pytest
from support.client import expect
from support.matched import history_of, told
from support.trading import book_with, place

from shared.events.types import OrderCancelled, OrderReplaced, OrderTriggered, TradeExecuted

pytestmark = pytest.mark.services("gateway", "orders", "matching")


@pytest.fixture
def symbol(new_symbol):
    return new_symbol()


@pytest.fixture
def buyer(new_trader):
    return new_trader()


@pytest.fixture
def seller(new_trader):
    return new_trader(cash="0")


def test_a_stop_fires_on_the_trade_that_reaches_it(market, buyer, seller, new_trader, symbol):
    """The trade at the stop price, the trigger and the stop's own fill follow one another."""
    protector = new_trader()
    stop = place(protector, symbol, "sell", 3, order_type="stop", stop_price="10.00", time_in_force="gtc")
    place(buyer, symbol, "buy", 3, "9.50", time_in_force="gtc")
    place(seller, symbol, "sell", 2, "10.00", time_in_force="gtc")
    place(buyer, symbol, "buy", 2, "10.00", time_in_force="ioc")
    history = history_of(market, buyer, symbol)
    assert [(each.order_id, str(each.trigger_price)) for each in told(history, OrderTriggered)] == [
        (stop, "10")
    ]
    assert [(t.sell_order_id == stop, str(t.price)) for t in told(history, TradeExecuted)] == [
        (False, "10"),
        (True, "9.5"),
    ]


@pytest.mark.parametrize("price", ["1.13", "1.15", "2.05"])
def test_a_buy_and_a_sell_at_one_price_trade_at_it(market, buyer, seller, symbol, price):
    """Equal limits match, whatever their digits, and the tape shows the very price."""
    place(buyer, symbol, "buy", 100, price, time_in_force="gtc")
    place(seller, symbol, "sell", 100, price, time_in_force="ioc")
    history = history_of(market, buyer, symbol)
    assert [str(trade.price) for trade in told(history, TradeExecuted)] == [price]


def test_the_queue_of_a_price_is_served_in_order_of_arrival(market, buyer, new_trader, symbol):
    """Of three orders at one price, the first two fill before the third."""
    resting = [place(new_trader(cash="0"), symbol, "sell", 2, "10", time_in_force="gtc") for _ in range(3)]
    place(buyer, symbol, "buy", 4, "10", time_in_force="ioc")
    history = history_of(market, buyer, symbol)
    assert [trade.sell_order_id for trade in told(history, TradeExecuted)] == resting[:2]


def test_a_replaced_order_shows_in_the_book_at_its_new_price(market, buyer, symbol):
    """PATCH reaches the engine, which tells what is open now."""
    order_id = place(buyer, symbol, "buy", 10, "10", time_in_force="gtc")
    book_with(buyer.client, symbol, bids=[("10", "10")], asks=[])
    expect(buyer.client.patch(f"/v1/orders/{order_id}", json={"quantity": "4", "price": "10.50"}), 202)
    book_with(buyer.client, symbol, bids=[("10.5", "4")], asks=[])
    history = history_of(market, buyer, symbol)
    assert [(str(each.quantity), str(each.price)) for each in told(history, OrderReplaced)] == [("4", "10.5")]


def test_nothing_is_matched_while_a_symbol_is_halted(market, buyer, seller, symbol):
    """Orders that arrive in a halt are cancelled for it; afterwards trading goes on with what rested."""
    place(seller, symbol, "sell", 5, "10", time_in_force="gtc")
    status = f"/v1/instruments/{symbol}/status"
    expect(market.operator.put(status, json={"status": "halted"}), 200, 202)
    refused = buyer.submit(symbol, "buy", 5, "10", time_in_force="gtc")
    expect(market.operator.put(status, json={"status": "open"}), 200, 202)
    place(buyer, symbol, "buy", 2, "10", time_in_force="ioc")
    history = history_of(market, buyer, symbol)
    assert [str(trade.quantity) for trade in told(history, TradeExecuted)] == ["2"]
    if refused.status_code == 201:
        assert [each.reason for each in told(history, OrderCancelled)] == ["halted"]
    else:
        assert refused.status_code == 409


def test_an_account_does_not_trade_with_itself(market, buyer, symbol):
    """The order that would meet its own account is cancelled; the resting one stays."""
    place(buyer, symbol, "sell", 5, "10", time_in_force="gtc")
    place(buyer, symbol, "buy", 5, "10", time_in_force="gtc")
    history = history_of(market, buyer, symbol)
    assert [each.reason for each in told(history, OrderCancelled)] == ["self_trade"]
    assert told(history, TradeExecuted) == []
