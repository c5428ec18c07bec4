"""What settlement listens to: the trades of matching and the accounts of users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.settlement.accounts import account_record
from services.settlement.dependencies import dependencies
from services.settlement.models import ProcessedEvent
from services.settlement.services import trade_record
from shared.django.inbox import process_once
from shared.events.types import AccountOpened, TradeExecuted

if TYPE_CHECKING:
    from shared.events import EventEnvelope

EXECUTIONS = "settlement.executions"


def on_execution(envelope: EventEnvelope, _meta: Any) -> None:
    """Takes a trade in once."""
    if not isinstance(envelope.payload, TradeExecuted):
        return
    with process_once(ProcessedEvent, EXECUTIONS, envelope) as first_time:
        if first_time:
            trade_record(envelope, calendar=dependencies().calendar)


def on_account(envelope: EventEnvelope, _meta: Any) -> None:
    """Notes whose a new account is; may be repeated."""
    event = envelope.payload
    if isinstance(event, AccountOpened):
        account_record(account_id=event.account_id, owner_id=event.owner_id, tenant=event.tenant)
