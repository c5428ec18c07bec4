"""The events: commands in the imperative, facts in the past tense, all frozen.

Sides are "buy" and "sell"; order types "market", "limit", "stop" and "stop_limit"; times in force "day",
"gtc", "ioc" and "fok"; trading statuses "open", "halted" and "closed".
Moments are aware datetimes; on the wire they keep microseconds.
"""

from __future__ import annotations

from dataclasses import dataclass

# The codec reads the annotations at run time.
from datetime import datetime
from typing import TypeAlias

from shared.money import Money, Price, Quantity

Level: TypeAlias = tuple[Price, Quantity]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitOrder:
    """A new order; `stop_price` belongs to the stop types, an empty `calendar` is CONTINUOUS."""

    order_id: str
    account_id: str
    symbol: str
    side: str
    order_type: str
    time_in_force: str
    price: Price | None
    quantity: Quantity
    submitted_at: datetime
    stop_price: Price | None = None
    calendar: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder:
    order_id: str
    account_id: str
    symbol: str
    requested_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceOrder:
    """What is open of an order becomes `quantity`; a price of None stays as it is."""

    order_id: str
    account_id: str
    symbol: str
    quantity: Quantity
    price: Price | None
    requested_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTradingStatus:
    symbol: str
    status: str
    requested_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeExecuted:
    """One match; `envelope.sequence` counts per symbol, `envelope.epoch` is the engine's fencing token."""

    trade_id: str
    symbol: str
    price: Price
    quantity: Quantity
    buy_order_id: str
    sell_order_id: str
    buy_account_id: str
    sell_account_id: str
    aggressor_side: str
    executed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCancelled:
    """What was left of an order is off the book.

    `reason` is "requested", "unfilled", "session_end", "self_trade", "halted" or "market_closed".
    """

    order_id: str
    account_id: str
    symbol: str
    cancelled_quantity: Quantity
    reason: str
    cancelled_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReplaced:
    """What is open of an order now, and its limit; a stop order has none."""

    order_id: str
    account_id: str
    symbol: str
    quantity: Quantity
    price: Price | None
    replaced_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTriggered:
    """A stop order became active; `trigger_price` is that of the trade which reached its stop price."""

    order_id: str
    account_id: str
    symbol: str
    trigger_price: Price
    triggered_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingStatusChanged:
    symbol: str
    status: str
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BookChanged:
    """The top of the book, best level first on both sides."""

    symbol: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    last_price: Price | None
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderAccepted:
    order_id: str
    account_id: str
    symbol: str
    side: str
    order_type: str
    price: Price | None
    quantity: Quantity
    accepted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRejected:
    order_id: str
    account_id: str
    symbol: str
    reason: str
    rejected_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilled:
    """One fill, with the order's totals after it."""

    order_id: str
    account_id: str
    symbol: str
    trade_id: str
    price: Price
    quantity: Quantity
    filled_quantity: Quantity
    remaining_quantity: Quantity
    filled_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderClosed:
    order_id: str
    account_id: str
    symbol: str
    status: str
    closed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeSettled:
    trade_id: str
    symbol: str
    buy_account_id: str
    sell_account_id: str
    cash: Money
    quantity: Quantity
    settled_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementFailed:
    trade_id: str
    symbol: str
    reason: str
    failed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountOpened:
    account_id: str
    owner_id: str
    tenant: str
    opened_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountClosed:
    account_id: str
    closed_at: datetime


Event: TypeAlias = (
    SubmitOrder
    | CancelOrder
    | TradeExecuted
    | OrderCancelled
    | BookChanged
    | OrderAccepted
    | OrderRejected
    | OrderFilled
    | OrderClosed
    | TradeSettled
    | SettlementFailed
    | AccountOpened
    | AccountClosed
    | ReplaceOrder
    | SetTradingStatus
    | OrderReplaced
    | OrderTriggered
    | TradingStatusChanged
)

EVENT_TYPES: dict[str, type[Event]] = {kind.__name__: kind for kind in Event.__args__}
