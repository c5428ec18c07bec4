"""Use cases of margin: depositing it, telling it, and calling for more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connections, transaction
from django.db.models import Q, Sum

from services.risk.margin import Holding, Margin, MarginRates, MarginStatus, exposures_of
from services.risk.models import MarginAccount, MarginCall
from services.risk.queries import positions_list
from shared import clock
from shared.django.router import home_of
from shared.observability import get_logger

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from services.risk.policy import Policy

log = get_logger(__name__)

CALLS_SHOWN = 200

# Every account of each pool, in one sequence for everybody, so that whoever reviews pools waits in no circle.
_HOLDERS = """
SELECT pool FROM risk_marginaccount WHERE pool IN
  (SELECT m.pool FROM risk_marginaccount m JOIN risk_position p USING (account_id) WHERE p.symbol = %s)
 ORDER BY account_id FOR UPDATE
"""


def margin_get(*, account_id: str, policy: Policy) -> Margin:
    """The margin of the account, or of its owner's cross-margined accounts when it is one of them.

    An account for which no operator has set anything is isolated and has the default collateral.
    """
    account = MarginAccount.objects.filter(pk=account_id).first()
    if account is None:
        return _margin([account_id], policy.default_collateral, policy.margin_rates)
    return _margin_of_pool(account.pool, policy.margin_rates)


def margin_set(*, account_id: str, collateral: Decimal, owner_id: str | None, policy: Policy) -> Margin:
    """Sets what the account has deposited; with `owner_id`, it is margined with his other such accounts."""
    pool = f"owner:{owner_id}" if owner_id else account_id
    with transaction.atomic():
        # In the sequence in which trades lock them, the account's own row among the others.
        members = MarginAccount.objects.filter(Q(pool=pool) | Q(pk=account_id)).order_by("account_id")
        pools = {row.pool for row in members.select_for_update()} | {pool}
        MarginAccount.objects.update_or_create(
            account_id=account_id,
            defaults={"pool": pool, "collateral": collateral, "updated_at": clock.now()},
        )
        # A pool that the account has left is reviewed, too: with nobody in it, its call is over.
        reviewed = {each: _review(each, policy.margin_rates) for each in sorted(pools)}
    return reviewed[pool]


def margins_review(*, symbol: str, rates: MarginRates) -> None:
    """Opens and closes calls for everybody on margin who has traded the symbol.

    To be called last in a transaction that changed the symbol's positions or price. Reviews of one pool
    follow each other, and each sees all that those before it have seen.
    """
    with connections[home_of(MarginAccount)].cursor() as cursor:
        cursor.execute(_HOLDERS, (symbol,))
        pools = {pool for (pool,) in cursor.fetchall()}
    for pool in sorted(pools):
        _review(pool, rates)


def calls_list(*, account_id: str) -> list[MarginCall]:
    """The latest margin calls of the account's pool, newest first."""
    pool = MarginAccount.objects.filter(pk=account_id).values_list("pool", flat=True).first()
    return list(MarginCall.objects.filter(pool=pool or account_id).order_by("-id")[:CALLS_SHOWN])


def _review(pool: str, rates: MarginRates) -> Margin:
    margin = _margin_of_pool(pool, rates)
    call = MarginCall.objects.filter(pool=pool, closed_at__isnull=True).first()
    if margin.status == MarginStatus.OK:
        if call is not None:
            MarginCall.objects.filter(pk=call.pk).update(closed_at=clock.now())
            log.info("margin.call_closed", pool=pool)
    elif call is None:
        MarginCall.objects.create(pool=pool, opened_at=clock.now(), **_figures(margin))
        log.warning("margin.call_opened", pool=pool, status=str(margin.status))
    elif call.status != margin.status:
        MarginCall.objects.filter(pk=call.pk).update(**_figures(margin))
    return margin


def _figures(margin: Margin) -> dict[str, object]:
    return {"status": str(margin.status), "equity": margin.equity, "required": margin.maintenance}


def _margin_of_pool(pool: str, rates: MarginRates) -> Margin:
    accounts = MarginAccount.objects.filter(pool=pool)
    deposited = accounts.aggregate(total=Sum("collateral", default=0))["total"]
    return _margin(accounts.values("account_id"), deposited, rates)


def _margin(account_ids: Iterable[str], collateral: Decimal, rates: MarginRates) -> Margin:
    valuations = positions_list(account_id__in=account_ids)
    holdings = [
        Holding(symbol=each.symbol, quantity=each.holding.quantity, price=each.last_price)
        for each in valuations
        if each.last_price is not None
    ]
    profit = sum(each.holding.realized_pnl + each.unrealized_pnl for each in valuations)
    return Margin(equity=collateral + profit, exposures=exposures_of(holdings), rates=rates)
