"""The history of executions, and the invariants that it must keep."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from shared.events import EventEnvelope
from shared.events.codec import decode
from shared.events.types import OrderCancelled, TradeExecuted


def executions_of(platform: Any, symbol: str, *, limit: int = 20_000) -> list[EventEnvelope]:
    """What matching published about a symbol, in the order of the log; a repeated message appears once."""
    found: dict[str, EventEnvelope] = {}
    for message in platform.kafka.peek("executions", limit):
        if message.key == symbol:
            envelope = decode(message.value)
            found.setdefault(envelope.event_id, envelope)
    return list(found.values())


def trades_in(history: Sequence[EventEnvelope]) -> list[TradeExecuted]:
    return [envelope.payload for envelope in history if isinstance(envelope.payload, TradeExecuted)]


def assert_ordered(history: Sequence[EventEnvelope]) -> None:
    """Sequences run 1, 2, 3 … without gap or repetition, and the epoch never falls."""
    assert [envelope.sequence for envelope in history] == list(range(1, len(history) + 1))
    epochs = [envelope.epoch for envelope in history]
    assert epochs == sorted(epochs)


def assert_no_double_fill(history: Sequence[EventEnvelope], ordered: Mapping[str, int | str]) -> None:
    """No order executes, or is cancelled, for more than it ordered; no trade has the id of another."""
    used: defaultdict[str, Decimal] = defaultdict(Decimal)
    trades = trades_in(history)
    for trade in trades:
        used[trade.buy_order_id] += trade.quantity.amount
        used[trade.sell_order_id] += trade.quantity.amount
    for envelope in history:
        if isinstance(envelope.payload, OrderCancelled):
            used[envelope.payload.order_id] += envelope.payload.cancelled_quantity.amount
    assert len({trade.trade_id for trade in trades}) == len(trades)
    excess = {order: total for order, total in used.items() if total > Decimal(ordered.get(order, 0))}
    assert not excess
