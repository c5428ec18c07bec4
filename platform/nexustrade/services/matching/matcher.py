"""How orders meet: price first, then time, never the same account on both sides, stops in a cascade."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from services.matching.commands import CLOSED, FOK, HALTED, OPEN, RESTS, Submit
from services.matching.executions import (
    HALTED_REASON,
    MARKET_CLOSED,
    REQUESTED,
    SELF_TRADE,
    UNFILLED,
    Cancelled,
    Trade,
    Triggered,
)
from services.matching.order_book import OrderBook
from services.matching.orders import BUY, RestingOrder, StopOrder
from services.matching.reach import fill_obstacle
from services.matching.stops import StopBook, is_reached

if TYPE_CHECKING:
    from services.matching.executions import Execution
    from services.matching.order_book import BookSide

REFUSALS: Final = {HALTED: HALTED_REASON, CLOSED: MARKET_CLOSED}


class Matcher:
    """The book of `symbol`, its waiting stops, and what new orders do to them.

    `sequence` counts what left the engine, `arrivals` the orders that came to rest or to wait.
    """

    __slots__ = ("_woken", "arrivals", "book", "last_price", "sequence", "status", "stops", "symbol")

    def __init__(
        self,
        symbol: str,
        *,
        sequence: int = 0,
        arrivals: int = 0,
        last_price: int | None = None,
        status: str = OPEN,
    ) -> None:
        self.symbol = symbol
        self.book = OrderBook()
        self.stops = StopBook()
        self.sequence = sequence
        self.arrivals = arrivals
        self.last_price = last_price
        self.status = status
        # Stop orders that trades have reached, each with the price of its trade.
        self._woken: deque[tuple[StopOrder, int]] = deque()

    def submit(self, order: Submit) -> list[Execution]:
        """Match a new order; what is left rests (day, gtc) or is cancelled (market, ioc, fok).

        A stop order waits unless the last price has reached it already. An order whose id rests or waits is
        the same order again and changes nothing.
        """
        if order.order_id in self.book.orders or order.order_id in self.stops.orders:
            return []
        if self.status != OPEN:
            reason = REFUSALS[self.status]
            return [self._cancelled(order.order_id, order.account_id, order.quantity, reason)]
        executions: list[Execution] = []
        if order.stop_price is None:
            self._enter(order, executions)
        elif is_reached(order.side, order.stop_price, self.last_price):
            executions.append(self._triggered(order.order_id, order.account_id, self.last_price))
            self._enter(order, executions)
        else:
            self._wait(order)
        if self._woken:
            self._cascade(executions)
        return executions

    def cancel(self, order_id: str, reason: str = REQUESTED) -> list[Execution]:
        """Cancel a resting or waiting order; nothing happens when it is filled, cancelled or unknown."""
        order = self.book.cancel(order_id) or self.stops.cancel(order_id)
        if order is None:
            return []
        return [self._cancelled(order_id, order.account_id, order.remaining, reason)]

    def next_sequence(self) -> int:
        """The number of the next thing that the symbol tells the outside."""
        self.sequence += 1
        return self.sequence

    def _enter(self, order: Submit, executions: list[Execution]) -> None:
        """Match an active order, then let the rest of it rest or cancel it."""
        order_id, account_id, side, quantity, price, time_in_force, session, _, calendar = order
        opposite = self.book.asks if side == BUY else self.book.bids
        reason = UNFILLED
        if opposite.ranks and (price is None or opposite.ranks[-1] >= price * opposite.side):
            obstacle = fill_obstacle(opposite, order) if time_in_force == FOK else None
            if obstacle is not None:
                executions.append(self._cancelled(order_id, account_id, quantity, obstacle))
                return
            quantity, reason = self._match(order, opposite, executions)
        if not quantity:
            return
        if price is None or time_in_force not in RESTS or reason == SELF_TRADE:
            executions.append(self._cancelled(order_id, account_id, quantity, reason))
            return
        self.arrivals = arrival = self.arrivals + 1
        self.book.add(
            RestingOrder(
                order_id, account_id, side, price, quantity, time_in_force, session, arrival, calendar
            )
        )

    def _match(self, taker: Submit, opposite: BookSide, executions: list[Execution]) -> tuple[int, str]:
        """Trade against the best prices that the taker's limit allows.

        Returns the lots left over, and why: a taker stops short of an order of its own account.
        """
        remaining, account_id = taker.quantity, taker.account_id
        # The resting side's rank of the limit: every level ranked at least as high may trade.
        worst_rank = None if taker.price is None else taker.price * opposite.side
        ranks = opposite.ranks
        while remaining and ranks and (worst_rank is None or ranks[-1] >= worst_rank):
            maker = opposite.best().first()
            if maker.account_id == account_id:
                return remaining, SELF_TRADE
            quantity = min(remaining, maker.remaining)
            remaining -= quantity
            self.book.reduce(maker, quantity)
            executions.append(self._trade(taker, maker, quantity))
        return remaining, UNFILLED

    def _trade(self, taker: Submit, maker: RestingOrder, quantity: int) -> Trade:
        self.last_price = maker.price
        if self.stops.orders:
            self._wake()
        return Trade(
            self.next_sequence(),
            maker.price,
            quantity,
            taker.side,
            taker.order_id,
            taker.account_id,
            maker.order_id,
            maker.account_id,
        )

    def _wake(self) -> None:
        """Take the stop orders that the last price reaches out of the stop book, to become active next."""
        price = self.last_price
        self._woken.extend((order, price) for order in self.stops.take(price))

    def _cascade(self, executions: list[Execution]) -> list[Execution]:
        """Activate woken orders one after the other, those that they wake in turn behind them."""
        while self._woken:
            order, price = self._woken.popleft()
            executions.append(self._triggered(order.order_id, order.account_id, price))
            self._enter(order.activated(), executions)
        return executions

    def _wait(self, order: Submit) -> None:
        self.arrivals += 1
        self.stops.add(StopOrder.waiting(order, self.arrivals))

    def _triggered(self, order_id: str, account_id: str, price: int) -> Triggered:
        return Triggered(self.next_sequence(), order_id, account_id, price)

    def _cancelled(self, order_id: str, account_id: str, quantity: int, reason: str) -> Cancelled:
        return Cancelled(self.next_sequence(), order_id, account_id, quantity, reason)
