"""The HTTP interface of orders and spreads."""

from __future__ import annotations

from typing import Annotated

from django.http import HttpRequest
from ninja import Header, Query, Router

from services.orders.clients import ExposureRefused
from services.orders.dependencies import dependencies
from services.orders.lifecycle import OrderState
from services.orders.models import Order
from services.orders.queries import order_get, orders_page
from services.orders.replacements import order_replace
from services.orders.schemas import (
    OrderIn,
    OrderOut,
    OrderPage,
    ReplacementIn,
    SpreadIn,
    SpreadOut,
    Symbol,
)
from services.orders.services import OrderRequest, order_cancel, order_submit
from services.orders.sessions import MARKET_CLOSED, MarketClosed, next_opening
from services.orders.sorting import Sorting
from services.orders.spreads import SpreadRequest, spread_get, spread_submit
from shared.errors import Conflict, LimitExceeded, NexusError, ValidationFailed

router = Router(tags=["orders"])

IdempotencyKey = Annotated[
    str, Header(alias="Idempotency-Key", pattern=r"^[\x20-\x7e]{1,128}$", description="One per order")
]
# A part of a symbol or of a reason. Without control characters: PostgreSQL refuses some of them.
SearchText = Annotated[str, Query(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]

# Why an order was rejected, as the error that its client gets.
REJECTIONS: dict[str, type[NexusError]] = {
    LimitExceeded.problem_type: LimitExceeded,
    ValidationFailed.problem_type: ValidationFailed,
    "no-reference-price": ValidationFailed,
    MARKET_CLOSED: MarketClosed,
}


@router.post("/v1/orders", response={201: OrderOut, 202: OrderOut})
def submit(request: HttpRequest, body: OrderIn, idempotency_key: IdempotencyKey) -> tuple[int, OrderOut]:
    """Submits an order: 201 accepted, 202 written down but not decided yet, 409 or 422 rejected."""
    request.identity.require_permission("orders:write")
    order = order_submit(
        request=OrderRequest(**body.model_dump()),
        idempotency_key=idempotency_key,
        identity=request.identity,
        risk=dependencies().risk,
        directory=dependencies().accounts,
        policy=dependencies().credit_check,
    )
    if order.status == OrderState.REJECTED:
        raise _rejection(order)
    return 202 if order.status == OrderState.PENDING else 201, OrderOut.of(order)


@router.get("/v1/orders/{order_id}", response=OrderOut)
def get(request: HttpRequest, order_id: str) -> OrderOut:
    """One order of the caller's."""
    request.identity.require_permission("orders:read")
    return OrderOut.of(order_get(order_id=order_id, identity=request.identity))


@router.get("/v1/orders", response=OrderPage)
def history(
    request: HttpRequest,
    account_id: str | None = None,
    symbol: Symbol | None = None,
    status: OrderState | None = None,
    search: SearchText | None = None,
    sort: Sorting = Sorting.NEWEST,
    limit: Annotated[int | None, Query(ge=1)] = None,
    after: str | None = None,
) -> OrderPage:
    """The caller's orders, newest first unless `sort` says otherwise."""
    request.identity.require_permission("orders:read")
    config = dependencies()
    orders, following = orders_page(
        identity=request.identity,
        account_id=account_id,
        symbol=symbol,
        status=status,
        search=search,
        sort=sort,
        limit=min(limit or config.page_size, config.page_size_max),
        after=after,
    )
    return OrderPage(items=[OrderOut.of(order) for order in orders], next=following)


@router.delete("/v1/orders/{order_id}", response={202: OrderOut})
def cancel(request: HttpRequest, order_id: str) -> tuple[int, OrderOut]:
    """Requests that what is left of the order is taken off the book."""
    request.identity.require_permission("orders:write")
    return 202, OrderOut.of(order_cancel(order_id=order_id, identity=request.identity))


@router.patch("/v1/orders/{order_id}", response={202: OrderOut})
def replace(request: HttpRequest, order_id: str, body: ReplacementIn) -> tuple[int, OrderOut]:
    """Requests that what is left of the order gets another quantity, another price, or both."""
    request.identity.require_permission("orders:write")
    try:
        order = order_replace(
            order_id=order_id,
            identity=request.identity,
            quantity=body.quantity,
            price=body.price,
            risk=dependencies().risk,
        )
    except ExposureRefused as refusal:
        raise _refusal(refusal.reason, order_id=order_id) from refusal
    return 202, OrderOut.of(order)


@router.post("/v1/spreads", response={201: SpreadOut, 202: SpreadOut})
def submit_spread(
    request: HttpRequest, body: SpreadIn, idempotency_key: IdempotencyKey
) -> tuple[int, SpreadOut]:
    """Submits several orders as one: 201 all accepted, 202 none decided yet, 409 or 422 all rejected."""
    request.identity.require_permission("orders:write")
    legs = tuple(OrderRequest(account_id=body.account_id, **leg.model_dump()) for leg in body.legs)
    placed = spread_submit(
        request=SpreadRequest(account_id=body.account_id, legs=legs),
        idempotency_key=idempotency_key,
        identity=request.identity,
        risk=dependencies().risk,
        directory=dependencies().accounts,
        policy=dependencies().credit_check,
    )
    if placed.status == OrderState.REJECTED:
        rejected = next(leg for leg in placed.legs if leg.status == OrderState.REJECTED)
        raise _rejection(rejected, spread_id=placed.spread.spread_id)
    return 202 if placed.status == OrderState.PENDING else 201, SpreadOut.of(placed)


@router.get("/v1/spreads/{spread_id}", response=SpreadOut)
def get_spread(request: HttpRequest, spread_id: str) -> SpreadOut:
    """One spread of the caller's, with its legs."""
    request.identity.require_permission("orders:read")
    return SpreadOut.of(spread_get(spread_id=spread_id, identity=request.identity))


def _rejection(order: Order, **fields: str) -> NexusError:
    if order.reason == MARKET_CLOSED:
        fields["opens_at"] = next_opening(order)
    return _refusal(order.reason or "", order_id=order.order_id, **fields)


def _refusal(reason: str, **fields: str) -> NexusError:
    kind = REJECTIONS.get(reason, Conflict)
    return kind(f"the order was rejected: {reason}", reason=reason, **fields)
