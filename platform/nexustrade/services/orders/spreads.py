"""Use cases of spreads: several orders that are approved as one, all legs or none.

Only the approval is one step: each leg is matched in its own book.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction

from services.orders.accounts import account_resolve
from services.orders.decisions import orders_decide
from services.orders.idempotency import request_digest, scoped_key
from services.orders.lifecycle import OrderState
from services.orders.models import Order, Spread
from services.orders.queries import visible_to
from services.orders.services import OrderRequest, as_first_answered, order_draft
from shared import clock, ids
from shared.django.rows import insert_row
from shared.errors import Conflict, NotFound, ValidationFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.orders.clients import AccountDirectory, ExposureDesk
    from services.orders.credit import CreditCheckPolicy
    from shared.security import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class SpreadRequest:
    """What a client asks for: two legs or more on one account."""

    account_id: str
    legs: tuple[OrderRequest, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedSpread:
    """A spread and its legs, in the order in which they were sent."""

    spread: Spread
    legs: Sequence[Order]

    @property
    def status(self) -> OrderState:
        """How its approval stands: pending, accepted or rejected."""
        states = {leg.status for leg in self.legs}
        waiting = (state for state in (OrderState.PENDING, OrderState.REJECTED) if state in states)
        return next(waiting, OrderState.ACCEPTED)


def spread_submit(
    *,
    request: SpreadRequest,
    idempotency_key: str,
    identity: Identity,
    risk: ExposureDesk,
    directory: AccountDirectory,
    policy: CreditCheckPolicy,
) -> PlacedSpread:
    """Returns the spread, its legs all accepted, all rejected, or all pending when risk could not be asked.

    Repetition and errors are as those of `order_submit`; a bad leg leaves nothing behind.
    """
    account = account_resolve(account_id=request.account_id, identity=identity, directory=directory)
    now, key = clock.now(), scoped_key(subject=identity.subject, key=idempotency_key)
    spread = Spread(
        spread_id=ids.new_id(),
        account_id=account.account_id,
        owner_id=account.owner_id,
        idempotency_key=key,
        request_digest=request_digest(asdict(request)),
        created_at=now,
    )
    legs = []
    for number, wanted in enumerate(request.legs):
        leg_key = scoped_key(subject=key, key=str(number))
        leg = order_draft(request=wanted, account=account, idempotency_key=leg_key, now=now, policy=policy)
        leg.spread_id, leg.leg_number = spread.spread_id, number
        legs.append(leg)
    try:
        with transaction.atomic():
            for row in (spread, *legs):
                insert_row(row)
    except IntegrityError:
        return _first_answer(spread, legs)
    orders_decide(orders=legs, identity=identity, risk=risk, policy=policy)
    return PlacedSpread(spread=spread, legs=legs)


def spread_get(*, spread_id: str, identity: Identity) -> PlacedSpread:
    """Returns the spread as it is now; NotFound when there is none or it is another's."""
    spread = visible_to(identity, Spread.objects.filter(pk=spread_id)).first()
    if spread is None:
        raise NotFound("no such spread", spread_id=spread_id)
    return PlacedSpread(spread=spread, legs=_legs(spread))


def _legs(spread: Spread) -> list[Order]:
    return list(Order.objects.filter(spread_id=spread.spread_id).order_by("leg_number"))


def _first_answer(repeated: Spread, asked: Sequence[Order]) -> PlacedSpread:
    first = Spread.objects.get(idempotency_key=repeated.idempotency_key)
    if first.request_digest != repeated.request_digest:
        raise ValidationFailed("the key was used for another request", field="Idempotency-Key")
    legs = [as_first_answered(*pair) for pair in zip(_legs(first), asked, strict=True)]
    placed = PlacedSpread(spread=first, legs=legs)
    if placed.status == OrderState.PENDING:
        raise Conflict("the first request with this key is still in flight", spread_id=first.spread_id)
    return placed
