"""The stop book: orders that wait until a trade reaches their stop price."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.matching.order_book import BookSide
from services.matching.orders import BUY, SELL

if TYPE_CHECKING:
    from services.matching.orders import StopOrder


class StopBook:
    """Buys wait for a price at or above their stop price, sells for one at or below theirs."""

    __slots__ = ("buys", "orders", "sells")

    def __init__(self) -> None:
        # The lowest stop price of the buys is reached first, as the lowest ask is; of the sells the highest.
        self.buys = BookSide(SELL)
        self.sells = BookSide(BUY)
        self.orders: dict[str, StopOrder] = {}

    def side(self, side: int) -> BookSide:
        return self.buys if side == BUY else self.sells

    def add(self, order: StopOrder) -> None:
        self.orders[order.order_id] = order
        self.side(order.side).add(order)

    def cancel(self, order_id: str) -> StopOrder | None:
        """Take an order out; None when it does not wait here."""
        order = self.orders.pop(order_id, None)
        if order is not None:
            self.side(order.side).remove(order)
        return order

    def reduce(self, order: StopOrder, quantity: int) -> None:
        """Take lots off a waiting order that has more than these."""
        self.side(order.side).shrink(order, quantity)

    def take(self, price: int) -> list[StopOrder]:
        """Take out every order whose stop price a trade at `price` reaches, in order of arrival."""
        reached: list[StopOrder] = []
        for side in (self.buys, self.sells):
            while side.ranks and side.ranks[-1] >= price * side.side:
                level = side.levels[side.ranks[-1] * side.side]
                reached += [self.orders.pop(order_id) for order_id in level.orders]
                side.drop_best()
        return sorted(reached, key=_arrival)

    def in_arrival_order(self) -> list[StopOrder]:
        return sorted(self.orders.values(), key=_arrival)


def is_reached(side: int, stop_price: int, last_price: int | None) -> bool:
    """Whether the last trade's price has reached a stop price; no trade reaches none."""
    return last_price is not None and last_price * side >= stop_price * side


def _arrival(order: StopOrder) -> int:
    return order.arrival
