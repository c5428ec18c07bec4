"""Use cases of settlement: take trades in, settle what is due, retry what failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import connections, transaction
from django.db.models import Count, Q, Sum

from services.settlement.balances import snapshot
from services.settlement.models import SettlementBatch, Trade, TradeFence, TradeStatus
from services.settlement.patience import out_of_time
from services.settlement.settling import trade_settle
from shared.errors import Conflict, NotFound
from shared.ids import new_id
from shared.observability import get_logger

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

    from services.settlement.calendar import ExchangeCalendar
    from services.settlement.fees import FeeSchedule
    from shared.events.envelope import EventEnvelope

log = get_logger("settlement")

DATABASE = "orders"


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run did; `remaining` trades were due but not reached before the caller's deadline."""

    batch_id: str
    as_of: date
    trades: int
    cash: Decimal
    settled: int
    failed: int
    remaining: int


def trade_record(envelope: EventEnvelope, *, calendar: ExchangeCalendar) -> bool:
    """Takes an executed trade in; False when a deposed leader made it. Runs in the caller's transaction."""
    event = envelope.payload
    if not _fence_pass(event.symbol, envelope.epoch):
        log.warning("trade_of_old_epoch_refused", trade_id=event.trade_id, epoch=envelope.epoch)
        return False
    cash = event.price * event.quantity
    trade = Trade(
        trade_id=event.trade_id,
        symbol=event.symbol,
        price=event.price.amount,
        quantity=event.quantity.amount,
        currency=cash.currency,
        cash=cash.amount,
        buy_account_id=event.buy_account_id,
        sell_account_id=event.sell_account_id,
        buy_order_id=event.buy_order_id,
        sell_order_id=event.sell_order_id,
        epoch=envelope.epoch,
        sequence=envelope.sequence,
        executed_at=event.executed_at,
        trade_date=calendar.trading_day(event.executed_at),
        settlement_date=calendar.settlement_date(event.executed_at),
    )
    Trade.objects.bulk_create([trade], ignore_conflicts=True)
    return True


def settlement_run(*, as_of: date, fees: FeeSchedule, account_id: str | None = None) -> RunReport:
    """Settles every trade due on or before `as_of`, of one account or of all."""
    batch, trade_ids = batch_open(as_of=as_of, account_id=account_id)
    settled = failed = reached = 0
    for trade_id in trade_ids:
        if out_of_time():
            break
        status = trade_settle(trade_id=trade_id, fees=fees)
        reached += 1
        settled += status == TradeStatus.SETTLED
        failed += status == TradeStatus.FAILED
    return RunReport(
        batch_id=batch.batch_id,
        as_of=as_of,
        trades=batch.trades,
        cash=batch.cash,
        settled=settled,
        failed=failed,
        remaining=len(trade_ids) - reached,
    )


def batch_open(*, as_of: date, account_id: str | None = None) -> tuple[SettlementBatch, list[str]]:
    """Records what is due, and lists it: number, value and list are of one and the same moment."""
    due = Trade.objects.filter(
        status__in=[TradeStatus.PENDING, TradeStatus.SETTLING], settlement_date__lte=as_of
    )
    if account_id is not None:
        due = due.filter(Q(buy_account_id=account_id) | Q(sell_account_id=account_id))
    with snapshot(DATABASE):
        total = due.aggregate(trades=Count("pk"), cash=Sum("cash", default=0))
        batch = SettlementBatch.objects.create(batch_id=new_id(), as_of=as_of, **total)
        return batch, list(due.order_by("settlement_date", "trade_id").values_list("trade_id", flat=True))


def settlement_retry(*, trade_id: str) -> Trade:
    """Puts a failed trade back in line for the next run; Conflict when it has not failed."""
    with transaction.atomic(using=DATABASE):
        trade = Trade.objects.select_for_update().filter(pk=trade_id).first()
        if trade is None:
            raise NotFound(f"no trade {trade_id}", trade_id=trade_id)
        if trade.status != TradeStatus.FAILED:
            raise Conflict(f"trade {trade_id} is {trade.status}, not failed", trade_id=trade_id)
        trade.status, trade.reason = TradeStatus.PENDING, ""
        trade.attempt += 1
        trade.save(update_fields=["status", "reason", "attempt"])
    return trade


def _fence_pass(symbol: str, epoch: int) -> bool:
    # One statement, so that two consumers cannot both read an old epoch and then write.
    table = TradeFence._meta.db_table
    with connections[DATABASE].cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (symbol, epoch) VALUES (%s, %s) ON CONFLICT (symbol) DO UPDATE"  # noqa: S608 - a table of ours
            f" SET epoch = EXCLUDED.epoch WHERE {table}.epoch <= EXCLUDED.epoch RETURNING epoch",
            [symbol, epoch],
        )
        return cursor.fetchone() is not None
