"""What the engine answers, as the events that others read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.matching.codec import SIDE_NAMES, to_price, to_quantity
from services.matching.executions import Cancelled, Execution, Replaced, StatusChanged, Trade, Triggered
from services.matching.orders import BUY
from shared.events.types import (
    BookChanged,
    Event,
    OrderCancelled,
    OrderReplaced,
    OrderTriggered,
    TradeExecuted,
    TradingStatusChanged,
)

if TYPE_CHECKING:
    from datetime import datetime

    from services.matching.engine import MatchingEngine
    from shared.money import Price, Quantity

BOOK_DEPTH: Final = 10

Levels = tuple[tuple["Price", "Quantity"], ...]


def execution_event(execution: Execution, symbol: str, moment: datetime) -> Event:
    """The published form of anything that the engine answers."""
    match execution:
        case Trade():
            return trade_event(execution, symbol, moment)
        case Cancelled():
            return cancelled_event(execution, symbol, moment)
        case Replaced():
            return replaced_event(execution, symbol, moment)
        case Triggered():
            return triggered_event(execution, symbol, moment)
        case StatusChanged(status=status):
            return TradingStatusChanged(symbol=symbol, status=status, changed_at=moment)


def trade_event(trade: Trade, symbol: str, moment: datetime) -> TradeExecuted:
    """The published form; the same trade always has the same id."""
    taker, maker = (
        (trade.taker_order_id, trade.taker_account_id),
        (trade.maker_order_id, trade.maker_account_id),
    )
    buyer, seller = (taker, maker) if trade.side == BUY else (maker, taker)
    return TradeExecuted(
        trade_id=f"{symbol}-{trade.sequence}",
        symbol=symbol,
        price=to_price(trade.price),
        quantity=to_quantity(trade.quantity),
        buy_order_id=buyer[0],
        sell_order_id=seller[0],
        buy_account_id=buyer[1],
        sell_account_id=seller[1],
        aggressor_side=SIDE_NAMES[trade.side],
        executed_at=moment,
    )


def cancelled_event(cancelled: Cancelled, symbol: str, moment: datetime) -> OrderCancelled:
    return OrderCancelled(
        order_id=cancelled.order_id,
        account_id=cancelled.account_id,
        symbol=symbol,
        cancelled_quantity=to_quantity(cancelled.quantity),
        reason=cancelled.reason,
        cancelled_at=moment,
    )


def replaced_event(replaced: Replaced, symbol: str, moment: datetime) -> OrderReplaced:
    return OrderReplaced(
        order_id=replaced.order_id,
        account_id=replaced.account_id,
        symbol=symbol,
        quantity=to_quantity(replaced.quantity),
        price=None if replaced.price is None else to_price(replaced.price),
        replaced_at=moment,
    )


def triggered_event(triggered: Triggered, symbol: str, moment: datetime) -> OrderTriggered:
    return OrderTriggered(
        order_id=triggered.order_id,
        account_id=triggered.account_id,
        symbol=symbol,
        trigger_price=to_price(triggered.price),
        triggered_at=moment,
    )


def book_event(engine: MatchingEngine, moment: datetime) -> BookChanged:
    return BookChanged(
        symbol=engine.symbol,
        bids=levels(engine.book.bids.depth(BOOK_DEPTH)),
        asks=levels(engine.book.asks.depth(BOOK_DEPTH)),
        last_price=None if engine.last_price is None else to_price(engine.last_price),
        changed_at=moment,
    )


def levels(depth: tuple[tuple[int, int], ...]) -> Levels:
    return tuple((to_price(price), to_quantity(quantity)) for price, quantity in depth)
