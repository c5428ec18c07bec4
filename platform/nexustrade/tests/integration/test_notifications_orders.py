"""Notifications about orders, from the event to the account holder."""

from __future__ import annotations

import pytest
from support.client import expect
from support.trading import place, reaches, shown

pytestmark = pytest.mark.services("gateway", "orders", "matching", "notifications")


def test_a_filled_order_is_notified_to_both_sides(new_trader, new_symbol):
    """Buyer and seller each read of their own fill, with quantity and price."""
    symbol = new_symbol()
    buyer, seller = new_trader(), new_trader(shares={symbol: "10"})
    sell, buy = place(seller, symbol, "sell", 5, "10.50"), place(buyer, symbol, "buy", 5, "10.50")
    for trader, order_id in ((seller, sell), (buyer, buy)):
        listed = shown(
            trader.client,
            f"/v1/notifications?account_id={trader.account_id}",
            lambda answer: "order_filled" in [item["kind"] for item in answer["items"]],
        )
        (filled,) = [item for item in listed["items"] if item["kind"] == "order_filled"]
        assert (filled["order_id"], filled["account_id"]) == (order_id, trader.account_id)
        assert filled["body"] == f"5 {symbol} at 10.5, 0 left"


def test_a_rejected_order_is_notified(new_trader, new_symbol):
    """An order beyond the limit gives a notification of its rejection."""
    trader, symbol = new_trader(limit="100"), new_symbol()
    expect(trader.submit(symbol, "buy", 100, "10"), 409)
    shown(
        trader.client,
        f"/v1/notifications?account_id={trader.account_id}",
        lambda answer: [item["kind"] for item in answer["items"]] == ["order_rejected"],
    )


def test_a_cancelled_order_is_notified_once(new_trader, new_symbol):
    """The end of an order is told once."""
    trader, symbol = new_trader(), new_symbol()
    order_id = place(trader, symbol, "buy", 1, "10")
    reaches(trader, order_id, "accepted")
    expect(trader.client.delete(f"/v1/orders/{order_id}"), 202)
    reaches(trader, order_id, "cancelled")
    shown(
        trader.client,
        f"/v1/notifications?account_id={trader.account_id}",
        lambda answer: [item["title"] for item in answer["items"]] == ["Order cancelled"],
    )


def test_notifications_are_for_the_account_holder(new_trader):
    """Somebody else's notifications are not shown, and an account must be named."""
    owner, stranger = new_trader(), new_trader()
    path = f"/v1/notifications?account_id={owner.account_id}"
    assert expect(owner.client.get(path), 200) == {"items": []}
    assert stranger.client.get(path).status_code in {403, 404}
    expect(owner.client.get("/v1/notifications"), 422)
