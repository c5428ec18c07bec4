"""Reading orders: one, or a page of the history."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from django.db.models import Q

from services.orders.models import AccountRef, Order, Spread
from services.orders.sorting import Cursor, Sorting
from shared.django.tenants import within_reach
from shared.errors import NotFound

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from shared.security import Identity

Row = TypeVar("Row", Order, Spread)


def orders_visible_to(identity: Identity) -> QuerySet[Order]:
    """The orders that the caller may know of: his own, or those of his tenant for an operator."""
    return visible_to(identity, Order.objects.all())


def visible_to(identity: Identity, rows: QuerySet[Row]) -> QuerySet[Row]:
    """Those of `rows` that the caller may know of, as told for `orders_visible_to`."""
    if not identity.is_operator:
        return rows.filter(owner_id=identity.subject)
    return rows.filter(account_id__in=AccountRef.objects.filter(within_reach(identity)).values("account_id"))


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
    search: str | None = None,
    sort: Sorting = Sorting.NEWEST,
    after: str | None = None,
) -> tuple[list[Order], str | None]:
    """Returns up to `limit` orders and the cursor of the next page (None on the last).

    `search` is a part of an order's symbol, or of the reason that ended it. ValidationFailed when `after` is
    no cursor of a list that is sorted so.
    """
    cursor = Cursor.decoded(after, sort) if after else None
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
    if search:
        orders = _found(orders, search)
    if cursor:
        orders = orders.filter(sort.follows(cursor))
    page = list(orders.order_by(*sort.columns)[: limit + 1])
    if len(page) <= limit:
        return page, None
    return page[:limit], Cursor.of(page[limit - 1], sort).encoded()


def _found(orders: QuerySet[Order], text: str) -> QuerySet[Order]:
    return orders.filter(Q(symbol__icontains=text) | Q(reason__icontains=text))


def _may_read(account_id: str, identity: Identity) -> bool:
    return AccountRef.objects.filter(within_reach(identity), pk=account_id).exists()
