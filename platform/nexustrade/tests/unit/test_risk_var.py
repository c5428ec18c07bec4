"""Value at risk and expected shortfall by historical simulation."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.risk.var import NO_RISK, PriceHistoryMissing, Risk, Stake, common_days, risk_of, tail_of

pytestmark = pytest.mark.services("risk")

check = settings(deadline=None, derandomize=True, database=None)

DAY = date(2026, 1, 5)
LOW, HIGH = "0.000000000000000001", "100000000000000000"


def history(*prices: str, start: int = 0) -> dict[date, Decimal]:
    return {DAY + timedelta(days=start + number): Decimal(price) for number, price in enumerate(prices)}


def stake(quantity: int, symbol: str = "A", price: str = "100") -> Stake:
    return Stake(symbol=symbol, quantity=Decimal(quantity), price=Decimal(price))


def risk(
    *stakes: Stake, horizon: int = 1, confidence: str = "0.99", **histories: dict[date, Decimal]
) -> Risk:
    return risk_of(stakes, histories, confidence=Decimal(confidence), horizon=horizon, least=1)


def test_a_day_of_the_past_is_applied_to_what_is_held_now() -> None:
    """A fall of a tenth, once in the past, puts a tenth of the position at risk."""
    found = risk(stake(50), A=history("10", "9", "9.9"))
    assert (found.value_at_risk, found.scenarios) == (Decimal("500.00"), 2)


def test_a_short_position_loses_when_the_price_rises() -> None:
    """The same history is read the other way round by who owes the shares."""
    found = risk(stake(-50), A=history("10", "9", "9.9"))
    assert found.value_at_risk == Decimal("500.00")
    assert risk(stake(-50), A=history("10", "9", "8.1")).value_at_risk == 0


def test_the_horizon_repeats_the_day() -> None:
    """Two days of minus ten percent leave 81 of 100."""
    assert risk(stake(1), A=history("10", "9"), horizon=2).value_at_risk == Decimal("19.00")


def test_shares_held_and_owed_of_symbols_that_move_alike_cancel() -> None:
    """Losses are added day by day over the symbols, before the worst are looked for."""
    moves = history("10", "9", "12", "6")
    assert risk(stake(10), stake(-10, "B"), A=moves, B=moves).worst_loss == 0


@pytest.mark.parametrize(
    ("confidence", "expected", "shortfall"), [("0.99", 100, 100), ("0.95", 96, 98), ("0.90", 91, "95.5")]
)
def test_the_tail_is_the_worst_part_of_the_losses(confidence: str, expected: int, shortfall: object) -> None:
    """Of 100 losses, the 1, 5 or 10 worst are the tail: its mildest loss, and its mean."""
    found = tail_of([Decimal(loss) for loss in range(1, 101)], Decimal(confidence))
    assert (found.value_at_risk, found.expected_shortfall) == (expected, Decimal(str(shortfall)))


def test_no_position_has_no_risk() -> None:
    """Nothing held is nothing lost, with any history."""
    assert risk(A=history("10", "9")) == NO_RISK


def test_only_days_that_all_symbols_share_are_looked_at() -> None:
    """A symbol that was listed later shortens the history of the whole."""
    assert common_days([history("1", "2", "3"), history("1", "2", start=1)]) == [
        DAY + timedelta(days=1),
        DAY + timedelta(days=2),
    ]


def test_too_short_a_history_is_refused() -> None:
    """Without enough days there is no figure, and the refusal names the symbol."""
    with pytest.raises(PriceHistoryMissing) as refused:
        risk(stake(1), stake(1, "B"), A=history("1", "2", "3"), B=history("1"))
    assert (refused.value.status, refused.value.fields["symbol"]) == (422, "B")


def test_a_limit_may_be_used_to_the_cent() -> None:
    """What is at risk may be as much as the limit, and no more."""
    found = risk(stake(50), A=history("10", "9"))
    assert found.within(Decimal(500))
    assert not found.within(Decimal("499.99"))


def test_an_extreme_rise_is_a_finite_loss_of_who_owes_the_shares() -> None:
    """A close that was off by thirty-five powers of ten gives a vast figure that no limit holds."""
    found = risk(stake(-50), A=history("100", LOW, HIGH, "100"), horizon=10)
    assert found.value_at_risk.is_finite()
    assert found.value_at_risk.adjusted() > 300
    assert not found.within(Decimal(10) ** 20)


def test_an_extreme_rise_on_both_sides_does_not_cancel_by_chance() -> None:
    """Held of one symbol and owed twice of another, with the same extreme day: the larger side counts."""
    moves = history("100", LOW, HIGH)
    found = risk(stake(10), stake(-20, "B"), A=moves, B=moves, horizon=10)
    assert found.value_at_risk.is_finite()
    assert not found.within(Decimal(10) ** 20)


extreme = st.integers(-18, 17).map(lambda power: Decimal(10) ** power)


@check
@given(st.lists(extreme, min_size=3, max_size=12), st.integers(-(10**6), 10**6).filter(bool))
def test_every_price_that_can_be_imported_gives_a_finite_figure(closes: list[Decimal], shares: int) -> None:
    """Whatever the history holds, all three figures are numbers, in order, and none is below zero."""
    found = risk(stake(shares), A=dict(zip(history(*["1"] * len(closes)), closes, strict=True)), horizon=10)
    figures = (found.value_at_risk, found.expected_shortfall, found.worst_loss)
    assert all(figure.is_finite() for figure in figures)
    assert 0 <= found.value_at_risk <= found.expected_shortfall <= found.worst_loss


@check
@given(st.lists(st.integers(1, 10**6), min_size=3, max_size=30), st.integers(1, 1000))
def test_twice_the_position_is_twice_the_risk(cents: list[int], shares: int) -> None:
    """The figures are in proportion to the position, up to the cent that they are rounded to."""
    moves = history(*(str(Decimal(each) / 100) for each in cents))
    one, two = risk(stake(shares), A=moves), risk(stake(2 * shares), A=moves)
    assert abs(two.value_at_risk - 2 * one.value_at_risk) <= Decimal("0.02")
    assert abs(two.expected_shortfall - 2 * one.expected_shortfall) <= Decimal("0.02")
