"""Use cases of one order: reserving its exposure and releasing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction

from services.risk.limits import limit_take
from services.risk.models import ExposureLimit, Reservation
from services.risk.orders import OrderToReserve, Reserved, answer_of, refusal_of, reservation_of
from services.risk.value_at_risk import var_fits
from shared import clock
from shared.django.rows import insert_row
from shared.money import plain
from shared.observability import get_logger

if TYPE_CHECKING:
    from services.risk.limits import Taken
    from services.risk.policy import Policy

log = get_logger(__name__)


def exposure_reserve(*, order: OrderToReserve, policy: Policy) -> Reserved:
    """Takes the order's exposure from the account's limit, in one transaction.

    The answer for an order never changes: asked again, it is the first one. LimitExceeded when a limit of the
    account leaves no room, ReferencePriceMissing for a market order in a symbol that has not traded,
    PriceHistoryMissing when the value at risk is bounded and cannot be told.
    """
    reservation = reservation_of(order, policy=policy)
    try:
        with transaction.atomic():
            # The row of the order comes first: it makes a repeated request wait here, before the limit.
            insert_row(reservation)
            taken = _take(reservation, policy)
    except IntegrityError:
        return answer_of(Reservation.objects.get(pk=order.order_id))
    if taken is None:
        log.warning("exposure.refused", reason=str(reservation.reason), **_told(reservation))
        raise refusal_of(reservation)
    log.info("exposure.reserved", used=plain(taken.used), limit=plain(taken.limit), **_told(reservation))
    return Reserved.of(reservation, taken)


def _take(reservation: Reservation, policy: Policy) -> Taken | None:
    account_id, amount = reservation.account_id, reservation.amount
    taken = limit_take(account_id=account_id, amount=amount, policy=policy)
    if taken is None:
        reservation.close(Reservation.State.REFUSED, Reservation.Reason.EXPOSURE)
    elif not var_fits(account_id=account_id, max_var=taken.max_var, policy=policy):
        ExposureLimit.objects.release(account_id=account_id, amount=amount)
        reservation.close(Reservation.State.REFUSED, Reservation.Reason.VALUE_AT_RISK)
        return None
    return taken


def exposure_release(*, order_id: str) -> None:
    """Gives back what the order still holds, once however often it is called.

    An order that is not known is noted as released, so that a reservation that comes later is refused.
    """
    nothing = dict.fromkeys(("amount", "open_quantity", "open_amount"), 0)
    nobody = dict.fromkeys(("account_id", "symbol", "side"), "")
    with transaction.atomic():
        reservation, created = Reservation.objects.select_for_update().get_or_create(
            order_id=order_id,
            defaults={
                **nothing,
                **nobody,
                "state": Reservation.State.RELEASED,
                "created_at": clock.now(),
            },
        )
        if not created and reservation.state == Reservation.State.ACTIVE:
            ExposureLimit.objects.release(account_id=reservation.account_id, amount=reservation.held)
            reservation.close(Reservation.State.RELEASED)


def _told(reservation: Reservation) -> dict[str, str]:
    return {
        "order_id": reservation.order_id,
        "account_id": reservation.account_id,
        "amount": plain(reservation.amount),
    }
