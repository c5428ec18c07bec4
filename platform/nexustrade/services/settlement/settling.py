"""One trade at a time: its saga, from wherever the log stands to an end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.settlement import outcomes
from services.settlement.books import CASH, SHARES
from services.settlement.ledger import PostingRefused
from services.settlement.locks import named_lock
from services.settlement.models import SagaStep, Trade, TradeStatus
from services.settlement.saga import Mark, Saga, SagaRecord, TradeLegs, trade_steps
from shared.observability import get_logger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.settlement.fees import FeeSchedule

log = get_logger("settlement")

FINAL = {TradeStatus.SETTLED, TradeStatus.FAILED}


class DatabaseSagaLog:
    """The saga log in orders_db."""

    def read(self, saga_id: str) -> Sequence[SagaRecord]:
        rows = SagaStep.objects.filter(saga_id=saga_id).order_by("id")
        return [SagaRecord(row.step, Mark(row.mark), row.reason) for row in rows]

    def append(self, saga_id: str, record: SagaRecord) -> None:
        SagaStep.objects.create(saga_id=saga_id, step=record.step, mark=record.mark, reason=record.reason)


def trade_settle(*, trade_id: str, fees: FeeSchedule) -> TradeStatus:
    """Runs the trade's saga; answers the status that the trade then has.

    One process at a time has a trade in hand. A trade that is final already stays as it is; one whose
    compensation cannot be taken now stays `settling`, for the next recovery pass.
    """
    with named_lock(trade_id):
        return _settle_locked(trade_id, fees)


def settlements_recover(*, fees: FeeSchedule) -> int:
    """Drives on the sagas that no living process has in hand; answers how many came to an end."""
    finished = 0
    for trade_id in Trade.objects.filter(status=TradeStatus.SETTLING).values_list("trade_id", flat=True):
        with named_lock(trade_id, wait=False) as held:
            if held and _settle_locked(trade_id, fees) in FINAL:
                log.info("saga_recovered", trade_id=trade_id)
                finished += 1
    return finished


def _settle_locked(trade_id: str, fees: FeeSchedule) -> TradeStatus:
    trade = Trade.objects.get(pk=trade_id)
    if trade.status in FINAL:
        return TradeStatus(trade.status)
    if trade.status == TradeStatus.PENDING:
        Trade.objects.filter(pk=trade_id).update(status=TradeStatus.SETTLING)
    steps = trade_steps(_legs(trade), cash=CASH, shares=SHARES)
    try:
        outcome = Saga(trade.saga_id, steps, DatabaseSagaLog()).run()
    except PostingRefused as refusal:
        log.warning("compensation_waits", trade_id=trade_id, reason=str(refusal))
        return TradeStatus.SETTLING
    if outcome.completed:
        return outcomes.record_settled(trade, fees)
    log.warning("settlement_failed", trade_id=trade_id, reason=outcome.reason)
    return outcomes.record_failed(trade, outcome.reason)


def _legs(trade: Trade) -> TradeLegs:
    return TradeLegs(
        trade_id=trade.trade_id,
        symbol=trade.symbol,
        quantity=trade.quantity,
        currency=trade.currency,
        cash=trade.cash,
        buyer=trade.buy_account_id,
        seller=trade.sell_account_id,
    )
