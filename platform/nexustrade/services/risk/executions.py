"""What trades do to exposure and positions, each applied exactly once.

Called inside the transaction of the inbox. Limits and margin accounts are the only rows that trades of
different symbols share: they are locked last, the one after the other, each in the order of the accounts,
so that nobody waits in a circle.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING

from services.risk.margins import margins_review
from services.risk.models import ExposureLimit, LastPrice, Position, Reservation
from services.risk.services import exposure_release
from shared.observability import get_logger

if TYPE_CHECKING:
    from services.risk.margin import MarginRates
    from shared.events.types import OrderCancelled, TradeExecuted

log = get_logger(__name__)


def trade_apply(*, trade: TradeExecuted, epoch: int, sequence: int, rates: MarginRates) -> None:
    """Turns reserved exposure into positions on both sides; a trade of a replaced leader is dropped.

    Whoever is on margin and holds the symbol is reviewed: the trade moved its price, too.
    """
    newest = LastPrice.objects.record(
        symbol=trade.symbol,
        price=trade.price.amount,
        epoch=epoch,
        sequence=sequence,
        traded_at=trade.executed_at,
    )
    if not newest:
        log.warning("trade.stale_epoch", trade_id=trade.trade_id, symbol=trade.symbol, epoch=epoch)
        return
    sides = (
        ("buy", trade.buy_order_id, trade.buy_account_id),
        ("sell", trade.sell_order_id, trade.sell_account_id),
    )
    reservations = _reservations(trade)
    positions = _positions(trade)
    freed: dict[str, Decimal] = defaultdict(Decimal)
    for side, order_id, account_id in sides:
        held, brought = _consume(reservations.get(order_id), trade)
        before = positions[account_id].holding
        after = before.traded(
            side=side, quantity=trade.quantity.amount, price=trade.price.amount, exposure=brought
        )
        positions[account_id].holding = after
        freed[account_id] += held - (after.exposure - before.exposure)
    for position in positions.values():
        position.booked(trade.executed_at)
    for account_id in sorted(freed):
        ExposureLimit.objects.release(account_id=account_id, amount=freed[account_id])
    margins_review(symbol=trade.symbol, rates=rates)


def cancellation_apply(*, cancelled: OrderCancelled, epoch: int) -> None:
    """Gives back what the unfilled part of the order holds; dropped when its leader has been replaced."""
    if LastPrice.objects.filter(pk=cancelled.symbol, epoch__gt=epoch).exists():
        log.warning("cancellation.stale_epoch", order_id=cancelled.order_id, epoch=epoch)
        return
    exposure_release(order_id=cancelled.order_id)


def _consume(reservation: Reservation | None, trade: TradeExecuted) -> tuple[Decimal, Decimal]:
    """What the fill takes out of the reservation, and how much of it becomes exposure of the position.

    A trade of an order that risk never saw holds nothing and counts in full.
    """
    if reservation is None:
        return Decimal(0), trade.price.amount * trade.quantity.amount
    part = reservation.hold.consumed(quantity=trade.quantity.amount, price=trade.price.amount)
    return reservation.consume(part), part.kept


def _reservations(trade: TradeExecuted) -> dict[str, Reservation]:
    rows = Reservation.objects.select_for_update().filter(
        pk__in=(trade.buy_order_id, trade.sell_order_id), state=Reservation.State.ACTIVE
    )
    return {row.pk: row for row in rows.order_by("pk")}


def _positions(trade: TradeExecuted) -> dict[str, Position]:
    accounts = (trade.buy_account_id, trade.sell_account_id)
    rows = Position.objects.select_for_update().filter(account_id__in=accounts, symbol=trade.symbol)
    found = {row.account_id: row for row in rows.order_by("account_id")}
    return {
        account_id: found.get(account_id) or Position(account_id=account_id, symbol=trade.symbol)
        for account_id in accounts
    }
