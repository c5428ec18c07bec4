"""Use cases of netting: a trading day's trades are taken into its net obligations, each exactly once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import connections, transaction

from services.settlement.locks import named_lock
from services.settlement.models import NetObligation, Trade
from services.settlement.netting import net
from services.settlement.patience import out_of_time
from shared.clock import now
from shared.observability import get_logger

if TYPE_CHECKING:
    from datetime import date

    from services.settlement.netting import Net, NetKey

log = get_logger("settlement")

DATABASE = "orders"
TABLE = NetObligation._meta.db_table
KEY = ("account_id", "trade_date", "symbol", "currency", "settlement_date")
FIGURES = ("bought", "sold", "paid", "received", "trades")


@dataclass(frozen=True, slots=True)
class NettingReport:
    """`trades` were netted now; `remaining` trades of the day were not reached in time."""

    trade_date: date
    trades: int
    remaining: int


def day_net(*, trade_date: date, batch_size: int) -> NettingReport:
    """Nets the trades of a day that are not netted yet, so many in one transaction.

    One process at a time nets a day. What it had committed when it stopped stands, and is not netted again.
    """
    netted = 0
    with named_lock(f"netting:{trade_date}"):
        while not out_of_time() and (count := _batch_net(trade_date, batch_size)):
            netted += count
    return NettingReport(trade_date, netted, _open_trades(trade_date).count())


def days_net(*, before: date, batch_size: int) -> int:
    """Nets what is open of all trading days `before` a date; answers how many trades."""
    days = Trade.objects.filter(netted_at=None, trade_date__lt=before).values_list("trade_date", flat=True)
    return sum(day_net(trade_date=day, batch_size=batch_size).trades for day in list(days.distinct()))


def nets_list(
    *, account_id: str | None, trade_date: date | None, after: int, limit: int, among: Any = None
) -> list[NetObligation]:
    """Up to `limit` obligations behind the one with the key `after`, of an account, of a day, or of all.

    `among` is a query of account ids: obligations of others are left out.
    """
    wanted = {"account_id": account_id, "trade_date": trade_date, "account_id__in": among}
    rows = NetObligation.objects.filter(
        pk__gt=after, **{name: value for name, value in wanted.items() if value is not None}
    )
    return list(rows.order_by("pk")[:limit])


def _open_trades(trade_date: date) -> Any:
    return Trade.objects.filter(netted_at=None, trade_date=trade_date)


def _batch_net(trade_date: date, size: int) -> int:
    # The mark on the trades and the sums commit together: a trade is in the sums once it is marked.
    with transaction.atomic(using=DATABASE):
        trades = list(_open_trades(trade_date).select_for_update().order_by("trade_id")[:size])
        if trades:
            _add(net(trades))
            Trade.objects.filter(pk__in=[trade.pk for trade in trades]).update(netted_at=now())
    return len(trades)


def _add(nets: dict[NetKey, Net]) -> None:
    """Adds to the obligations there are, in one statement and in the order of keys."""
    columns = [[getattr(key, name) for key in nets] for name in KEY]
    columns += [[getattr(each, name) for each in nets.values()] for name in FIGURES]
    sums = ", ".join(f"{name} = {TABLE}.{name} + EXCLUDED.{name}" for name in FIGURES)
    statement = (
        f"INSERT INTO {TABLE} ({', '.join(KEY + FIGURES)})"  # noqa: S608 - names of ours
        " SELECT * FROM unnest(%s::varchar[], %s::date[], %s::varchar[], %s::varchar[], %s::date[],"
        " %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[], %s::int[])"
        f" ON CONFLICT ({', '.join(KEY)}) DO UPDATE SET {sums}"
    )
    with connections[DATABASE].cursor() as cursor:
        cursor.execute(statement, columns)
