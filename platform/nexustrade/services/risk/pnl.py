"""Profit and loss of an account, and the figures that were worked out already.

A figure holds for as long as nothing that went into it changes. Each symbol of an account has a mark: how
often its position was traded, and which trade made its last price. A trade or a price move changes a mark,
and with it the figure is worked out anew: in every process, whichever of them saw the trade.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from threading import Lock

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Mark:
    """The state of a symbol in an account.

    `trades` counts those booked on the position, `epoch` and `sequence` are the last price's. A symbol that
    has no last price has epoch and sequence zero.
    """

    trades: int
    epoch: int
    sequence: int


Marks = Mapping[str, Mark]


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolProfit:
    """What one symbol has earned, and would earn if the position were closed at the last price."""

    symbol: str
    quantity: Decimal
    last_price: Decimal | None
    realized: Decimal
    unrealized: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Profit:
    """An account's profit and loss by symbol, worked out at `as_of`."""

    symbols: tuple[SymbolProfit, ...]
    as_of: datetime

    @property
    def realized(self) -> Decimal:
        """What closed positions have earned."""
        return sum((each.realized for each in self.symbols), ZERO)

    @property
    def unrealized(self) -> Decimal:
        """What closing everything at the last prices would earn."""
        return sum((each.unrealized for each in self.symbols), ZERO)

    @property
    def total(self) -> Decimal:
        """Both together."""
        return self.realized + self.unrealized


class ProfitCache:
    """The latest figure of each of up to `size` accounts, the least recently asked for dropped first.

    May be used by many threads. Two that ask for the same figure at once may both work it out.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = Lock()
        self._kept: OrderedDict[str, tuple[Marks, Profit]] = OrderedDict()
        self.hits = 0
        self.misses = 0

    def figure(self, account_id: str, marks: Marks, work_out: Callable[[], Profit]) -> Profit:
        """The figure for these marks; `work_out` reads what is true now, which may be newer than they are."""
        kept = self._look(account_id, marks)
        if kept is not None:
            return kept
        profit = work_out()
        with self._lock:
            self._kept[account_id] = (marks, profit)
            self._kept.move_to_end(account_id)
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
        return profit

    def _look(self, account_id: str, marks: Marks) -> Profit | None:
        with self._lock:
            known, profit = self._kept.get(account_id, ({}, None))
            if profit is None or known != marks:
                self.misses += 1
                return None
            self._kept.move_to_end(account_id)
            self.hits += 1
            return profit
