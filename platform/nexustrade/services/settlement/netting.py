"""Netting: all trades of an account in a symbol on one trading day become one obligation."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from shared.money import EXACT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

ZERO = Decimal(0)


class Netted(Protocol):
    """A trade as netting sees it."""

    symbol: str
    currency: str
    quantity: Decimal
    cash: Decimal
    buy_account_id: str
    sell_account_id: str
    trade_date: date
    settlement_date: date


@dataclass(frozen=True, slots=True, order=True)
class NetKey:
    """What is netted together."""

    account_id: str
    trade_date: date
    symbol: str
    currency: str
    settlement_date: date


@dataclass(frozen=True, slots=True)
class Net:
    """An obligation: shares bought and sold, cash paid and received, over so many sides of trades."""

    bought: Decimal = ZERO
    sold: Decimal = ZERO
    paid: Decimal = ZERO
    received: Decimal = ZERO
    trades: int = 0

    @property
    def shares(self) -> Decimal:
        """What the account receives; negative when it has to deliver."""
        return EXACT.subtract(self.bought, self.sold)

    @property
    def cash(self) -> Decimal:
        """What the account receives; negative when it has to pay."""
        return EXACT.subtract(self.received, self.paid)

    def __add__(self, other: Net) -> Net:
        return Net(
            bought=EXACT.add(self.bought, other.bought),
            sold=EXACT.add(self.sold, other.sold),
            paid=EXACT.add(self.paid, other.paid),
            received=EXACT.add(self.received, other.received),
            trades=self.trades + other.trades,
        )


def sides(trade: Netted) -> Iterator[tuple[NetKey, Net]]:
    """The buyer's and the seller's part of a trade."""
    for account_id, net in (
        (trade.buy_account_id, Net(bought=trade.quantity, paid=trade.cash, trades=1)),
        (trade.sell_account_id, Net(sold=trade.quantity, received=trade.cash, trades=1)),
    ):
        key = NetKey(account_id, trade.trade_date, trade.symbol, trade.currency, trade.settlement_date)
        yield key, net


def net(trades: Iterable[Netted]) -> dict[NetKey, Net]:
    """The obligations of all accounts from these trades, exact, in the order of their keys."""
    nets: dict[NetKey, Net] = {}
    for trade in trades:
        for key, side in sides(trade):
            nets[key] = nets.get(key, Net()) + side
    return dict(sorted(nets.items()))
