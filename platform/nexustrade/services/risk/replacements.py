"""What replacing an order does to its reservation.

What grows is taken before matching hears of it, and kept apart until matching tells that the order was
replaced: an order that is filled first gives it back with its last fill. What shrinks is given back when
matching tells.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from django.db import transaction

from services.risk.exposure import AMOUNT_PLACES, Hold, reservation_amount
from services.risk.models import ExposureLimit, LastPrice, Reservation
from services.risk.orders import Reserved
from shared.errors import Conflict, LimitExceeded, NotFound
from shared.observability import get_logger

if TYPE_CHECKING:
    from shared.events.types import OrderReplaced

log = get_logger(__name__)

ZERO = Decimal(0)


def reservation_raise(*, order_id: str, quantity: Decimal, price: Decimal | None) -> Reserved:
    """Holds enough for the order to be replaced by one with `quantity` open at `price` (None: as before).

    May be repeated; the last call counts, and one that asks for no more than the order has gives back what an
    earlier one raised. NotFound for an order that risk does not know, Conflict for one that holds nothing any
    more, LimitExceeded when the limit leaves no room; the order then keeps what it holds.
    """
    with transaction.atomic():
        reservation = Reservation.objects.select_for_update().filter(pk=order_id).first()
        if reservation is None:
            raise NotFound("no such order", order_id=order_id)
        if reservation.state != Reservation.State.ACTIVE:
            raise Conflict("the order holds no exposure any more", order_id=order_id)
        wanted = _hold_for(reservation, quantity, price)
        raised = max(wanted.amount - reservation.open_amount, ZERO)
        _hold_more(reservation, raised - reservation.raised)
    limit = ExposureLimit.objects.get(pk=reservation.account_id)
    return Reserved(order_id=order_id, amount=reservation.held, used=limit.used, limit=limit.max_exposure)


def replacement_apply(*, replaced: OrderReplaced, epoch: int) -> None:
    """Makes the hold what the replaced order needs; dropped when its leader has been replaced.

    Fills that overtook the replacement may leave less than that: the rest is taken whatever the limit says,
    since the order is in the book.
    """
    if LastPrice.objects.filter(pk=replaced.symbol, epoch__gt=epoch).exists():
        log.warning("replacement.stale_epoch", order_id=replaced.order_id, epoch=epoch)
        return
    rows = Reservation.objects.select_for_update().filter(pk=replaced.order_id)
    reservation = rows.filter(state=Reservation.State.ACTIVE).first()
    if reservation is not None:
        price = replaced.price.amount if replaced.price is not None else None
        freed = reservation.replace(_hold_for(reservation, replaced.quantity.amount, price))
        ExposureLimit.objects.release(account_id=reservation.account_id, amount=freed)


def _hold_more(reservation: Reservation, more: Decimal) -> None:
    if more > 0 and not ExposureLimit.objects.reserve(account_id=reservation.account_id, amount=more):
        raise LimitExceeded(
            "the replaced order would exceed the account's exposure limit",
            account_id=reservation.account_id,
            order_id=reservation.order_id,
            requested=f"{more:f}",
            limited=str(Reservation.Reason.EXPOSURE),
        )
    if more < 0:
        ExposureLimit.objects.release(account_id=reservation.account_id, amount=-more)
        reservation.released -= more
    if more:
        reservation.amount += max(more, ZERO)
        reservation.raised += more
        reservation.save(update_fields=["amount", "raised", "released"])


def _hold_for(reservation: Reservation, quantity: Decimal, price: Decimal | None) -> Hold:
    if price is None:
        # As much for each share as it holds now.
        amount = (reservation.open_amount * quantity / reservation.open_quantity).quantize(AMOUNT_PLACES)
    else:
        amount = reservation_amount(quantity=quantity, price=price, last_price=None, collar=Decimal(1))
    return Hold(quantity=quantity, amount=amount)
