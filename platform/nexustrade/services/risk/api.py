"""The HTTP interface of risk: limits and positions for everybody, reservations for orders alone."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Router

from services.risk.access import check_own_tenant, visible_limit
from services.risk.batches import exposure_reserve_together
from services.risk.dependencies import dependencies
from services.risk.limits import limit_set
from services.risk.orders import OrderToReserve
from services.risk.queries import positions_list, reservations_list
from services.risk.replacements import reservation_raise
from services.risk.schemas import (
    BatchIn,
    LimitIn,
    LimitOut,
    PositionOut,
    Positions,
    ReplacementIn,
    ReservationIn,
    ReservationOut,
    Reservations,
    ReservedOut,
)
from services.risk.services import exposure_release, exposure_reserve
from shared.django import InternalAuth

router = Router(tags=["risk"])

_ORDERS = InternalAuth("orders")


@router.post("/internal/v1/reservations", response={201: ReservedOut}, auth=_ORDERS)
def reserve(request: HttpRequest, body: ReservationIn) -> tuple[int, ReservedOut]:  # noqa: ARG001 - ninja passes it
    """Reserves an order's exposure; the same order always gets the same answer."""
    reserved = exposure_reserve(order=OrderToReserve(**body.model_dump()), policy=dependencies().policy)
    return 201, ReservedOut.of(reserved)


@router.post("/internal/v1/reservations/batch", response={201: list[ReservedOut]}, auth=_ORDERS)
def reserve_together(request: HttpRequest, body: BatchIn) -> tuple[int, list[ReservedOut]]:  # noqa: ARG001 - ninja passes it
    """Reserves the exposure of all the orders or of none; the same orders always get the same answer."""
    orders = [OrderToReserve(**each.model_dump()) for each in body.reservations]
    reserved = exposure_reserve_together(orders=orders, policy=dependencies().policy)
    return 201, [ReservedOut.of(each) for each in reserved]


@router.patch("/internal/v1/reservations/{order_id}", response=ReservedOut, auth=_ORDERS)
def raise_reservation(request: HttpRequest, order_id: str, body: ReplacementIn) -> ReservedOut:  # noqa: ARG001 - ninja passes it
    """Holds enough for the order to be replaced by a larger one."""
    return ReservedOut.of(reservation_raise(order_id=order_id, **body.model_dump()))


@router.delete("/internal/v1/reservations/{order_id}", response={204: None}, auth=_ORDERS)
def release(request: HttpRequest, order_id: str) -> tuple[int, None]:  # noqa: ARG001 - ninja passes it
    """Gives back what an order still holds."""
    exposure_release(order_id=order_id)
    return 204, None


@router.get("/v1/risk/limits/{account_id}", response=LimitOut)
def get_limit(request: HttpRequest, account_id: str) -> LimitOut:
    """How much exposure an account may have and has."""
    return LimitOut.of(visible_limit(request, account_id))


@router.put("/v1/risk/limits/{account_id}", response=LimitOut)
def put_limit(request: HttpRequest, account_id: str, body: LimitIn) -> LimitOut:
    """Sets an account's limit (operator)."""
    check_own_tenant(request, account_id)
    limit = limit_set(
        account_id=account_id, max_exposure=body.limit, used=body.used, policy=dependencies().policy
    )
    return LimitOut.of(limit)


@router.get("/v1/risk/positions/{account_id}", response=Positions)
def positions(request: HttpRequest, account_id: str) -> Positions:
    """An account's positions and their profit."""
    visible_limit(request, account_id)
    valuations = positions_list(account_id=account_id)
    return Positions(account_id=account_id, positions=[PositionOut.of(each) for each in valuations])


@router.get("/v1/risk/reservations/{account_id}", response=Reservations)
def reservations(request: HttpRequest, account_id: str) -> Reservations:
    """An account's latest reservations."""
    visible_limit(request, account_id)
    rows = reservations_list(account_id=account_id)
    return Reservations(items=[ReservationOut.of(each) for each in rows])
