"""What matching did to orders: fills, cancellations, replacements and triggers, each applied exactly once.

Called inside the transaction of the inbox, so that an event, its effect and what it announces are one step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.orders.announcements import announce
from services.orders.lifecycle import Trigger, is_final, next_state
from services.orders.models import Fill, Instrument, Order
from shared.events.errors import UnprocessableEvent
from shared.events.types import OrderClosed, OrderFilled
from shared.money import Quantity, plain
from shared.observability import get_logger

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from shared.events.types import (
        OrderCancelled,
        OrderReplaced,
        OrderTriggered,
        TradeExecuted,
        TradingStatusChanged,
    )

log = get_logger(__name__)


def trade_apply(*, trade: TradeExecuted, epoch: int, fee_rate: Decimal) -> None:
    """Books a trade on both of its orders; a trade of a leader that has been replaced is dropped.

    `fee_rate` is the part of the traded value that each side pays.
    UnprocessableEvent for an unknown order; InvalidTransition or Overfilled when an order cannot take it.
    """
    if _is_fenced(trade.symbol, epoch):
        log.warning("trade.stale_epoch", trade_id=trade.trade_id, symbol=trade.symbol, epoch=epoch)
        return
    orders = _locked(trade.buy_order_id, trade.sell_order_id)
    Fill.objects.bulk_create(
        Fill(
            order=order,
            trade_id=trade.trade_id,
            price=trade.price.amount,
            quantity=trade.quantity.amount,
            filled_at=trade.executed_at,
        )
        for order in orders
    )
    for order in orders:
        _fill(order, trade, fee_rate)


def cancellation_apply(*, cancelled: OrderCancelled, epoch: int) -> None:
    """Ends an order that matching took off the book; dropped when its leader has been replaced."""
    if _is_fenced(cancelled.symbol, epoch):
        log.warning("cancellation.stale_epoch", order_id=cancelled.order_id, epoch=epoch)
        return
    (order,) = _locked(cancelled.order_id)
    order.status = next_state(order.status, Trigger.CANCEL)
    order.reason, order.updated_at = cancelled.reason, cancelled.cancelled_at
    order.save(update_fields=["status", "reason", "updated_at"])
    announce(order.order_id, _closed(order, cancelled.cancelled_at))


def replacement_apply(*, replaced: OrderReplaced, epoch: int) -> None:
    """Shows what is open of an order now, and at which price; dropped when its leader has been replaced."""
    if _is_fenced(replaced.symbol, epoch):
        log.warning("replacement.stale_epoch", order_id=replaced.order_id, epoch=epoch)
        return
    (order,) = _locked(replaced.order_id)
    order.status = next_state(order.status, Trigger.REPLACE)
    order.quantity = order.filled_quantity + replaced.quantity.amount
    order.price = replaced.price.amount if replaced.price else order.price
    order.updated_at = replaced.replaced_at
    order.save(update_fields=["status", "quantity", "price", "updated_at"])


def trigger_apply(*, triggered: OrderTriggered, epoch: int) -> None:
    """Notes that a stop order became active; dropped when its leader has been replaced."""
    if _is_fenced(triggered.symbol, epoch):
        log.warning("trigger.stale_epoch", order_id=triggered.order_id, epoch=epoch)
        return
    (order,) = _locked(triggered.order_id)
    order.status = next_state(order.status, Trigger.TRIGGER)
    order.triggered_at = order.updated_at = triggered.triggered_at
    order.save(update_fields=["status", "triggered_at", "updated_at"])


def trading_status_apply(*, changed: TradingStatusChanged, epoch: int) -> None:
    """Notes whether matching trades the symbol; dropped when its leader has been replaced."""
    if not _is_fenced(changed.symbol, epoch):
        Instrument.objects.filter(pk=changed.symbol).update(trading_status=changed.status)


def _fill(order: Order, trade: TradeExecuted, fee_rate: Decimal) -> None:
    progress, trigger = order.progress.filled(
        quantity=trade.quantity.amount, price=trade.price.amount, fee_rate=fee_rate
    )
    order.status = next_state(order.status, trigger)
    order.filled_quantity, order.filled_value = progress.filled_quantity, progress.filled_value
    order.fees, order.updated_at = progress.fees, trade.executed_at
    order.save(update_fields=["status", "filled_quantity", "filled_value", "fees", "updated_at"])
    filled = OrderFilled(
        order_id=order.order_id,
        account_id=order.account_id,
        symbol=order.symbol,
        trade_id=trade.trade_id,
        price=trade.price,
        quantity=trade.quantity,
        filled_quantity=Quantity(plain(progress.filled_quantity)),
        remaining_quantity=Quantity(plain(progress.remaining_quantity)),
        filled_at=trade.executed_at,
    )
    announce(order.order_id, filled, *([_closed(order, trade.executed_at)] if is_final(order.status) else []))


def _closed(order: Order, closed_at: datetime) -> OrderClosed:
    return OrderClosed(
        order_id=order.order_id,
        account_id=order.account_id,
        symbol=order.symbol,
        status=str(order.status),
        closed_at=closed_at,
    )


def _locked(*order_ids: str) -> list[Order]:
    """The orders, locked in one order by everybody, so that two trades never wait for each other."""
    wanted = set(order_ids)
    orders = list(Order.objects.select_for_update().filter(pk__in=wanted).order_by("pk"))
    if len(orders) != len(wanted):
        # An order is committed before its command is published: one that is not here will not come later.
        unknown = wanted - {order.pk for order in orders}
        raise UnprocessableEvent("an execution names unknown orders", order_ids=sorted(unknown))
    return orders


def _is_fenced(symbol: str, epoch: int) -> bool:
    """Whether a newer leader has been heard of; the first word of a newer one is noted."""
    known = Instrument.objects.filter(pk=symbol).values_list("execution_epoch", flat=True).first()
    if known is not None and known < epoch:
        Instrument.objects.filter(pk=symbol, execution_epoch__lt=epoch).update(execution_epoch=epoch)
    return known is not None and known > epoch
