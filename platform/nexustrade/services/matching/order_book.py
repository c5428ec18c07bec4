"""A limit order book for one symbol: price first, then time of arrival.

Prices are integer ticks and quantities integer lots. Adding and cancelling cost the same in a small and in a
large book: an order is found by its id in a dict, its level by its price in a dict, and only the first or the
last order of a price touches the sorted list of prices.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import OrderedDict
from typing import TYPE_CHECKING

from services.matching.orders import BUY, SELL, RestingOrder

if TYPE_CHECKING:
    from collections.abc import Iterator


class PriceLevel:
    """The orders of one price in order of arrival, and their total quantity in lots."""

    __slots__ = ("orders", "price", "quantity")

    def __init__(self, price: int) -> None:
        self.price = price
        self.quantity = 0
        # Linked inside, so the oldest order is found in constant time however many have left the front.
        self.orders: OrderedDict[str, RestingOrder] = OrderedDict()

    def first(self) -> RestingOrder:
        """The oldest order of the level; the level must not be empty."""
        return next(iter(self.orders.values()))


class BookSide:
    """One side of the book, best price last in `ranks`.

    A rank is the price for buys and the negated price for sells, so the best price has the highest rank on
    both sides. Trading happens near the best price, hence near the list's end, where inserting is cheap.
    """

    __slots__ = ("levels", "ranks", "side")

    def __init__(self, side: int) -> None:
        self.side = side
        self.levels: dict[int, PriceLevel] = {}
        self.ranks: list[int] = []

    def best(self) -> PriceLevel | None:
        return self.levels[self.ranks[-1] * self.side] if self.ranks else None

    def add(self, order: RestingOrder) -> None:
        level = self.levels.get(order.price)
        if level is None:
            level = self.levels[order.price] = PriceLevel(order.price)
            insort(self.ranks, order.price * self.side)
        level.orders[order.order_id] = order
        level.quantity += order.remaining

    def remove(self, order: RestingOrder) -> None:
        level = self.levels[order.price]
        del level.orders[order.order_id]
        level.quantity -= order.remaining
        if not level.orders:
            del self.levels[order.price]
            rank = order.price * self.side
            del self.ranks[bisect_left(self.ranks, rank)]

    def drop_best(self) -> None:
        """Remove the best level with everything in it; the side must not be empty."""
        del self.levels[self.ranks.pop() * self.side]

    def shrink(self, order: RestingOrder, quantity: int) -> None:
        """Take lots off an order, which keeps its place and has some left."""
        order.remaining -= quantity
        self.levels[order.price].quantity -= quantity

    def best_first(self) -> Iterator[PriceLevel]:
        return (self.levels[rank * self.side] for rank in reversed(self.ranks))

    def depth(self, limit: int) -> tuple[tuple[int, int], ...]:
        """The best `limit` levels as (price, quantity), best first."""
        ranks = self.ranks[: -limit - 1 : -1]
        return tuple((rank * self.side, self.levels[rank * self.side].quantity) for rank in ranks)


class OrderBook:
    """Both sides of one symbol, and every resting order by its id."""

    __slots__ = ("asks", "bids", "orders")

    def __init__(self) -> None:
        self.bids = BookSide(BUY)
        self.asks = BookSide(SELL)
        self.orders: dict[str, RestingOrder] = {}

    def side(self, side: int) -> BookSide:
        return self.bids if side == BUY else self.asks

    def add(self, order: RestingOrder) -> None:
        """Put an order behind those already resting at its price."""
        self.orders[order.order_id] = order
        (self.bids if order.side == BUY else self.asks).add(order)

    def cancel(self, order_id: str) -> RestingOrder | None:
        """Take an order out of the book; None when it does not rest here."""
        order = self.orders.pop(order_id, None)
        if order is not None:
            (self.bids if order.side == BUY else self.asks).remove(order)
        return order

    def reduce(self, order: RestingOrder, quantity: int) -> None:
        """Take executed lots off a resting order; a filled order leaves the book."""
        if quantity == order.remaining:
            self.cancel(order.order_id)
            order.remaining = 0
        else:
            self.side(order.side).shrink(order, quantity)

    def in_queue_order(self) -> Iterator[RestingOrder]:
        """Every resting order, bids then asks, best price first, oldest first within a price."""
        for side in (self.bids, self.asks):
            for level in side.best_first():
                yield from level.orders.values()
