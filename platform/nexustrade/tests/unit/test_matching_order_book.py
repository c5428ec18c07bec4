"""The order book: price first, then time of arrival."""

from __future__ import annotations

from itertools import count

import pytest

from services.matching.order_book import OrderBook
from services.matching.orders import BUY, SELL, RestingOrder

pytestmark = pytest.mark.services("matching")


class Rester:
    """Puts orders into a book, numbering their arrival."""

    def __init__(self) -> None:
        self.book = OrderBook()
        self._arrivals = count(1)

    def rest(self, order_id: str, side: int, price: int, quantity: int = 10) -> RestingOrder:
        order = RestingOrder(order_id, "acc", side, price, quantity, "gtc", 0, next(self._arrivals))
        self.book.add(order)
        return order

    def ids(self) -> list[str]:
        return [order.order_id for order in self.book.in_queue_order()]


@pytest.fixture
def rester() -> Rester:
    return Rester()


def test_best_bid_is_the_highest_price_and_best_ask_the_lowest(rester):
    """The best bid is the highest buy price, the best ask the lowest sell price."""
    for price in (99, 101, 100):
        rester.rest(f"b{price}", BUY, price)
    for price in (104, 102, 103):
        rester.rest(f"s{price}", SELL, price)
    assert rester.book.bids.best().price == 101
    assert rester.book.asks.best().price == 102


def test_orders_of_one_price_keep_their_order_of_arrival(rester):
    """Within one price the queue is in order of arrival, whatever the ids and quantities."""
    for order_id, quantity in (("z", 1), ("a", 50), ("m", 7)):
        rester.rest(order_id, BUY, 100, quantity)
    assert rester.ids() == ["z", "a", "m"]


def test_an_empty_side_has_no_best_price(rester):
    """A side without orders has no best level and no depth."""
    assert rester.book.asks.best() is None
    assert rester.book.asks.depth(10) == ()


def test_cancelling_returns_the_order_and_forgets_it(rester):
    """A cancelled order is handed back once and is unknown from then on."""
    order = rester.rest("x", BUY, 100)
    assert rester.book.cancel("x") is order
    assert rester.book.cancel("x") is None
    assert rester.ids() == []


def test_cancelling_the_last_order_of_a_price_removes_the_level(rester):
    """A price without orders is no longer a level of the book."""
    rester.rest("a", SELL, 105)
    rester.rest("b", SELL, 106)
    rester.book.cancel("a")
    assert rester.book.asks.best().price == 106
    assert rester.book.asks.depth(10) == ((106, 10),)


def test_cancelling_in_the_middle_of_a_queue_keeps_the_others_in_order(rester):
    """Taking an order out of a queue does not move those before and behind it."""
    for order_id in "abcd":
        rester.rest(order_id, SELL, 105)
    rester.book.cancel("b")
    assert rester.ids() == ["a", "c", "d"]


def test_a_partly_executed_order_keeps_its_place(rester):
    """Executed lots leave the order's place in the queue alone and reduce the level's quantity."""
    first = rester.rest("first", BUY, 100, 10)
    rester.rest("second", BUY, 100, 5)
    rester.book.reduce(first, 4)
    assert rester.ids() == ["first", "second"]
    assert first.remaining == 6
    assert rester.book.bids.depth(1) == ((100, 11),)


def test_a_fully_executed_order_leaves_the_book(rester):
    """An order with nothing left is taken out together with its empty level."""
    order = rester.rest("x", BUY, 100, 10)
    rester.book.reduce(order, 10)
    assert order.remaining == 0
    assert rester.book.orders == {}
    assert rester.book.bids.levels == {}


def test_depth_adds_up_each_price_best_first_and_stops_at_its_limit(rester):
    """Depth lists the total quantity per price, best price first, no more than asked for."""
    for price, quantity in ((100, 3), (101, 4), (100, 5), (99, 6)):
        rester.rest(f"{price}-{quantity}", BUY, price, quantity)
    for price, quantity in ((105, 1), (103, 2), (104, 3)):
        rester.rest(f"{price}-{quantity}", SELL, price, quantity)
    assert rester.book.bids.depth(2) == ((101, 4), (100, 8))
    assert rester.book.asks.depth(10) == ((103, 2), (104, 3), (105, 1))


def test_an_order_that_comes_back_after_a_cancel_queues_at_the_end(rester):
    """Cancelling and sending again loses the place in the queue."""
    for order_id in ("a", "b"):
        rester.rest(order_id, BUY, 100)
    rester.book.cancel("a")
    rester.rest("a", BUY, 100)
    assert rester.ids() == ["b", "a"]
