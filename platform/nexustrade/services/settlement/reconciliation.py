"""The proof, asset by asset and day by day, that nothing was made or lost."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import connections
from django.db.models import Count, Q, Sum

from services.settlement.balances import snapshot
from services.settlement.ledger import EXTERNAL
from services.settlement.models import CashBalance, CashEntry, NetObligation, ShareBalance, ShareEntry, Trade
from shared.money import EXACT

if TYPE_CHECKING:
    from datetime import date

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class AssetProof:
    """One currency or symbol: all that came in from outside is with customers or on house accounts."""

    asset: str
    issued: Decimal
    customers: Decimal
    house: Decimal

    @property
    def difference(self) -> Decimal:
        """What was made, or lost when negative."""
        return EXACT.subtract(EXACT.add(self.customers, self.house), self.issued)


@dataclass(frozen=True, slots=True)
class NetsProof:
    """Net obligations against the trades behind them.

    All obligations together are zero in shares and in cash, and `mismatched` of them differ from the sum of
    their trades; `to_net` trades are in no obligation yet.
    """

    obligations: int
    shares: Decimal
    cash: Decimal
    mismatched: int
    to_net: int


def assets_reconcile(*, after: str = "", limit: int = 50, asset: str | None = None) -> list[AssetProof]:
    """Proofs of up to `limit` assets behind `after` in the order of their names, or of one alone."""
    proofs = _book_reconcile("users", CashEntry, CashBalance, ("currency", "amount"), after, limit, asset)
    proofs += _book_reconcile("orders", ShareEntry, ShareBalance, ("symbol", "quantity"), after, limit, asset)
    return sorted(proofs, key=lambda proof: proof.asset)[:limit]


def _book_reconcile(
    database: str,
    entries: Any,
    balances: Any,
    fields: tuple[str, str],
    after: str,
    limit: int,
    asset: str | None,
) -> list[AssetProof]:
    name, amount = fields
    rows = entries.objects.filter(asset__gt=after) if asset is None else entries.objects.filter(asset=asset)
    external = Q(account__startswith=EXTERNAL)
    with snapshot(database):
        booked = rows.values("asset").annotate(
            issued=-Sum("amount", filter=external, default=ZERO),
            house=Sum("amount", filter=Q(account__contains=":") & ~external, default=ZERO),
        )
        totals = {each["asset"]: each for each in booked.order_by("asset")[:limit]}
        held = balances.objects.filter(**{f"{name}__in": totals}).values_list(name)
        customers = dict(held.annotate(total=Sum(amount)))
    return [AssetProof(customers=customers.get(key, ZERO), **each) for key, each in totals.items()]


def nets_reconcile(*, trade_date: date | None = None) -> NetsProof:
    """The obligations of one trading day, or of all."""
    day = {} if trade_date is None else {"trade_date": trade_date}
    with snapshot("orders"):
        totals = NetObligation.objects.filter(**day).aggregate(
            obligations=Count("pk"),
            shares=Sum("bought", default=ZERO) - Sum("sold", default=ZERO),
            cash=Sum("received", default=ZERO) - Sum("paid", default=ZERO),
        )
        return NetsProof(
            mismatched=_mismatched(trade_date),
            to_net=Trade.objects.filter(netted_at=None, **day).count(),
            **totals,
        )


_MISMATCHED = """
WITH side AS (
    SELECT buy_account_id AS account_id, trade_date, symbol, currency, settlement_date,
           quantity AS bought, 0 AS sold, cash AS paid, 0 AS received
    FROM settlement_trade WHERE netted_at IS NOT NULL AND trade_date = coalesce(%(day)s, trade_date)
    UNION ALL
    SELECT sell_account_id, trade_date, symbol, currency, settlement_date, 0, quantity, 0, cash
    FROM settlement_trade WHERE netted_at IS NOT NULL AND trade_date = coalesce(%(day)s, trade_date)
), traded AS (
    SELECT account_id, trade_date, symbol, currency, settlement_date, sum(bought) AS bought,
           sum(sold) AS sold, sum(paid) AS paid, sum(received) AS received, count(*) AS trades
    FROM side GROUP BY account_id, trade_date, symbol, currency, settlement_date
), netted AS (
    SELECT * FROM settlement_net_obligation WHERE trade_date = coalesce(%(day)s, trade_date)
)
SELECT count(*) FROM traded
FULL JOIN netted USING (account_id, trade_date, symbol, currency, settlement_date)
WHERE (traded.bought, traded.sold, traded.paid, traded.received, traded.trades)
    IS DISTINCT FROM (netted.bought, netted.sold, netted.paid, netted.received, netted.trades)
"""


def _mismatched(trade_date: date | None) -> int:
    with connections["orders"].cursor() as cursor:
        cursor.execute(_MISMATCHED, {"day": trade_date})
        return int(cursor.fetchone()[0])
