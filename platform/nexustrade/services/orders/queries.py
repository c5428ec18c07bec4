"""Reading orders: one, or a page of the history, newest first."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db.models import Q

from services.orders.models import AccountRef, Order
from shared.errors import NotFound, ValidationFailed

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from shared.security import Identity


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last order of a page; the next page starts right after it."""

    created_at: datetime
    order_id: str

    def encoded(self) -> str:
        """As text for a query string."""
        return base64.urlsafe_b64encode(f"{self.created_at.isoformat()} {self.order_id}".encode()).decode()

    @classmethod
    def decoded(cls, text: str) -> Cursor:
        """The opposite of `encoded`; ValidationFailed for anything else."""
        try:
            created_at, order_id = base64.urlsafe_b64decode(text.encode()).decode().split(" ")
            moment = datetime.fromisoformat(created_at)
        except (ValueError, binascii.Error) as error:
            raise ValidationFailed("not a cursor of this list", field="after") from error
        if moment.tzinfo is None:
            raise ValidationFailed("not a cursor of this list", field="after")
        return cls(moment, order_id)


def orders_visible_to(identity: Identity) -> QuerySet[Order]:
    """The orders that the caller may know of: his own, or all for an operator."""
    return Order.objects.all() if identity.is_operator else Order.objects.filter(owner_id=identity.subject)


def order_get(*, order_id: str, identity: Identity) -> Order:
    """Returns the order; NotFound when there is none or it is another's."""
    order = orders_visible_to(identity).filter(pk=order_id).first()
    if order is None:
        raise NotFound("no such order", order_id=order_id)
    return order


def orders_page(
    *,
    identity: Identity,
    limit: int,
    account_id: str | None = None,
    symbol: str | None = None,
    status: str | None = None,
    after: str | None = None,
) -> tuple[list[Order], str | None]:
    """Returns up to `limit` orders, newest first, and the cursor of the next page (None on the last).

    ValidationFailed when `after` is no such cursor.
    """
    cursor = Cursor.decoded(after) if after else None
    if account_id:
        # By account alone: with the owner beside it, PostgreSQL would take the two for independent, expect
        # few rows and sort them all instead of walking the index.
        if not _may_read(account_id, identity):
            return [], None
        orders = Order.objects.filter(account_id=account_id)
    else:
        orders = orders_visible_to(identity)
    wanted = {"symbol": symbol, "status": status}
    orders = orders.filter(**{name: value for name, value in wanted.items() if value})
    if cursor:
        # The first condition is implied by the second; it is what lets the index start at the cursor.
        orders = orders.filter(
            Q(created_at__lt=cursor.created_at) | Q(order_id__lt=cursor.order_id),
            created_at__lte=cursor.created_at,
        )
    page = list(orders.order_by("-created_at", "-order_id")[: limit + 1])
    if len(page) <= limit:
        return page, None
    last = page[limit - 1]
    return page[:limit], Cursor(last.created_at, last.order_id).encoded()


def _may_read(account_id: str, identity: Identity) -> bool:
    if identity.is_operator:
        return True
    return AccountRef.objects.filter(pk=account_id, owner_id=identity.subject).exists()
