"""Margin: what an account has to have for what it holds.

Equity is what was deposited plus all profit and loss, settled daily to the last price. It has to cover a
part of the net exposure: `initial` to open positions, `maintenance` to keep them. Source: Hull, Options,
Futures, and Other Derivatives, chapter "Futures markets and central counterparties", the operation of
margin accounts; the rates are those of Regulation T and FINRA Rule 4210.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

ZERO = Decimal(0)


class MarginStatus(StrEnum):
    """Whether the equity covers the exposure, must be raised, or positions are to be closed."""

    OK = "ok"
    CALL = "call"
    LIQUIDATION = "liquidation"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginRates:
    """Parts of the net exposure, 0.25 for a quarter: liquidation < maintenance < initial."""

    initial: Decimal
    maintenance: Decimal
    liquidation: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """Signed shares of a symbol in one account, at the last price."""

    symbol: str
    quantity: Decimal
    price: Decimal

    @property
    def value(self) -> Decimal:
        """What the shares are worth; below zero when they are owed."""
        return self.quantity * self.price


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolExposure:
    """What is held and owed of one symbol over all accounts that are margined together, both positive."""

    symbol: str
    long: Decimal
    short: Decimal

    @property
    def net(self) -> Decimal:
        """What the price can move: a share held in one account covers a share owed in another."""
        return abs(self.long - self.short)


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """Equity against what it has to cover."""

    equity: Decimal
    exposures: tuple[SymbolExposure, ...]
    rates: MarginRates

    @property
    def exposure(self) -> Decimal:
        """The net exposures of all symbols; different symbols do not cover each other."""
        return sum((each.net for each in self.exposures), ZERO)

    @property
    def initial(self) -> Decimal:
        """The equity that these positions take to be opened."""
        return self.exposure * self.rates.initial

    @property
    def maintenance(self) -> Decimal:
        """The equity at which a call is made."""
        return self.exposure * self.rates.maintenance

    @property
    def liquidation(self) -> Decimal:
        """The equity at which positions are to be closed."""
        return self.exposure * self.rates.liquidation

    @property
    def status(self) -> MarginStatus:
        """A level counts as reached at exactly its amount: just the maintenance margin is a call.

        Without exposure there is nothing to cover, and only a debt is a call.
        """
        if not self.exposure:
            return MarginStatus.CALL if self.equity < 0 else MarginStatus.OK
        if fallen_to(self.liquidation, self.equity):
            return MarginStatus.LIQUIDATION
        return MarginStatus.CALL if fallen_to(self.maintenance, self.equity) else MarginStatus.OK


def fallen_to(level: Decimal, equity: Decimal) -> bool:
    """Whether the equity has come down to a level, the level itself included."""
    return level >= equity


def exposures_of(holdings: Iterable[Holding]) -> tuple[SymbolExposure, ...]:
    """What is held and owed of each symbol, by symbol."""
    long: dict[str, Decimal] = {}
    short: dict[str, Decimal] = {}
    for each in holdings:
        long[each.symbol] = long.get(each.symbol, ZERO) + max(each.value, ZERO)
        short[each.symbol] = short.get(each.symbol, ZERO) + max(-each.value, ZERO)
    return tuple(
        SymbolExposure(symbol=symbol, long=long[symbol], short=short[symbol]) for symbol in sorted(long)
    )
