"""Use case: changing what is open of an order, and its limit price.

Risk hears first when the order may cost more; what it raised for an order that ends before matching replaces
it, it takes back by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction

from services.orders.announcements import announce, replacement
from services.orders.instruments import instrument_terms
from services.orders.pricing import LIMITED, checked_price, checked_quantity
from services.orders.services import order_live
from shared import clock
from shared.errors import Conflict, ValidationFailed

if TYPE_CHECKING:
    from decimal import Decimal

    from services.orders.clients import ExposureDesk
    from services.orders.models import Order
    from shared.security import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What an order shall become: its whole quantity, fills included, and its limit price."""

    quantity: Decimal
    price: Decimal | None

    def grows(self, order: Order) -> bool:
        """Whether the order may cost more than before."""
        if self.price is None or order.price is None:
            return self.quantity > order.quantity
        filled = order.filled_quantity
        return (self.quantity - filled) * self.price > (order.quantity - filled) * order.price


def order_replace(
    *,
    order_id: str,
    identity: Identity,
    quantity: Decimal | None,
    price: Decimal | None,
    risk: ExposureDesk,
) -> Order:
    """Asks matching to change the order; it shows the change once matching confirms it.

    `quantity` is the whole of it, fills included; None leaves as it is. May be repeated. NotFound, Conflict
    and ValidationFailed as for a new order; it stays as it was after ExposureRefused, and when risk gives no
    answer (DependencyUnavailable, DeadlineExceeded).
    """
    with transaction.atomic():
        order, change = _wanted(order_id, identity, quantity, price)
        if not change.grows(order):
            return _send(order, change)
    # Without the order's row: what risk does takes a while, and fills must not wait for it.
    risk.amend(order=order, quantity=change.quantity - order.filled_quantity, price=change.price)
    with transaction.atomic():
        return _send(*_wanted(order_id, identity, quantity, price))


def _wanted(
    order_id: str, identity: Identity, quantity: Decimal | None, price: Decimal | None
) -> tuple[Order, Change]:
    """The order, locked, and what it shall become."""
    order = order_live(order_id=order_id, identity=identity)
    if order.cancel_requested_at is not None:
        raise Conflict("the order is being cancelled", order_id=order_id)
    grid = instrument_terms(symbol=order.symbol).grid
    if price is not None and order.order_type not in LIMITED:
        raise ValidationFailed(f"a {order.order_type} order carries no price", field="price")
    limit = checked_price(
        order_type=order.order_type, price=order.price if price is None else price, grid=grid
    )
    total = order.quantity if quantity is None else checked_quantity(quantity=quantity, grid=grid).amount
    if total <= order.filled_quantity:
        raise Conflict("more of the order is filled already", order_id=order_id)
    return order, Change(quantity=total, price=limit.amount if limit else None)


def _send(order: Order, change: Change) -> Order:
    now = clock.now()
    open_quantity = change.quantity - order.filled_quantity
    announce(order.order_id, replacement(order, quantity=open_quantity, price=change.price, now=now))
    return order
