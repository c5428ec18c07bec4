"""Orders as risk sees them: what is asked for one, and what is answered."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from services.risk.exposure import reservation_amount
from services.risk.models import ExposureLimit, LastPrice, Reservation
from shared import clock
from shared.errors import LimitExceeded

if TYPE_CHECKING:
    from services.risk.limits import Taken
    from services.risk.policy import Policy

_TOLD = {
    Reservation.Reason.VALUE_AT_RISK: "the order would exceed the account's limit of the value at risk",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderToReserve:
    """An order that is to be valued and reserved; `price` is None for a market order."""

    order_id: str
    account_id: str
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved:
    """A reservation as it was granted, with the account's exposure afterwards."""

    order_id: str
    amount: Decimal
    used: Decimal
    limit: Decimal

    @classmethod
    def of(cls, reservation: Reservation, taken: Taken) -> Reserved:
        """The grant of a reservation that was just taken."""
        return cls(
            order_id=reservation.order_id, amount=reservation.amount, used=taken.used, limit=taken.limit
        )


def reservation_of(order: OrderToReserve, *, policy: Policy) -> Reservation:
    """The order's reservation, not written yet; ReferencePriceMissing when it cannot be valued."""
    amount = reservation_amount(
        quantity=order.quantity,
        price=order.price,
        last_price=_last_price(order.symbol) if order.price is None else None,
        collar=policy.collar,
    )
    return Reservation(
        order_id=order.order_id,
        account_id=order.account_id,
        symbol=order.symbol,
        side=order.side,
        amount=amount,
        open_quantity=order.quantity,
        open_amount=amount,
        created_at=clock.now(),
    )


def answer_of(reservation: Reservation) -> Reserved:
    """What was answered when the order was first asked for; LimitExceeded when it was refused."""
    if reservation.state in (Reservation.State.REFUSED, Reservation.State.RELEASED):
        raise refusal_of(reservation)
    limit = ExposureLimit.objects.get(pk=reservation.account_id)
    return Reserved(
        order_id=reservation.order_id,
        amount=reservation.amount,
        used=limit.used,
        limit=limit.max_exposure,
    )


def refusal_of(reservation: Reservation) -> LimitExceeded:
    """The error that says which order found no room, and under which limit."""
    reason = reservation.reason or Reservation.Reason.EXPOSURE
    return LimitExceeded(
        _TOLD.get(reason, "the order would exceed the account's exposure limit"),
        account_id=reservation.account_id,
        order_id=reservation.order_id,
        requested=f"{reservation.amount:f}",
        limited=str(reason),
    )


def _last_price(symbol: str) -> Decimal | None:
    return LastPrice.objects.filter(pk=symbol).values_list("price", flat=True).first()
