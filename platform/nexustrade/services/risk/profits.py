"""Use case of live profit and loss: one cheap query tells whether the figure at hand still holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connections

from services.risk.models import Position
from services.risk.pnl import Mark, Profit, ProfitCache, SymbolProfit
from services.risk.queries import positions_list
from shared import clock
from shared.django.router import home_of
from shared.observability.metrics import counter

if TYPE_CHECKING:
    from services.risk.pnl import Marks
    from services.risk.queries import Valuation

LOOKS = counter("risk_profit_figures_total", "Profit figures asked for", ("outcome",))


def profit_get(*, account_id: str, cache: ProfitCache) -> Profit:
    """The account's profit and loss as of its latest trade and the latest prices."""
    worked_out = False

    def work_out() -> Profit:
        nonlocal worked_out
        worked_out = True
        symbols = tuple(_profit(each) for each in positions_list(account_id=account_id))
        return Profit(symbols=symbols, as_of=clock.now())

    # The marks are read before the positions: a trade in between makes the figure newer than its marks say,
    # and the next one to ask works it out again.
    profit = cache.figure(account_id, marks_of(account_id=account_id), work_out)
    LOOKS.labels("computed" if worked_out else "kept").inc()
    return profit


def marks_of(*, account_id: str) -> Marks:
    """What the account's figure depends on, in one statement."""
    with connections[home_of(Position)].cursor() as cursor:
        cursor.execute(
            "SELECT p.symbol, p.version, coalesce(l.epoch, 0), coalesce(l.sequence, 0)"
            " FROM risk_position p LEFT JOIN risk_lastprice l USING (symbol) WHERE p.account_id = %s",
            (account_id,),
        )
        return {
            symbol: Mark(trades, epoch, sequence) for symbol, trades, epoch, sequence in cursor.fetchall()
        }


def _profit(valuation: Valuation) -> SymbolProfit:
    return SymbolProfit(
        symbol=valuation.symbol,
        quantity=valuation.holding.quantity,
        last_price=valuation.last_price,
        realized=valuation.holding.realized_pnl,
        unrealized=valuation.unrealized_pnl,
    )
