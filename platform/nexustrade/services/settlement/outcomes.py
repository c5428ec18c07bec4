"""How a saga's end is recorded: the trade, its fees and the event, in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction

from services.settlement.models import FeeAccrual, OutboxMessage, Trade, TradeStatus
from shared.clock import now
from shared.django.outbox import enqueue
from shared.events.envelope import envelope_for
from shared.events.types import SettlementFailed, TradeSettled
from shared.money import Money, Quantity

if TYPE_CHECKING:
    from services.settlement.fees import FeeSchedule

DATABASE = "orders"
TOPIC = "settlements"


def record_settled(trade: Trade, fees: FeeSchedule) -> TradeStatus:
    """Marks the trade as settled, accrues both sides' fees, announces it."""
    settled_at = now()
    cash = Money(trade.cash, trade.currency)
    with transaction.atomic(using=DATABASE):
        Trade.objects.filter(pk=trade.pk).update(status=TradeStatus.SETTLED, settled_at=settled_at)
        _accrue(trade, fees.fee(cash))
        event = TradeSettled(
            trade_id=trade.trade_id,
            symbol=trade.symbol,
            buy_account_id=trade.buy_account_id,
            sell_account_id=trade.sell_account_id,
            # The wire format carries nine decimals.
            cash=cash.quantized(places=9),
            quantity=Quantity(trade.quantity),
            settled_at=settled_at,
        )
        _announce(trade, event)
    return TradeStatus.SETTLED


def record_failed(trade: Trade, reason: str) -> TradeStatus:
    """Marks the trade as failed and announces it; the saga has restored all balances before."""
    with transaction.atomic(using=DATABASE):
        Trade.objects.filter(pk=trade.pk).update(status=TradeStatus.FAILED, reason=reason)
        event = SettlementFailed(trade_id=trade.trade_id, symbol=trade.symbol, reason=reason, failed_at=now())
        _announce(trade, event)
    return TradeStatus.FAILED


def _accrue(trade: Trade, fee: Money) -> None:
    if not fee:
        return
    FeeAccrual.objects.bulk_create(
        FeeAccrual(
            trade_id=trade.trade_id,
            side=side,
            account_id=account_id,
            currency=fee.currency,
            amount=fee.amount,
            trade_date=trade.trade_date,
        )
        for side, account_id in (("buy", trade.buy_account_id), ("sell", trade.sell_account_id))
    )


def _announce(trade: Trade, event: Any) -> None:
    envelope = envelope_for(event, producer="settlement", aggregate_id=trade.trade_id)
    enqueue(OutboxMessage, TOPIC, trade.trade_id, envelope)
