"""Deciding orders: those that are given together are accepted, rejected or left pending together.

Orders are written down before risk is asked and decided afterwards, in two transactions with the call between
them: a crash at any point leaves pending orders that `recovery` takes up again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from services.orders.announcements import acceptance, announce_all, rejection
from services.orders.clients import ExposureRefused
from services.orders.instruments import instrument_terms
from services.orders.lifecycle import OrderState, Trigger, next_state
from services.orders.models import Order
from services.orders.sessions import MARKET_CLOSED, within_session
from shared import clock
from shared.django.rows import change_rows
from shared.errors import DeadlineExceeded, DependencyUnavailable
from shared.observability import get_logger

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from services.orders.clients import ExposureDesk
    from services.orders.credit import CreditCheckPolicy
    from shared.events.types import Event
    from shared.security import Identity

log = get_logger(__name__)


def orders_decide(
    *, orders: Sequence[Order], identity: Identity, risk: ExposureDesk, policy: CreditCheckPolicy
) -> None:
    """Accepts or rejects pending orders as one; they show the outcome.

    Rejected when one of them came outside its session, or when risk refuses one; left pending when nobody
    knows what risk decided.
    """
    if not all(within_session(order) for order in orders):
        orders_reject(orders=orders, reason=MARKET_CLOSED)
        return
    try:
        risk.reserve(orders=orders, identity=identity)
    except ExposureRefused as refusal:
        orders_reject(orders=orders, reason=refusal.reason)
    except (DependencyUnavailable, DeadlineExceeded) as error:
        orders_defer(orders=orders, policy=policy, error=error)
    else:
        orders_accept(orders=orders)


def orders_accept(*, orders: Sequence[Order]) -> None:
    """Accepts pending orders and sends them to matching; orders that were decided meanwhile stay decided."""
    now = clock.now()
    with transaction.atomic():
        moved = _move(orders, Trigger.ACCEPT, accepted_at=now, updated_at=now)
        if moved:
            announce_all(told for order in orders for told in _acceptance(order, now))
    _moved("order.accepted", orders, moved=moved)


def orders_reject(*, orders: Sequence[Order], reason: str) -> None:
    """Rejects pending orders for good; orders that were decided meanwhile stay decided."""
    now = clock.now()
    with transaction.atomic():
        moved = _move(orders, Trigger.REJECT, reason=reason, updated_at=now)
        if moved:
            announce_all((order.order_id, rejection(order, now=now)) for order in orders)
    _moved("order.rejected", orders, moved=moved)


def orders_defer(*, orders: Sequence[Order], policy: CreditCheckPolicy, error: Exception) -> None:
    """Leaves orders pending until their credit check is due again."""
    for order in orders:
        order.credit_checks += 1
        order.check_due_at = policy.due_at(clock.now())
        changes = {"credit_checks": order.credit_checks, "check_due_at": order.check_due_at}
        change_rows(Order, {"order_id": order.order_id, "status": OrderState.PENDING}, changes)
        log.warning("order.undecided", order_id=order.order_id, checks=order.credit_checks, error=str(error))


def _move(orders: Sequence[Order], trigger: Trigger, **changes: object) -> bool:
    """Takes all orders one step if they stand where they were read; otherwise none."""
    # In one order by everybody, so that two who decide the same orders never wait for each other.
    for order in sorted(orders, key=lambda each: each.order_id):
        changes["status"] = next_state(order.status, trigger)
        if not change_rows(Order, {"order_id": order.order_id, "status": order.status}, changes):
            transaction.set_rollback(True)
            return False
        for name, value in changes.items():
            setattr(order, name, value)
    return True


def _moved(event: str, orders: Sequence[Order], *, moved: bool) -> None:
    for order in orders:
        if moved:
            log.info(
                event,
                order_id=order.order_id,
                account_id=order.account_id,
                symbol=order.symbol,
                reason=order.reason,
            )
        else:
            order.refresh_from_db()


def _acceptance(order: Order, now: datetime) -> list[tuple[str, Event]]:
    calendar = instrument_terms(symbol=order.symbol).calendar.name
    return [(order.order_id, event) for event in acceptance(order, calendar=calendar, now=now)]
