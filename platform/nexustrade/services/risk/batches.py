"""Use case of several orders that belong together: their exposure is reserved all at once or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction

from services.risk.limits import limit_take
from services.risk.models import Reservation
from services.risk.orders import OrderToReserve, Reserved, answer_of, refusal_of, reservation_of
from services.risk.value_at_risk import var_fits
from shared.django.rows import insert_row
from shared.errors import Conflict
from shared.observability import get_logger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.risk.limits import Taken
    from services.risk.policy import Policy

log = get_logger(__name__)


class _Refused(Exception):
    """Takes back what the orders before this one took."""

    def __init__(self, reservation: Reservation, reason: Reservation.Reason) -> None:
        super().__init__(reservation.order_id)
        self.reservation = reservation
        self.reason = reason


def exposure_reserve_together(*, orders: Sequence[OrderToReserve], policy: Policy) -> list[Reserved]:
    """Takes the exposure of all the orders in one transaction, or of none; answers in their order.

    The answer for the same orders never changes. LimitExceeded names the first order that found no room,
    Conflict is raised when only some of the orders were asked for before.
    """
    reservations = [reservation_of(order, policy=policy) for order in orders]
    try:
        with transaction.atomic():
            # In one sequence for everybody, as the limits below: batches that overlap wait, and not in a
            # circle.
            for reservation in sorted(reservations, key=lambda each: each.order_id):
                insert_row(reservation)
            taken, refused = _take_or_refuse(reservations, policy)
    except IntegrityError:
        return _first_answers([order.order_id for order in orders])
    if refused is not None:
        log.warning("exposure.batch_refused", order_id=refused.order_id, reason=str(refused.reason))
        raise refusal_of(refused)
    log.info("exposure.batch_reserved", orders=len(reservations))
    return [Reserved.of(each, taken[each.order_id]) for each in reservations]


def _take_or_refuse(
    reservations: Sequence[Reservation], policy: Policy
) -> tuple[dict[str, Taken], Reservation | None]:
    try:
        with transaction.atomic():
            return _take_all(reservations, policy), None
    except _Refused as refused:
        for each in reservations:
            mine = each is refused.reservation
            each.close(Reservation.State.REFUSED, refused.reason if mine else Reservation.Reason.OTHER_LEG)
        return {}, refused.reservation


def _take_all(reservations: Sequence[Reservation], policy: Policy) -> dict[str, Taken]:
    taken: dict[str, Taken] = {}
    last: dict[str, Reservation] = {}
    for each in sorted(reservations, key=lambda one: one.account_id):
        granted = limit_take(account_id=each.account_id, amount=each.amount, policy=policy)
        if granted is None:
            raise _Refused(each, Reservation.Reason.EXPOSURE)
        taken[each.order_id], last[each.account_id] = granted, each
    for account_id, each in last.items():
        if not var_fits(account_id=account_id, max_var=taken[each.order_id].max_var, policy=policy):
            raise _Refused(each, Reservation.Reason.VALUE_AT_RISK)
    return taken


def _first_answers(order_ids: Sequence[str]) -> list[Reserved]:
    found = Reservation.objects.in_bulk(order_ids)
    over = (Reservation.State.REFUSED, Reservation.State.RELEASED)
    refused = [found[each] for each in order_ids if each in found and found[each].state in over]
    # The one that found no room speaks for all, as it did the first time.
    for reservation in sorted(refused, key=lambda each: each.reason == Reservation.Reason.OTHER_LEG):
        raise refusal_of(reservation)
    if len(found) < len(order_ids):
        raise Conflict("some of these orders were asked for without the others")
    return [answer_of(found[each]) for each in order_ids]
