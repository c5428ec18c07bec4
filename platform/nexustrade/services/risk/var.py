"""Value at risk and expected shortfall by historical simulation.

Source: Hull, Options, Futures, and Other Derivatives, chapter "Value at risk and expected shortfall",
historical simulation; the horizon of ten days and the expected shortfall are the Basel Committee's (d457,
MAR33).

All numbers are decimals with an exponent of up to six thousand digits: the largest price that `shared.money`
knows, over the smallest, to the power of the longest horizon stays far within. What would leave it raises.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, Context, Decimal, DivisionByZero, InvalidOperation, Overflow, localcontext
from itertools import pairwise

from shared.errors import ValidationFailed

ARITHMETIC = Context(prec=60, Emax=6144, Emin=-6143, traps=[InvalidOperation, DivisionByZero, Overflow])
CENT = Decimal("0.01")
ZERO = Decimal(0)

Closes = Mapping[date, Decimal]


class PriceHistoryMissing(ValidationFailed):
    """A symbol has too few closes to tell what a day may bring."""

    problem_type = "no-price-history"
    title = "No price history"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stake:
    """Signed shares of a symbol, and what one is worth now."""

    symbol: str
    quantity: Decimal
    price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """What is lost at most with `confidence`, and on average where it is more; in cents, never below zero."""

    value_at_risk: Decimal
    expected_shortfall: Decimal
    worst_loss: Decimal
    scenarios: int

    def within(self, limit: Decimal) -> bool:
        """Whether no more is at risk than `limit`."""
        with localcontext(ARITHMETIC):
            return self.value_at_risk <= limit


NO_RISK = Risk(value_at_risk=ZERO, expected_shortfall=ZERO, worst_loss=ZERO, scenarios=0)


def risk_of(
    stakes: Sequence[Stake],
    histories: Mapping[str, Closes],
    *,
    confidence: Decimal,
    horizon: int,
    least: int,
) -> Risk:
    """The risk of holding `stakes` for `horizon` trading days.

    Each day that all symbols have closes of is a scenario: what it changed happens again, on every day of the
    horizon. Of n losses, in order, the value at risk is the k-th worst with k = n × (1 - confidence), rounded
    up; the expected shortfall is the mean of the k worst. PriceHistoryMissing with fewer than `least`
    scenarios.
    """
    if not stakes:
        return NO_RISK
    days = common_days([histories.get(stake.symbol, {}) for stake in stakes])
    if len(days) <= least:
        symbol = min(stakes, key=lambda each: len(histories.get(each.symbol, {}))).symbol
        raise PriceHistoryMissing(f"{symbol} has no history of {least} days", symbol=symbol, field="symbol")
    with localcontext(ARITHMETIC):
        changes = [list(value_changes(each, histories[each.symbol], days, horizon)) for each in stakes]
        return tail_of([-sum(scenario) for scenario in zip(*changes, strict=True)], confidence)


def common_days(histories: Sequence[Closes]) -> list[date]:
    """The days of which every history has a close, in order."""
    return sorted(set.intersection(*(set(history) for history in histories)))


def value_changes(stake: Stake, closes: Closes, days: Sequence[date], horizon: int) -> Iterator[Decimal]:
    """What the stake would gain or lose if each day's change came `horizon` times in a row."""
    for before, day in pairwise(days):
        worth, ratio, gained = stake.quantity * stake.price, closes[day] / closes[before], ZERO
        for _ in range(horizon):
            step = worth * ratio - worth
            worth, gained = worth + step, gained + step
        yield gained


def tail_of(losses: Sequence[Decimal], confidence: Decimal) -> Risk:
    """Value at risk and expected shortfall of losses, of which there is at least one."""
    worst = sorted(losses, reverse=True)
    beyond = int(((1 - confidence) * len(worst)).to_integral_value(ROUND_CEILING))
    tail = worst[: max(beyond, 1)]
    return Risk(
        value_at_risk=_cents(tail[-1]),
        expected_shortfall=_cents(sum(tail) / len(tail)),
        worst_loss=_cents(tail[0]),
        scenarios=len(worst),
    )


def _cents(loss: Decimal) -> Decimal:
    """Rounded against the holder; a gain is no loss."""
    return (max(loss, ZERO) / CENT).to_integral_value(ROUND_CEILING) * CENT
