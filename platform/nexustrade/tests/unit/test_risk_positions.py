"""Positions, realised and unrealised profit."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.risk.positions import Holding

pytestmark = pytest.mark.services("risk")


def trades(*steps: tuple[str, int, str]) -> Holding:
    holding = Holding()
    for side, quantity, price in steps:
        holding = holding.traded(
            side=side,
            quantity=Decimal(quantity),
            price=Decimal(price),
            exposure=quantity * Decimal(price),
        )
    return holding


def test_buying_twice_averages_the_price() -> None:
    """The average price is weighted by quantity, and buying realises nothing."""
    holding = trades(("buy", 100, "10.00"), ("buy", 50, "11.50"))
    assert (holding.quantity, holding.average_price) == (Decimal(150), Decimal("10.5"))
    assert holding.realized_pnl == 0
    assert holding.exposure == Decimal(1575)


def test_selling_a_part_realises_its_profit_and_keeps_the_average() -> None:
    """A partial close earns (price - average) × quantity; the rest keeps its average price."""
    holding = trades(("buy", 100, "10.00"), ("sell", 40, "12.00"))
    assert holding.realized_pnl == Decimal(80)
    assert (holding.quantity, holding.average_price) == (Decimal(60), Decimal(10))
    assert holding.exposure == Decimal(600)


def test_a_short_position_earns_when_the_price_falls() -> None:
    """Selling first and buying back cheaper is profit; until then it is unrealised."""
    short = trades(("sell", 100, "10.00"))
    assert short.quantity == Decimal(-100)
    assert short.unrealized_pnl(Decimal("9.00")) == Decimal(100)
    flat = short.traded(side="buy", quantity=Decimal(100), price=Decimal("9.00"), exposure=Decimal(900))
    assert (flat.quantity, flat.realized_pnl, flat.exposure) == (Decimal(0), Decimal(100), Decimal(0))
    assert flat.average_price is None


def test_a_trade_through_zero_closes_first_and_opens_the_rest() -> None:
    """Selling more than is held realises the whole position and opens a short at the trade's price."""
    holding = trades(("buy", 100, "10.00"), ("sell", 150, "11.00"))
    assert holding.realized_pnl == Decimal(100)
    assert (holding.quantity, holding.average_price) == (Decimal(-50), Decimal(11))
    assert holding.exposure == Decimal(550)


def test_without_a_price_nothing_is_unrealised() -> None:
    """A position in a symbol with no last price shows no profit instead of failing."""
    assert trades(("buy", 100, "10.00")).unrealized_pnl(None) == 0


steps = st.tuples(st.sampled_from(["buy", "sell"]), st.integers(1, 500), st.integers(1, 5000))


@given(st.lists(steps, min_size=1, max_size=25), st.integers(1, 5000))
def test_profit_equals_cash_plus_what_is_held(history: list[tuple[str, int, int]], last: int) -> None:
    """Realised plus unrealised profit is, to the last digit, the cash flow plus the position's value."""
    in_dollars = [(side, quantity, str(Decimal(cents) / 100)) for side, quantity, cents in history]
    holding = trades(*in_dollars)
    last_price = Decimal(last) / 100
    cash = sum(
        (quantity * Decimal(price) * (1 if side == "sell" else -1) for side, quantity, price in in_dollars),
        Decimal(0),
    )
    assert holding.realized_pnl + holding.unrealized_pnl(last_price) == cash + holding.quantity * last_price


@given(st.lists(steps, min_size=1, max_size=25))
def test_a_trade_never_adds_more_exposure_than_it_brings(history: list[tuple[str, int, int]]) -> None:
    """Exposure in use grows by at most the trade's own, stays at or above zero, and is zero when flat."""
    holding = Holding()
    for side, quantity, cents in history:
        price = Decimal(cents) / 100
        after = holding.traded(side=side, quantity=Decimal(quantity), price=price, exposure=quantity * price)
        assert 0 <= after.exposure <= holding.exposure + quantity * price
        assert after.quantity or not after.exposure
        holding = after
