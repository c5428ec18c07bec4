"""What orders listens to: executions of matching and accounts of users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.orders.accounts import account_close, account_record
from services.orders.dependencies import dependencies
from services.orders.executions import (
    cancellation_apply,
    replacement_apply,
    trade_apply,
    trading_status_apply,
    trigger_apply,
)
from services.orders.models import ProcessedEvent
from shared.django.inbox import process_once
from shared.events.types import (
    AccountClosed,
    AccountOpened,
    OrderCancelled,
    OrderReplaced,
    OrderTriggered,
    TradeExecuted,
    TradingStatusChanged,
)

if TYPE_CHECKING:
    from shared.events import EventEnvelope

EXECUTION_EVENTS = (TradeExecuted, OrderCancelled, OrderReplaced, OrderTriggered, TradingStatusChanged)
EXECUTIONS, ACCOUNTS = "orders.executions", "orders.accounts"


def on_execution(envelope: EventEnvelope, _meta: Any) -> None:
    """Applies what matching did to an order or an instrument, once."""
    with process_once(ProcessedEvent, EXECUTIONS, envelope) as first_time:
        if first_time:
            _apply(envelope)


def _apply(envelope: EventEnvelope) -> None:
    event, epoch = envelope.payload, envelope.epoch
    if isinstance(event, TradeExecuted):
        trade_apply(trade=event, epoch=epoch, fee_rate=dependencies().fee_rate)
    elif isinstance(event, OrderCancelled):
        cancellation_apply(cancelled=event, epoch=epoch)
    elif isinstance(event, OrderReplaced):
        replacement_apply(replaced=event, epoch=epoch)
    elif isinstance(event, OrderTriggered):
        trigger_apply(triggered=event, epoch=epoch)
    elif isinstance(event, TradingStatusChanged):
        trading_status_apply(changed=event, epoch=epoch)


def on_account(envelope: EventEnvelope, _meta: Any) -> None:
    """Keeps the copy of the accounts current; both steps may be repeated and arrive in any order."""
    event = envelope.payload
    if isinstance(event, AccountOpened):
        account_record(account_id=event.account_id, owner_id=event.owner_id, tenant=event.tenant)
    elif isinstance(event, AccountClosed):
        account_close(account_id=event.account_id)
