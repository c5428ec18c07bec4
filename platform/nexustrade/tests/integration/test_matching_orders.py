"""Orders through the gateway into the book and back."""

from __future__ import annotations

from decimal import Decimal

import pytest
from support.client import expect
from support.trading import book_with, levels, place, reaches, shown, trades_of

pytestmark = pytest.mark.services("gateway", "orders", "matching", "market-data")


@pytest.fixture
def symbol(new_symbol):
    return new_symbol()


@pytest.fixture
def buyer(new_trader):
    return new_trader()


@pytest.fixture
def seller(new_trader, symbol):
    return new_trader(shares={symbol: "1000"})


def test_an_order_that_crosses_nothing_rests_in_the_book(buyer, symbol):
    """A lone buy order is accepted and shows in the public book and quote."""
    order_id = place(buyer, symbol, "buy", 10, "10.25")
    book_with(buyer.client, symbol, bids=[("10.25", "10")], asks=[])
    assert buyer.order(order_id)["status"] == "accepted"
    quote = expect(buyer.client.get(f"/v1/market/quotes/{symbol}"), 200)
    assert (quote["bid"], quote["ask"], quote["last"], quote["volume"]) == ("10.25", None, None, "0")


def test_crossing_orders_trade_at_the_resting_price(buyer, seller, symbol):
    """Both orders fill at the price of the one that rested; trade, quote and volume show it."""
    sell = place(seller, symbol, "sell", 10, "10.25")
    book_with(seller.client, symbol, bids=[], asks=[("10.25", "10")])
    buy = place(buyer, symbol, "buy", 10, "10.40")
    for trader, order_id in ((seller, sell), (buyer, buy)):
        order = reaches(trader, order_id, "filled")
        assert Decimal(order["average_price"]) == Decimal("10.25")
    quote = shown(buyer.client, f"/v1/market/quotes/{symbol}", lambda quote: quote["last"] == "10.25")
    assert quote["volume"] == "10"
    (trade,) = trades_of(buyer.client, symbol)
    assert (trade["price"], trade["quantity"], trade["aggressor_side"]) == ("10.25", "10", "buy")
    book_with(buyer.client, symbol, bids=[], asks=[])


def test_a_larger_order_fills_in_part_and_rests_with_the_rest(buyer, seller, symbol):
    """What finds no counterpart stays in the book under the order's own price."""
    sell = place(seller, symbol, "sell", 4, "20")
    buy = place(buyer, symbol, "buy", 10, "20.5")
    assert reaches(buyer, buy, "partially_filled")["filled_quantity"] == "4"
    reaches(seller, sell, "filled")
    book_with(buyer.client, symbol, bids=[("20.5", "6")], asks=[])


def test_the_first_of_two_equal_orders_is_served_first(buyer, new_trader, symbol):
    """At one price the order that came first fills first."""
    first, second = (new_trader(shares={symbol: "10"}) for _ in range(2))
    early = place(first, symbol, "sell", 5, "30")
    book_with(buyer.client, symbol, bids=[], asks=[("30", "5")])
    late = place(second, symbol, "sell", 5, "30")
    book_with(buyer.client, symbol, bids=[], asks=[("30", "10")])
    place(buyer, symbol, "buy", 5, "30")
    reaches(first, early, "filled")
    assert second.order(late)["status"] == "accepted"


def test_a_cancelled_order_leaves_the_book(buyer, symbol):
    """A cancel takes the order off the public book and ends it."""
    order_id = place(buyer, symbol, "buy", 10, "10.25")
    book_with(buyer.client, symbol, bids=[("10.25", "10")], asks=[])
    expect(buyer.client.delete(f"/v1/orders/{order_id}"), 202)
    reaches(buyer, order_id, "cancelled")
    book_with(buyer.client, symbol, bids=[], asks=[])


@pytest.mark.parametrize(("time_in_force", "traded"), [("ioc", ["4"]), ("fok", [])])
def test_orders_that_may_not_rest_do_not(buyer, seller, symbol, time_in_force, traded):
    """IOC trades what is there, FOK all or nothing; neither leaves anything in the book."""
    place(seller, symbol, "sell", 4, "10")
    book_with(seller.client, symbol, bids=[], asks=[("10", "4")])
    order_id = place(buyer, symbol, "buy", 9, "10", time_in_force=time_in_force)
    order = reaches(buyer, order_id, "cancelled")
    assert Decimal(order["filled_quantity"]) == sum(map(Decimal, traded), Decimal(0))
    book_with(buyer.client, symbol, bids=[], asks=[] if traded else [("10", "4")])
    assert [trade["quantity"] for trade in trades_of(buyer.client, symbol)] == traded


def test_prices_finer_than_a_cent_keep_every_digit(buyer, seller, new_symbol):
    """An instrument with a small tick trades at exact prices."""
    symbol = new_symbol(tick_size="0.0001")
    place(buyer, symbol, "buy", 10, "0.1234")
    place(buyer, symbol, "buy", 10, "0.1233")
    book_with(buyer.client, symbol, bids=[("0.1234", "10"), ("0.1233", "10")], asks=[])
    place(seller, symbol, "sell", 10, "0.1234", time_in_force="ioc")
    book_with(buyer.client, symbol, bids=[("0.1233", "10")], asks=[])
    assert [trade["price"] for trade in trades_of(buyer.client, symbol)] == ["0.1234"]


def test_operators_see_the_leader_and_its_books(operator, buyer, symbol):
    """The status names one leader with a positive epoch; the engine's book equals the public one."""
    place(buyer, symbol, "buy", 7, "11")
    public = book_with(buyer.client, symbol, bids=[("11", "7")], asks=[])
    status = expect(operator.get("/v1/matching/status"), 200)
    assert status["leader"] is True
    assert status["epoch"] > 0
    assert symbol in status["symbols"]
    assert expect(buyer.client.get("/v1/matching/status"), 403)["status"] == 403
    assert levels(public["bids"]) == [("11", "7")]
