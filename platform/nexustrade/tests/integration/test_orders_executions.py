"""Executions that are delivered again, come from a replaced leader, or do not fit."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.client import expect
from support.trades import events_of, fills_of, publish, trade_between
from support.wait import until

from shared import ids

pytestmark = pytest.mark.services("orders", "risk", "matching")


@pytest.fixture
def traded(platform, new_trader, new_symbol):
    """(buyer, seller, their orders, the trade): 40 of 100 shares at 10.00, booked everywhere."""
    buyer, seller, symbol = new_trader(), new_trader(), new_symbol()
    bought = expect(buyer.submit(symbol, "buy", "100", "10.00"), 201)["order_id"]
    sold = expect(seller.submit(symbol, "sell", "40", "10.00"), 201)["order_id"]
    until(lambda: seller.order(sold)["status"] == "filled", message="the sale is filled")
    until(lambda: position_of(buyer) == "40", message="risk has booked the trade")
    return buyer, seller, bought, sold, trade_between(platform, bought, sold)


def position_of(trader) -> str | None:
    positions = trader.client.get(f"/v1/risk/positions/{trader.account_id}").json()["positions"]
    return positions[0]["quantity"] if positions else None


def a_further_trade(buyer, seller, symbol: str) -> None:
    """One more share changes hands: whatever came before it has been dealt with by then."""
    order_id = expect(seller.submit(symbol, "sell", "1", "10.00"), 201)["order_id"]
    until(lambda: seller.order(order_id)["status"] == "filled", message="the further trade is booked")
    until(lambda: position_of(buyer) == "41", message="risk has booked the further trade")


def test_a_trade_delivered_twice_is_booked_once(platform, traded) -> None:
    """The same event again changes neither fills nor positions nor exposure."""
    buyer, seller, bought, sold, trade = traded
    used = buyer.limit()["used"]
    publish(platform, trade, trade)
    a_further_trade(buyer, seller, trade.payload.symbol)
    assert buyer.order(bought)["filled_quantity"] == "41"
    assert len(fills_of(platform, bought, sold)) == 3
    assert buyer.limit()["used"] == used


def test_a_trade_of_a_replaced_leader_is_dropped(platform, traded) -> None:
    """A trade with an older fencing token than one already seen for its symbol has no effect."""
    buyer, seller, bought, sold, trade = traded
    assert trade.epoch > 0
    late = replace(trade.payload, trade_id=f"late-{ids.new_id()}", sell_order_id=bought, buy_order_id=bought)
    publish(platform, replace(trade, event_id=ids.new_id(), epoch=trade.epoch - 1, payload=late))
    a_further_trade(buyer, seller, trade.payload.symbol)
    assert buyer.order(bought)["filled_quantity"] == "41"
    assert len(fills_of(platform, bought, sold)) == 3


def test_an_order_tells_its_story_in_events(platform, traded) -> None:
    """Acceptance, each fill with its running totals, and the end are published once each, in this order."""
    buyer, _, bought, sold, _ = traded
    expect(buyer.client.delete(f"/v1/orders/{bought}"), 202)
    story = until(
        lambda: len(events := events_of(platform, "order-events", bought)) == 3 and events,
        message="the order's events are published",
    )
    assert [event.event_type for event in story] == ["OrderAccepted", "OrderFilled", "OrderClosed"]
    filled, closed = story[1].payload, story[2].payload
    assert (str(filled.filled_quantity), str(filled.remaining_quantity)) == ("40", "60")
    assert closed.status == "cancelled"
    endings = [event.payload.status for event in events_of(platform, "order-events", sold)[2:]]
    assert endings == ["filled"]


def test_an_execution_of_an_unknown_order_is_set_aside(platform, traded) -> None:
    """A trade that names an order nobody placed goes to the dead letters, and the next trade is booked."""
    buyer, seller, bought, _, trade = traded
    event_id = ids.new_id()
    strange = replace(trade.payload, trade_id=f"strange-{event_id}", sell_order_id=ids.new_id())
    publish(platform, replace(trade, event_id=event_id, payload=strange))

    def set_aside() -> list:
        dead = platform.kafka.peek("dead-letters", 1000)
        return [
            m for m in dead if event_id.encode() in m.value and "orders" in m.headers["dead-letter-group"]
        ]

    until(set_aside, timeout=20, message="the trade is among the dead letters")
    order_id = expect(seller.submit(trade.payload.symbol, "sell", "1", "10.00"), 201)["order_id"]
    until(lambda: seller.order(order_id)["status"] == "filled", message="the next trade is booked")
    assert buyer.order(bought)["filled_quantity"] == "41"
