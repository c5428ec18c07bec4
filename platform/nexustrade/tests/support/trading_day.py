"""A seeded day of trades, and books in memory to settle it in."""

from __future__ import annotations

import random
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from services.settlement.calendar import ExchangeCalendar
from services.settlement.ledger import PostingRefused, may_go_negative
from services.settlement.saga import Mark, SagaRecord, TradeLegs
from shared.clock import EXCHANGE_ZONE
from shared.events.envelope import EventEnvelope, envelope_for
from shared.events.types import TradeExecuted
from shared.money import EXACT, Price, Quantity
from shared.sessions import calendar_named

XNYS = calendar_named("XNYS")
CALENDAR = ExchangeCalendar(XNYS)


@dataclass(frozen=True, slots=True)
class DayTrade:
    """A trade as settlement keeps it."""

    trade_id: str
    symbol: str
    currency: str
    quantity: Decimal
    cash: Decimal
    buy_account_id: str
    sell_account_id: str
    trade_date: date
    settlement_date: date

    @property
    def legs(self) -> TradeLegs:
        return TradeLegs(
            trade_id=self.trade_id,
            symbol=self.symbol,
            quantity=self.quantity,
            currency=self.currency,
            cash=self.cash,
            buyer=self.buy_account_id,
            seller=self.sell_account_id,
        )


def day_of_trades(
    seed: int, trades: int, *, accounts: int = 40, symbols: int = 12, day: date = date(2026, 11, 24)
) -> Iterator[DayTrade]:
    """`trades` trades inside the session of `day`, prices to four decimals and quantities to three."""
    rng = random.Random(seed)
    names = [f"account-{number:03d}" for number in range(accounts)]
    session = XNYS.session(day)
    seconds = (session.closes - session.opens).total_seconds()
    for number in range(trades):
        buyer, seller = rng.sample(names, 2)
        executed_at = session.opens + timedelta(seconds=rng.random() * seconds)
        price, quantity = Decimal(rng.randint(1, 5_000_000)), Decimal(rng.randint(1, 500_000))
        yield DayTrade(
            trade_id=f"T-{number:05d}",
            symbol=f"SYM{rng.randrange(symbols):02d}",
            currency="USD",
            quantity=quantity.scaleb(-3),
            cash=EXACT.multiply(price.scaleb(-4), quantity.scaleb(-3)),
            buy_account_id=buyer,
            sell_account_id=seller,
            trade_date=CALENDAR.trading_day(executed_at),
            settlement_date=CALENDAR.settlement_date(executed_at),
        )


@dataclass
class MemoryBook:
    """A book in memory that keeps balances of all accounts, house accounts too, per asset."""

    balances: defaultdict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    posted: set[str] = field(default_factory=set)

    def post(self, posting: Any) -> bool:
        if posting.posting_id in self.posted:
            return False
        for entry in posting.entries:
            held = self.balances[entry.account, posting.asset]
            if entry.amount < 0 and not may_go_negative(entry.account) and held < -entry.amount:
                raise PostingRefused(f"{entry.account} has not enough {posting.asset}")
        for entry in posting.entries:
            key = entry.account, posting.asset
            self.balances[key] = EXACT.add(self.balances[key], entry.amount)
        self.posted.add(posting.posting_id)
        return True


class MemoryLog:
    """A saga log in memory."""

    def __init__(self) -> None:
        self._records: defaultdict[str, list[SagaRecord]] = defaultdict(list)

    def read(self, saga_id: str) -> list[SagaRecord]:
        return list(self._records[saga_id])

    def append(self, saga_id: str, record: SagaRecord) -> None:
        self._records[saga_id].append(record)

    def marks(self) -> set[Mark]:
        return {record.mark for records in self._records.values() for record in records}


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """An instant of the exchange's wall clock, in UTC."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=EXCHANGE_ZONE).astimezone(UTC)


def executed(
    symbol: str, buyer: str, seller: str, moment: datetime, *, quantity: str = "1", price: str = "10.00"
) -> EventEnvelope:
    """A trade as matching announces it, executed at `moment`."""
    trade_id = f"{symbol}-{uuid.uuid4().hex[:12]}"
    trade = TradeExecuted(
        trade_id=trade_id,
        symbol=symbol,
        price=Price(price),
        quantity=Quantity(quantity),
        buy_order_id=f"b-{trade_id}",
        sell_order_id=f"s-{trade_id}",
        buy_account_id=buyer,
        sell_account_id=seller,
        aggressor_side="buy",
        executed_at=moment,
    )
    return envelope_for(trade, producer="matching", aggregate_id=symbol, epoch=1)


def total(amounts: Iterable[Decimal]) -> Decimal:
    """The exact sum."""
    result = Decimal(0)
    for amount in amounts:
        result = EXACT.add(result, amount)
    return result
