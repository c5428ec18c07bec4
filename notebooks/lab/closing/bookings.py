"""Incident 02, second half: trades of one week, and the days that settlement books them on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from time import monotonic, sleep
from typing import Any

from lab.case import Incident
from lab.closing.record import NEW_YORK
from lab.closing.traffic import PATIENCE, PRICE, ended, listed, market_time
from lab.errors import LabError
from lab.market import Trader, expect


@dataclass(frozen=True, kw_only=True)
class Deal:
    """A trade that is going to be made: when, how many shares, and the days that the rules give it."""

    at: datetime
    shares: int
    trading_day: date
    settles: date


def _deal(at: str, shares: int, trading_day: str, settles: str) -> Deal:
    return Deal(
        at=datetime.fromisoformat(f"2026-{at}").replace(tzinfo=NEW_YORK),
        shares=shares,
        trading_day=date.fromisoformat(f"2026-{trading_day}"),
        settles=date.fromisoformat(f"2026-{settles}"),
    )


#: The week of Independence Day 2026, observed on Friday 3 July. A trade belongs to the exchange's date, New
#: York's, and settles on the next business day.
WEEK = (
    _deal("06-30 11:00", 100, "06-30", "07-01"),
    _deal("06-30 21:30", 300, "06-30", "07-01"),
    _deal("07-01 15:00", 200, "07-01", "07-02"),
    _deal("07-01 20:30", 200, "07-01", "07-02"),
    _deal("07-02 12:00", 100, "07-02", "07-06"),
    _deal("07-02 22:15", 400, "07-02", "07-06"),
    _deal("07-06 10:00", 300, "07-06", "07-07"),
    _deal("07-06 23:00", 200, "07-06", "07-07"),
)
HOLIDAYS = (date(2026, 7, 3),)


@dataclass(frozen=True, kw_only=True)
class Booked:
    """A trade that was made, and the days that settlement has booked it on."""

    deal: Deal
    trade_id: str
    trading_day: date
    settles: date

    @property
    def settles_right(self) -> bool:
        return self.settles == self.deal.settles

    @property
    def right(self) -> bool:
        return self.settles_right and self.trading_day == self.deal.trading_day


@dataclass(frozen=True, kw_only=True)
class Books:
    """All trades of a week, in the order of time."""

    trades: tuple[Booked, ...]
    symbol: str
    account_id: str

    @property
    def wrong(self) -> list[Booked]:
        return [trade for trade in self.trades if not trade.right]

    def per_day(self) -> Counter[date]:
        """Shares by the trading day that was booked."""
        return _sums((trade.trading_day, trade.deal.shares) for trade in self.trades)

    def per_day_expected(self) -> Counter[date]:
        """Shares by the trading day that the exchange gives them."""
        return _sums((trade.deal.trading_day, trade.deal.shares) for trade in self.trades)

    def __str__(self) -> str:
        return f"{len(self.wrong)} of {len(self.trades)} trades are booked on a wrong day"


def week(incident: Incident, *, deals: Sequence[Deal] = WEEK) -> Books:
    """Makes the trades at their times, on a symbol that trades at any hour, and reads where they are booked.

    The market clock shows the machine's time again at the end. A trade that settlement has not taken in after
    ten seconds is left out.
    """
    market = incident.market
    with market_time(incident) as clock:
        symbol = listed(incident, "CONTINUOUS")
        shares = str(sum(deal.shares for deal in deals))
        seller, buyer = market.new_trader(shares={symbol: shares}), market.new_trader()
        for deal in deals:
            clock.set(deal.at)
            _trade(seller, buyer, symbol, deal)
        rows = _reported(buyer, len(deals))
    return Books(
        trades=tuple(_booked(deal, row) for deal in deals for row in rows if _is(row, deal)),
        symbol=symbol,
        account_id=buyer.account_id,
    )


def _trade(seller: Trader, buyer: Trader, symbol: str, deal: Deal) -> None:
    """Sells to the buyer and waits until the trade is made: only then may the clock be turned again."""
    for side, trader in (("sell", seller), ("buy", buyer)):
        answer = trader.submit(symbol, side, deal.shares, PRICE, time_in_force="gtc")
        if answer.status_code != 201:
            raise LabError(
                f"the {side} order of {deal.at:%d %b %H:%M} was answered "
                f"{answer.status_code}: {answer.text[:200]}"
            )
    ended(buyer, answer.json()["order_id"])


def _reported(buyer: Trader, trades: int) -> list[dict[str, Any]]:
    """The buyer's trades as settlement reports them, once there are so many or patience has run out."""
    deadline = monotonic() + PATIENCE
    while True:
        answer = expect(buyer.client.get(f"/v1/settlements?account_id={buyer.account_id}"), 200)
        rows: list[dict[str, Any]] = answer["items"]
        if len(rows) >= trades or monotonic() > deadline:
            return rows
        sleep(0.05)


def _is(row: dict[str, Any], deal: Deal) -> bool:
    return timedelta(0) <= datetime.fromisoformat(row["executed_at"]) - deal.at < timedelta(minutes=1)


def _booked(deal: Deal, row: dict[str, Any]) -> Booked:
    return Booked(
        deal=deal,
        trade_id=row["trade_id"],
        trading_day=date.fromisoformat(row["trade_date"]),
        settles=date.fromisoformat(row["settlement_date"]),
    )


def _sums(parts: Iterable[tuple[date, int]]) -> Counter[date]:
    total: Counter[date] = Counter()
    for day, shares in parts:
        total[day] += shares
    return total
