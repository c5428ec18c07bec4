"""Use cases of single orders: submit and cancel."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction

from services.orders.accounts import account_resolve
from services.orders.announcements import announce
from services.orders.decisions import orders_decide
from services.orders.idempotency import request_digest, scoped_key
from services.orders.instruments import instrument_terms
from services.orders.lifecycle import OrderState, is_final
from services.orders.models import AccountRef, Order
from services.orders.pricing import checked_price, checked_quantity, checked_stop_price
from services.orders.queries import orders_visible_to
from shared import clock, ids
from shared.django.rows import insert_row
from shared.errors import Conflict, NotFound, ValidationFailed
from shared.events.types import CancelOrder

if TYPE_CHECKING:
    from datetime import datetime

    from services.orders.clients import AccountDirectory, ExposureDesk
    from services.orders.credit import CreditCheckPolicy
    from shared.security import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """What a client asks for."""

    account_id: str
    symbol: str
    side: str
    order_type: str
    time_in_force: str
    quantity: Decimal
    price: Decimal | None = None
    stop_price: Decimal | None = None


def order_submit(
    *,
    request: OrderRequest,
    idempotency_key: str,
    identity: Identity,
    risk: ExposureDesk,
    directory: AccountDirectory,
    policy: CreditCheckPolicy,
) -> Order:
    """Returns the order: accepted, rejected, or still pending when risk could not be asked.

    The same key with the same request returns the first answer. ValidationFailed for a bad request or a key
    that was used for another one, NotFound for an unknown account, Conflict while the first is in flight.
    """
    account = account_resolve(account_id=request.account_id, identity=identity, directory=directory)
    order = order_draft(
        request=request,
        account=account,
        idempotency_key=scoped_key(subject=identity.subject, key=idempotency_key),
        now=clock.now(),
        policy=policy,
    )
    try:
        insert_row(order)
    except IntegrityError:
        return _first_answer(order)
    orders_decide(orders=[order], identity=identity, risk=risk, policy=policy)
    return order


def order_draft(
    *,
    request: OrderRequest,
    account: AccountRef,
    idempotency_key: str,
    now: datetime,
    policy: CreditCheckPolicy,
) -> Order:
    """Returns a pending order that is not written down yet; ValidationFailed for a bad request."""
    grid, kind = instrument_terms(symbol=request.symbol).grid, request.order_type
    price = checked_price(order_type=kind, price=request.price, grid=grid)
    stop_price = checked_stop_price(order_type=kind, stop_price=request.stop_price, grid=grid)
    return Order(
        order_id=ids.new_id(),
        account_id=account.account_id,
        owner_id=account.owner_id,
        idempotency_key=idempotency_key,
        request_digest=request_digest(asdict(request)),
        symbol=request.symbol,
        side=request.side,
        order_type=kind,
        time_in_force=request.time_in_force,
        price=price.amount if price else None,
        stop_price=stop_price.amount if stop_price else None,
        quantity=checked_quantity(quantity=request.quantity, grid=grid).amount,
        check_due_at=policy.due_at(now),
        created_at=now,
        updated_at=now,
    )


def order_cancel(*, order_id: str, identity: Identity) -> Order:
    """Asks matching to take the order off the book, once however often it is called.

    NotFound for an unknown order or another's; Conflict when the order is final or not yet decided.
    """
    with transaction.atomic():
        order = order_live(order_id=order_id, identity=identity)
        if order.cancel_requested_at is None:
            order.cancel_requested_at = order.updated_at = clock.now()
            order.save(update_fields=["cancel_requested_at", "updated_at"])
            announce(
                order.order_id,
                CancelOrder(
                    order_id=order.order_id,
                    account_id=order.account_id,
                    symbol=order.symbol,
                    requested_at=order.cancel_requested_at,
                ),
            )
    return order


def order_live(*, order_id: str, identity: Identity) -> Order:
    """Returns the caller's order, locked for the transaction in hand; errors as of `order_cancel`."""
    order = orders_visible_to(identity).select_for_update().filter(pk=order_id).first()
    if order is None:
        raise NotFound("no such order", order_id=order_id)
    if is_final(order.status) or order.status == OrderState.PENDING:
        raise Conflict(f"the order is {order.status}", order_id=order_id, status=order.status)
    return order


def as_first_answered(order: Order, asked: Order) -> Order:
    """The order as its first answer showed it: as it was `asked` for, accepted and not filled yet."""
    if order.accepted_at is not None:
        order.status, order.updated_at = OrderState.ACCEPTED, order.accepted_at
        order.quantity, order.price = asked.quantity, asked.price
        order.filled_quantity = order.filled_value = order.fees = Decimal(0)
        order.reason = order.triggered_at = None
    return order


def _first_answer(repeated: Order) -> Order:
    first = Order.objects.get(idempotency_key=repeated.idempotency_key)
    if first.request_digest != repeated.request_digest:
        raise ValidationFailed("the key was used for another request", field="Idempotency-Key")
    if first.status == OrderState.PENDING:
        raise Conflict("the first request with this key is still in flight", order_id=first.order_id)
    return as_first_answered(first, repeated)
