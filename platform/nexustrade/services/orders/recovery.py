"""Taking up again the orders whose credit check gave no answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from services.orders.accounts import CLOSED
from services.orders.decisions import orders_decide, orders_reject
from services.orders.lifecycle import OrderState
from services.orders.models import AccountRef, Order
from shared import clock
from shared.security import Identity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from services.orders.clients import ExposureDesk
    from services.orders.credit import CreditCheckPolicy

ACCOUNT_CLOSED = "account-closed"
CREDIT_CHECK_EXPIRED = "credit-check-expired"
BATCH = 100


def orders_recover(*, policy: CreditCheckPolicy, risk: ExposureDesk) -> int:
    """Decides the pending orders whose credit check is due; returns how many it took up.

    Orders of closed accounts, and those that the policy gives up, are rejected.
    """
    identity = Identity.of_service("orders")
    due = Order.objects.filter(status=OrderState.PENDING, check_due_at__lte=clock.now())
    orders = list(due.order_by("check_due_at")[:BATCH])
    closed = _closed_among({order.account_id for order in orders})
    for group in _groups(orders):
        reason = _hopeless(group[0], closed, policy)
        if reason:
            _abandon(group, reason=reason, identity=identity, risk=risk)
        else:
            orders_decide(orders=group, identity=identity, risk=risk, policy=policy)
    return len(orders)


def _abandon(orders: Sequence[Order], *, reason: str, identity: Identity, risk: ExposureDesk) -> None:
    # Risk hears of it before the rejection is committed: without its word the orders stay pending.
    with transaction.atomic():
        orders_reject(orders=orders, reason=reason)
        for order in orders:
            if order.status == OrderState.REJECTED:
                risk.release(order_id=order.order_id, identity=identity)


def _hopeless(order: Order, closed: set[str], policy: CreditCheckPolicy) -> str | None:
    if order.account_id in closed:
        return ACCOUNT_CLOSED
    age = clock.now() - order.created_at
    return CREDIT_CHECK_EXPIRED if policy.is_spent(checks=order.credit_checks, age=age) else None


def _groups(orders: Sequence[Order]) -> Iterator[list[Order]]:
    """The orders one by one, and the legs of a spread together, once."""
    seen: set[str] = set()
    for order in orders:
        if order.spread_id is None:
            yield [order]
        elif order.spread_id not in seen:
            seen.add(order.spread_id)
            legs = Order.objects.filter(spread_id=order.spread_id, status=OrderState.PENDING)
            yield list(legs.order_by("leg_number"))


def _closed_among(accounts: set[str]) -> set[str]:
    rows = AccountRef.objects.filter(pk__in=accounts, status=CLOSED)
    return set(rows.values_list("pk", flat=True))
