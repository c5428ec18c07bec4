"""Equity against what it has to cover."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.risk.margin import Holding, Margin, MarginRates, MarginStatus, exposures_of

pytestmark = pytest.mark.services("risk")

check = settings(deadline=None, derandomize=True, database=None)

RATES = MarginRates(initial=Decimal("0.50"), maintenance=Decimal("0.25"), liquidation=Decimal("0.15"))


def held(symbol: str, quantity: int | str, price: int | str = "100") -> Holding:
    return Holding(symbol=symbol, quantity=Decimal(quantity), price=Decimal(price))


def margin(equity: str, *holdings: Holding) -> Margin:
    return Margin(equity=Decimal(equity), exposures=exposures_of(holdings), rates=RATES)


def test_levels_are_parts_of_the_exposure() -> None:
    """Initial, maintenance and liquidation margin are the rates times what is held."""
    found = margin("0", held("A", 1000))
    assert found.exposure == Decimal(100_000)
    levels = (found.initial, found.maintenance, found.liquidation)
    assert levels == (Decimal(50_000), Decimal(25_000), Decimal(15_000))


def test_a_short_position_needs_as_much_as_a_long_one() -> None:
    """What is owed can rise as what is held can fall."""
    assert margin("0", held("A", -1000)).maintenance == margin("0", held("A", 1000)).maintenance


def test_shares_held_cover_shares_owed() -> None:
    """1,000 shares in one account and 1,000 owed in another leave nothing that the price can move."""
    hedged = margin("1", held("A", 1000), held("A", -1000))
    assert (hedged.exposure, hedged.liquidation) == (Decimal(0), Decimal(0))
    assert hedged.status == MarginStatus.OK


def test_a_partial_hedge_leaves_the_rest() -> None:
    """With 700 of 1,000 shares covered, the margin is that of 300."""
    hedged = margin("6000", held("A", 1000), held("A", -700))
    assert hedged.maintenance == margin("0", held("A", 300)).maintenance == Decimal(7_500)
    assert hedged.status == MarginStatus.CALL


def test_long_and_short_are_told_apart() -> None:
    """The figures of a symbol show what is held and what is owed, and what remains of both."""
    (found,) = exposures_of([held("A", 1000), held("A", -400), held("A", 50)])
    assert (found.long, found.short, found.net) == (Decimal(105_000), Decimal(40_000), Decimal(65_000))


def test_one_symbol_does_not_cover_another() -> None:
    """A share held of one company is no cover for one owed of another."""
    assert margin("0", held("A", 100), held("B", -100)).exposure == Decimal(20_000)


@pytest.mark.parametrize(
    ("equity", "status"),
    [
        ("25000.01", "ok"),
        ("25000", "call"),
        ("24999.99", "call"),
        ("15000.01", "call"),
        ("15000", "liquidation"),
        ("14999.99", "liquidation"),
        ("-1", "liquidation"),
    ],
)
def test_a_level_is_reached_at_exactly_its_amount(equity: str, status: str) -> None:
    """One cent above a level is above it; the level itself, and less, is not."""
    assert margin(equity, held("A", 1000)).status == status


def test_without_exposure_only_a_debt_is_a_call() -> None:
    """An account that holds nothing has nothing to cover, except what it owes in money."""
    assert margin("0").status == MarginStatus.OK
    assert margin("-0.01").status == MarginStatus.CALL


quantities = st.integers(-10_000, 10_000)
prices = st.integers(1, 10**6).map(lambda cents: Decimal(cents) / 100)


@check
@given(st.lists(quantities, min_size=1, max_size=8), prices)
def test_the_exposure_of_a_symbol_is_that_of_its_sum(parts: list[int], price: Decimal) -> None:
    """However many accounts a position is spread over, its exposure is that of the whole."""
    found = margin("0", *(held("A", part, str(price)) for part in parts))
    assert found.exposure == abs(sum(parts)) * price


@check
@given(st.integers(1, 10_000), prices, st.integers(0, 100))
def test_a_hedge_never_raises_what_is_needed(quantity: int, price: Decimal, percent: int) -> None:
    """Covering a part of a position, up to all of it, lowers the margin in proportion."""
    alone = margin("0", held("A", quantity, str(price)))
    cover = Decimal(quantity) * percent / 100
    hedged = margin("0", held("A", quantity, str(price)), held("A", str(-cover), str(price)))
    assert hedged.maintenance * 100 == alone.maintenance * (100 - percent)


@check
@example(1000, Decimal(100), 0)
@given(st.integers(1, 10_000), prices, st.integers(-5_000, 5_000))
def test_the_status_follows_the_equity(quantity: int, price: Decimal, cents: int) -> None:
    """At the maintenance margin plus any number of cents, the account is called unless there is one more."""
    holding = held("A", quantity, str(price))
    level = margin("0", holding).maintenance
    found = margin(str(level + Decimal(cents) / 100), holding)
    assert (found.status == MarginStatus.OK) == (cents > 0)
