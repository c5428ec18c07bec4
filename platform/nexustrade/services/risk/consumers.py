"""What risk listens to: executions of matching and accounts of users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.risk.dependencies import dependencies
from services.risk.executions import cancellation_apply, trade_apply
from services.risk.limits import limit_open
from services.risk.models import ProcessedEvent
from services.risk.replacements import replacement_apply
from shared.django.inbox import process_once
from shared.events.types import AccountOpened, OrderCancelled, OrderReplaced, TradeExecuted

if TYPE_CHECKING:
    from shared.events import EventEnvelope

EXECUTIONS = "risk.executions"


def on_execution(envelope: EventEnvelope, _meta: Any) -> None:
    """Applies a trade, a replacement or a cancellation once."""
    event = envelope.payload
    if isinstance(event, TradeExecuted | OrderCancelled | OrderReplaced):
        with process_once(ProcessedEvent, EXECUTIONS, envelope) as first_time:
            if first_time:
                _apply(event, envelope)


def _apply(event: TradeExecuted | OrderCancelled | OrderReplaced, envelope: EventEnvelope) -> None:
    if isinstance(event, TradeExecuted):
        rates = dependencies().policy.margin_rates
        trade_apply(trade=event, epoch=envelope.epoch, sequence=envelope.sequence, rates=rates)
    elif isinstance(event, OrderReplaced):
        replacement_apply(replaced=event, epoch=envelope.epoch)
    else:
        cancellation_apply(cancelled=event, epoch=envelope.epoch)


def on_account(envelope: EventEnvelope, _meta: Any) -> None:
    """Gives a new account its default limit; may be repeated."""
    event = envelope.payload
    if isinstance(event, AccountOpened):
        limit_open(
            account_id=event.account_id,
            owner_id=event.owner_id,
            tenant=event.tenant,
            policy=dependencies().policy,
        )
